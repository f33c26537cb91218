"""What others than the persons affected are told: the authority, the Attorney General, the press, colleagues.

All of it is written from the one facts object, so that no two texts can differ in a number; each sentence that claims
something of the record is asked of `claims` first, and where it is not carried the text says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from whosaw.answer.claims import SENTENCES, Claim, say, weigh
from whosaw.answer.duties import Duty, Risk, named_by_california
from whosaw.answer.facts import CUSTOMER, Facts
from whosaw.answer.letters import Letter, day_in, write_notice


@dataclass(frozen=True, slots=True)
class Course:
    """How a case went, as far as an authority must know.

    Attributes:
        aware_at: the minute from which the company counts as aware, by decision; None while nobody decided.
        due_at: until when the authority must be told; None while nobody is aware.
        phase: which notification this is; 1 is the first.
        missing: what is not known yet and follows in a further phase.
        late_because: why it is late, where it is.
    """

    aware_at: datetime | None
    due_at: datetime | None
    phase: int = 1
    missing: tuple[str, ...] = ()
    late_because: str = ""


def authority_draft(facts: Facts, course: Course, risk: Risk | None, duties: Sequence[Duty]) -> dict[str, Any]:
    """Return the draft of a notification under GDPR art. 33(3), as fields with the words for each.

    It is complete when `open` is empty; art. 33(4) lets the rest follow.
    """
    company = facts.company
    open_ = [*course.missing, *([] if course.aware_at else ["the minute of awareness, and who decided on it"])]
    if risk is None:
        open_.append("how high the risk is, and who decided on it")
    if course.aware_at and course.due_at and facts.as_of > course.due_at and not course.late_because:
        open_.append("the reasons for the delay (art. 33(1))")
    return {
        "form": "GDPR art. 33",
        "reference": facts.case,
        "phase": course.phase,
        "written_at": _minute(facts.as_of),
        "aware_at": _minute(course.aware_at) if course.aware_at else None,
        "due_at": _minute(course.due_at) if course.due_at else None,
        "late_because": course.late_because,
        "nature": (
            "Confidentiality: data of persons were opened with the account of an employee, and data opened with it "
            "reached somebody outside the company against its rules (internal human risk)."
        ),
        "opened_between": [facts.first_on.isoformat(), facts.last_on.isoformat()],
        "categories_of_persons": dict(facts.kinds),
        "persons": {
            "certain": facts.certain,
            "probable": facts.probable,
            "possible": facts.possible,
            "told": facts.told,
            **({"erased_since": facts.erased} if facts.erased else {}),
            "at_most": facts.bound,
        },
        "categories_of_data": list(facts.fields_leaked),
        "records": {"opened": facts.records, "counted_as": "a field of a person is one"},
        "sightings": {
            "all": facts.complaints,
            "reported": facts.reported,
            "with_valid_signature": facts.verified_complaints,
        },
        "completeness": _claim(facts, "nothing_else"),
        "coverage": facts.covered.line,
        "bound": _claim(facts, "at_most"),
        "contact": {
            "name": company.name,
            "e-mail": company.contact_email,
            "telephone": company.contact_phone,
            "address": company.contact_address,
        },
        "consequences": "unwanted or deceptive messages by people who know that the persons deal with the company",
        "risk": {"high": risk.high, "decided_by": risk.by, "why": risk.why} if risk else None,
        "measures": _measures(facts),
        "other_duties": [
            {"rule": duty.rule.id, "required": duty.required, "why": duty.why, "residents": duty.residents}
            for duty in duties
        ],
        "open": open_,
    }


def attorney_general_copy(facts: Facts, duty: Duty, residence: Mapping[int, str]) -> Mapping[str, Any]:
    """Return what California's Attorney General gets: a sample of the notice without anybody's data, and the count.

    Args:
        facts: of the case.
        duty: why it is due.
        residence: jurisdiction by number; the sample is the letter of a resident whose data the law names.
    """
    person = next(iter(named_by_california(facts, residence)))
    sample: Letter = write_notice(facts, person, name="[name]", required=True, place="US-CA")
    return {
        "form": duty.rule.source,
        "reference": facts.case,
        "residents": duty.residents,
        "opened_between": [facts.first_on.isoformat(), facts.last_on.isoformat()],
        "sample": sample.text,
    }


def press_text(facts: Facts) -> str:
    """Return a statement for the press: what is known, what is not, and nobody's name."""
    told: tuple[Claim, ...] = ("nothing_else", "at_most")
    carried = [say(facts, claim) for claim in told if weigh(facts, claim).carried]
    why_not = weigh(facts, "nothing_else").why_not
    unsure = [f"We cannot say that nothing else got out: {why_not}."] if why_not else []
    lines = [
        f"{facts.company.name}, {day_in(facts.as_of.date(), 'en')}",
        "",
        f"Data that {facts.company.name} holds were opened with the account of an employee and reached somebody "
        f"outside the company. By our record it was {_and(facts.fields_leaked)}, opened between "
        f"{day_in(facts.first_on, 'en')} and {day_in(facts.last_on, 'en')}.",
        f"We are writing to {_whom(facts)}: of {facts.certain} we are certain, of {facts.probable} it is "
        "probable."
        + (f" Of {facts.possible} more it cannot be ruled out." if facts.possible else "")
        + (
            f" {facts.erased} more are affected; what we held on them was erased since, so we cannot write to them."
            if facts.erased
            else ""
        ),
        *carried,
        *unsure,
        *_learned(facts),
        *_measures(facts),
        f"Questions: {facts.company.contact_email}, {facts.company.contact_phone}. Reference {facts.case}.",
    ]
    return "\n".join(lines) + "\n"


