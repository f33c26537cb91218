"""Retention: payloads older than a published policy says die as in an erasure; their leaves stay.

The policy is a small TOML file that the company publishes:

    version = "2026-1"
    keep_payloads_days = 400

    [kinds]
    denial = 90
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from whosaw.record import erasurequeries as queries
from whosaw.record.appender import Appender
from whosaw.record.erasure import Erased, ErasureHeld, Mandate, NothingToErase, carry_out, place_order
from whosaw.record.errors import RecordError
from whosaw.store import Database
from whosaw.terms import Clock, to_us

_MOST_DAYS = 36_500
_BATCH_ENTRIES = 10_000


class RetentionInvalid(RecordError, ValueError):
    """The file is not a retention policy."""

    code: ClassVar[str] = "record.retention_invalid"
    hint = 'write `version = "…"`, `keep_payloads_days = N` and, if wanted, [kinds] with days by kind'


@dataclass(frozen=True, slots=True)
class Retention:
    """How long payloads are kept.

    Attributes:
        version: of the published policy; stands in every announcement.
        keep_payloads_days: days after which a payload dies, 1 to 36,500.
        kinds: days for single kinds of entries. Entries that announce erasures or rotations of keys never die.
        sha256: of the policy's text, in hex.
    """

    version: str
    keep_payloads_days: int
    kinds: Mapping[str, int] = field(default_factory=dict)
    sha256: str = ""

    @classmethod
    def parse(cls, text: str) -> Retention:
        """Read a policy.

        Raises:
            RetentionInvalid: it is none; the message says what is wrong.
        """
        try:
            read: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as cause:
            raise RetentionInvalid(f"a retention policy is TOML: {cause}") from cause
        unknown = sorted(set(read) - {"version", "keep_payloads_days", "kinds"})
        if unknown:
            raise RetentionInvalid(f"unknown key `{unknown[0][:40]}` in a retention policy")
        version, kinds = read.get("version"), read.get("kinds", {})
        if not isinstance(version, str) or not version or not isinstance(kinds, dict):
            raise RetentionInvalid("a retention policy has a version, and [kinds] is a table")
        shut = sorted(set(kinds) & set(queries.PERMANENT))
        if shut:
            raise RetentionInvalid(f"entries of kind `{shut[0]}` are never pruned")
        days = {name: _days(name, each) for name, each in kinds.items()}
        keep = _days("keep_payloads_days", read.get("keep_payloads_days"))
        return cls(version, keep, days, sha256(text.encode()).hexdigest())

    @classmethod
    def load(cls, path: Path) -> Retention:
        """Read the policy in a file.

        Raises:
            RetentionInvalid: it cannot be read or is none.
        """
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as cause:
            raise RetentionInvalid(f"cannot read the retention policy `{path}`") from cause

    def limits_us(self, clock: Clock) -> dict[str, int]:
        """Return by kind the time before which payloads are old now; `*` is every other kind."""
        now = clock.now()
        days = {"*": self.keep_payloads_days, **self.kinds}
        return {kind: to_us(now - timedelta(days=each)) for kind, each in days.items()}


def _days(name: str, value: object) -> int:
    if type(value) is not int or not 1 <= value <= _MOST_DAYS:
        raise RetentionInvalid(f"`{name[:40]}` is a number of days from 1 to {_MOST_DAYS}")
    return value


async def due(db: Database, clock: Clock, policy: Retention) -> dict[str, int]:
    """Return by kind how many payloads are due to die and not held. Changes nothing."""
    return await queries.count_old(db, policy.limits_us(clock))


async def prune(db: Database, appender: Appender, clock: Clock, policy: Retention, by: int) -> list[Erased]:
    """Let every payload die that is older than the policy keeps it, but never one that is held.

    Batches of 10,000 entries, each announced by an entry of its own; interrupted, what was announced is finished by
    `whosaw.record.erasure.resume` and the rest by the next call.

    Args:
        db: the trail's database, as its owner.
        appender: announces.
        clock: says what is old.
        policy: how long payloads are kept.
        by: number of who ordered it.

    Returns:
        One item per announcement; empty where nothing was due.

    Raises:
        TrailUnavailable: an announcement could not be recorded.
    """
    limits_us = policy.limits_us(clock)
    mandate = Mandate(by, "retention")
    more: dict[str, int | str | list[int | str]] = {"policy": policy.version, "policy_sha256": policy.sha256}
    done: list[Erased] = []
    after = -1
    while True:
        async with queries.placing(db) as conn:
            indices = await queries.old_indices(conn, limits_us, after, _BATCH_ENTRIES)
            order = await place_order(conn, clock, None, indices, mandate, more) if indices else None
        if order is None:
            return done
        try:
            done.append(await carry_out(db, appender, order))
        except (ErasureHeld, NothingToErase):
            continue  # a hold was added meanwhile: the next batch leaves out what it holds
        after = indices[-1]
