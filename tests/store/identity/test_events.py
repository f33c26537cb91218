"""Security events: what they end, what they do not, and whose are not believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from joserfc import jwk

from whosaw.app.server import Server, bind, build_app
from whosaw.doors.identity import Expected, Provider
from whosaw.doors.identity.events import TYPES, Effects, EventDoor, Transmitter
from whosaw.gate import Suspensions
from whosaw.gate.identity import SignIns
from whosaw.record import Appender, entries_from, load_or_create
from whosaw.store import Database
from whosaw.terms import SimulatedClock

if TYPE_CHECKING:
    from tests.store.identity.conftest import Issuer

NOW = 1_772_452_800
AUDIENCE = "https://whosaw.company.example/events"
REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
DISABLED = "https://schemas.openid.net/secevent/risc/event-type/account-disabled"
ENABLED = "https://schemas.openid.net/secevent/risc/event-type/account-enabled"


@dataclass(frozen=True)
class Hears:
    """A running receiver."""

    http: httpx.AsyncClient
    url: str
    issuer: Issuer
    db: Database
    sign_ins: SignIns
    suspensions: Suspensions
    clock: SimulatedClock

    def token(self, event: str = REVOKED, *, told: dict[str, Any] | None = None, **changed: Any) -> str:
        """Return a signed event; None takes a claim away."""
        claims = {
            "iss": self.issuer.url,
            "aud": AUDIENCE,
            "iat": NOW - 5,
            "jti": "j1",
            "sub_id": {"format": "iss_sub", "iss": self.issuer.url, "sub": "E-1"},
            "events": {event: told or {}},
        } | changed
        kept = {name: value for name, value in claims.items() if value is not None}
        return self.issuer.token(kept, typ="secevent+jwt")

    async def push(self, token: str, kind: str = "application/secevent+jwt") -> httpx.Response:
        return await self.http.post(self.url, content=token, headers={"Content-Type": kind})

    async def entries(self) -> list[dict[str, Any]]:
        return [dict(each.payload) async for each in entries_from(self.db)]


@pytest.fixture
async def hears(
    database: Database, issuer: Issuer, http: httpx.AsyncClient, clock: SimulatedClock, tmp_path: Path
) -> AsyncIterator[Hears]:
    keys = load_or_create(tmp_path / "keys", clock)
    sign_ins = SignIns(database, clock)
    async with Appender(database, keys, clock) as appender:
        suspensions = Suspensions(database, appender, clock)
        expected = Expected(AUDIENCE, TYPES, ("RS256",), 30.0, None)
        sender = Transmitter(Provider(issuer.url, http), expected, people=issuer.url, direct=True)
        door = EventDoor(sender, Effects(database, appender, suspensions, sign_ins), clock)
        server = Server(build_app(door.router), bind("127.0.0.1", 0))
        serving = asyncio.create_task(server.run())
        await server.started()
        url = f"{server.address}/identity/events"
        yield Hears(http, url, issuer, database, sign_ins, suspensions, clock)
        server.stop()
        await serving


async def test_a_revoked_session_ends_the_sign_ins_up_to_then_and_is_recorded(hears: Hears) -> None:
    answer = await hears.push(hears.token(told={"event_timestamp": NOW - 60}))
    assert (answer.status_code, answer.content) == (202, b"")
    at = hears.clock.now()
    assert not await hears.sign_ins.holds("E-1", at - timedelta(seconds=60))
    assert await hears.sign_ins.holds("E-1", at - timedelta(seconds=59))
    assert await hears.sign_ins.holds("E-2", at - timedelta(hours=1))
    (entry,) = await hears.entries()
    assert (entry["kind"], entry["event"], entry["effect"]) == ("security_event", "session-revoked", "ended")
    assert await hears.suspensions.among(["E-1"]) == set()


async def test_an_event_dated_in_the_future_ends_nothing_that_begins_later(hears: Hears) -> None:
    await hears.push(hears.token(told={"event_timestamp": NOW + 86_400}))
    assert await hears.sign_ins.holds("E-1", hears.clock.now() + timedelta(seconds=1))


async def test_a_disabled_account_is_suspended_and_enabling_it_lifts_nothing(hears: Hears) -> None:
    assert (await hears.push(hears.token(DISABLED, told={"reason": "hijacking"}))).status_code == 202
    assert await hears.suspensions.among(["E-1"]) == {"E-1"}
    assert not await hears.sign_ins.holds("E-1", hears.clock.now(), suspended_may=True)
    assert (await hears.push(hears.token(ENABLED, jti="j2"))).status_code == 202
    assert await hears.suspensions.among(["E-1"]) == {"E-1"}
    told = [(entry["kind"], entry.get("effect")) for entry in await hears.entries()]
    assert told == [("security_event", "suspended"), ("suspension", None), ("security_event", "none")]


async def test_an_event_takes_effect_once_however_often_and_together_it_is_sent(hears: Hears) -> None:
    token = hears.token(DISABLED)
    answers = await asyncio.gather(*(hears.push(token) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len(await hears.entries()) == 2
    await hears.suspensions.restore("E-1", reason="a mistake", by="E-9")
    assert (await hears.push(token)).status_code == 202  # replayed
    assert await hears.suspensions.among(["E-1"]) == set()


async def test_the_ways_to_name_somebody(hears: Hears, database: Database) -> None:
    await hears.sign_ins.remember(hears.issuer.url, "auth0|77", "E-7")
    async with database.connection() as connection:
        await connection.execute(
            "insert into person (id, key, user_name, active, resource, made_at, changed_at, rights_at) values "
            """(gen_random_uuid(), 'E-8', 'Eve@Company.example', true, '{"emails": [{"value": "e@c.example"}]}',"""
            " now(), now(), now())"
        )
    iss = hears.issuer.url
    named: tuple[tuple[dict[str, Any], str], ...] = (
        ({"sub_id": {"format": "iss_sub", "iss": iss, "sub": "auth0|77"}}, "E-7"),
        ({"sub_id": {"format": "opaque", "id": "auth0|77"}}, "E-7"),
        ({"sub_id": {"format": "email", "email": "eve@company.example"}}, "E-8"),
        ({"sub_id": {"format": "email", "email": "E@C.example"}}, "E-8"),
        ({"sub_id": {"format": "complex", "user": {"format": "opaque", "id": "E-9"}}}, "E-9"),
        ({"sub_id": {"user": {"format": "iss_sub", "iss": iss, "sub": "E-10"}}}, "E-10"),
        (
            {
                "sub_id": None,
                "events": {DISABLED: {"subject": {"subject_type": "iss-sub", "iss": iss, "sub": "E-11"}}},
            },
            "E-11",
        ),
    )
    for number, (claims, actor) in enumerate(named):
        assert (await hears.push(hears.token(DISABLED, jti=f"n{number}", **claims))).status_code == 202
        assert await hears.suspensions.among([actor]) == {actor}, claims


async def test_somebody_unknown_is_recorded_as_that_and_nobody_is_stopped(hears: Hears) -> None:
    nobody: tuple[Any, ...] = (
        {"format": "iss_sub", "iss": "https://other.example", "sub": "E-1"},
        {"format": "email", "email": "nobody@company.example"},
        {"format": "email", "email": "\x00"},
        {"format": "phone_number", "phone_number": "+1"},
        {"format": "complex", "user": {"format": "complex", "user": {"format": "opaque", "id": "E-1"}}},
        {"format": "opaque", "id": "x" * 300},
        {"format": 7},
        {},
        "E-1",
        None,
    )
    for number, subject in enumerate(nobody):
        token = hears.token(DISABLED, jti=f"n{number}", sub_id=subject)
        assert (await hears.push(token)).status_code == 202, subject
    entries = await hears.entries()
    assert {entry["effect"] for entry in entries} == {"unknown_subject"}
    assert len(entries) == len(nobody)


async def test_an_event_of_an_unknown_kind_is_taken_and_does_nothing(hears: Hears) -> None:
    kind = "https://schemas.openid.net/secevent/ssf/event-type/verification"
    assert (await hears.push(hears.token(kind))).status_code == 202
    assert await hears.entries() == []


async def test_what_is_not_the_transmitters_word_is_refused_alike(hears: Hears) -> None:
    other = jwk.generate_key("RSA", 2048, {"kid": "k1"})
    good = hears.issuer.keys
    hears.issuer.keys = {"k1": other}
    forged = hears.token(DISABLED)
    hears.issuer.keys = good
    bad = [
        forged,
        hears.token(DISABLED, iss="https://other.example"),
        hears.token(DISABLED, aud="https://whosaw.company.example"),
        hears.token(DISABLED, jti=None),
        hears.token(DISABLED, jti=7),
        hears.token(DISABLED, jti="x" * 600),
        hears.token(DISABLED, iat=NOW - 8 * 86_400),
        hears.token(DISABLED, iat=NOW + 60),
        hears.token(DISABLED, iat=None),
        hears.token(events=None),
        hears.token(events={}),
        hears.token(events=[DISABLED]),
        hears.token(events={DISABLED: "yes"}),
        hears.issuer.token(hears.issuer.claims(aud=AUDIENCE, jti="b", events={DISABLED: {}})),  # typ at+jwt
        hears.token(padding="x" * 9_000),
        "",
        "no token",
        "\xff\xfe",
    ]
    answers = [await hears.push(token) for token in bad]
    answers.append(await hears.push(hears.token(DISABLED), "application/json"))
    answers.append(await hears.push("x" * 200_000))
    told = {"err": "authentication_failed", "description": "the event cannot be accepted"}
    assert [(answer.status_code, answer.json()) for answer in answers] == [(400, told)] * len(answers)
    assert await hears.entries() == []
    assert await hears.suspensions.among(["E-1"]) == set()


async def test_an_event_that_cannot_be_recorded_is_not_taken_and_counts_when_sent_again(
    hears: Hears, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hears.db.connection() as connection:
        await connection.execute("alter table trail_entry rename to trail_away")
    assert (await hears.push(hears.token(DISABLED))).status_code == 503
    assert await hears.suspensions.among(["E-1"]) == set()
    async with hears.db.connection() as connection:
        await connection.execute("alter table trail_away rename to trail_entry")
    assert (await hears.push(hears.token(DISABLED))).status_code == 202
    assert await hears.suspensions.among(["E-1"]) == {"E-1"}
