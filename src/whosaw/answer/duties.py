"""Which notices the law asks for, by place: decided from dated rules, the facts and the residents, with why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from whosaw.answer.facts import Facts, Person
from whosaw.answer.law import Rule, rules_on

To = Literal["persons", "authority", "attorney_general"]


@dataclass(frozen=True, slots=True)
class Risk:
    """A person's decision on how high the risk is, which art. 34 hangs on: who decided, and why."""

    high: bool
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Duty:
    """What one rule asks for in one case.

    Attributes:
        rule: the rule, as it stands on the day.
        to: who is to be told.
        required: whether the law asks for it; where not, a letter may still be sent of free will. None while nobody has
            decided how high the risk is.
        why: why it does or does not.
        residents: how many people of the place it is about: in California those whose data its law names, where any.
        check: whether counsel has yet to check the rule.
    """

    rule: Rule
    to: To
    required: bool | None
    why: str
    residents: int
    check: bool


_TO: dict[str, tuple[To, ...]] = {
    "eu.gdpr.art33": ("authority",),
    "uk.gdpr.art33": ("authority",),
    "eu.gdpr.art34": ("persons",),
    "uk.gdpr.art34": ("persons",),
    "us.ca.1798_82": ("persons",),
    "us.ca.attorney_general": ("attorney_general",),
    "cn.pipl.art57": ("authority", "persons"),
}
_AT_HIGH_RISK = frozenset({"eu.gdpr.art34", "uk.gdpr.art34"})


def decide_duties(facts: Facts, residence: Mapping[int, str], risk: Risk | None, on: date) -> tuple[Duty, ...]:
    """Return what the rules in force on a day ask for.

    Args:
        facts: of the case.
        residence: jurisdiction of each person who is told, by number: ``EU``, ``UK``, ``US-CA``, ``CN``, or another,
            for which no rule is known here.
        risk: the decision on the risk; None while there is none.
        on: the day.
    """
    residents = Counter(residence.get(person.subject, "") for person in facts.persons)
    found = []
    for rule in rules_on(on):
        if rule.id in _TO and residents[rule.jurisdiction]:
            required, why, count = _decide(rule, facts, residence, risk, residents[rule.jurisdiction])
            check = rule.checked == "counsel"
            found += [Duty(rule, to, required, why, count, check) for to in _TO[rule.id]]
    return tuple(found)


def required_of(duties: tuple[Duty, ...], jurisdiction: str) -> bool | None:
    """Return whether a law asks for a letter to persons of this place.

    None where that cannot be said: no rule is known there, counsel has yet to check it, or nobody has decided on the
    risk. A letter that says that no law asks for it must be right about that.
    """
    mine = [duty for duty in duties if duty.to == "persons" and duty.rule.jurisdiction == jurisdiction]
    if any(duty.required for duty in mine):
        return True
    return False if mine and all(duty.required is False and not duty.check for duty in mine) else None


def named_by_california(facts: Facts, residence: Mapping[int, str]) -> Sequence[Person]:
    """Return the residents of California whose data § 1798.82(h) names."""
    covered = next(each.with_fields for each in rules_on(facts.as_of.date()) if each.id == "us.ca.1798_82")
    mine = [person for person in facts.persons if residence.get(person.subject) == "US-CA"]
    return [person for person in mine if set(person.fields_seen) & set(covered)]


def _decide(
    rule: Rule, facts: Facts, residence: Mapping[int, str], risk: Risk | None, residents: int
) -> tuple[bool | None, str, int]:
    if rule.id in _AT_HIGH_RISK:
        if risk is None:
            return None, "nobody has decided how high the risk is", residents
        return risk.high, f"the risk was decided to be {'high' if risk.high else 'not high'}: {risk.why}", residents
    if rule.jurisdiction == "US-CA":
        hit = len(named_by_california(facts, residence))
        return (*_california(rule, hit), hit or residents)
    return True, "personal data of residents got out", residents


def _california(rule: Rule, hit: int) -> tuple[bool, str]:
    if not hit:
        return False, "what got out is not personal information under § 1798.82(h): an e-mail address alone is not"
    if rule.residents_over is not None and hit <= rule.residents_over:
        return False, f"{hit} residents are told, not more than {rule.residents_over}"
    return True, f"{hit} residents, with data that § 1798.82(h) names"
