"""A case from the first complaint to the bundle by commands alone, over a real state folder and database."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from icalendar import Calendar
from tests.unit.answer.test_intake import RECORD, forwarded, letter, signed
from tests.unit.doors.test_pictures import chunk

from whosaw.__main__ import main
from whosaw.app.settings import Settings

HEAD = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0" * 13)
PICTURE = chunk(b"IDAT", b"picture") + chunk(b"IEND", b"")
LOOKUP = """
[lookups."customer.email"]
form = "email"
"""


@dataclass
class Desk:
    """Commands over one company, in this process, as two people of two functions and as nobody."""

    environment: pytest.MonkeyPatch
    folder: Path
    ann: dict[str, str] = field(default_factory=dict)
    bob: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        self.environment.delenv("WHOSAW_TOKEN", raising=False)
        for name, value in environment.items():
            self.environment.setenv(name, value)
        out, errors = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(errors):
            status = main(list(arguments))
        return status, out.getvalue(), errors.getvalue()

    def ok(self, *arguments: str, **environment: str) -> str:
        status, out, errors = self.run(*arguments, **environment)
        assert status == 0, out + errors
        return out

    def refused(self, code: str, *arguments: str, **environment: str) -> str:
        status, out, errors = self.run(*arguments, **environment)
        assert status == 1 and f"[{code}]" in errors, out + errors
        return errors


@pytest.fixture
def desk(company_state: Path, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    catalog = company_state / "whosaw.toml"
    catalog.write_text(catalog.read_text() + LOOKUP)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into company.staff values ('ann', 'privacy'), ('bob', 'security')")
    for name, value in {
        "WHOSAW_STATE": str(company_state),
        "WHOSAW_DATABASE": database_url,
        "WHOSAW_CONTACT_PHONE": "+49 30 1",
        "WHOSAW_CONTACT_ADDRESS": "Main Street 1",
    }.items():
        monkeypatch.setenv(name, value)
    made = Desk(monkeypatch, tmp_path)
    for person, token in (("ann", made.ann), ("bob", made.bob)):
        token["WHOSAW_TOKEN"] = made.ok("user", "add", person).strip().split()[-1]
    return made


def test_a_case_by_commands(desk: Desk) -> None:
    seller = "seller:S-9"
    table = desk.folder / "calls.csv"
    table.write_text(
        "subject,contacted_at,channel\n"
        "customer:C-1,2026-03-02T08:00+01:00,phone\n"
        "customer:C-2,2026-03-03T08:00+01:00,mail\n"
        "customer:C-99999,2026-03-03T08:00+01:00,mail\n"
    )
    said = desk.ok("sighting", "add", str(table), "--beneficiary", seller)
    assert said.count("new sighting") == 2 and "no_such_customer" in said
    assert desk.ok("sighting", "add", str(table), "--beneficiary", seller).count("known sighting") == 2
    desk.refused("app.token_missing", "case", "open", seller, "--reason", "x")
    assert "CASE-1" in desk.ok("case", "open", seller, "--reason", "two customers called", **desk.ann)
    for person, function in (("ann", "privacy"), ("bob", "security")):
        desk.ok("case", "people", "CASE-1", "--name", person, "--function", function, **desk.ann)
    desk.ok("case", "state", "CASE-1", "investigating", "--reason", "calls agree", **desk.bob)
    desk.refused("answer.step_refused", "case", "state", "CASE-1", "notified", "--reason", "x", **desk.bob)
    desk.ok(
        *("case", "who-knew", "CASE-1", "--aware-since", "2026-03-04T08:15+01:00", "--why", "calls agree"), **desk.ann
    )
    clocks = json.loads(desk.ok("case", "clocks", "CASE-1", "--json"))
    assert "eu.gdpr.art33" in {each["rule"] for each in clocks}
    calendar = desk.folder / "terms.ics"
    desk.ok("case", "calendar", "CASE-1", "--out", str(calendar))
    assert len(Calendar.from_ical(calendar.read_bytes()).walk("VTODO")) == len(clocks)
    shown = json.loads(desk.ok("case", "show", "CASE-1", "--json"))
    assert (shown["state"], shown["sightings"]) == ("investigating", 2)
    assert shown["aware_since"].startswith("2026-03-04")


def test_people_stay_numbers_until_two_functions_unmask_them(desk: Desk, database_url: str) -> None:
    desk.ok("case", "open", "seller:S-9", "--reason", "a hint", **desk.ann)
    for person, function in (("ann", "privacy"), ("bob", "security")):
        desk.ok("case", "people", "CASE-1", "--name", person, "--function", function, **desk.ann)
    verdict = {
        "verdict": "finding",
        "outside_probability": 0.01,
        "candidates": [{"actors": ["E-1"], "probability": 0.98, "rung": "finding"}],
        "scope": {"certain": ["customer:C-1"], "probable": [], "possible": [], "bound": 1},
        "complaints": {"used": 3},
    }
    file = desk.folder / "verdict.json"
    file.write_text(json.dumps(verdict))
    desk.ok("case", "verdict", "CASE-1", str(file), **desk.ann)
    with psycopg.connect(database_url) as connection:
        kept = connection.execute(
            "select payload::json ->> 'object', payload::json -> 'seq', payload::json ->> 'text_sha256' "
            "from trail_entry where payload::json ->> 'action' = 'case.verdict'"
        ).fetchall()
        assert connection.execute("select seq from case_verdict").fetchall() == [(1,)]
    assert kept == [("case:CASE-1", 1, sha256(json.dumps(verdict, sort_keys=True).encode()).hexdigest())]
    eve = {"WHOSAW_TOKEN": desk.ok("user", "add", "E-1").strip().split()[-1]}
    for asked in (("show", "CASE-1"), ("show", "CASE-99"), ("steps", "CASE-1"), ("clocks", "CASE-1")):
        assert "that you may see" in desk.refused("answer.unknown_case", "case", *asked, **eve)
    assert "CASE-1" not in desk.ok("case", "list", **eve) and "CASE-1" in desk.ok("case", "list", **desk.bob)
    (candidate,) = json.loads(desk.ok("case", "show", "CASE-1", "--json", **desk.bob))["verdict"]["candidates"]
    (name,) = candidate["actors"]
    assert name.startswith("actor #")
    number = name.removeprefix("actor #")
    desk.ok("case", "unmask", "CASE-1", "--actor", number, "--reason", "his access must be cut today", **desk.ann)
    desk.refused("answer.step_refused", "case", "unmask", "CASE-1", "--approve", "1", **desk.ann)
    assert re.search(r"\bE-1\b", desk.ok("case", "unmask", "CASE-1", "--approve", "1", **desk.bob))
    (overseen,) = json.loads(desk.ok("case", "unmaskings", "--json"))
    catalog = Settings().state / "whosaw.toml"
    text = catalog.read_text().replace("as key, roles,", "as key, roles, roles as function,")
    catalog.write_text(text.replace("[actors]", '[actors]\nattributes = ["function"]'))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update company.staff set roles = 'privacy' where id = 'E-1'")
    desk.refused("app.oversight_refused", "case", "unmaskings", **desk.bob)
    assert json.loads(desk.ok("case", "unmaskings", "--json", **desk.ann))[0]["id"] == overseen["id"]
    assert json.loads(desk.ok("case", "unmaskings", "--json", **eve)) == [], "a suspect learns of no case"
    assert (overseen["opened"], overseen["state"], overseen["case"]) == (f"actor #{number}", "open", "CASE-1")
    assert (overseen["asked_as"], overseen["approvals"][0]["function"]) == ("privacy", "security")
    with psycopg.connect(database_url) as connection:
        looked = "select count(*) from trail_entry where payload::json ->> 'object' = 'unmaskings'"
        assert connection.execute(looked).fetchone() == (4,), "also where it was refused"
    (candidate,) = json.loads(desk.ok("case", "show", "CASE-1", "--json", **desk.ann))["verdict"]["candidates"]
    assert candidate["actors"] == ["E-1"]
    desk.ok("case", "plan", "CASE-1", "suspend_actor", f"#{number}", "--reason", "a finding", **desk.ann)
    for person in (desk.ann, desk.bob):
        desk.ok("case", "approve", "CASE-1/1", **person)
    said = desk.refused("answer.step_refused", "case", "do", "CASE-1/1", **desk.bob)
    assert "was not asked" in said
    for item in ("device", "presence", "shared_account", "session_elsewhere", "alternatives"):
        desk.ok("case", "clear", "CASE-1", f"#{number}", item, "unknown", "--text", "no data", **desk.ann)
    assert "carry out `preserve` first" in desk.refused("answer.step_refused", "case", "do", "CASE-1/1", **desk.bob)
    desk.ok("case", "plan", "CASE-1", "preserve", "--reason", "before he hears of it", **desk.ann)
    desk.ok("case", "approve", "CASE-1/2", **desk.ann)
    assert '"held": 1' in desk.ok("case", "do", "CASE-1/2", **desk.bob)
    assert "done" in desk.ok("case", "do", "CASE-1/1", **desk.bob)
    assert "done" in desk.ok("case", "do", "CASE-1/1", **desk.bob)
    desk.ok("case", "plan", "CASE-1", "revoke_sessions", f"#{number}", "--reason", "end what runs", **desk.ann)
    desk.ok("case", "approve", "CASE-1/3", **desk.ann)
    assert "ended_before" in desk.ok("case", "do", "CASE-1/3", **desk.bob)
    desk.refused("answer.step_refused", "case", "undo", "CASE-1/3", "--reason", "x", **desk.ann)
    desk.ok("case", "plan", "CASE-1", "hr_file", f"#{number}", "--reason", "for the personnel department", **desk.ann)
    for person in (desk.ann, desk.bob):
        desk.ok("case", "approve", "CASE-1/4", **person)
    desk.ok("case", "do", "CASE-1/4", **desk.bob)
    paper = Path(os.environ["WHOSAW_STATE"]) / "hr" / "CASE-1-4.json"
    said = json.loads(paper.read_text())
    assert (said["person"], said["verdict"]["says"]) == ("E-1", "finding")
    assert said["what_may_clear"]["device"] == {"finding": "unknown", "text": "no data"}
    assert [each["what"] for each in said["measures"]] == ["suspend_actor", "revoke_sessions", "hr_file"]
    assert paper.stat().st_mode & 0o777 == 0o600 and "C-1" not in paper.read_text()
    desk.ok("case", "undo", "CASE-1/4", "--reason", "withdrawn", **desk.ann)
    assert not paper.exists()
    desk.refused("app.appeal_of_nothing", "case", "appeal", **desk.ann)
    desk.ok("case", "appeal", "CASE-1/1", "--text", "it was not me")
    shown = desk.ok("case", "show", "CASE-1", **desk.ann)
    assert "appeal 1 against CASE-1/1" in shown and ": open" in shown and "it says: it was not me" in shown
    desk.refused("answer.step_refused", "case", "appeal", "--decide", "1", "--why", "I see it so", **desk.ann)
    asked = ("access", "answer", "E-1", "--employee", "--reference", "B-1", "--identity", "badge seen")
    desk.ok(*asked, "--out", str(desk.folder / "own"), "--grounds", "you were to be heard", **desk.ann)
    own = json.loads((desk.folder / "own" / "answer.json").read_text())
    assert own["suspended_since"] and [each["case"] for each in own["cases"]] == ["CASE-1"]
    assert own["cases"][0]["says"] == "finding" and own["cases"][0]["asked"]["device"] == "unknown"
    assert "suspend_actor, done" in own["cases"][0]["measures"]
    told = (desk.folder / "own" / "answer.txt").read_text()
    assert "Why: you were to be heard" in told and "his access must be cut" not in told + str(own)
    desk.ok(*asked, "--out", str(desk.folder / "covert"), "--held", "CASE-1", **desk.ann)
    covert = (desk.folder / "covert" / "answer.txt").read_text() + (desk.folder / "covert" / "answer.json").read_text()
    assert "CASE" not in covert and "finding" not in covert
    assert (desk.folder / "covert" / "answer.pdf").exists()
    bundle = desk.folder / "case.zip"
    built = desk.ok("evidence", "build", "CASE-1", "--out", str(bundle), **desk.ann)
    assert "verified" in built and "not part of it: facts and letters" in built
    key = built.strip().splitlines()[-1].split()[-1]
    alone = desk.folder / "verify.py"
    from whosaw.answer.evidence import verifier_source

    alone.write_bytes(verifier_source())
    checked = subprocess.run(
        [sys.executable, "-I", "-S", str(alone), str(bundle), "--key", key], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    with zipfile.ZipFile(bundle) as kept:  # compressed pictures and fonts may spell any three letters by chance
        texts = {name: kept.read(name) for name in kept.namelist() if not name.endswith(".pdf")}
    assert [name for name, text in texts.items() if re.search(rb"\bE-1\b", text)] == []


def an_hour_later(desk: Desk) -> None:
    """Let every waiting report be of the hour before."""
    for file in (Settings().state / "approaches").glob("*.json"):
        waiting = json.loads(file.read_text())
        hour = datetime.fromisoformat(waiting["hour"]) - timedelta(hours=1)
        file.write_text(json.dumps(waiting | {"hour": hour.isoformat()}))


def test_a_report_in_a_terminal_waits_for_the_full_hour_and_tells_no_minute(desk: Desk, database_url: str) -> None:
    def entries() -> int:
        with psycopg.connect(database_url) as connection:
            (found,) = connection.execute("select count(*) from trail_entry").fetchone() or (0,)
        return int(found)

    before = entries()
    picture = desk.folder / "offer.png"
    picture.write_bytes(HEAD + chunk(b"tEXt", b"Author\0Ann") + PICTURE)
    said = desk.ok("case", "report", "--offer", "80 dollars for an address", "--screenshot", str(picture))
    code = said.strip().split()[-1]
    assert entries() == before, "its place in the trail would tell the minute"
    desk.refused("answer.approach_unknown", "case", "report", "--code", code)
    assert json.loads(desk.ok("case", "approaches", "--json", **desk.ann)) == []
    (file,) = (Settings().state / "approaches").glob("*.json")
    waiting = json.loads(file.read_text())
    assert datetime.fromisoformat(waiting["hour"]).minute == 0 == file.stat().st_mtime % 3600
    assert b64decode(waiting["picture"]) == HEAD + PICTURE, "nothing but the picture"
    for wrong in (("--offer", " "), ("--offer", "x" * 4_001), ("--offer", "x", "--screenshot", str(file))):
        desk.refused("answer.approach_unfit", "case", "report", *wrong)
    an_hour_later(desk)
    (report,) = json.loads(desk.ok("case", "approaches", "--json", **desk.ann))
    assert report["offer"] == "80 dollars for an address" and not file.exists()


def test_a_report_of_an_approach_and_an_answer_to_a_person(desk: Desk) -> None:
    said = desk.ok("case", "report", "--offer", "80 dollars for an address", "--channel", "telegram")
    code = said.strip().split()[-1]
    an_hour_later(desk)
    desk.ok("case", "approaches", "--take", "1", "--answer", "thank you", **desk.ann)
    assert "the desk: thank you" in desk.ok("case", "report", "--code", code)
    desk.refused("answer.approach_unknown", "case", "report", "--code", "0000-0000-0000-0000-0000")
    with_number = ("case", "open", "seller:S-9", "--reason", "x")
    desk.ok(*with_number, **desk.ann)
    table = desk.folder / "one.csv"
    table.write_text("subject,contacted_at\ncustomer:C-1,2026-03-02T08:00+01:00\n")
    desk.ok("sighting", "add", str(table), "--beneficiary", "seller:S-9")
    out = desk.folder / "answer"
    desk.ok(
        *("access", "answer", "C-1", "--reference", "A-1", "--identity", "passport seen", "--out", str(out)), **desk.ann
    )
    assert json.loads((out / "answer.json").read_text())["look_ups"] == []
    assert "looked at 0 times" in (out / "answer.txt").read_text()
    pdf = (out / "answer.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-1.7") and b"answer.json" in pdf


def test_what_is_found_held_copied_and_ended_by_commands(desk: Desk, database_url: str) -> None:
    desk.ok("case", "open", "seller:S-9", "--reason", "x", **desk.ann)
    for person, function in (("ann", "privacy"), ("bob", "security")):
        desk.ok("case", "people", "CASE-1", "--name", person, "--function", function, **desk.ann)
    found = desk.folder / "appeal.txt"
    found.write_text("We ask you to look again.")
    desk.ok("case", "exhibit", "CASE-1", str(found), "--what", "the appeal as it was filed", **desk.ann)
    assert "appeal.txt" in desk.ok("case", "exhibit", "CASE-1")
    desk.refused("answer.step_refused", "case", "exhibit", "CASE-1", str(found), "--what", "short", **desk.ann)

    text = desk.folder / "report.txt"
    text.write_text(" ".join(f"In part {n} the [[records|files]] say what was [[seen|shown]] then." for n in range(9)))
    desk.refused("answer.copy_unmarked", "case", "copies", "CASE-1", str(found), **desk.ann)
    out = desk.folder / "copies"
    assert "2 copies" in desk.ok("case", "copies", "CASE-1", str(text), "--out", str(out), **desk.ann)
    ann, bob = ((out / f"{person}.txt").read_text() for person in ("ann", "bob"))
    assert ann != bob and "[[" not in ann + bob
    best = desk.ok("case", "copies", "CASE-1", str(text), "--leak", str(out / "bob.txt"), **desk.ann)
    rows = [line for line in best.splitlines() if "ann" in line or "bob" in line]
    name, agree, of, _ = rows[0].split()
    assert name == "bob" and agree == of and int(of) >= 15

    hold = ("access", "hold", "CASE-1", "--from-staff", "--why", "the suspect must not hear of it")
    soon = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    desk.refused("answer.step_refused", *hold, "--review", "soon", **desk.ann)
    assert "hold 1 of CASE-1" in desk.ok(*hold, "--review", soon, **desk.ann)
    asked = ("access", "answer", "ann", "--employee", "--identity", "badge seen", "--out", str(desk.folder / "a"))
    desk.ok(*asked, "--reference", "B-1", **desk.bob)
    assert "nobody is owed" in desk.ok("access", "release", "1", "--why", "she was heard", **desk.ann)
    assert json.loads(desk.ok("access", "owed", "--json"))["holds"][0]["released_by"] == "ann"

    desk.ok("case", "clocks", "CASE-1", "--start", "discovery", **desk.ann)
    police = ("case", "clocks", "CASE-1", "--hold", "us.ca.1798_82", "--authority", "SJPD 26-771")
    assert "held" in desk.ok(*police, "--note", "a search is planned", **desk.ann)
    assert "running" in desk.ok(
        "case", "clocks", "CASE-1", "--lift", "us.ca.1798_82", "--note", "it is over", **desk.ann
    )

    desk.ok("case", "state", "CASE-1", "closed", "--reason", "nothing was found", **desk.ann)
    assert "no closed case" in desk.ok("case", "retention")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update case_file set closed_at = closed_at - interval '1096 days'")
    assert "CASE-1" in desk.ok("case", "retention")
    assert "CASE-1: " in desk.ok("case", "retention", "--apply", **desk.ann)
    assert "no closed case" in desk.ok("case", "retention")
    assert desk.ok("case", "exhibit", "CASE-1") == "this case has no exhibits\n"


@pytest.fixture
def name_server() -> Iterator[str]:
    """A real name server on loopback that serves the zone of the intake tests, for the real domain and a look-alike."""
    import dns.flags
    import dns.message
    import dns.rcode
    import dns.rrset

    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    known = {f"s1._domainkey.{domain}.example.": RECORD for domain in ("lotus", "l0tus")}

    def serve() -> None:
        while True:
            try:
                raw, peer = server.recvfrom(4096)
            except OSError:
                return
            asked = dns.message.from_wire(raw)
            answer = dns.message.make_response(asked)
            answer.flags |= dns.flags.RA
            name = asked.question[0].name.to_text()
            if name in known:
                chunks = " ".join(f'"{known[name][at : at + 200]}"' for at in range(0, len(known[name]), 200))
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", chunks))
            else:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            server.sendto(answer.to_wire(), peer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}"
    server.close()


def test_a_mailbox_is_polled_and_what_was_not_taken_is_flagged(desk: Desk, name_server: str, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update company.customers set email = 'ann@home.example' where id = 'C-3'")
    box = desk.folder / "box"
    for name in ("new", "cur", "tmp"):
        (box / name).mkdir(parents=True)
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    (box / "new" / "1.a").write_bytes(forwarded(signed(letter(date=now))))
    (box / "new" / "2.b").write_bytes(forwarded(signed(letter(date=now, sender="x@other.example"), b"other.example")))
    (box / "new" / "3.c").write_bytes(b"no mail at all")
    senders = desk.folder / "senders.csv"
    senders.write_text("domain,beneficiary\nlotus.example,seller:S-9\n")
    asked = ("sighting", "poll", str(box), "--senders", str(senders), "--dns", name_server)
    said = dict(line.split(": ", 1) for line in desk.ok(*asked).splitlines())
    assert said["1.a"].startswith("new sighting 1, verified")
    assert (said["2.b"], said["3.c"]) == ("not taken: unknown_sender", "not taken: malformed")
    assert sorted(each.name for each in (box / "cur").iterdir()) == ["1.a:2,S", "2.b:2,F", "3.c:2,F"]
    assert not list((box / "new").iterdir()) and desk.ok(*asked) == ""
    # a run that was cut before the move reads the mail again: the same sighting
    (box / "new" / "1.a").write_bytes((box / "cur" / "1.a:2,S").read_bytes())
    assert "known sighting 1" in desk.ok(*asked)
    (each,) = json.loads(desk.ok("sighting", "list", "--json"))
    assert each["beneficiary"] == "seller:S-9"
    desk.refused("app.box_unreadable", "sighting", "poll", str(desk.folder / "none"), "--beneficiary", "seller:S-9")
    desk.refused("app.intake_impossible", "sighting", "poll", str(box))


def test_forwarded_mails_are_verified_at_arrival_and_a_look_alike_supports_nothing(
    desk: Desk, name_server: str, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update company.customers set email = 'ann@home.example' where id = 'C-3'")
        connection.execute("update company.customers set email = 'bob@home.example' where id = 'C-4'")
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    real = forwarded(signed(letter(date=now)))
    false = forwarded(signed(letter(date=now, sender="Lotus <service@l0tus.example>"), b"l0tus.example"))
    mails = {
        "real.eml": real,
        "again.eml": real.replace(b"see below", b"see here!"),
        "false.eml": false.replace(b"Ann <ann@Home.example>", b"bob@home.example"),
        "stranger.eml": real.replace(b"ann@Home.example", b"eve@home.example"),
        "broken.eml": b"no mail at all",
    }
    for name, raw in mails.items():
        (desk.folder / name).write_bytes(raw)
    said = desk.ok(
        *("sighting", "add", *[str(desk.folder / name) for name in mails]),
        *("--beneficiary", "seller:S-9", "--real-domains", "lotus.example", "--dns", name_server),
    )
    lines = dict(line.split(": ", 1) for line in said.splitlines())
    assert lines["real.eml"].startswith("new sighting 1, verified")
    assert lines["again.eml"].startswith("known sighting 1, verified")
    assert (
        "new sighting" in lines["false.eml"] and "verified" in lines["false.eml"] and "lookalike" in lines["false.eml"]
    )
    assert lines["stranger.eml"] == "not taken: no_such_customer"
    assert lines["broken.eml"].startswith("not taken: malformed")
    desk.ok("case", "open", "seller:S-9", "--reason", "forwarded mails", **desk.ann)
    found = json.loads(desk.ok("case", "sightings", "CASE-1", "--json"))
    assert [each["verified"] for each in found] == [True, True]
    assert found[0]["dkim"]["record"] == RECORD
    # one word is too little to call two texts alike
    assert json.loads(desk.ok("case", "clusters", "CASE-1", "--json")) == []
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table company.orders (customer text, seller text)")
        connection.execute("insert into company.orders values ('C-3', 'S-9')")
    where = "company:company.orders:customer:seller"
    (other,) = json.loads(desk.ok("case", "alternatives", "CASE-1", "--orders", where, "--json"))
    assert (other["kind"], other["sighting"]) == ("own_order", found[0]["id"])
    one, two = json.loads(desk.ok("case", "sightings", "CASE-1", "--json"))
    assert (one["plausibility"], two["plausibility"]) == ("sound", "doubtful")
    assert any("made to be taken for another's" in each for each in two["reasons"])
    assert one["explained_by"].startswith("the customer's own earlier order") and two["explained_by"] == ""
    assert one["not_checked"] == two["not_checked"] == "a list that was public before"
    assert "doubtful" in desk.ok("case", "sightings", "CASE-1")
