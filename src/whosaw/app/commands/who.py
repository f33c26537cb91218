"""``whosaw who CUSTOMER``: who saw this person, which fields, why, through which door.

What the answer needs is imported where it is given: a lake is asked without the server's parts, the record without the
lake's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar

from cyclopts import Parameter

from whosaw.app.errors import AppError


class BadTime(AppError, ValueError):
    """A time on the command line cannot be read."""

    code: ClassVar[str] = "app.bad_time"
    hint = "write it as 2026-03-02 or 2026-03-02T14:00:00+01:00; without a zone it is UTC"


def who(
    customer: str,
    /,
    *,
    since: str = "",
    field: str = "",
    lake: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Say who saw this customer, which fields, why, and by which door.

    Args:
        customer: the customer's key, as C-000017 or customer:C-000017.
        since: leave out what was before this time.
        field: only what concerns this field, as customer.email.
        lake: ask this lake instead of the record; the key then is written as the imported log writes it.
        as_json: print JSON.
    """
    if lake is not None:
        from whosaw.app.commands.lakewho import who_in_lake

        return who_in_lake(lake, customer, time_of(since) if since else None, field or None, as_json)
    from whosaw.app.commands.recordwho import who_in_record

    return who_in_record(customer, time_of(since) if since else None, field, as_json)


def time_of(text: str) -> datetime:
    """Return the aware time in `text`; without a zone it is UTC.

    Raises:
        BadTime: it is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as cause:
        raise BadTime(f"not a time: `{text}`") from cause
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
