"""``whosaw grant|code|alert`` and ``user suspend|restore``, as people call them, each under his own token."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.catalogs import settle
from tests.store.standing.conftest import CATALOG, STAFF

from whosaw.__main__ import main
from whosaw.app.commands.opened import with_services
from whosaw.app.services import Services
from whosaw.gate import add_token
from whosaw.record import entries_from

Said = tuple[int, str, str]
Speak = Callable[..., Said]


@pytest.fixture
def speak(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Speak:
    """Call a command as somebody, or as the operator; returns exit code, output and errors."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(STAFF)
    state = settle(tmp_path / "state", CATALOG, database_url)
    monkeypatch.setenv("WHOSAW_STATE", str(state))
    monkeypatch.setenv("WHOSAW_DATABASE", database_url)
    tokens: dict[str, str] = {}

    async def make(services: Services) -> None:
        for actor in ("E-1", "E-2", "P-1", "P-2", "S-1"):
            tokens[actor] = await add_token(services.db, actor, services.clock.now())

    with_services(make)

    def call(who: str | None, *arguments: str) -> Said:
        monkeypatch.delenv("WHOSAW_TOKEN", raising=False)
        if who is not None:
            monkeypatch.setenv("WHOSAW_TOKEN", tokens.get(who, who))
        code = main(list(arguments))
        out, errors = capsys.readouterr()
        return code, out, errors

    return call


def payloads(kind: str) -> list[dict[str, Any]]:
    async def read(services: Services) -> list[dict[str, Any]]:
        return [dict(each.payload) async for each in entries_from(services.db) if each.payload["kind"] == kind]

    return with_services(read)


def ok(said: Said) -> str:
    code, out, errors = said
    assert (code, errors) == (0, "")
    return out


def error(said: Said) -> str:
    code, _, errors = said
    assert code == 1
    assert "hint: " in errors
    found = re.search(r"\[([a-z_.]+)\]", errors)
    assert found, errors
    return found[1]


def test_a_grant_from_the_request_to_its_end(speak: Speak) -> None:
    assert "extended_contact" in ok(speak(None, "grant", "kinds"))
    kinds = json.loads(ok(speak(None, "grant", "kinds", "--json")))
    assert {each["kind"]: each["approvals"] for each in kinds} == {
        "extended_contact": 1,
        "unmask": 2,
        "second_person": 1,
    }
    request = ("grant", "request", "extended_contact", "--reason", "calls back", "--purpose", "ticket:T-1")
    assert error(speak(None, *request)) == "app.token_missing"
    assert error(speak("ws_made_up", *request)) == "gate.token_refused"
    assert "grant 1 is requested" in ok(speak("E-1", *request))
    assert error(speak(None, "grant", "approve", "1")) == "app.token_missing"
    assert error(speak("E-1", "grant", "approve", "1")) == "gate.approval_refused"
    assert "grant 1 is in force until" in ok(speak("P-1", "grant", "approve", "1"))
    (told,) = json.loads(ok(speak(None, "grant", "list", "--json")))
    assert (told["holder"], told["state"], told["given"][0]["approver"]) == ("E-1", "in_force", "P-1")
    assert "calls back" in ok(speak("P-1", "grant", "list"))
    assert error(speak("E-2", "grant", "revoke", "1", "--reason", "x")) == "gate.approval_refused"
    assert "grant 1 is revoked" in ok(speak(None, "grant", "revoke", "1", "--reason", "over"))
    assert "no grant" in ok(speak(None, "grant", "list"))
    assert "revoked" in ok(speak(None, "grant", "list", "--all"))
    ok(speak("E-1", *request))
    assert "grant 2 is refused" in ok(speak("P-1", "grant", "refuse", "2", "--reason", "no need"))
    assert {"look.grants"} == {entry["action"] for entry in payloads("case_work")}