def internal_note(facts: Facts) -> str:
    """Return a note for colleagues: the same facts, what may be said to customers, and what may not."""
    lines = [
        f"Reference {facts.case}, {day_in(facts.as_of.date(), 'en')}",
        "",
        f"{facts.complaints} messages used the data, of which {facts.reported} were reported to us; "
        f"{facts.verified_complaints} are signed by the sender.",
        f"We are writing to {_whom(facts)}: {facts.certain} certain, {facts.probable} probable. "
        f"{facts.possible} more cannot be ruled out and are not told."
        + (
            f" {facts.erased} more are affected and were erased since; nobody can write to them."
            if facts.erased
            else ""
        ),
        f"What was opened: {_and(facts.fields_leaked)}, between {day_in(facts.first_on, 'en')} and "
        f"{day_in(facts.last_on, 'en')}.",
        facts.covered.line,
        *_measures(facts),
        "",
        "You may say:",
        *[f"- {say(facts, claim)}" for claim in _ALL if weigh(facts, claim).carried],
        "You may not say:",
        *[f"- {_words(claim)} ({weigh(facts, claim).why_not})" for claim in _ALL if not weigh(facts, claim).carried],
        "Name no employee, no seller and no customer, to nobody. Send questions to "
        f"{facts.company.contact_email}, journalists too.",
    ]
    return "\n".join(lines) + "\n"


_ALL: tuple[Claim, ...] = ("nothing_else", "only_fields", "at_most", "everyone_told", "seller_stopped", "access_cut")


def _words(claim: Claim) -> str:
    return SENTENCES[claim].format(fields="…", bound="…")


def _claim(facts: Facts, claim: Claim) -> str:
    verdict = weigh(facts, claim)
    return say(facts, claim) if verdict.carried else f"not claimed: {verdict.why_not}"


def _measures(facts: Facts) -> list[str]:
    done = {
        "suspend_actor": "The account has no access to customers' data any more.",
        "suspend_seller": "The business that profited was suspended.",
        "withhold_funds": "Money of the business that profited is held back.",
        "restore_reviews": "Reviews that were removed without a reason are back.",
        "preserve": "The records are preserved as evidence.",
    }
    return [sentence for step, sentence in done.items() if step in facts.steps_done]


def _whom(facts: Facts) -> str:
    """Say how many are told, and of which kinds where there is more than one."""
    people = f"{facts.told} {'person' if facts.told == 1 else 'people'}"
    if set(facts.kinds) == {CUSTOMER}:
        return people
    return _and([f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in facts.kinds.items()])


def _learned(facts: Facts) -> list[str]:
    """Say by whom the company learned of it, where somebody told it."""
    if not facts.reported:
        return []
    return [
        f"We learned of it because people told us: {facts.reported} reported "
        f"{'a message' if facts.reported == 1 else 'messages'}."
    ]


def _and(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _minute(at: datetime) -> str:
    return at.isoformat(timespec="minutes")
