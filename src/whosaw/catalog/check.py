"""Try the catalog against the living databases and say what in it does not hold."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

from whosaw.catalog.model import Catalog, CatalogError
from whosaw.catalog.rolecheck import Staff, check_roles, read_staff
from whosaw.catalog.source import Source
from whosaw.catalog.subjectcheck import check_subject
from whosaw.catalog.trying import Trial, refusal
from whosaw.catalog.uncovered import Coverage, coverage
from whosaw.catalog.weighcheck import check_record
from whosaw.catalog.workcheck import check_action, check_lookup, check_purpose


@dataclass(frozen=True, slots=True)
class CatalogReport:
    """What `check` tried.

    Attributes:
        tried: one line per part of the catalog that the databases accepted.
        problems: one line per part that they refused or that can never do what it is for, with the reason.
        notes: what may be meant and may be not.
        staff: roles and regions of the directory; None where it was not read.
        coverage: how much of what looks personal the catalog knows; None where a source could not be looked at.
    """

    tried: tuple[str, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    staff: Staff | None = field(default=None, repr=False)
    coverage: Coverage | None = field(default=None, repr=False)

    @property
    def passed(self) -> bool:
        """Whether nothing was refused."""
        return not self.problems


async def check(catalog: Catalog, sources: Mapping[str, Source]) -> CatalogReport:
    """Try every part of the catalog on its database, on keys that exist nowhere and on a sample of the company's rows.

    Values of the sample leave no trace: a report speaks of tables, columns and counts.
    """
    trial = Trial(catalog, sources)
    await _reach(trial)
    staff = await read_staff(trial)
    for kind in catalog.subjects.values():
        await _try(trial, f"subjects.{kind.name}", kind.source, check_subject(trial, kind))
    for purpose in catalog.purposes.values():
        await _try(trial, f"purposes.{purpose.name}", purpose.source, check_purpose(trial, purpose))
    for action in catalog.actions.values():
        await _try(trial, f"actions.{action.name}", action.source, check_action(trial, action))
    for lookup in catalog.lookups.values():
        await _try(trial, f"lookups.{lookup.name}", lookup.source, check_lookup(trial, lookup))
    for name, (source, query) in (catalog.trace.records if catalog.trace is not None else {}).items():
        await _try(trial, f"trace.{name}", source, check_record(trial, name, source, query))
    check_roles(trial, staff)
    return CatalogReport(tuple(trial.tried), tuple(trial.problems), tuple(trial.notes), staff, await _coverage(trial))


async def _reach(trial: Trial) -> None:
    """Find out which sources answer; what lies in another is not tried, and is one problem instead of many."""
    for name, source in trial.sources.items():
        try:
            await source.rows("select 1")
        except CatalogError as problem:
            trial.silent.add(name)
            trial.problem(f"sources.{name}", str(problem))


async def _try(trial: Trial, place: str, source: str, trying: Awaitable[str]) -> None:
    """Run one trial that returns what it accepted; where it raises, the place is refused."""
    if source in trial.silent:
        trial.note(place, f"not tried: the source `{source}` does not answer")
        getattr(trying, "close", lambda: None)()
        return
    before = len(trial.problems)
    try:
        accepted = await trying
    except CatalogError as problem:
        trial.problem(place, refusal(problem))
        return
    if len(trial.problems) == before:
        trial.tried.append(accepted)


async def _coverage(trial: Trial) -> Coverage | None:
    if trial.silent:
        return None
    try:
        return await coverage(trial.catalog, trial.sources)
    except CatalogError as problem:
        trial.note("coverage", f"not known: {problem}")
        return None
