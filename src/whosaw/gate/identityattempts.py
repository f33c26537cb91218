"""Guesses at passwords: counted before they are checked, so that a hundred at once are still counted one by one."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network

from whosaw.store import Database
from whosaw.terms import Clock

_FORGOTTEN_H = 24
_HOUSEHOLD_BITS = 64
_DELAY_S = 30
_DELAY_MOST_S = 3_600

_COUNT = """
insert into identity_attempt as a (scope, who, failures, last_at, open_at)
values (%(scope)s, %(who)s, 1, %(now)s, %(now)s)
on conflict (scope, who) do update set
    failures = case when a.last_at < %(now)s - make_interval(hours => %(forgotten)s) then 1 else a.failures + 1 end,
    last_at = %(now)s,
    open_at = %(now)s + make_interval(secs => case
        when a.last_at < %(now)s - make_interval(hours => %(forgotten)s) or a.failures + 1 < %(free)s then 0
        else least(%(most)s, %(delay)s * power(2, least(a.failures + 1 - %(free)s, 20))) end)
where a.open_at <= %(now)s returning failures
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted together, and after how many failures the delay begins."""

    name: str
    free: int


ACCOUNT = Scope("account", 5)
ADDRESS = Scope("address", 20)


class Attempts:
    """Counts of failed logins, over all processes. Names and addresses are kept as SHA-256 only."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def begin(self, scope: Scope, who: str) -> int:
        """Count an attempt as failed until it succeeds; return the seconds to wait instead, 0 where it may be made.

        From the scope's number on, each failure doubles the delay: 30 s, 1 min, … up to an hour. A day without a
        failure forgets them.
        """
        now = self._clock.now()
        values = {
            "scope": scope.name,
            "who": _digest(scope, who),
            "now": now,
            "free": scope.free,
            "forgotten": _FORGOTTEN_H,
            "delay": _DELAY_S,
            "most": _DELAY_MOST_S,
        }
        async with self._db.connection() as connection:
            rows = await connection.execute(_COUNT, values)
            if await rows.fetchone() is not None:
                return 0
            rows = await connection.execute(
                "select open_at from identity_attempt where scope = %s and who = %s", [scope.name, values["who"]]
            )
            row = await rows.fetchone()
        return max(1, math.ceil((row[0] - now).total_seconds())) if row else 1

    async def succeeded(self, scope: Scope, who: str) -> None:
        """Forget the failures of who has shown that it is he."""
        async with self._db.connection() as connection:
            await connection.execute(
                "delete from identity_attempt where scope = %s and who = %s", [scope.name, _digest(scope, who)]
            )

    async def took_back(self, scope: Scope, who: str) -> None:
        """Take one counted attempt back: it succeeded, and others of the same scope may not have."""
        async with self._db.connection() as connection:
            await connection.execute(
                "update identity_attempt set failures = greatest(failures - 1, 0), open_at = least(open_at, %s) "
                "where scope = %s and who = %s",
                [self._clock.now(), scope.name, _digest(scope, who)],
            )


def _digest(scope: Scope, who: str) -> bytes:
    counted = _network(who) if scope is ADDRESS else who
    return hashlib.sha256(counted.encode("utf-8", "surrogatepass")).digest()


def _network(address: str) -> str:
    """Return an IPv6 address as its network of 64 bits, of which a single household has all; others as they are."""
    try:
        read = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(read, IPv4Address) or read.ipv4_mapped is not None:
        return address
    return str(ip_network(f"{read}/{_HOUSEHOLD_BITS}", strict=False))
