"""Would a trace understand what the company writes down of duties, presence, shared accounts, orders and routes?

A verdict about a person rests on it, so a row that means nothing is refused here, and not only on the day of a case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from whosaw.catalog.keyed import Row
from whosaw.catalog.statements import (
    about_actors_statement,
    about_statement,
    actor_statement,
    columns_statement,
    presence_statement,
    sample_statement,
)
from whosaw.catalog.told import yes_or_no
from whosaw.catalog.trying import NOBODY, SAMPLED, Trial, lacking, missing
from whosaw.catalog.weighing import PRESENT, RECORDS

_KEYS_MOST = 200
_WHY = {
    "actor": "whose openings it is about",
    "beneficiary": "whose account is managed, as seller:S-1; null where `every` says that any is",
    "previous": "who had the customers before",
    "since": "from when on; null where it always was",
    "until": "until when; null where it still is",
    "what": f"one of {', '.join(PRESENT)}",
    "device": "the device of a login or a device; null for a shift or a badge",
    "shared": "whether several people use the account",
    "subject": "whom it is about, as customer:C-1",
    "route": "what decides who serves him: a region, a language, a team",
}
_WHY_OF = {
    "orders": {"beneficiary": "whose customer he is, as seller:S-1", "since": "when he ordered"},
    "routes": {"since": "when it was said: what was said after a complaint may come from it"},
}
_BY = {"orders": "beneficiary", "routes": "subject"}


async def check_record(trial: Trial, name: str, source: str, query: str) -> str:
    """Try one query of ``[trace]``; return what was accepted.

    Args:
        trial: the run of the check.
        name: which of `RECORDS`.
        source: where it runs.
        query: as the catalog has it.

    Raises:
        SourceUnreachable, SourceRefused, TimeUnreadable: the database says so.
    """
    place, needed, possible = f"trace.{name}", *RECORDS[name]
    given = await trial.sources[source].columns(columns_statement(query))
    why = _WHY | _WHY_OF.get(name, {})
    for column in lacking(given, needed):
        trial.problem(place, f"its query gives no column `{column}`: {why[column]}{missing(column, given)}")
    if lacking(given, needed):
        return ""
    columns = [*needed, *(column for column in possible if column in given)]
    if name == "presence":
        await trial.sources[source].rows(about_actors_statement(query, tuple(columns)), keys=NOBODY)
    if name in _BY:
        await trial.sources[source].rows(about_statement(query, tuple(columns), _BY[name]), keys=NOBODY)
    rows = await trial.sources[source].rows(sample_statement(query, columns, SAMPLED))
    if not rows:
        trial.note(place, "its query gives no row now: whether a trace understands it was not seen")
        return place
    _judge(trial, place, name, rows)
    _beneficiaries(trial, place, rows)
    await _known(trial, place, rows)
    return place


def wrong_in(name: str, row: Row) -> str:
    """Return why a row of ``[trace]`` means nothing, without a value of it; empty where it means something.

    Args:
        name: which of `RECORDS`.
        row: its columns.
    """
    return next((said for wrong, said in _TESTS[name] if wrong(row)), "")


def _empty(value: object) -> bool:
    return value is None or not str(value).strip()


def _backwards(row: Row) -> bool:
    since, until = row.get("since"), row.get("until")
    return since is not None and until is not None and _utc(since) > _utc(until)


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _no_reference(column: str) -> Callable[[Row], bool]:
    """A reference is written with its kind: `S-1` alone is nobody in the record."""
    return lambda row: not _empty(row.get(column)) and not all(str(row[column]).strip().partition(":"))


def _nobodys(row: Row) -> bool:
    """A key that is missing must not come to mean everybody: whoever manages all accounts is said to."""
    return _empty(row["beneficiary"]) and yes_or_no(row.get("every")) is not True


_PERIOD: tuple[tuple[Callable[[Row], bool], str], ...] = (
    (_backwards, "it ends before it begins: `since` lies after `until`"),
)
_ACTOR = ((lambda row: _empty(row["actor"]), "`actor` is empty: leave such rows out in the query"),)
_SUBJECT: tuple[tuple[Callable[[Row], bool], str], ...] = (
    (lambda row: _empty(row["subject"]), "`subject` is empty: leave such rows out in the query"),
    (_no_reference("subject"), "`subject` has no kind before its key: write customer:C-1"),
)
_TESTS: dict[str, tuple[tuple[Callable[[Row], bool], str], ...]] = {
    "managers": (
        *_ACTOR,
        *_PERIOD,
        (_nobodys, "`beneficiary` is empty, and no column `every` says that he manages them all"),
        (_no_reference("beneficiary"), "`beneficiary` has no kind before its key: write seller:S-1"),
    ),
    "handovers": (
        *_ACTOR,
        (lambda row: _empty(row["previous"]), "`previous` is empty: who had them before"),
        (lambda row: row["since"] is None, "`since` is empty: when they were handed over"),
        *_PERIOD,
        (_no_reference("subject"), "`subject` has no kind before its key: write customer:C-1"),
    ),
    "presence": (
        *_ACTOR,
        (lambda row: str(row["what"]) not in PRESENT, f"`what` is none of {', '.join(PRESENT)}"),
        (lambda row: str(row["what"]) in PRESENT[2:] and _empty(row["device"]), "`device` is empty"),
        (
            lambda row: str(row["what"]) != "device" and (row["since"] is None or row["until"] is None),
            "`since` or `until` is empty",
        ),
        *_PERIOD,
    ),
    "accounts": (*_ACTOR, (lambda row: yes_or_no(row["shared"]) is None, "`shared` is neither yes nor no")),
    "orders": (
        *_SUBJECT,
        (lambda row: _empty(row["beneficiary"]), "`beneficiary` is empty: whose customer he is"),
        (_no_reference("beneficiary"), "`beneficiary` has no kind before its key: write seller:S-1"),
        (lambda row: row["since"] is None, "`since` is empty: when he ordered"),
    ),
    "routes": (
        *_SUBJECT,
        (lambda row: _empty(row["route"]), "`route` is empty: leave such rows out in the query"),
        (lambda row: row["since"] is None, "`since` is empty: when it was said"),
    ),
}


def _judge(trial: Trial, place: str, name: str, rows: Sequence[Row]) -> None:
    wrong: dict[str, int] = {}
    for row in rows:
        if said := wrong_in(name, row):
            wrong[said] = wrong.get(said, 0) + 1
    for said, count in wrong.items():
        trial.problem(place, f"in {count:,} of {len(rows):,} rows: {said}")
    if name == "accounts" and len({str(row["actor"]) for row in rows}) < len(rows):
        trial.problem(place, "an account stands in more than one row")


async def _known(trial: Trial, place: str, rows: Sequence[Row]) -> None:
    """Refuse a query none of whose people, or customers, the company's own directory and tables know."""
    actors, keys = trial.catalog.actors, _distinct(row.get("actor") for row in rows)
    if (
        trial.directory_read
        and keys
        and not await trial.sources[actors.source].rows(actor_statement(actors), keys=keys)
    ):
        trial.problem(place, f"none of {len(keys)} values of `actor` is a `key` of the staff directory")
    for kind in trial.catalog.subjects.values():
        mine = f"{kind.name}:"
        keys = _distinct(
            str(row["subject"]).removeprefix(mine) for row in rows if str(row.get("subject") or "").startswith(mine)
        )
        silent = not keys or kind.source in trial.silent
        if not silent and not await trial.sources[kind.source].rows(presence_statement(kind), keys=keys):
            trial.problem(place, f"none of {len(keys)} values of `subject` is a `{kind.key}` of `{kind.table}`")
    written = [str(row["subject"]) for row in rows if not _empty(row.get("subject"))]
    strangers = sum(each.partition(":")[0] not in trial.catalog.subjects for each in written if ":" in each)
    if strangers:  # what stands there may be a value of somebody: it is counted, not told
        kinds = ", ".join(sorted(trial.catalog.subjects))
        trial.problem(place, f"`subject` in {strangers:,} rows begins with no kind of subject: one of {kinds}")


def _beneficiaries(trial: Trial, place: str, rows: Sequence[Row]) -> None:
    """Refuse account management of whom no work can be about, by the kind before the key."""
    kinds = {each.beneficiary_kind for each in trial.catalog.purposes.values()}
    kinds |= {each.beneficiary_kind for each in trial.catalog.actions.values()}
    kinds -= {None}
    written = [str(row["beneficiary"]).strip() for row in rows if not _empty(row.get("beneficiary"))]
    strangers = sum(each.partition(":")[0] not in kinds for each in written if ":" in each)
    if kinds and strangers:
        known = ", ".join(sorted(map(str, kinds)))
        trial.problem(
            place, f"`beneficiary` in {strangers:,} rows begins with no kind that work is about: one of {known}"
        )


def _distinct(values: Iterable[object]) -> list[str]:
    return sorted({str(value) for value in values if not _empty(value)})[:_KEYS_MOST]
