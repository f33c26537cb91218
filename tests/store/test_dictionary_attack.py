"""Leaf hashes are public: whoever knows a small world entirely learns from them nothing about who looked at whom.

The attacker here knows more than a real one could: every actor, subject, purpose and field, the format to the byte, and
every time to the second of entries whose times are whole seconds. He lacks one thing, the salts. The same attack on
trails whose leaves are salted badly or not at all finds every entry, so it would have found these.
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest

from whosaw.prove import Payload, canonical, entry_leaf
from whosaw.prove.canonical import SALT_BYTES
from whosaw.record import Appender, AppendFailed, Integrator, Keys, load_or_create
from whosaw.record.tiles import split_items
from whosaw.store import Database
from whosaw.terms import SimulatedClock, to_us

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECONDS = range(10)
ACTORS, SUBJECTS, PURPOSES = range(1, 5), range(1, 7), range(1, 4)
FIELDS = [f"customer.{name}={effect}" for name in ("email", "phone") for effect in ("reveal", "mask", "alias", "deny")]
ENTRIES = 24
DOMAIN = b"whosaw/commitment/v1\n"

Salting = Callable[[bytes, int], bytes]


def said(second: int, actor: int, subject: int, purpose: int, field: str) -> Payload:
    effect = field.partition("=")[2]
    return {
        "kind": "denial" if effect == "deny" else "disclosure",
        "at": to_us(START) + 1_000_000 * second,
        "actor": actor,
        "subject": subject,
        "purpose": purpose,
        "door": "http",
        "fields": [field],
        "decision": {"reveal": "allow"}.get(effect, effect),
        "verified": "yes",
        "reason": "purpose.verified",
        "mode": "enforce",
        "policy": "1",
    }


def everything_possible() -> list[bytes]:
    """Every payload there can be in this world, 5,760 of them."""
    return [canonical(said(*each)) for each in product(SECONDS, ACTORS, SUBJECTS, PURPOSES, FIELDS)]


def happened() -> list[Payload]:
    draw = random.Random(7)
    choices = (SECONDS, ACTORS, SUBJECTS, PURPOSES, FIELDS)
    entries = [said(*(draw.choice(each) for each in choices)) for _ in range(ENTRIES - 2)]  # type: ignore[arg-type]
    return [*entries, entries[0], entries[0]]  # one thing that happened three times


def leaf_of(commitment: bytes) -> bytes:
    return sha256(b"\x00whosaw/entry/v1\n" + commitment).digest()


# Ways to salt that are not salt: each is a function of what the attacker knows.
WEAK: dict[str, Salting] = {
    "no salt": lambda raw, index: b"",
    "one salt for all": lambda raw, index: bytes(32),
    "the index": lambda raw, index: index.to_bytes(32, "big"),
    "a hash of the index": lambda raw, index: sha256(index.to_bytes(8, "big")).digest(),
    "a hash of the payload": lambda raw, index: sha256(raw).digest(),
}


@cache
def dictionary() -> dict[bytes, bytes]:
    """Return payload by hash: every payload there can be, hashed in every weak way and without commitment."""
    tried: dict[bytes, bytes] = {}
    for raw in everything_possible():
        guesses = {sha256(raw).digest(), sha256(b"\x00" + raw).digest(), leaf_of(sha256(raw).digest())}
        for name, salt in WEAK.items():
            indices = range(ENTRIES) if "index" in name else range(1)
            guesses |= {leaf_of(sha256(DOMAIN + salt(raw, index) + raw).digest()) for index in indices}
        tried |= dict.fromkeys(guesses, raw)
    return tried


def attack(published: set[bytes]) -> set[bytes]:
    """Return the payloads whose hash is among the published ones."""
    return {dictionary()[each] for each in published & dictionary().keys()}


def published_hashes(folder: Path) -> set[bytes]:
    """Every hash in every tile that the trail publishes."""
    tiles = [path for path in (folder / "tile").rglob("*") if path.is_file()]
    return {each for tile in tiles for each in split_items(tile.read_bytes())}


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return load_or_create(tmp_path / "keys", SimulatedClock(START), "test")


@pytest.fixture
async def appender(database: Database, keys: Keys) -> AsyncIterator[Appender]:
    async with Appender(database, keys, SimulatedClock(START)) as appender:
        yield appender


@pytest.fixture
def sql(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


async def publish(database: Database, keys: Keys, appender: Appender, folder: Path) -> set[bytes]:
    """Record what happened, publish it, and return what everybody can read."""
    for each in happened():
        await appender.append(each)
    checkpoint = await Integrator(database, keys, folder, SimulatedClock(START)).step()
    assert checkpoint.size == ENTRIES
    return published_hashes(folder)


async def test_knowing_the_whole_world_finds_nothing_in_the_published_hashes(
    database: Database, keys: Keys, appender: Appender, tmp_path: Path, sql: psycopg.Connection[Any]
) -> None:
    published = await publish(database, keys, appender, tmp_path / "trail")
    assert len(published) == ENTRIES, "what happened three times has three different leaves"
    assert attack(published) == set()
    # not because the attacker looked for the wrong things: the salts, which stay in the database, open every leaf
    rows = sql.execute("select payload, salt from trail_entry order by index").fetchall()
    assert {raw.encode() for raw, _ in rows} <= set(everything_possible())
    assert {entry_leaf(bytes(salt), raw.encode()) for raw, salt in rows} == published
    assert len({bytes(salt) for _, salt in rows}) == ENTRIES


async def test_nothing_published_holds_a_salt_or_a_payload(
    database: Database, keys: Keys, appender: Appender, tmp_path: Path, sql: psycopg.Connection[Any]
) -> None:
    await publish(database, keys, appender, tmp_path / "trail")
    files = [path.read_bytes() for path in (tmp_path / "trail").rglob("*") if path.is_file()]
    for raw, salt in sql.execute("select payload, salt from trail_entry").fetchall():
        for secret in (bytes(salt), bytes(salt).hex().encode(), raw.encode(), sha256(raw.encode()).digest()):
            assert not any(secret in body for body in files)


class _PredictableOs:
    """The module `os`, but for its randomness, which deals out the given salts."""

    def __init__(self, salts: Iterator[bytes]) -> None:
        self._salts = salts

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def urandom(self, count: int) -> bytes:
        return b"".join(next(self._salts) for _ in range(count // SALT_BYTES))


@pytest.mark.parametrize("way", [way for way in WEAK if way != "no salt"])
async def test_the_same_attack_finds_every_entry_of_a_trail_with_predictable_salts(
    way: str, database: Database, keys: Keys, appender: Appender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    salts = (WEAK[way](canonical(each), index) for index, each in enumerate(happened()))
    monkeypatch.setattr("whosaw.record.appender.os", _PredictableOs(salts))
    published = await publish(database, keys, appender, tmp_path / "trail")
    assert attack(published) == {canonical(each) for each in happened()}


async def test_a_trail_without_salts_would_be_found_out_too_and_the_database_does_not_take_one(
    appender: Appender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsalted(salt: bytes, raw: bytes) -> bytes:
        return leaf_of(sha256(DOMAIN + raw).digest())

    raws = {canonical(each) for each in happened()}
    assert attack({unsalted(b"", raw) for raw in raws}) == raws
    monkeypatch.setattr("whosaw.record.appender.entry_leaf", unsalted)
    with pytest.raises(AppendFailed):
        await appender.append(happened()[0])
