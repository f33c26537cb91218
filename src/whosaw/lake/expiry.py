"""Files of a lake that live for a stated time only: rejected rows and kept columns. Their names say until when.

Whoever opens the lake for writing removes what is past its day; a day counts to its end, in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from whosaw.lake.folder import REJECTS
from whosaw.lake.kept import KEPT, forget_keys

_UNTIL = re.compile(r"-until-(\d{8})\.")


def dated(stem: str, now: datetime, days: int, ending: str) -> str:
    """Return the name of a file that lives until the end of the day `days` after `now`."""
    last = (now.astimezone(UTC) + timedelta(days=days)).date()
    return f"{stem}-until-{last:%Y%m%d}.{ending}"


def last_day(path: Path) -> date | None:
    """Return the last day of a file, None where its name states none."""
    found = _UNTIL.search(path.name)
    return datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC).date() if found else None


def expired(folder: Path, now: datetime) -> list[Path]:
    """Return the files of a lake that are past their day."""
    today = now.astimezone(UTC).date()
    files = sorted(path for part in (REJECTS, KEPT) for path in (folder / part).glob("*"))
    return [path for path in files if (last := last_day(path)) is not None and last < today]


def purge(folder: Path, now: datetime) -> int:
    """Remove what is past its day from a lake locked for writing, with the keys it was encrypted under.

    Returns:
        How many files were removed.
    """
    gone = expired(folder, now)
    for path in gone:
        path.unlink()
    forget_keys(folder)
    return len(gone)


def replace_older(folder: Path, part: str, stem: str, newest: str | None) -> None:
    """Remove older files of the same log, so that only the latest import's remains."""
    for path in (folder / part).glob(f"{stem}-*"):
        if path.name != newest:
            path.unlink()
