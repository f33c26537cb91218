"""Passkeys of local accounts: who may make one, what opens the console, and what does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.store.identity.softkey import PRESENT, SoftKey, like

from whosaw.app.server import Server, bind, build_app
from whosaw.doors.console import LoginLinks
from whosaw.doors.identity.ceremony import Site, site_of
from whosaw.doors.identity.entrance import Entrance
from whosaw.doors.identity.passkeys import ENROL, PATH, Doorkeeper, PasskeyDoor
from whosaw.gate import Suspensions
from whosaw.gate.identity import SignIns
from whosaw.gate.identityattempts import Attempts
from whosaw.gate.identitypasskeys import PASSKEYS_MOST, Passkeys, fit_name
from whosaw.record import Appender, TrailUnavailable, entries_from, load_or_create
from whosaw.store import Database
from whosaw.terms import SimulatedClock

SITE = Site("http://localhost:8484", "localhost")


async def admits(actor: str) -> bool:
    """Say that everybody but the gardener may come in."""
    return actor != "E-gardener"


@dataclass
class Local:
    """Passkeys over one trail, and a browser."""

    passkeys: Passkeys
    suspensions: Suspensions
    links: LoginLinks
    clock: SimulatedClock
    db: Database
    http: httpx.AsyncClient

    async def begun(self, path: str = PATH, **sent: Any) -> dict[str, Any]:
        """Begin a ceremony and return what the server answers."""
        answer = await self.http.post(f"{path}/begin", json=sent)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def enrolled(self, actor: str = "E-1", key: SoftKey | None = None) -> SoftKey:
        """Make a passkey of somebody by a link."""
        key = key or SoftKey()
        once = await self.passkeys.invite(actor, by="operator")
        assert (await self.enrol(key, once)).status_code == 200
        return key

    async def enrol(self, key: SoftKey, once: str, **said: Any) -> httpx.Response:
        """Try to make a passkey."""
        begun = await self.begun(ENROL, once=once)
        sent = {
            "state": begun["state"],
            "once": once,
            "name": "laptop",
            "credential": key.make(begun["options"], **said),
        }
        return await self.http.post(ENROL, json=sent)

    async def enter(self, key: SoftKey, then: str = "console", **said: Any) -> httpx.Response:
        """Try to sign in."""
        begun = await self.begun()
        sent = {"state": begun["state"], "then": then, "credential": key.sign(begun["options"], **said)}
        return await self.http.post(PATH, json=sent)

    async def changes(self) -> list[str]:
        """Return what the record says of passkeys."""
        return [
            str(each.payload["change"]) async for each in entries_from(self.db) if each.payload["kind"] == "credential"
        ]


@pytest.fixture
async def local(database: Database, clock: SimulatedClock, sign_ins: SignIns, tmp_path: Path) -> AsyncIterator[Local]:
    async with Appender(database, load_or_create(tmp_path / "keys", clock), clock) as appender:
        passkeys, links = Passkeys(database, appender, clock), LoginLinks()
        keeper = Doorkeeper(sign_ins, Attempts(database, clock), Entrance(admits, links.issue), clock)
        server = Server(build_app(PasskeyDoor(SITE, passkeys, keeper).router), bind("127.0.0.1", 0))
        serving = asyncio.create_task(server.run())
        await server.started()
        headers = {"Origin": SITE.origin}
        async with httpx.AsyncClient(base_url=server.address, headers=headers, trust_env=False, timeout=30) as http:
            yield Local(passkeys, Suspensions(database, appender, clock), links, clock, database, http)
        server.stop()
        await serving


async def test_a_passkey_made_by_a_link_opens_the_console_for_its_owner(local: Local) -> None:
    key = await local.enrolled()
    entered = await local.enter(key)
    assert entered.status_code == 200
    assert local.links.redeem(entered.json()["to"].partition("once=")[2]) == "E-1"
    ((kept),) = await local.passkeys.of("E-1")
    assert (kept.name, kept.signs, kept.used_at) == ("laptop", 1, local.clock.now())
    assert await local.changes() == ["invited", "made"]


async def test_the_entries_name_nobody_and_the_options_name_no_passkey(local: Local) -> None:
    await local.enrolled()
    entries = [each.payload async for each in entries_from(local.db) if each.payload["kind"] == "credential"]
    assert not any("E-1" in str(value) or "laptop" in str(value) for entry in entries for value in entry.values())
    options = (await local.begun())["options"]
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"


WRONG_WHEN_SIGNING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another origin": ({"origin": "https://whosaw.evil.example"}, {}),
    "another port of this machine": ({"origin": "http://localhost:9999"}, {}),
    "bound to another host": ({"host": "evil.example"}, {}),
    "its owner was not verified": ({"flags": PRESENT}, {}),
    "nobody was there": ({"flags": 0}, {}),
    "another challenge": ({}, {"challenge": like(bytes(32))}),
    "signed for the making of one": ({}, {"type": "webauthn.create"}),
    "called by another handle": ({"handle": b"x" * 32}, {}),
    "an unknown passkey": ({"id": bytes(32)}, {}),
}


@pytest.mark.parametrize("wrong", WRONG_WHEN_SIGNING)
async def test_what_was_not_signed_for_this_here_and_now_opens_nothing(local: Local, wrong: str) -> None:
    key = await local.enrolled()
    changed, said = WRONG_WHEN_SIGNING[wrong]
    assert (await local.enter(replace(key, **changed), **said)).status_code == 403
    assert (await local.enter(replace(key, signs=key.signs + 1))).status_code == 200


async def test_another_key_under_a_known_identifier_opens_nothing(local: Local) -> None:
    key = await local.enrolled()
    assert (await local.enter(SoftKey(id=key.id, handle=key.handle))).status_code == 403


@pytest.mark.parametrize("wrong", ["another origin", "bound to another host", "its owner was not verified"])
async def test_a_passkey_is_made_only_here_and_by_its_owner(local: Local, wrong: str) -> None:
    once = await local.passkeys.invite("E-1", by="operator")
    assert (await local.enrol(SoftKey(**WRONG_WHEN_SIGNING[wrong][0]), once)).status_code == 403
    assert (await local.enrol(SoftKey(), once, challenge=like(bytes(32)))).status_code == 403
    assert await local.passkeys.of("E-1") == []
    assert (await local.enrol(SoftKey(), once)).status_code == 200  # the link was not used up by failures


async def test_what_was_signed_once_opens_nothing_twice(local: Local) -> None:
    key = await local.enrolled()
    begun = await local.begun()
    sent = {"state": begun["state"], "credential": key.sign(begun["options"])}
    assert [(await local.http.post(PATH, json=sent)).status_code for _ in range(2)] == [200, 403]


async def test_a_ceremony_belongs_to_the_browser_that_began_it(local: Local) -> None:
    key = await local.enrolled()
    begun = await local.begun()
    local.http.cookies.clear()
    await local.begun()
    sent = {"state": begun["state"], "credential": key.sign(begun["options"])}
    assert (await local.http.post(PATH, json=sent)).status_code == 403


async def test_a_ceremony_is_over_after_ten_minutes_and_is_for_one_thing(local: Local) -> None:
    key = await local.enrolled()
    begun = await local.begun()
    once = await local.passkeys.invite("E-2", by="operator")
    sent = {
        "state": begun["state"],
        "once": once,
        "credential": SoftKey().make(begun["options"] | {"user": {"id": ""}}),
    }
    assert (await local.http.post(ENROL, json=sent)).status_code == 403
    begun = await local.begun()
    local.clock.advance_to(local.clock.now() + timedelta(minutes=10))
    sent = {"state": begun["state"], "credential": key.sign(begun["options"])}
    assert (await local.http.post(PATH, json=sent)).status_code == 403


async def test_a_counter_that_does_not_rise_shows_a_copy_which_is_refused_and_recorded(local: Local) -> None:
    key = await local.enrolled()
    copy = replace(key)
    assert (await local.enter(key)).status_code == 200
    assert (await local.enter(copy)).status_code == 403
    assert (await local.changes())[-1] == "copied"
    assert (await local.enter(key)).status_code == 200


async def test_a_passkey_that_does_not_count_may_say_nothing_always(local: Local) -> None:
    key = await local.enrolled(key=SoftKey(counts=False))
    assert [(await local.enter(key)).status_code for _ in range(2)] == [200, 200]


async def test_a_link_makes_one_passkey_within_a_day_and_the_latest_alone_is_good(local: Local) -> None:
    first = await local.passkeys.invite("E-1", by="operator")
    second = await local.passkeys.invite("E-1", by="operator")
    assert (await local.http.post(f"{ENROL}/begin", json={"once": first})).status_code == 403
    assert (await local.enrol(SoftKey(), second)).status_code == 200
    assert (await local.http.post(f"{ENROL}/begin", json={"once": second})).status_code == 403
    third = await local.passkeys.invite("E-1", by="operator")
    local.clock.advance_to(local.clock.now() + timedelta(hours=24))
    assert (await local.http.post(f"{ENROL}/begin", json={"once": third})).status_code == 403


async def test_two_who_use_one_link_at_once_make_one_passkey(local: Local) -> None:
    once = await local.passkeys.invite("E-1", by="operator")
    keys = [SoftKey(), SoftKey()]
    begun = [await local.begun(ENROL, once=once)]
    sent = [{"state": begun[0]["state"], "once": once, "credential": keys[0].make(begun[0]["options"])}]
    cookie = local.http.cookies["whosaw_passkey"]
    begun.append(await local.begun(ENROL, once=once))
    sent.append({"state": begun[1]["state"], "once": once, "credential": keys[1].make(begun[1]["options"])})
    cookies = [cookie, local.http.cookies["whosaw_passkey"]]
    local.http.cookies.clear()
    answers = await asyncio.gather(
        *(
            local.http.post(ENROL, json=each, headers={"Cookie": f"whosaw_passkey={browser}"})
            for each, browser in zip(sent, cookies, strict=True)
        )
    )
    assert sorted(each.status_code for each in answers) == [200, 403]
    assert len(await local.passkeys.of("E-1")) == 1


async def test_who_signed_in_may_make_another_and_it_is_his(local: Local) -> None:
    key = await local.enrolled()
    target = (await local.enter(key, then="enrol")).json()["to"]
    assert target.startswith(f"{SITE.origin}{ENROL}#")
    assert (await local.enrol(SoftKey(), target.partition("#")[2])).status_code == 200
    kept = await local.passkeys.of("E-1")
    assert len({each.handle for each in kept}) == 1
    assert len(kept) == 2


async def test_nobody_has_more_than_ten(local: Local) -> None:
    for _ in range(PASSKEYS_MOST):
        await local.enrolled()
    once = await local.passkeys.invite("E-1", by="operator")
    assert (await local.enrol(SoftKey(), once)).status_code == 409
    assert len(await local.passkeys.of("E-1")) == PASSKEYS_MOST


async def test_who_is_suspended_or_has_no_role_neither_comes_in_nor_makes_one(local: Local) -> None:
    key = await local.enrolled()
    once = await local.passkeys.invite("E-1", by="operator")
    await local.suspensions.suspend("E-1", reason="case", by="officer")
    assert (await local.enter(key)).status_code == 403
    assert (await local.http.post(f"{ENROL}/begin", json={"once": once})).status_code == 403
    once = await local.passkeys.invite("E-gardener", by="operator")
    assert (await local.http.post(f"{ENROL}/begin", json={"once": once})).status_code == 403


async def test_a_removed_passkey_opens_nothing_and_its_end_is_recorded(local: Local) -> None:
    key = await local.enrolled()
    assert await local.passkeys.remove(key.id, by="operator") == "E-1"
    assert await local.passkeys.remove(key.id, by="operator") is None
    assert (await local.enter(key)).status_code == 403
    assert await local.changes() == ["invited", "made", "removed"]


async def test_where_the_trail_does_not_take_it_no_passkey_is_made_and_none_goes(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await local.enrolled()
    once = await local.passkeys.invite("E-2", by="operator")

    async def nothing(*_: object, **__: object) -> None:
        raise TrailUnavailable("no")

    monkeypatch.setattr(local.passkeys._record._appender, "append", nothing)
    assert (await local.enrol(SoftKey(), once)).status_code == 503
    assert await local.passkeys.of("E-2") == []
    with pytest.raises(TrailUnavailable):
        await local.passkeys.remove(kept.id, by="operator")
    assert len(await local.passkeys.of("E-1")) == 1


async def test_another_sites_page_posts_nothing_here(local: Local) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}):
        assert (await local.http.post(f"{PATH}/begin", json={}, headers=headers)).status_code == 403
    plain = {"Content-Type": "text/plain"}
    assert (await local.http.post(f"{PATH}/begin", content="{}", headers=plain)).status_code == 403


async def test_an_address_that_guesses_is_locked_out_and_a_good_sign_in_takes_nothing_from_others(local: Local) -> None:
    key = await local.enrolled()
    for _ in range(20):
        assert (await local.http.post(PATH, json={"state": "x", "credential": {}})).status_code == 403
    locked = await local.enter(key)
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) >= 1


HOSTILE: tuple[object, ...] = (
    {},
    {"state": 7},
    {"state": "x" * 5_000},
    {"state": "\x00", "credential": {"id": "\x00"}},
    {"state": "x", "credential": {"id": "é", "response": {"userHandle": "é"}}},
    {"once": ["x"], "name": {}},
    [],
    "x",
    None,
)


@pytest.mark.parametrize("path", [PATH, ENROL, f"{ENROL}/begin"])
async def test_nonsense_is_refused_and_nothing_breaks(local: Local, path: str) -> None:
    for sent in HOSTILE:
        assert (await local.http.post(path, json=sent)).status_code in (403, 429)
    deep = b"[" * 60_000
    long = b'"' + b"x" * 70_000 + b'"'
    lone = rb'{"once": "\ud800", "state": "\ud800"}'  # half of a character
    for content in (deep, long, lone, b"\xff", b""):
        headers = {"Content-Type": "application/json"}
        assert (await local.http.post(path, content=content, headers=headers)).status_code in (403, 429)


async def test_a_ceremony_that_was_begun_with_nonsense_ends_in_a_refusal(local: Local) -> None:
    once = await local.passkeys.invite("E-1", by="operator")
    for credential in ({}, {"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA"}}):
        begun = await local.begun(ENROL, once=once)
        sent = {"state": begun["state"], "once": once, "credential": credential}
        assert (await local.http.post(ENROL, json=sent)).status_code == 403
        begun = await local.begun()
        assert (
            await local.http.post(PATH, json={"state": begun["state"], "credential": credential})
        ).status_code == 403


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://whosaw.company.example", "whosaw.company.example"),
        ("https://whosaw.company.example:8443/", "whosaw.company.example"),
        ("http://localhost:8484", "localhost"),
        ("http://whosaw.company.example", None),
        ("http://127.0.0.1:8484", None),
        ("https://192.0.2.1", None),
        ("https://[::1]", None),
        ("", None),
    ],
)
def test_passkeys_are_good_where_browsers_make_any(address: str, host: str | None) -> None:
    site = site_of(address)
    assert (site.host if site else None) == host
    assert site is None or not site.origin.endswith("/")


def test_a_passkeys_name_is_one_short_line() -> None:
    assert fit_name("lap\ntop\x00 ") == "laptop"
    assert fit_name("\u200b" * 5) == "passkey"
    assert len(fit_name("x" * 500)) == 60
