"""Where reports of the employees' form wait: files that say the hour and no more, taken in with all of their hour.

Taking one in is an entry of the trail, and its place among the others would tell the minute. So a report waits for the
next full hour; all of one hour come in together, in no order. Who runs the machine can read the minute all the same:
the file system keeps a time of change of its own (ctime) that nobody can set back.

Any number of processes may take in, and each may be killed at any moment: a report becomes one row and one entry. One
process at a time takes in, by a lock of the database that ends with its holder. A file is renamed before its entry is
written; one that is found so was cut short, and its entry, if it has one, is found again instead of written again.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from whosaw.answer.approach import Approaches, ApproachUnfit, ApproachUnknown, Offer, code_hash, hour_of, new_code
from whosaw.doors.complaint import Told
from whosaw.terms.durable import sync_folder

_LOG = logging.getLogger(__name__)
_HOUR = timedelta(hours=1)
_WAITING, _TAKING = ".json", ".taking"
_SETTLED = timedelta(minutes=1)  # what a killed process had sent to the database is done or undone long before


@dataclass(frozen=True, slots=True)
class _Report:
    offer: Offer
    code_sha256: str
    hour: datetime
    picture: bytes | None


class ApproachSpool:
    """A folder (mode 0700) of files (mode 0600), with a bound."""

    def __init__(self, folder: Path, *, waiting_most: int = 1_000, settled: timedelta = _SETTLED) -> None:
        """Use `folder`, made where the first report comes.

        Args:
            folder: where they wait.
            waiting_most: how many may wait.
            settled: after how long a report is taken up again whose taking in failed or was cut short.
        """
        self._folder = folder
        self._waiting_most = waiting_most
        self._settled = settled

    @property
    def full(self) -> bool:
        """Whether no more reports are taken until some were taken in."""
        return len(self._files()) >= self._waiting_most

    def put(self, told: Told, picture: bytes | None, at: datetime) -> str:
        """Write one report durably, whole or not at all, and return its code."""
        code, hour = new_code(), hour_of(at)
        kept = {"offer": told.offer, "channel": told.channel, "handle": told.handle, "payout": told.payout}
        shot = base64.b64encode(picture).decode() if picture else ""
        text = json.dumps({"told": kept, "code": code_hash(code), "hour": hour.isoformat(), "picture": shot})
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(self._folder.parent)
        path = self._folder / f"{secrets.token_hex(16)}{_WAITING}"
        part = path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.utime(part, (hour.timestamp(), hour.timestamp()))
        part.rename(path)
        sync_folder(self._folder)  # before anybody reads that his report was received
        os.utime(self._folder, (hour.timestamp(), hour.timestamp()))
        return code

    async def take_in(self, approaches: Approaches, now: datetime) -> int:
        """Take in every report of an hour that is over, each once; return how many; none where another process does.

        A file that is no report is put aside as ``.bad`` and keeps no other waiting.

        Raises:
            Exception: the database or the trail failed; what was not taken in waits for a later round.
        """
        await asyncio.to_thread(self._sweep, now)
        async with approaches.alone() as mine:
            return await self._round(approaches, now) if mine else 0

    async def _round(self, approaches: Approaches, now: datetime) -> int:
        taken, failed = 0, None
        for path in await asyncio.to_thread(self._files):
            try:
                taken += await self._take(approaches, path, now)
            except (ApproachUnfit, psycopg.DataError):
                await asyncio.to_thread(_put_aside, path)
            except Exception as problem:
                if failed is not None:  # the second of a round: hardly the fault of one file
                    raise
                failed = problem
        if failed is not None:
            raise failed
        return taken

    async def _take(self, approaches: Approaches, path: Path, now: datetime) -> bool:
        report = await asyncio.to_thread(_read, path)
        if report is None or report.hour >= hour_of(now):
            return False
        again = path.suffix == _TAKING
        taking = await asyncio.to_thread(self._begin, path)
        if taking is None:
            return False
        at, shot = report.hour, report.picture
        new = await approaches.take_in(report.offer, report.code_sha256, at=at, screenshot=shot, again=again)
        await asyncio.to_thread(taking.unlink, missing_ok=True)
        return new

    def _begin(self, path: Path) -> Path | None:
        """Mark a report as being taken in, durably; None where it cannot be begun now."""
        taking = path.with_suffix(_TAKING)
        try:
            if path.suffix == _TAKING and time.time() - path.stat().st_mtime < self._settled.total_seconds():
                return None
            os.utime(path)
            path.rename(taking)
        except FileNotFoundError:  # another process has it
            return None
        sync_folder(self._folder)
        return taking

    def _files(self) -> list[Path]:
        return sorted(each for each in self._folder.glob("*") if each.suffix in (_WAITING, _TAKING))

    def _sweep(self, now: datetime) -> None:
        """Take away what a crash cut short: nobody was told that it was received."""
        before = (hour_of(now) - _HOUR).timestamp()
        for part in self._folder.glob("*.part"):
            try:
                if part.stat().st_mtime < before:
                    part.unlink()
            except FileNotFoundError:
                continue


def _read(path: Path) -> _Report | None:
    """Return the report of a file; None where another process took it meanwhile.

    Raises:
        ApproachUnfit: it is none.
    """
    try:
        said = json.loads(path.read_bytes())
        told, code = said["told"], said["code"]
        hour = datetime.fromisoformat(said["hour"])
        picture = base64.b64decode(said["picture"], validate=True) or None
        if hour.tzinfo is None or not re.fullmatch("[0-9a-f]{64}", code):
            raise ApproachUnfit("a waiting report has no hour or no code")
        if not all(isinstance(each, str) for each in told.values()):
            raise ApproachUnfit("a waiting report holds what is no text")
        return _Report(Offer(**told), code, hour, picture)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as cause:
        raise ApproachUnfit("a waiting report cannot be read") from cause


def _put_aside(path: Path) -> None:
    """Put a file aside, under the name that it has since it was begun with, if it was."""
    for name in (path, path.with_suffix(_TAKING)):
        try:
            name.rename(path.with_suffix(".bad"))
            break
        except FileNotFoundError:
            continue
    else:
        return
    _LOG.warning(
        "a report of the employees' form cannot be taken in, it was put aside as .bad [%s]", ApproachUnfit.code
    )


async def answers(approaches: Approaches, code: str, text: str) -> Sequence[tuple[datetime, bool, str]] | None:
    """Return what was written about the report of this code, after adding `text`; None where no report has it."""
    try:
        found = await approaches.come_back(code, text=text)
    except ApproachUnknown:
        return None
    return [(each.at, each.from_desk, each.text) for each in found]
