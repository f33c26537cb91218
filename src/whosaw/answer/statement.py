"""Statements of reasons: for a seller's suspension and termination, and for a removed review; no person in them.

Source: Regulation (EU) 2022/2065 (DSA) art. 17 and the field names of its transparency database (schema of 1 July
2025); Regulation (EU) 2019/1150 (P2B) art. 4: reasons before or when it takes effect, termination not before 30 days
later.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from whosaw.answer.facts import Company, Facts

TERMINATION_DAYS = 30


def seller_statement(facts: Facts, *, seller: str, clause: str, at: datetime, withhold: bool) -> dict[str, Any]:
    """Return the statement for suspending a seller now.

    Args:
        facts: of the case; every number in the statement comes from it.
        seller: the company's reference, only to make the statement's public id unique; it does not appear.
        clause: the term of contract that was broken.
        at: when the suspension takes effect.
        withhold: whether its money is held back too.
    """
    statement: dict[str, Any] = {
        "puid": _puid(f"{facts.case} {seller} {at.date()}"),
        "decision_account": "DECISION_ACCOUNT_SUSPENDED",
        "account_type": "ACCOUNT_TYPE_BUSINESS",
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": clause,
        "incompatible_content_explanation": (
            "The account used contact details of customers that it did not receive from them, and that were taken from "
            "our records without permission."
        ),
        "content_type": ["CONTENT_TYPE_OTHER"],
        "content_type_other": "messages sent outside the marketplace",
        "category": "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
        "content_date": facts.contacted_from.date().isoformat(),
        "application_date": at.date().isoformat(),
        "decision_facts": _decision_facts(facts),
        "source_type": "SOURCE_TYPE_OTHER_NOTIFICATION" if facts.reported else "SOURCE_VOLUNTARY",
        # what nobody reported was found by canaries and aliases
        "automated_detection": "Yes" if facts.complaints > facts.reported else "No",
        "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
        "reasons_for": "P2B art. 4(1), DSA art. 17",
        "effective_at": at.isoformat(),
        "termination_not_before": (at + timedelta(days=TERMINATION_DAYS)).date().isoformat(),
        "redress": _redress(facts.company),
    }
    if withhold:
        statement["decision_monetary"] = "DECISION_MONETARY_SUSPENSION"
    return statement


def termination_statement(facts: Facts, *, seller: str, clause: str, at: datetime) -> dict[str, Any]:
    """Return the statement for terminating a seller: as its suspension, with the account ended for good.

    Args:
        facts: of the case.
        seller: the company's reference, only to make the statement's public id unique; it does not appear.
        clause: the term of contract that was broken.
        at: when the termination takes effect.
    """
    ended = seller_statement(facts, seller=seller, clause=clause, at=at, withhold=False)
    del ended["termination_not_before"]
    return ended | {
        "puid": _puid(f"{facts.case} terminated {seller}"),
        "decision_account": "DECISION_ACCOUNT_TERMINATED",
    }


def removal_statement(
    case: str, company: Company, *, review: str, clause: str, written_on: date, at: datetime
) -> dict[str, Any]:
    """Return the statement for removing one review that was bought: a decision on visibility, to its writer.

    Args:
        case: the case's id.
        company: who writes.
        review: the company's reference, only to make the statement's public id unique; it does not appear.
        clause: the term that forbids bought reviews.
        written_on: the day of the review.
        at: when the removal takes effect.
    """
    return {
        "puid": _puid(f"{case} removed {review}"),
        "decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED"],
        "account_type": "ACCOUNT_TYPE_PRIVATE",
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": clause,
        "incompatible_content_explanation": (
            "The review was part of an exchange with the business that it is about, and does not tell other customers "
            "what its writer found."
        ),
        "content_type": ["CONTENT_TYPE_TEXT"],
        "category": "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
        "category_specification": ["KEYWORD_INAUTHENTIC_USER_REVIEWS"],
        "content_date": written_on.isoformat(),
        "application_date": at.date().isoformat(),
        "decision_facts": (
            "Our records of the case lead from this review to the business that it favours. Two persons of different "
            "functions decided on the removal."
        ),
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "No",
        "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
        "reasons_for": "DSA art. 17",
        "effective_at": at.isoformat(),
        "redress": _redress(company),
    }


def safety_statement(case: str, company: Company, *, seller: str, clause: str, at: datetime) -> dict[str, Any]:
    """Return the statement for suspending a seller again whose reinstatement was not in order.

    Args:
        case: the case's id.
        company: who writes.
        seller: the company's reference, only to make the statement's public id unique; it does not appear.
        clause: the term of contract for which it was suspended before.
        at: when the suspension takes effect.
    """
    return {
        "puid": _puid(f"{case} again {seller} {at.isoformat()}"),
        "decision_account": "DECISION_ACCOUNT_SUSPENDED",
        "account_type": "ACCOUNT_TYPE_BUSINESS",
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": clause,
        "incompatible_content_explanation": (
            "The account had been suspended under this term. It was reinstated by a decision that did not follow our "
            "rules, so the suspension is in force again; an appeal is decided anew, by somebody else."
        ),
        "content_type": ["CONTENT_TYPE_OTHER"],
        "content_type_other": "the account and what it offers",
        "category": "STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
        "content_date": at.date().isoformat(),
        "application_date": at.date().isoformat(),
        "decision_facts": (
            "Our records show the earlier suspension and the decision that lifted it, and that this decision was not "
            "in order. Two persons of different functions decided on this measure."
        ),
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "No",
        "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
        "reasons_for": "P2B art. 4(1), DSA art. 17",
        "effective_at": at.isoformat(),
        "termination_not_before": (at + timedelta(days=TERMINATION_DAYS)).date().isoformat(),
        "redress": _redress(company),
    }


def _puid(about: str) -> str:
    return sha256(about.encode()).hexdigest()[:40]


def _redress(company: Company) -> list[str]:
    return [
        f"internal complaint to {company.contact_email}, free of charge",
        "out-of-court dispute settlement, mediation, or a court",
    ]


def _decision_facts(facts: Facts) -> str:
    days = f"between {facts.contacted_from.date().isoformat()} and {facts.contacted_to.date().isoformat()}"
    said = [f"{_how_learned(facts)}; received {days}.", _signed(facts)]
    if facts.certain:
        said.append(
            f"Our access records show that data of {facts.certain} of those who were contacted had been opened before, "
            "with an account of our staff; that they were passed on is against our rules."
        )
    return " ".join([*said, "Two persons decided on this measure."])


def _how_learned(facts: Facts) -> str:
    """Say how many messages somebody reported, and how many our own addresses received: nobody reported those."""
    came = facts.complaints - facts.reported
    served, ours = "that served this account", "arrived at addresses of our own, which we watch"
    if not facts.reported:
        return f"{_messages(came)} {served} {ours}"
    reported = f"{_messages(facts.reported)} {served} {'was' if facts.reported == 1 else 'were'} reported to us"
    return f"{reported}, and {came} more {ours}" if came else reported


def _messages(count: int) -> str:
    return f"{count} unsolicited message{'' if count == 1 else 's'}"


def _signed(facts: Facts) -> str:
    count = facts.verified_complaints
    carry = "carries" if count < 2 else "carry"
    return f"{count or 'None'} of them {carry} a valid signature of the domain that sent it."
