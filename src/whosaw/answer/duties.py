"""Which notices the law asks for, by place: decided from dated rules, the facts and the residents, with why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from whosaw.answer.facts import Facts
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
        required: whether the law asks for it; where not, a letter may still be sent of free will.
        why: why it does or does not.
        residents: how many people of the place are told.
        check: whether counsel has yet to check the rule.
    """

    rule: Rule
    to: To
    required: bool
    why: str
    residents: int
    check: bool


_TO: dict[str, To] = {
    "eu.gdpr.art33": "authority",
    "uk.gdpr.art33": "authority",
    "eu.gdpr.art34": "persons",
    "us.ca.1798_82": "persons",
    "us.ca.attorney_general": "attorney_general",
    "cn.pipl.art57": "authority",
}


def decide_duties(facts: Facts, residence: Mapping[int, str], risk: Risk, on: date) -> tuple[Duty, ...]:
    """Return what the rules in force on a day ask for.

    Args:
        facts: of the case.
        residence: jurisdiction of each person who is told, by number: ``EU``, ``UK``, ``US-CA``, ``CN``, or another,
            for which no rule is known here.
        risk: the decision on the risk.
        on: the day.
    """
    residents = Counter(residence.get(person.subject, "") for person in facts.persons)
    found = []
    for rule in rules_on(on):
        if rule.id in _TO and residents[rule.jurisdiction]:
            required, why = _decide(rule, facts, residence, risk)
            check = rule.checked == "counsel"
            found.append(Duty(rule, _TO[rule.id], required, why, residents[rule.jurisdiction], check))
    return tuple(found)


def required_of(duties: tuple[Duty, ...], jurisdiction: str) -> bool:
    """Return whether a law asks for a letter to persons of this place."""
    return any(duty.required and duty.to == "persons" and duty.rule.jurisdiction == jurisdiction for duty in duties)


def _decide(rule: Rule, facts: Facts, residence: Mapping[int, str], risk: Risk) -> tuple[bool, str]:
    if rule.id == "eu.gdpr.art34":
        return risk.high, f"the risk was decided to be {'high' if risk.high else 'not high'}: {risk.why}"
    if rule.jurisdiction == "US-CA":
        return _california(rule, facts, residence)
    return True, "personal data of residents got out"


def _california(rule: Rule, facts: Facts, residence: Mapping[int, str]) -> tuple[bool, str]:
    covered = next(each.with_fields for each in rules_on(facts.as_of.date()) if each.id == "us.ca.1798_82")
    mine = [person for person in facts.persons if residence.get(person.subject) == "US-CA"]
    hit = [person for person in mine if set(person.fields_seen) & set(covered)]
    if not hit:
        return False, "what got out is not personal information under § 1798.82(h): an e-mail address alone is not"
    if rule.residents_over is not None and len(hit) <= rule.residents_over:
        return False, f"{len(hit)} residents are told, not more than {rule.residents_over}"
    return True, f"{len(hit)} residents, with data that § 1798.82(h) names"
