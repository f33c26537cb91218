"""Everything `whosaw check` finds out: the catalog on its databases, the policies in it, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.app.reach import Reach, reach
from whosaw.app.resolved import NO_PURPOSE, Cell, resolve
from whosaw.catalog import Catalog, CatalogReport
from whosaw.catalog import check as check_catalog
from whosaw.catalog.source import open_sources
from whosaw.decide import PolicySet, lookup_deed
from whosaw.decide.mentions import mentions


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found.

    Attributes:
        report: what the databases said.
        cells: the resolved policy.
        problems: everything refused: the report's, and rules that can never apply.
        notes: everything that may be meant.
    """

    report: CatalogReport
    cells: tuple[Cell, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


async def find(catalog: Catalog, policies: PolicySet) -> Findings:
    """Try a catalog and its policies.

    Args:
        catalog: the catalog; its sources are opened and closed here.
        policies: those that it names, or that ship.
    """
    sources = open_sources(catalog)
    try:
        report = await check_catalog(catalog, sources)
    finally:
        for source in sources.values():
            await source.__aexit__()
    staff = report.staff
    cells = resolve(catalog, staff, policies, mentions(policies).roles)
    thought = reach(catalog, staff, policies)
    problems, notes = list(report.problems), list(report.notes)
    _never(catalog, thought, problems, notes)
    if cells:
        _without_effect(catalog, cells, problems, notes)
    return Findings(report, tuple(cells), tuple(problems), tuple(notes))


def _never(catalog: Catalog, thought: Reach, problems: list[str], notes: list[str]) -> None:
    """Refuse a company's own policies that can never apply; it need not use every one that ships."""
    if catalog.policy_files:
        problems.extend(f"policy `{name}`: can never apply: {why}" for name, why in thought.never.items())
        notes.extend(f"policy `{name}`: {why}" for name, why in thought.absent.items())
    elif thought.never:
        listed = ", ".join(f"`{name}`" for name in thought.never)
        notes.append(f"shipped policies that never apply here: {listed}")


def _without_effect(catalog: Catalog, cells: list[Cell], problems: list[str], notes: list[str]) -> None:
    """Name purposes that open nothing, and classes and actions that are denied to everybody."""
    without = {(cell.role, cell.about, cell.regions): _strict(cell) for cell in cells if cell.purpose == NO_PURPOSE}
    for purpose in catalog.purposes.values():
        its = [cell for cell in cells if cell.purpose == purpose.name]
        if all(without.get((cell.role, cell.about, cell.regions)) == _strict(cell) for cell in its):
            observed = purpose.mode == "observe"
            (notes if observed else problems).append(
                f"purposes.{purpose.name}: no policy opens anything for it"
                + (", which is seen only once it is enforced" if observed else "")
            )
    for about in sorted({cell.about for cell in cells}):
        if all(_strict(cell) == "deny" for cell in cells if cell.about == about):
            kinds = [("action", catalog.actions), ("lookup", [lookup_deed(name) for name in catalog.lookups])]
            what = next((kind for kind, names in kinds if about in names), "class")
            notes.append(f"{what} `{about}`: no policy opens it: denied to everybody, but for grants and broken glass")


def _strict(cell: Cell) -> str:
    return cell.would or cell.effect
