"""Local accounts: guesses, lock-outs, and what a refusal gives away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from whosaw.app.server import Server, bind, build_app
from whosaw.doors.console import LoginLinks
from whosaw.doors.identity.entrance import Entrance
from whosaw.doors.identity.errors import LockedOut, LoginRefused
from whosaw.doors.identity.passwords import PasswordDoor, Passwords, PasswordUnfit
from whosaw.gate.identity import SignIns
from whosaw.gate.identityattempts import ACCOUNT, Attempts
from whosaw.store import Database
from whosaw.terms import SimulatedClock

RIGHT = "four words of nonsense"


async def admits(actor: str) -> bool:
    """Say that everybody but the gardener may come in."""
    return actor != "E-gardener"


@dataclass(frozen=True)
class Local:
    """Local accounts, one of them E-1's."""

    passwords: Passwords
    door: PasswordDoor
    links: LoginLinks
    clock: SimulatedClock
    db: Database
    attempts: Attempts

    async def outcome(self, password: str, actor: str = "E-1", address: str = "192.0.2.1") -> str:
        """Return ``in``, ``wrong``, or ``locked``."""
        try:
            await self.door.check(actor, password, address)
        except LockedOut:
            return "locked"
        except LoginRefused:
            return "wrong"
        return "in"


@pytest.fixture
async def local(database: Database, clock: SimulatedClock, sign_ins: SignIns) -> Local:
    passwords = Passwords(database, clock)
    links = LoginLinks()
    attempts = Attempts(database, clock)
    door = PasswordDoor(passwords, attempts, sign_ins, clock, Entrance(admits, links.issue))
    await passwords.set("E-1", RIGHT)
    return Local(passwords, door, links, clock, database, attempts)


@pytest.fixture
async def browser(local: Local) -> AsyncIterator[httpx.AsyncClient]:
    server = Server(build_app(local.door.router), bind("127.0.0.1", 0))
    serving = asyncio.create_task(server.run())
    await server.started()
    async with httpx.AsyncClient(base_url=server.address, trust_env=False, timeout=20) as client:
        yield client
    server.stop()
    await serving


async def test_the_right_password_lets_in_and_no_other_does(local: Local) -> None:
    for wrong in ("", RIGHT + " ", RIGHT.upper(), "\x00", "\ud800", "x" * 5_000):
        assert await local.outcome(wrong, address=wrong[:5]) in ("wrong", "locked")
        await local.attempts.succeeded(ACCOUNT, "E-1")
    assert await local.outcome(RIGHT) == "in"
    await local.passwords.set("E-1", "another four words here")
    assert await local.outcome(RIGHT) == "wrong"
    assert await local.passwords.remove("E-1")
    assert await local.outcome("another four words here") == "wrong"


async def test_only_a_hash_is_kept(local: Local) -> None:
    async with local.db.connection() as connection:
        rows = await connection.execute("select hash from person_password")
        ((kept,),) = await rows.fetchall()
    assert kept.startswith("$argon2id$")
    assert RIGHT not in kept


async def test_after_five_failures_the_delay_begins_and_grows(local: Local) -> None:
    assert [await local.outcome("wrong") for _ in range(5)] == ["wrong"] * 5
    waits = []
    for _ in range(4):
        with pytest.raises(LockedOut) as caught:
            await local.door.check("E-1", RIGHT, "192.0.2.9")  # right, from elsewhere, and still too early
        waits.append(caught.value.wait_s)
        local.clock.advance_to(local.clock.now() + timedelta(seconds=caught.value.wait_s))
        assert await local.outcome("wrong") == "wrong"
    assert waits == [30, 60, 120, 240]
    local.clock.advance_to(local.clock.now() + timedelta(hours=1))
    assert await local.outcome(RIGHT) == "in"
    assert [await local.outcome("wrong") for _ in range(5)] == ["wrong"] * 5  # counted anew


async def test_the_delay_is_an_hour_at_most(local: Local) -> None:
    async with local.db.connection() as connection:
        await local.outcome("wrong")
        await connection.execute("update identity_attempt set failures = 2000000 where scope = 'account'")
    await local.outcome("wrong")
    with pytest.raises(LockedOut) as caught:
        await local.door.check("E-1", RIGHT, "192.0.2.1")
    assert caught.value.wait_s == 3_600


