"""What the catalog declares for a trace, read from the company's own tables: duties, presence, shared accounts.

What is read becomes the files that `whosaw trace` takes beside its sightings, so that a verdict of a case and one by
hand weigh the same. Nothing is guessed: a row that means nothing stops the verdict, because the duty that it was to
tell of would count against whoever has it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.catalog import Tracing
from whosaw.catalog.keyed import Row
from whosaw.catalog.statements import about_statement, columns_statement, sample_statement
from whosaw.catalog.told import yes_or_no
from whosaw.catalog.weighcheck import wrong_in
from whosaw.catalog.weighing import CLEARING, DUTIES, RECORDS
from whosaw.gate.work import aware
from whosaw.trace.explained import ACCOUNT, HAND_OVER

ROWS_MOST = 200_000
"""Rows of one query that are read: what went into a verdict is kept with it."""
NAMES = {
    "managers": "account management",
    "handovers": "hand-overs",
    "presence": "shifts, badges, devices and other logins",
    "accounts": "shared accounts and sites",
    "orders": "orders",
    "routes": "routes",
}
"""What the tables of ``[trace]`` are called in sentences."""

_FEWER = {
    "orders": "let it give one row per customer and beneficiary, of the first order: `min(...)`, `group by` both",
    "routes": "let it give one row per customer, of what was said first",
}
_WHOSE = {"actor": "one account", "beneficiary": "one beneficiary", "subject": "some of its customers"}
_NEVER = datetime.max.replace(tzinfo=UTC)
_DUTIES = ("actor", "what", "of", "subject", "since", "until")
_PRESENCE = ("actor", "what", "from", "until", "where")
_ACCOUNTS = ("actor", "shared", "group")


class TraceRecordInvalid(AppError, ValueError):
    """A query of ``[trace]`` gives what a trace cannot read."""

    code: ClassVar[str] = "app.trace_record"
    hint = "`whosaw check` says which rows and why; docs/catalog.md names the columns"


@dataclass
class Declared:
    """What the catalog declares, as far as it was read.

    Attributes:
        tracing: the table ``[trace]``.
        others: beneficiaries of rows of account management that were left out, being about somebody else.
        rows: how many rows each of `RECORDS` gave; one that is not among them was not weighed.
        files: what was read, as the files of a trace, by name.
        involved: (actor, subject) of the hand-overs that speak of an opening in the record.
    """

    tracing: Tracing
    others: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    involved: set[tuple[str, str]] = field(default_factory=set)

    @property
    def not_weighed(self) -> list[str]:
        """Return a sentence for each thing that was not weighed, or of which nothing was there."""
        said = [f"not weighed: {NAMES[name]}; the catalog has no [trace.{name}]" for name in self._absent()]
        unread = [name for name in self.tracing.records if name not in self.rows]  # nobody stands first by himself
        said += [f"not weighed: {NAMES[name]}; there was no single account to ask about" for name in unread]
        return said + [
            f"nothing to weigh: no row of {NAMES[name]} was there" for name, count in self.rows.items() if not count
        ]

    @property
    def weighs_all(self) -> bool:
        """Whether duties, presence and shared accounts are all declared, and all that is declared gave rows."""
        return all(self.rows.get(name) for name in {*CLEARING, *self.rows})

    def _absent(self) -> list[str]:
        return [name for name in CLEARING if name not in self.tracing.records]


def declared(services: Services) -> Declared:
    """Return what the catalog declares, with nothing read yet."""
    return Declared(services.catalog.trace or Tracing())


async def read_work(services: Services, into: Declared, beneficiary: str) -> None:
    """Read duties and accounts.

    Args:
        services: everything opened.
        into: takes what is read.
        beneficiary: whom the question is about; the management of another account explains nothing and is left out.

    Raises:
        SourceUnreachable, SourceRefused, TimeUnreadable: a database says so.
        TraceRecordInvalid: a row means nothing, or there are too many.
    """
    duties: list[tuple[str, ...]] = []
    for name in DUTIES:
        for row in await rows_of(services, into, name):
            if name == "handovers":
                cells = (HAND_OVER, _text(row["previous"]), _text(row.get("subject")))
            else:
                cells = (ACCOUNT, _text(row["beneficiary"]), "")
            if name == "handovers" or cells[1] in ("", beneficiary):
                duties.append((_text(row["actor"]), *cells, _time(row.get("since")), _time(row.get("until"))))
            else:
                into.others.append(cells[1])
    if any(name in into.rows for name in DUTIES):
        into.files["duties.csv"] = as_csv(_DUTIES, duties)
    accounts = await rows_of(services, into, "accounts")
    if "accounts" in into.rows:
        if len({_text(row["actor"]) for row in accounts}) < len(accounts):
            raise TraceRecordInvalid("an account stands in more than one row of `trace.accounts`")
        told = [
            (_text(row["actor"]), str(int(bool(yes_or_no(row["shared"])))), _text(row.get("site"))) for row in accounts
        ]
        into.files["accounts.csv"] = as_csv(_ACCOUNTS, told)


async def read_presence_of(services: Services, into: Declared, openings: Mapping[str, Sequence[datetime]]) -> None:
    """Read what other systems say of the owners of accounts as far as it bears on openings; raises as `read_work`.

    Years of logins are read one account after another, and kept are those rows alone that say something.

    Args:
        services: everything opened.
        into: takes what is read.
        openings: those that count, with their zone, by account; the rows of nobody else are asked for.
    """
    rows: list[Row] = []
    given = 0
    for actor, times in openings.items():
        his = await rows_of(services, into, "presence", ("actor", [actor]))
        given += len(his)
        rows += bearing_on(times, his)
        if len(rows) > ROWS_MOST:
            raise TraceRecordInvalid(
                f"the query of `trace.presence` gives more than {ROWS_MOST:,} rows that bear on the openings of "
                f"{len(openings)} accounts"
            )
    if "presence" not in into.rows:
        return
    into.rows["presence"] = given
    told = [
        (
            *(_text(row[name]) for name in ("actor", "what")),
            _time(row["since"]),
            _time(row["until"]),
            _text(row["device"]),
        )
        for row in rows
    ]
    into.files["presence.csv"] = as_csv(_PRESENCE, set(told))


def bearing_on(openings: Sequence[datetime], rows: Iterable[Row]) -> list[Row]:
    """Return the rows of one account's owner without which something else would be said about an opening.

    Those are his devices, and of shifts, badges and logins each that overlaps the time of the openings,
    with the nearest before and after it: of a kind of which no row is left, nothing would be said, though he has some.

    Args:
        openings: with their zone.
        rows: of `presence`, each of which means something.
    """
    kept: list[Row] = []
    beside: dict[tuple[str, bool], tuple[datetime, Row]] = {}
    first, last = (min(openings), max(openings)) if openings else (_NEVER, _NEVER)
    for row in rows:
        if str(row["what"]) == "device":
            kept.append(row)
            continue
        since, until = aware(row["since"]), aware(row["until"])
        if since <= last and until >= first:
            kept.append(row)
            continue
        earlier = until < first
        near = until if earlier else since
        place = str(row["what"]), earlier
        if place not in beside or (near > beside[place][0]) == earlier:
            beside[place] = near, row
    return kept + [row for _, row in beside.values()]


async def rows_of(
    services: Services, into: Declared, name: str, about: tuple[str, Sequence[str]] | None = None
) -> Sequence[Row]:
    """Return the rows of one query, or those about some keys; none where it is not declared. Raises as `read_work`.

    Args:
        services: everything opened.
        into: takes how many rows there are.
        name: which of `RECORDS`.
        about: a column, and what stands in it; all rows where absent.
    """
    if name not in into.tracing.records:
        return ()
    source, query = into.tracing.records[name]
    needed, possible = RECORDS[name]
    given = await services.sources[source].columns(columns_statement(query))
    if absent := [column for column in needed if column not in given]:
        raise TraceRecordInvalid(f"the query of `trace.{name}` gives no column `{absent[0]}`")
    columns = [*needed, *(column for column in possible if column in given)]
    if about is None:
        rows = await services.sources[source].rows(sample_statement(query, columns, ROWS_MOST + 1))
    else:
        statement = about_statement(query, tuple(columns), about[0], ROWS_MOST + 1)
        rows = await services.sources[source].rows(statement, keys=[*about[1]])
    if len(rows) > ROWS_MOST:
        whose = "" if about is None else f" about {_WHOSE[about[0]]}"
        raise TraceRecordInvalid(
            f"the query of `trace.{name}` gives more than {ROWS_MOST:,} rows{whose}", hint=_FEWER.get(name)
        )
    if why := next((said for row in rows if (said := wrong_in(name, row))), ""):
        raise TraceRecordInvalid(f"the query of `trace.{name}` gives a row that means nothing: {why}")
    into.rows[name] = len(rows)
    return rows


def as_csv(header: Sequence[str], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table as CSV, its rows in order, so that the same rows make the same text."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(header)
    lines.writerows(sorted(rows))
    return text.getvalue()


def from_csv(content: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header and the rows of a table that `as_csv` wrote; nothing of an empty text."""
    lines = csv.DictReader(io.StringIO(content))
    return list(lines.fieldnames or ()), list(lines)


def _text(value: object) -> str:
    """Return a cell on one line."""
    return "" if value is None else " ".join(str(value).split())


def _time(value: datetime | None) -> str:
    return "" if value is None else aware(value).astimezone(UTC).isoformat()
