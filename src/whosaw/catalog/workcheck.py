"""Can a purpose ever bear a reason out; do actions and lookups lead to subjects?

A query that gives no assignee, no origin or only empty ones verifies nothing, or worse: without an origin nobody could
tell the work that somebody made for himself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from whosaw.catalog.keyed import Row
from whosaw.catalog.model import Action, Lookup, Purpose
from whosaw.catalog.statements import (
    actor_statement,
    columns_statement,
    lookup_statement,
    object_statement,
    presence_statement,
    sample_statement,
    work_statement,
)
from whosaw.catalog.trying import NOBODY, SAMPLED, Trial, lacking

_KEYS_MOST = 200
_ORIGINS_LEAST = 4  # fewer are words for a way in: web, phone, customer
_WHY = {
    "reference": "it is what an ask names",
    "assignee": "without it a reason holds for nobody",
    "subject": "without it a reason is about nobody",
    "origin": "without it work that somebody made for himself would pass as a reason",
    "opened_at": "without it work holds before it was opened",
    "closed_at": "without it work holds for ever; write null as closed_at where it never ends",
    "beneficiary": "the catalog declares one",
    "object": "it is what an ask names",
    "value": "it is what is sought",
}
_NEEDED = ("reference", "assignee", "subject", "origin", "opened_at")  # an open item has no closed_at


async def check_purpose(trial: Trial, purpose: Purpose) -> str:
    """Try one purpose; return what was accepted.

    Raises:
        SourceUnreachable, SourceRefused, TimeUnreadable: the database says so.
    """
    place, source = f"purposes.{purpose.name}", trial.sources[purpose.source]
    wanted = ["reference", "assignee", "subject", "origin", "opened_at", "closed_at"]
    wanted += ["beneficiary"] if purpose.beneficiary_kind else []
    if not await _columns(trial, place, purpose.source, purpose.query, wanted):
        return ""
    await source.rows(work_statement(purpose), references=NOBODY)
    rows = await source.rows(sample_statement(purpose.query, wanted, SAMPLED))
    if not rows:
        trial.note(place, "its query gives no row now: whether a reason can hold was not seen")
    else:
        await _judge(trial, purpose, rows)
    return f"{place} ({purpose.mode})"


async def check_action(trial: Trial, action: Action) -> str:
    """Try one action; return what was accepted."""
    place, source = f"actions.{action.name}", trial.sources[action.source]
    wanted = ["object", "subject", *(["beneficiary"] if action.beneficiary_kind else [])]
    if not await _columns(trial, place, action.source, action.query, wanted):
        return ""
    await source.rows(object_statement(action), objects=NOBODY)
    rows = await source.rows(sample_statement(action.query, ["object", "subject"], _KEYS_MOST))
    await _same_subjects(trial, place, action.subject_kind, [row["subject"] for row in rows])
    return place


async def check_lookup(trial: Trial, lookup: Lookup) -> str:
    """Try one lookup; return what was accepted."""
    place, source = f"lookups.{lookup.name}", trial.sources[lookup.source]
    if not await _columns(trial, place, lookup.source, lookup.query, ["value", "subject"]):
        return ""
    await source.rows(lookup_statement(lookup), values=NOBODY)
    rows = await source.rows(sample_statement(lookup.query, ["value", "subject"], _KEYS_MOST))
    if lookup.name not in trial.catalog.fields:
        await _same_subjects(trial, place, lookup.subject_kind, [row["subject"] for row in rows])
    return place


async def _columns(trial: Trial, place: str, source: str, query: str, wanted: Sequence[str]) -> bool:
    given = await trial.sources[source].columns(columns_statement(query))
    for name in lacking(given, wanted):
        trial.problem(place, f"its query gives no column `{name}`: {_WHY.get(name, 'it is needed')}")
    return not lacking(given, wanted)


async def _judge(trial: Trial, purpose: Purpose, rows: Sequence[Row]) -> None:
    place, count = f"purposes.{purpose.name}", len(rows)
    empty = {name: sum(row[name] in (None, "") for row in rows) for name in _NEEDED}
    for name, lacks in empty.items():
        if lacks == count:
            trial.problem(place, f"`{name}` is empty in all of {count:,} rows: {_WHY[name]}")
        elif lacks and name != "assignee":  # work that nobody has yet is no fault
            trial.note(place, f"`{name}` is empty in {lacks:,} of {count:,} rows: {_WHY[name]}")
    if any(lacks == count for lacks in empty.values()):
        return
    assigned = [row for row in rows if row["assignee"] not in (None, "")]
    if all(str(row["assignee"]) == str(row["origin"]) for row in assigned):
        trial.problem(place, f"each of {len(assigned):,} assigned rows was opened by its own assignee: none can verify")
    await _same_staff(trial, place, [row["assignee"] for row in assigned])
    await _same_subjects(trial, place, purpose.subject_kind, [row["subject"] for row in rows])
    await _known_origins(trial, place, purpose.subject_kind, [row["origin"] for row in rows])


async def _known_origins(trial: Trial, place: str, kind_name: str, origins: Collection[object]) -> None:
    """Note origins that are neither staff nor subjects by their keys: nobody's own work could be told by them."""
    actors, kind, keys = trial.catalog.actors, trial.catalog.subjects[kind_name], _distinct(origins)
    if len(keys) < _ORIGINS_LEAST or not trial.directory_read or kind.source in trial.silent:
        return
    if await trial.sources[actors.source].rows(actor_statement(actors), keys=keys):
        return
    bare = [key.removeprefix(f"{kind_name}:") for key in keys]
    if not await trial.sources[kind.source].rows(presence_statement(kind), keys=bare):
        trial.note(
            place,
            f"none of {len(keys)} values of `origin` is a `key` of the staff directory or of `{kind.table}`: where "
            "staff open such work, name them by their keys, or what somebody opened himself passes as a reason",
        )


async def _same_staff(trial: Trial, place: str, assignees: Collection[object]) -> None:
    actors, keys = trial.catalog.actors, _distinct(assignees)
    if not trial.directory_read:
        return
    if keys and not await trial.sources[actors.source].rows(actor_statement(actors), keys=keys):
        trial.problem(place, f"none of {len(keys)} assignees is a `key` of the staff directory: none can verify")


async def _same_subjects(trial: Trial, place: str, kind_name: str, subjects: Collection[object]) -> None:
    kind = trial.catalog.subjects[kind_name]
    keys = _distinct(subjects)
    if kind.source in trial.silent or not keys:
        return
    if not await trial.sources[kind.source].rows(presence_statement(kind), keys=keys):
        trial.problem(place, f"none of {len(keys)} values of `subject` is a `{kind.key}` of `{kind.table}`")


def _distinct(values: Collection[object]) -> list[str]:
    return sorted({str(value) for value in values if value not in (None, "")})[:_KEYS_MOST]