async def test_a_hundred_guesses_at_once_are_counted_one_by_one(local: Local) -> None:
    outcomes = await asyncio.gather(*(local.outcome("wrong", address=f"192.0.2.{n}") for n in range(30)))
    assert outcomes.count("wrong") == 5
    assert outcomes.count("locked") == 25


async def test_one_address_that_tries_many_accounts_is_locked_out(local: Local) -> None:
    outcomes = [await local.outcome("wrong", actor=f"E-{number}") for number in range(2, 24)]
    assert outcomes == ["wrong"] * 20 + ["locked"] * 2
    assert await local.outcome(RIGHT, address="198.51.100.7") == "in"


async def test_a_household_of_ipv6_addresses_is_one_address(local: Local) -> None:
    for number in range(20):
        await local.outcome("wrong password", actor=f"E-{number + 100}", address=f"2001:db8:0:7::{number:x}")
    assert await local.outcome(RIGHT, address="2001:db8:0:7:ffff::1") == "locked"
    assert await local.outcome(RIGHT, address="2001:db8:0:8::1") == "in"


async def test_a_good_login_in_between_does_not_wash_an_address_clean(local: Local) -> None:
    outcomes = []
    for number in range(2, 26):
        outcomes.append(await local.outcome("wrong", actor=f"E-{number}"))
        if number % 5 == 0:
            await local.outcome(RIGHT)
    assert "locked" in outcomes


async def test_an_unknown_account_is_refused_like_a_known_one(local: Local, browser: httpx.AsyncClient) -> None:
    async def told(actor: str) -> list[tuple[int, str, str | None]]:
        answers = [await browser.post("/identity/password", data={"actor": actor, "password": "x"}) for _ in range(6)]
        return [(each.status_code, each.text, each.headers.get("retry-after")) for each in answers]

    known = await told("E-1")
    assert [status for status, _, _ in known] == [403] * 5 + [429]
    assert await told("nobody") == known


async def test_an_unknown_account_is_hashed_for_as_well(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []
    real = local.passwords._verify
    monkeypatch.setattr(local.passwords, "_verify", lambda kept, given: hashed.append(kept) or real(kept, given))
    for actor in ("E-1", "nobody", "\x00"):
        assert not await local.passwords.right(actor, "wrong")
    assert len(hashed) == 3
    assert all(kept.startswith("$argon2id$") for kept in hashed)
    assert len({kept.split("$")[3] for kept in hashed}) == 1  # the same cost


async def test_somebody_suspended_is_refused_like_a_wrong_password(local: Local) -> None:
    async with local.db.connection() as connection:
        await connection.execute(
            "insert into gate_suspension (actor, since, reason, ordered_by) values ('E-1', now(), 'x', 'E-9')"
        )
    assert await local.outcome(RIGHT) == "wrong"


async def test_a_colleague_without_a_role_that_opens_the_console_is_refused_alike(local: Local) -> None:
    await local.passwords.set("E-gardener", RIGHT)
    assert await local.outcome(RIGHT, actor="E-gardener") == "wrong"


async def test_the_page_lets_in_by_a_one_time_link(local: Local, browser: httpx.AsyncClient) -> None:
    page = await browser.get("/identity/password")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    answer = await browser.post("/identity/password", data={"actor": "E-1", "password": RIGHT})
    assert answer.status_code == 303
    assert local.links.redeem(parse_qs(urlsplit(answer.headers["location"]).query)["once"][0]) == "E-1"


async def test_another_site_cannot_sign_a_browser_in(local: Local, browser: httpx.AsyncClient) -> None:
    data = {"actor": "E-1", "password": RIGHT}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        assert (await browser.post("/identity/password", data=data, headers=headers)).status_code == 403


async def test_forms_that_are_none_let_nobody_in(browser: httpx.AsyncClient) -> None:
    for number, body in enumerate((b"", b"x" * 10_000, b"\xff\xfe", b"actor=E-1", b"password=x", b"a=1&" * 50, b"%")):
        answer = await browser.post("/identity/password", content=body, headers={"X": str(number)})
        assert answer.status_code in (403, 429)


@pytest.mark.parametrize("unfit", ["", "short", "x" * 1_001, "employee-0001"])
async def test_a_password_must_be_long_and_not_the_name(local: Local, unfit: str) -> None:
    with pytest.raises(PasswordUnfit) as caught:
        await local.passwords.set("Employee-0001", unfit)
    assert unfit == "" or unfit not in str(caught.value)
