"""Which policies are in force: read from their files, swapped as one when these change, and every change recorded.

A changed file comes into force when it has stood still for one look, fits the schema, and its entry is durable: the
trail says which policies decided before any ask is decided by them. What does not fit changes nothing and is told
loudly, once per content.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from whosaw.app import policyqueries as queries
from whosaw.app.looks import operator
from whosaw.decide import PolicyHolder, PolicyInvalid, PolicySet, load_policies
from whosaw.decide.policy import DecideError
from whosaw.record import Appender, RecordError
from whosaw.store import Database, NumberMap, StoreError
from whosaw.terms import Clock, to_us
from whosaw.terms.durable import UMASK, write_whole

_LOG = logging.getLogger(__name__)
LOOK_S = 1.0
ALERT_TEXTS = {"policy.refused": "Changed policies do not hold; those of before stay in force until they are mended."}

Alarm = Callable[[str, Mapping[str, int | str]], Awaitable[object]]
Change = Literal["start", "reload"]


class PolicyArchive:
    """The text of every set that was in force here, by version, so that a past decision can be asked about again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, policies: PolicySet) -> None:
        """Keep a set; one that is kept already is left as it is."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for ending, text in (("cedarschema", policies.schema), ("cedar", policies.text)):
            path = self._folder / f"{policies.version}.{ending}"
            if not path.exists():
                write_whole(path, text, mode=UMASK, draft=f".{secrets.token_hex(4)}.half")

    def find(self, version: str) -> PolicySet | None:
        """Return the set of a version, or None where it is not kept or no longer what it was."""
        paths = [self._folder / f"{version}.{ending}" for ending in ("cedar", "cedarschema")]
        if not version.isalnum() or not all(path.exists() for path in paths):
            return None
        try:
            found = PolicySet(*(path.read_bytes().decode() for path in paths))
        except (DecideError, UnicodeDecodeError):
            return None
        return found if found.version == version else None


class PolicyRecord:
    """The trail's account of which policies and which catalog were in force."""

    def __init__(self, db: Database, trail: Appender, clock: Clock, *, catalog: str, archive: PolicyArchive) -> None:
        """Record what is in force beside catalog version `catalog`, and keep its text."""
        self._db = db
        self._trail = trail
        self._clock = clock
        self._catalog = catalog
        self._archive = archive

    async def note(self, policies: PolicySet, change: Change) -> bool:
        """Append a ``policy_change`` where the trail's last one says something else; return whether it did.

        Processes that start together append one: they compare and append one after the other.

        Raises:
            RecordError: the entry could not be made durable.
            StoreError: the database does not answer.
        """
        await asyncio.to_thread(self._archive.keep, policies)
        (actor,) = await NumberMap(self._db).numbers("actor", [operator()])
        async with queries.alone(self._db) as connection:
            recorded = await queries.last_change(connection)
            last: dict[str, str] = json.loads(recorded) if recorded else {}
            if (last.get("after"), last.get("catalog")) == (policies.version, self._catalog):
                return False
            await self._trail.append(
                {
                    "kind": "policy_change",
                    "at": to_us(self._clock.now()),
                    "actor": actor,
                    "door": "console",
                    "change": change,
                    "before": last.get("after", ""),
                    "after": policies.version,
                    "catalog_before": last.get("catalog", ""),
                    "catalog": self._catalog,
                    "files": hashlib.sha256(policies.text.encode()).hexdigest(),
                }
            )
        return True


class PolicyReload:
    """Looks at the policy files every second and puts in force what they say."""

    def __init__(
        self,
        holder: PolicyHolder,
        files: Sequence[Path],
        record: PolicyRecord,
        *,
        alarm: Alarm | None = None,
        look_s: float = LOOK_S,
    ) -> None:
        """Keep `holder` as `files` say; no file: the set that ships with whosaw, which does not change.

        Args:
            holder: what doors decide by.
            files: of the catalog.
            record: where changes are recorded.
            alarm: told the code ``policy.refused`` of files that do not hold.
            look_s: seconds between two looks, > 0.
        """
        self._holder = holder
        self._files = tuple(files)
        self._record = record
        self._alarm = alarm
        self._look_s = look_s
        # what was seen at the last look, what is in force, what was refused: each the hash of all files; at first
        # nothing, for a file may have changed since `holder` was filled from it
        self._seen = self._settled = self._refused = ""

    async def run(self) -> None:
        """Record what is in force, then keep it as the files say; for ever."""
        recorded = False
        while True:
            try:
                if not recorded:
                    await self._record.note(self._holder.current, "start")
                    recorded = True
                if self._files:
                    await self.look()
            except (RecordError, StoreError) as cause:
                _LOG.warning("the policies stay as they are, the trail cannot say otherwise: %s", cause)
            await asyncio.sleep(self._look_s)

    async def look(self) -> bool:
        """Look once; return whether another set is in force now.

        Raises:
            RecordError: the change could not be recorded; the former set stays in force.
            StoreError: likewise.
        """
        now = await asyncio.to_thread(_fingerprint, self._files)
        still, self._seen = now == self._seen, now
        if not still or now in (self._settled, self._refused):
            return False
        try:
            policies = await asyncio.to_thread(load_policies, self._files)
        except PolicyInvalid as cause:
            self._refused = now
            await self._tell(cause)
            return False
        if await asyncio.to_thread(_fingerprint, self._files) != now:
            return False  # written to while it was read: the next look decides
        if policies.version != self._holder.current.version:
            await self._record.note(policies, "reload")
        self._settled, self._refused = now, ""
        if policies.version == self._holder.current.version:
            return False
        former = self._holder.swap(policies)
        _LOG.warning("policies %s are in force, before them %s", policies.version, former.version)
        return True

    async def _tell(self, cause: PolicyInvalid) -> None:
        version = self._holder.current.version
        _LOG.error("the changed policies are refused, %s stay in force: %s", version, cause)
        if self._alarm is not None:
            await self._alarm("policy.refused", {"in_force": version, "error": cause.code})


def _fingerprint(files: Sequence[Path]) -> str:
    """Return a hash over what stands in the files, readable or not."""
    whole = hashlib.sha256()
    for path in files:
        try:
            content = path.read_bytes()
        except OSError as cause:
            content = f"unreadable {cause.errno}".encode()
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()
