"""Where reports of the employees' form wait: files that tell the hour and no more, taken in with all of their hour.

Taking one in is an entry of the trail, and its place among the others would tell the minute. So a report waits for the
next full hour; all of one hour come in together, in no order.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from whosaw.answer.approach import Approaches, ApproachUnknown, Offer, code_hash, hour_of, new_code
from whosaw.doors.complaint import Told


class ApproachSpool:
    """A folder (mode 0700) of files (mode 0600), with a bound."""

    def __init__(self, folder: Path, *, waiting_most: int = 1_000) -> None:
        """Use `folder`, made where the first report comes."""
        self._folder = folder
        self._waiting_most = waiting_most

    @property
    def full(self) -> bool:
        """Whether no more reports are taken until some were taken in."""
        return len(self._files()) >= self._waiting_most

    def put(self, told: Told, picture: bytes | None, at: datetime) -> str:
        """Write one report, whole or not at all, and return its code."""
        code, hour = new_code(), hour_of(at)
        kept = {"offer": told.offer, "channel": told.channel, "handle": told.handle, "payout": told.payout}
        shot = base64.b64encode(picture).decode() if picture else ""
        text = json.dumps({"told": kept, "code": code_hash(code), "hour": hour.isoformat(), "picture": shot})
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{secrets.token_hex(16)}.json"
        part = path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.utime(part, (hour.timestamp(), hour.timestamp()))
        part.rename(path)
        os.utime(self._folder, (hour.timestamp(), hour.timestamp()))
        return code

    async def take_in(self, approaches: Approaches, now: datetime) -> int:
        """Take in every report of an hour that is over; return how many. One that a crash cut short is taken once."""
        taken = 0
        for path in await asyncio.to_thread(self._files):
            said = json.loads(await asyncio.to_thread(path.read_text))
            hour = datetime.fromisoformat(said["hour"])
            if hour < hour_of(now):
                picture = base64.b64decode(said["picture"]) or None
                taken += await approaches.take_in(Offer(**said["told"]), said["code"], at=hour, screenshot=picture)
                await asyncio.to_thread(path.unlink)
        return taken

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))


async def answers(approaches: Approaches, code: str, text: str) -> Sequence[tuple[datetime, bool, str]] | None:
    """Return what was written about the report of this code, after adding `text`; None where no report has it."""
    try:
        found = await approaches.come_back(code, text=text)
    except ApproachUnknown:
        return None
    return [(each.at, each.from_desk, each.text) for each in found]
