"""The whole bundle of a case, built over a real trail and verified in a process that has nothing but Python."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.store.test_case import RAW, SELLER, World, complaint, disclosure, verdict
from tests.store.test_case_desk import Office

from whosaw.answer import (
    Cases,
    Company,
    Effects,
    Exposure,
    RawMails,
    Record,
    Scope,
    SightingBook,
    Standing,
    Steps,
    build_facts,
)
from whosaw.answer.alternatives import Alternative, AlternativeKind
from whosaw.answer.bundletexts import Background, as_json
from whosaw.answer.errors import EvidenceMissing
from whosaw.answer.evidence import Sources, build_evidence, verifier_source
from whosaw.answer.exculpatory import ITEMS, Answer, Finding
from whosaw.answer.ladder import RULES
from whosaw.answer.notices import Wording
from whosaw.answer.numbered import UNNUMBERED
from whosaw.answer.phase import STATES as PHASES
from whosaw.answer.plainwords import ALTERNATIVES, CASE_STATES, FINDINGS, QUESTIONS, RUNGS, STANDINGS, STATES, STEPS
from whosaw.answer.redaction import Redaction
from whosaw.answer.step import State
from whosaw.prove import Policy, open_checkpoint, verify_bundle
from whosaw.prove.merkle import consistency_proof
from whosaw.record import Appender, Integrator, TrailDamaged, erasurequeries, load_or_create
from whosaw.record.erasure import Mandate, carry_out, place_order
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.store import Database
from whosaw.store.numbers import assign, find_all
from whosaw.terms import SimulatedClock

AT = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
COLUMNS = ("payload", "salt", "kind", "at_us", "actor", "subject", "purpose", "beneficiary")
GONE = ", ".join(f"{column} = null" for column in COLUMNS)


class Built:
    """A case with a finding, a step, a history and a stamped checkpoint, ready to be packed."""

    sources: Sources
    case: str
    facts: Any
    background: Background
    subjects: dict[str, int]


@pytest.fixture
async def built(database: Database, tmp_path: Path) -> Built:
    made, clock, world = Built(), SimulatedClock(AT), World()
    keys = load_or_create(tmp_path / "keys", clock)
    mails, book, cases = RawMails(tmp_path / "mails"), SightingBook(database), Cases(database, clock)
    actors = await assign(database, "actor", ["E-0417", "E-0003"])
    made.subjects = await assign(database, "subject", [f"customer:C-{n}" for n in range(1, 5)])
    integrator = Integrator(database, keys, tmp_path / "trail", clock)
    async with Appender(database, keys, clock) as appender:
        await appender.append_many(
            [
                disclosure(actors["E-0417"], n, n) | {"policy": "abc", "verified": "no", "decision": "allow"}
                for n in made.subjects.values()
            ]
        )
        closed = {"kind": "denial", "decision": "deny", "policy": "old", "fields": ["customer.phone=deny"]}
        await appender.append(disclosure(actors["E-0417"], 2, 9) | closed)
        await integrator.step()
        older = Shelf(tmp_path / "trail").checkpoint()
        assert older is not None
        office = Office(database, clock)
        office.record = appender.append  # type: ignore[method-assign]
        steps = Steps(database, clock, record=appender.append, effects=Effects(world, world, world.notify))
        await book.add(complaint(1, sha256=mails.keep(RAW)), subject=1, beneficiary=SELLER)
        made.case = (await office.desk.open(SELLER, by="lead", reason="a customer wrote")).id
        await cases.add_verdict(made.case, verdict(), complaints=1)
        await office.desk.move(made.case, "investigating", by="lead", reason="a finding")
        await office.desk.decide_awareness(made.case, since=AT, why="it is certain enough", by="lead")
        await office.clocks.start(made.case, "awareness", at=AT, zone="Europe/Berlin", by="lead")
        step = await steps.plan(made.case, "withhold_funds", SELLER, by="lead", reason="x")
        for person in ("legal", "hr"):
            await steps.approve(step.id, person)
        await steps.carry_out(step.id, by="lead")
        made.background = Background(
            moves=await office.desk.moves(made.case),
            knowledge=await office.desk.who_knew(made.case),
            clocks=await office.clocks.list(made.case),
            cleared={actors["E-0417"]: [Answer("device", "unknown", "no data", "lead", AT)]},
            alternatives=[Alternative(1, "dump", "dump of 2019", 0.5)],
            exhibits={"exhibits/001-appeal.txt": b"We did nothing wrong."},
            shown={"exhibits/001-appeal.txt": "the appeal as it was filed, fourteen minutes after the draft"},
            policies={"abc.cedar": b"permit(principal, action, resource);"},
            custody=[{"action": "collected", "by": 1, "at": AT.isoformat()}],
            built_by=1,
            built_at=AT,
        )
    await integrator.step()
    shelf = Shelf(tmp_path / "trail")
    newer = shelf.checkpoint()
    assert newer is not None
    old, _ = open_checkpoint(older, [keys.trail.verifier])
    head, _ = open_checkpoint(newer, [keys.trail.verifier])
    proof = consistency_proof(old.size, head.size, TileNodes(shelf, head.size))
    stamps = {
        f"stamps/{old.size}/checkpoint": older,
        f"stamps/{old.size}/consistency.json": as_json({"proof": [each.hex() for each in proof]}),
    }
    made.background = replace(made.background, stamps=stamps)
    seen = Exposure(frozenset({"customer.email"}), AT - timedelta(days=3), AT - timedelta(days=2))
    made.facts = build_facts(
        Standing(made.case, AT, frozenset({"withhold_funds"})),
        Company("Shop", "privacy@shop.example", "+1", "Main Street", "shop.example"),
        scope=Scope((1,), (2,), (3,), 3),
        sightings=await book.list(case=made.case),
        record=Record({1: seen, 2: seen}, True, {"customer.email": "e-mail address"}),
    )
    first, second = made.facts.persons
    sent = {
        Wording("certain", business=False, required=False): first,
        Wording("probable", business=True, required=None): second,
    }
    made.background = replace(made.background, letters=sent)
    made.sources = Sources(database, tmp_path / "trail", keys.trail, cases, steps, book, mails)
    return made


def verified(path: Path, key: str) -> str:
    alone = path.parent / "alone.py"
    alone.write_bytes(verifier_source())
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(alone), str(path), "--key", key], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_of(path: Path) -> dict[str, bytes]:
    return {each.relative_to(path).as_posix(): each.read_bytes() for each in path.rglob("*") if each.is_file()}


async def test_the_bundle_holds_everything_and_verifies_with_python_alone(built: Built, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    report = await build_evidence(built.sources, built.case, path, facts=built.facts, background=built.background)
    key = str(built.sources.trail_key.verifier)
    said = verified(path, key)
    assert f"{report.entries} entries proved" in said and "1 stamped checkpoints" in said
    assert verify_bundle(path, Policy.parse(f"log {key}\nquorum none\n".encode())).trusted
    held = files_of(path)
    for name in (
        *("README.txt", "verify.py", "case.json", "verdicts.json", "steps.json", "facts.json", "method.json"),
        *("exculpatory.json", "history.json", "policies/abc.cedar", "case.jsonld", "report.pdf", "certificate.txt"),
        *("custody.json", "letters/certain-voluntary.txt", "letters/probable-business.html"),
    ):
        assert f"files/{name}" in held, name
    assert len([name for name in held if name.startswith("files/letters/")]) == 4
    assert b"No law obliges us" in held["files/letters/certain-voluntary.txt"]
    gate = json.loads(held["files/gate.json"])
    (counted,) = gate["counted"]
    assert (counted["open"], counted["open_without_verified_reason"], counted["closed"]) == (2, 2, 1)
    assert gate["policies"] == [{"version": "abc", "in_bundle": True}, {"version": "old", "in_bundle": False}]
    assert held["files/report.pdf"].startswith(b"%PDF") and b"pdfaid:part>3" in held["files/report.pdf"]
    exculpatory = json.loads(held["files/exculpatory.json"])
    (questions,) = exculpatory["questions"].values()
    assert questions["device"]["finding"] == "unknown" and questions["presence"] is None
    assert exculpatory["alternatives"][0]["source"] == "dump of 2019"
    assert held["files/exhibits/001-appeal.txt"] == b"We did nothing wrong."
    history = json.loads(held["files/history.json"])
    assert history["exhibits"][0]["file"] == "exhibits/001-appeal.txt"
    assert [each["kind"] for each in history["knowledge"]] == ["learned", "aware"]
    assert "eu.gdpr.art33" in {each["rule"] for each in history["terms"]}
    assert b"902(13)" in held["files/certificate.txt"]
    rest = b"".join(body for name, body in held.items() if "/mails/" not in name)
    for word in (b"E-0417", b"E-0003", b"C-1", b"home.example", b'"lead"', b'"legal"', b"a customer wrote"):
        assert word not in rest, word


async def test_the_ontology_names_every_file_by_its_hash(built: Built, tmp_path: Path) -> None:
    from hashlib import sha256

    path = tmp_path / "bundle"
    await build_evidence(built.sources, built.case, path, facts=built.facts, background=built.background, report=False)
    held = files_of(path)
    graph = json.loads(held["files/case.jsonld"])["@graph"]
    ids = [node["@id"] for node in graph]
    assert len(set(ids)) == len(ids)
    hashes = {
        facet["uco-observable:hash"][0]["uco-types:hashValue"]["@value"]
        for node in graph
        for facet in node.get("uco-core:hasFacet", ())
        if "uco-observable:hash" in facet
    }
    listed = {name for name in held if name.startswith("files/")} - {
        f"files/{name}" for name in ("case.jsonld", "certificate.txt", "custody.json")
    }
    assert hashes == {sha256(held[name]).hexdigest() for name in listed}
    kinds = {node["@type"] for node in graph}
    assert {"case-investigation:Investigation", "case-investigation:ProvenanceRecord", "uco-tool:Tool"} <= kinds


async def test_a_redacted_copy_still_proves_every_entry_and_hides_the_person(built: Built, tmp_path: Path) -> None:
    whole = await build_evidence(built.sources, built.case, tmp_path / "whole", facts=built.facts, report=False)
    hidden = Redaction(subjects=frozenset({1}), ground="at the request of the person")
    path = tmp_path / "redacted.zip"
    copy = await build_evidence(built.sources, built.case, path, facts=built.facts, redact=hidden, report=False)
    said = verified(path, str(built.sources.trail_key.verifier))
    assert copy.entries == whole.entries - 1 and "1 redacted leaves" in said
    folder = tmp_path / "redacted"
    await build_evidence(built.sources, built.case, folder, facts=built.facts, redact=hidden, report=False)
    held = files_of(folder)
    assert not [name for name in held if "/mails/" in name]
    assert b'\\"subject\\":1' not in held["entries.jsonl"]
    (line,) = held["files/redacted.jsonl"].splitlines()
    assert set(json.loads(line)) == {"index", "leaf", "proof"}
    assert b"at the request of the person" in held["files/README.txt"]


def text_of(pdf: bytes, folder: Path) -> str:
    (folder / "report.pdf").write_bytes(pdf)
    done = subprocess.run(
        ["pdftotext", "-layout", str(folder / "report.pdf"), "-"], capture_output=True, text=True, check=True
    )
    return " ".join(done.stdout.split())


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="reads the report back (needs: poppler-utils)")
async def test_the_report_is_in_words_that_a_court_understands(built: Built, tmp_path: Path) -> None:
    rates = {
        "nobody": {"cases": 513, "findings": 0, "leads": 3},
        "inside": {"cases": 480, "innocents_named": 0},
        "measured": "2026-11-28",
        "line": "measured on 993 invented cases",
    }
    full = verdict() | {"measured": rates, "missing": ["1 contact lies after the record ends"]}
    day = [f"2026-03-{number:02}T08:00:00+00:00" for number in range(1, 29)]
    hits = [
        {"contacted_at": at, "opened_at": None if n % 9 == 8 else at, "irregular": n % 3 == 0}
        for n, at in enumerate(day)
    ]
    full["candidates"][0] |= {"seen": 26, "of": 31, "expected": 1.24, "hits": hits}
    holder = {"actor": "E-0417", "how": "export", "rows": 30, "odds": 12.0}
    question = {"what": "asked in one go", "actor": "E-0417", "from": "2026-03-01T00:00:00+00:00"}
    full["duties"] = [question | {"probability": 0.0123, "seen": 26, "of": 31, "expected": 1.2, "line": "of E-0417"}]
    full |= {"inputs": {"asked": "nobody", "capped": True}, "found": {"rows": 40, "used": 31, "holders": [holder]}}
    await built.sources.cases.add_verdict(built.case, full, complaints=31)
    path = tmp_path / "bundle"
    await build_evidence(built.sources, built.case, path, facts=built.facts, background=built.background)
    said = text_of((path / "files" / "report.pdf").read_bytes(), tmp_path)
    (number,) = built.background.cleared
    for sentence in (
        f"Under the account of the holder of staff number {number} the data of 26 of the 31 people who complained",
        "; that it is explained by a question in one go, 0.012. By the rules of the method",
        f"Explained by what #{number} asked for in one go, from 2026-03-01T00:00:00+00:00 on, should a source",
        "The probability that it is explained by a question in one go: 0.012.",
        "customers alike in what matters, 1.2 would be expected",
        "with nobody inside it made a finding in 0 of 513; with somebody inside it named an innocent in 0 of 480",
        "An account is not a person",
        "the gate was open at 2, 2 of them without a verified reason, and closed at 1, where nothing was shown",
        "access rules of version abc",
        "Not in this bundle: the access rules of version old",
        "The seller's balance held back",
        "Was the device used by this person alone? asked; it cannot be found out",
        "Does anybody else know or use the account? not asked",
        "a list that was public before",
        "Computed by a server; no person asked for it.",
        "Capped: it says lead at most",
        f"31 of 40 rows of the found list say something: an export of #{number} holds 30",
        "What the records cannot say in this case: • 1 contact lies after the record ends",
        "notify the supervisory authority",
        "001-appeal.txt: the appeal as it was filed, fourteen minutes after the draft",
    ):
        assert sentence in said, sentence
    assert "Each square is one complaint, in the order of first contact" in said
    inner = {*RULES, *ITEMS, *ALTERNATIVES, *RUNGS, *STATES, *STANDINGS} - {"device", "presence", "alternatives"}
    for word in inner:
        assert "_" not in word or word not in said, word
    assert "E-0417" not in said


async def test_no_verdict_of_a_bundle_names_anybody_by_a_key(built: Built, tmp_path: Path) -> None:
    hit = {"subject": "customer:C-1", "contacted_at": "2026-03-01T08:00:00+00:00", "opened_at": None, "irregular": True}
    full = verdict() | {
        "base_rates": [{"inside": 0.1, "first": ["E-0417"], "probability": 0.9}],
        "history": [{"complaints": 1, "first": "E-0999", "probability": 0.2, "outside": 0.8}],
        "not_excluded": ["E-0417", "E-0777"],
        "unreachable": ["E-0888"],
        "completeness": {"first": "2026-01-01T00:00:00+00:00", "last": None},
        "missing": ["the log of E-0888 ends early"],
    }
    full["candidates"][0] |= {"instead": [["E-0666"], ["E-0555", "E-0003"]], "hits": [hit]}
    full["scope"]["by_class"] = {"contact": {"certain": ["customer:C-1"], "probable": []}}
    await built.sources.cases.add_verdict(built.case, full, complaints=2)
    for name, redact in (("whole", Redaction()), ("redacted", Redaction(subjects=frozenset({1}), ground="x"))):
        path = tmp_path / name
        await build_evidence(
            built.sources, built.case, path, facts=built.facts, background=built.background, redact=redact
        )
        held = files_of(path)
        for file, body in held.items():
            if "/mails/" not in file:
                assert not re.findall(rb"E-0\d\d\d|customer:C-\d", body), file
        said = json.loads(held["files/verdicts.json"])[-1]
        assert [type(each) for each in said["not_excluded"]] == [int, int]
        assert said["scope"]["by_class"] == {"contact": {"certain": 1, "probable": 0}}
        assert said["candidates"][0]["hits"] == [{key: each for key, each in hit.items() if key != "subject"}]
        assert said["completeness"]["first"] == "2026-01-01T00:00:00+00:00"


async def test_whoever_was_erased_since_gets_no_number_from_a_bundle(
    built: Built, database: Database, tmp_path: Path
) -> None:
    gone = ["E-0003", "E-0417", "lead", "legal"]
    said = verdict() | {"not_excluded": ["E-0003", "hr"], "missing": ["the log of E-0003 ends early"]}
    hit = {"subject": "customer:C-1", "contacted_at": "2026-03-01T08:00:00+00:00", "opened_at": None, "irregular": True}
    said["candidates"][0]["hits"] = [hit]
    await built.sources.cases.add_verdict(built.case, said, complaints=2)
    async with database.connection() as connection:
        await connection.execute("delete from number_map where space = 'actor' and key = any(%s)", [gone])
    path = tmp_path / "bundle"
    await build_evidence(built.sources, built.case, path, facts=built.facts, background=built.background)
    assert await find_all(database, "actor", gone) == {}, "nobody is numbered anew"
    verified(path, str(built.sources.trail_key.verifier))
    held = files_of(path)
    last = json.loads(held["files/verdicts.json"])[-1]
    assert last["not_excluded"][0] == UNNUMBERED and isinstance(last["not_excluded"][1], int)
    assert last["missing"] == [f"the log of {UNNUMBERED} ends early"]
    case, (step,) = json.loads(held["files/case.json"]), json.loads(held["files/steps.json"])
    assert case["named_actors"] == [UNNUMBERED] and case["opened_by"] == UNNUMBERED == step["planned_by"]
    assert step["approved_by"][1] == UNNUMBERED and isinstance(step["approved_by"][0], int)
    assert UNNUMBERED.encode() in held["files/README.txt"] and b"E-0" not in b"".join(held.values())
    if shutil.which("pdftotext"):
        report = text_of(held["files/report.pdf"], tmp_path)
        assert f"that {UNNUMBERED} is the source" in report and "E-0" not in report
        assert "number an actor" not in report


async def lost(database: Database, statement: str, index: int) -> None:
    """Let a superuser do to the stored trail what its triggers forbid."""
    async with database.transaction() as connection:
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(statement.encode(), [index])


async def step_entry(built: Built) -> int:
    (step,) = await built.sources.steps.list(built.case)
    assert step.entry is not None
    return step.entry


async def test_an_entry_of_the_work_that_retention_ended_is_left_out(
    built: Built, database: Database, tmp_path: Path
) -> None:
    entry, key = await step_entry(built), built.sources.trail_key
    clock = SimulatedClock(AT)
    keys = load_or_create(tmp_path / "keys", clock)
    async with Appender(database, keys, clock) as appender:
        async with erasurequeries.placing(database) as connection:
            order = await place_order(connection, clock, None, [entry], Mandate(1, "policy 1"))
        await carry_out(database, appender, order)
    with pytest.raises(EvidenceMissing):  # the announcement must be under the signed tree too
        await build_evidence(built.sources, built.case, tmp_path / "early", facts=None, report=False, wait_s=0)
    await Integrator(database, keys, tmp_path / "trail", clock).step()
    path = tmp_path / "bundle"
    unstamped = replace(built.background, stamps={})  # theirs lead to the size before
    made = await build_evidence(built.sources, built.case, path, facts=None, background=unstamped, report=False)
    assert entry not in made.indices
    verified(path, str(key.verifier))


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("delete from trail_entry where index = %s", "is not in the database"),
        (f"update trail_entry set {GONE} where index = %s", "no erasure says so"),
    ],
)
async def test_an_entry_of_the_work_that_is_gone_otherwise_stops_the_bundle(
    built: Built, database: Database, tmp_path: Path, statement: str, line: str
) -> None:
    await lost(database, statement, await step_entry(built))
    with pytest.raises(TrailDamaged, match=line):
        await build_evidence(built.sources, built.case, tmp_path / "bundle", facts=None, report=False)
    assert not (tmp_path / "bundle").exists()


def test_every_word_of_a_case_has_plain_words() -> None:
    assert set(STEPS) == set(RULES) and set(QUESTIONS) == set(ITEMS)
    assert set(ALTERNATIVES) == set(get_args(AlternativeKind)) and set(STATES) == set(get_args(State))
    assert set(get_args(Finding)) < set(FINDINGS) and set(CASE_STATES) == set(PHASES)


async def test_the_same_case_gives_the_same_report(built: Built, tmp_path: Path) -> None:
    reports = []
    for name in ("a", "b"):
        path = tmp_path / name
        await build_evidence(built.sources, built.case, path, facts=built.facts, background=built.background)
        reports.append((path / "files" / "report.pdf").read_bytes())
    assert reports[0] == reports[1]
