"""Who is in the staff directory, and does the catalog speak of roles and functions that somebody has?"""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.catalog.model import CatalogError
from whosaw.catalog.statements import actor_statement, columns_statement, roles_statement, sample_statement
from whosaw.catalog.trying import NOBODY, SAMPLED, Trial, lacking, missing, refusal


@dataclass(frozen=True, slots=True)
class Staff:
    """The directory's people as far as policies look at them.

    Attributes:
        combinations: every set of roles that somebody has.
        regions: every region somebody works in; the empty text where the directory names none.
        functions: functions under which people may approve; None where the directory does not say.
    """

    combinations: frozenset[frozenset[str]]
    regions: frozenset[str]
    functions: frozenset[str] | None = None

    @property
    def roles(self) -> frozenset[str]:
        """Every role that somebody has."""
        return frozenset(role for roles in self.combinations for role in roles)


async def read_staff(trial: Trial) -> Staff | None:
    """Try the directory's query and return who is there; None where it cannot be read from a source."""
    actors, place = trial.catalog.actors, "actors"
    if actors.source not in trial.sources:
        trial.note(place, "an identity provider sends them: roles that nobody has cannot be told")
        return None
    if actors.source in trial.silent:
        return None
    source = trial.sources[actors.source]
    wanted = ["key", "roles", "region", "ended", *actors.attributes]
    try:
        absent = lacking(await source.columns(columns_statement(actors.query)), wanted)
        for name in absent:
            trial.problem(place, f"its query gives no column `{name}`")
        if absent:
            return None
        await source.rows(actor_statement(actors), keys=NOBODY)
        rows = await source.rows(roles_statement(actors))
        staff = Staff(
            frozenset(_roles(row["roles"]) for row in rows) - {frozenset()},
            frozenset(str(row["region"] or "") for row in rows),
            await _functions(trial),
        )
    except CatalogError as problem:
        trial.problem(place, refusal(problem))
        return None
    trial.directory_read = True
    if not staff.roles:
        trial.problem(place, "its query names no role of anybody: every decision would be deny")
    else:
        trial.tried.append(place)
    return staff


def check_roles(trial: Trial, staff: Staff | None) -> None:
    """Refuse budgets and broken glass for roles nobody has, and approvals by functions nobody has."""
    if staff is None or not staff.roles:
        return
    catalog = trial.catalog
    for budget in catalog.budgets.values():
        _known(trial, f"budgets.{budget.name}", "role", budget.roles, staff.roles)
    for action in catalog.actions.values():
        if action.second_person_above is not None and "second_person" not in catalog.grants:
            trial.problem(
                f"actions.{action.name}",
                "a second person is asked for and nobody could be: declare [grants.second_person]",
            )
    glass = catalog.break_glass
    if glass is not None:
        _known(trial, "break_glass", "role", glass.roles, staff.roles)
    if staff.functions is None:
        return
    for kind in catalog.grants.values():
        _known(trial, f"grants.{kind.name}", "function", kind.approvers, staff.functions)
    if glass is not None:
        _known(trial, "break_glass", "function", glass.reviewers, staff.functions)


def _known(trial: Trial, place: str, what: str, named: frozenset[str], there: frozenset[str]) -> None:
    for name in sorted(named - there):
        said = f"nobody in the directory has the {what} `{name}`{missing(name, there)}"
        if named & there or what == "function":  # a function may also be given by a change that two people sign
            trial.note(place, said)
        else:
            trial.problem(place, said)


async def _functions(trial: Trial) -> frozenset[str] | None:
    actors = trial.catalog.actors
    if "function" not in actors.attributes:
        return None
    rows = await trial.sources[actors.source].rows(sample_statement(actors.query, ["function"], SAMPLED * 10))
    return frozenset(str(row["function"]) for row in rows if row["function"])


def _roles(told: object) -> frozenset[str]:
    names = told.split(",") if isinstance(told, str) else list(told) if isinstance(told, list | tuple) else []
    return frozenset(str(name).strip() for name in names if str(name).strip())
