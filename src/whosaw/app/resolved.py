"""The resolved policy: what each role gets of each class for each purpose, as the policies decide it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from whosaw.catalog import Catalog, Field
from whosaw.catalog.rolecheck import Staff
from whosaw.decide import ActorFacts, Facts, PolicySet, Verification, decide, decide_action, decide_lookup, lookup_deed

NO_PURPOSE = "–"


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination.

    Attributes:
        role: somebody who has this role and no other.
        purpose: of a verified reason, or `NO_PURPOSE`.
        about: a class, an action, or ``lookup:NAME``.
        effect: ``reveal``, ``alias``, ``mask`` or ``deny``; for an action or a lookup ``allow`` or ``deny``.
        would: what enforcement would give where it is only observed, else None.
        regions: for which regions of actor and subject; empty where they make no difference.
        policies: ids of the policies that made it so.
        duties: what they demand besides.
    """

    role: str
    purpose: str
    about: str
    effect: str
    would: str | None
    regions: tuple[str, ...]
    policies: tuple[str, ...]
    duties: tuple[str, ...]


def resolve(catalog: Catalog, staff: Staff | None, policies: PolicySet, named: frozenset[str]) -> list[Cell]:
    """Return every combination of role × purpose × class, and of role × purpose × action or lookup.

    Args:
        catalog: for classes, actions, lookups and purposes.
        staff: roles and regions of the directory; None where it is not known.
        policies: the set.
        named: roles that policies name, for where the directory is not known.
    """
    roles = sorted(staff.roles if staff is not None else named)
    regions = sorted(staff.regions) if staff is not None else [""]
    # how a single field is observed stands with the field
    fields = {field.klass: replace(field, mode="enforce") for field in catalog.fields.values()}
    found: list[Cell] = []
    for role in roles:
        for verification in _verifications(catalog):
            for about in [*sorted(fields), *sorted(catalog.actions), *map(lookup_deed, sorted(catalog.lookups))]:
                answers = [
                    (f"{own}→{other}", _decided(fields.get(about, about), facts, policies))
                    for own, other, facts in _facts(role, regions, verification)
                ]
                found += _cells(role, verification, about, answers)
    return found


_Answer = tuple[str, str | None, tuple[str, ...], tuple[str, ...]]


def _decided(about: Field | str, facts: Facts, policies: PolicySet) -> _Answer:
    if isinstance(about, str):
        lookup = about.removeprefix(lookup_deed(""))
        named = lookup != about
        decision = decide_lookup(lookup, facts, policies) if named else decide_action(about, facts, policies)
        return decision.outcome, decision.would, decision.policies, decision.duties
    decision = decide([about], facts, policies)
    item = decision.fields[0]
    return item.effect, item.would, item.policies, decision.duties


def _cells(role: str, verification: Verification, about: str, answers: Sequence[tuple[str, _Answer]]) -> Iterator[Cell]:
    by_answer: dict[_Answer, list[str]] = {}
    for regions, answer in answers:
        by_answer.setdefault(answer, []).append(regions)
    for (effect, would, made_by, duties), here in by_answer.items():
        where = tuple(here) if len(by_answer) > 1 else ()
        yield Cell(role, verification.kind or NO_PURPOSE, about, effect, would, where, made_by, duties)


def _verifications(catalog: Catalog) -> Iterator[Verification]:
    yield Verification("", "purpose.missing")
    for purpose in catalog.purposes.values():
        yield Verification(purpose.name, "purpose.verified", observe=purpose.mode == "observe")


def _facts(role: str, regions: Sequence[str], verification: Verification) -> Iterator[tuple[str, str, Facts]]:
    for own in regions:
        actor = ActorFacts(frozenset({role}), own, ended=False, suspended=False)
        for other in regions:
            yield own, other, Facts(actor, verification, subject_known=True, subject_region=other)