def test_the_code_glass_alerts_and_their_reviews(speak: Speak, tmp_path: Path) -> None:
    text = tmp_path / "code.txt"
    text.write_text("Look only at what your work needs.", encoding="utf-8")
    assert error(speak(None, "code", "publish", "1", str(tmp_path / "none"))) == "app.code_unreadable"
    assert "version 1 is in force" in ok(speak(None, "code", "publish", "1", str(text)))
    assert error(speak(None, "code", "ack")) == "app.token_missing"
    assert error(speak("E-1", "grant", "break", "--reason", "fire")) == "gate.glass_refused"
    assert "E-1 acknowledged version 1" in ok(speak("E-1", "code", "ack"))
    teams = {each["team"]: each for each in json.loads(ok(speak(None, "code", "missing", "--json")))}
    assert "E-1" not in teams["support"]["missing"]
    assert "E-2" in teams["support"]["missing"]
    assert "support" in ok(speak(None, "code", "missing"))
    assert "Look only at what your work needs." in ok(speak(None, "code", "show"))
    assert json.loads(ok(speak(None, "code", "show", "--json")))["shown"] == "1"
    assert error(speak(None, "code", "show", "7")) == "gate.conduct_invalid"

    assert "glass 1 is broken" in ok(speak("E-1", "grant", "break", "--reason", "fire", "--subject", "customer:C-1"))
    (alert,) = json.loads(ok(speak("P-1", "alert", "list", "--json")))
    assert (alert["code"], alert["about"]["actor"], alert["undelivered"]) == ("glass.broken", "E-1", [])
    assert "Two people must review it" in ok(speak(None, "alert", "list"))
    assert "1 read for the first time" in ok(speak("P-1", "alert", "read", "1"))
    assert "no alert is unread" in ok(speak("P-1", "alert", "list"))
    assert "P-1" in ok(speak("S-1", "alert", "list"))
    assert error(speak("P-1", "alert", "read", "99")) == "store.no_such_alert"
    sent = ok(speak(None, "alert", "send"))
    assert "0 went out" in sent
    assert "1 wait untried" in sent
    assert [each["way"] for each in json.loads(ok(speak(None, "alert", "list", "--json")))[0]["undelivered"]] == [
        "mail:security@company.example"
    ]

    review = ("grant", "review", "1", "--justified", "--reason", "read the call")
    assert error(speak("E-1", *review)) == "gate.approval_refused"
    assert "1 of 2 reviews" in ok(speak("P-1", *review))
    assert "fire" in ok(speak(None, "grant", "glass", "--unreviewed"))
    assert "glass 1 is closed" in ok(speak("E-1", "grant", "close", "1"))
    assert "2 of 2 reviews" in ok(speak("S-1", *review))
    assert json.loads(ok(speak(None, "grant", "glass", "--json")))[0]["state"] == "justified"


def test_a_token_is_made_and_revoked_and_both_are_recorded(speak: Speak) -> None:
    assert "shown once" in ok(speak(None, "user", "add", "E-1"))
    assert ok(speak(None, "user", "revoke", "E-1")) == "tokens: 2 of E-1 revoked\n"
    assert error(speak("E-1", "code", "ack")) == "gate.token_refused"
    assert ok(speak(None, "user", "revoke", "E-1")) == "tokens: E-1 had no token\n"
    revoked = [(each["means"], each["change"]) for each in payloads("credential")]
    assert revoked == [("token", "made"), ("token", "removed"), ("token", "removed")]


def test_functions_are_signed_by_two(speak: Speak) -> None:
    assert error(speak(None, "grant", "propose", "E-2", "privacy")) == "app.token_missing"
    assert "proposal 1" in ok(speak("E-1", "grant", "propose", "E-2", "privacy"))
    assert error(speak("E-1", "grant", "confirm", "1")) == "gate.approval_refused"
    assert "may approve as such in 24 hours" in ok(speak("P-1", "grant", "confirm", "1"))
    (told,) = json.loads(ok(speak(None, "grant", "functions", "--json")))
    assert (told["actor"], told["proposed_by"], told["confirmed_by"]) == ("E-2", "E-1", "P-1")
    assert "E-2" in ok(speak(None, "grant", "functions"))
    ok(speak(None, "grant", "withdraw", "1"))
    assert "no function" in ok(speak(None, "grant", "functions"))


def test_a_safety_suspension_takes_two_to_lift(speak: Speak) -> None:
    ok(speak(None, "user", "suspend", "E-2", "--reason", "budget", "--safety"))
    restore = ("user", "restore", "E-2", "--reason", "cleared")
    assert error(speak(None, *restore)) == "gate.second_person_needed"
    lift = ("grant", "request", "second_person", "--action", "suspension.lift", "--target", "E-2", "--reason", "clear")
    ok(speak("S-1", *lift))
    assert error(speak("S-1", "grant", "approve", "1")) == "gate.approval_refused"
    ok(speak("P-1", "grant", "approve", "1"))
    assert error(speak("P-1", *restore)) == "gate.second_person_needed"
    assert "may come in again" in ok(speak("S-1", *restore))
    assert [entry["change"] for entry in payloads("suspension")] == ["suspend", "restore"]
