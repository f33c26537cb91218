"""A seller's statement of reasons as the DSA transparency database takes it, and as the letter the seller gets.

Source of the rules: the database's own request validation (github.com/digital-services-act/transparency-database,
schema of 1 July 2025), as far as they concern the kinds of statement that are made here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from whosaw.answer.errors import AnswerError
from whosaw.answer.facts import Company

_DECISIONS = {
    "decision_account": {"DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED"},
    "decision_monetary": {"DECISION_MONETARY_SUSPENSION", "DECISION_MONETARY_TERMINATION"},
}
_REQUIRED = ("decision_ground", "content_type", "category", "content_date", "application_date", "decision_facts")
_REQUIRED_TOO = ("source_type", "automated_detection", "automated_decision", "puid")
_OURS = frozenset({"reasons_for", "effective_at", "termination_not_before", "redress"})
_WORDS = {
    "account_type": {"ACCOUNT_TYPE_BUSINESS", "ACCOUNT_TYPE_PRIVATE"},
    "automated_detection": {"Yes", "No"},
    "automated_decision": {
        "AUTOMATED_DECISION_FULLY",
        "AUTOMATED_DECISION_PARTIALLY",
        "AUTOMATED_DECISION_NOT_AUTOMATED",
    },
    "category": {
        "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
        "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
        "STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
    },
    "decision_ground": {"DECISION_GROUND_INCOMPATIBLE_CONTENT", "DECISION_GROUND_ILLEGAL_CONTENT"},
    "source_type": {
        "SOURCE_ARTICLE_16",
        "SOURCE_TRUSTED_FLAGGER",
        "SOURCE_TYPE_OTHER_NOTIFICATION",
        "SOURCE_VOLUNTARY",
    },
}
_LIMITS = {
    "decision_facts": 5000,
    "incompatible_content_ground": 500,
    "incompatible_content_explanation": 2000,
    "content_type_other": 500,
    "puid": 500,
}
_PERSONAL = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]{2,}|\+?\d[\d ()/-]{7,}\d", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class StatementInvalid(AnswerError, ValueError):
    """A statement of reasons would not be taken by the transparency database."""

    code: ClassVar[str] = "answer.statement_invalid"
    hint = "correct the field that is named; personal data never belong into a statement"


def database_record(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is sent to the transparency database: the statement without what is for the seller alone.

    Raises:
        StatementInvalid: the database would refuse it.
    """
    record = {name: value for name, value in statement.items() if name not in _OURS}
    _check(record)
    return record


def seller_letter(statement: Mapping[str, Any], company: Company) -> str:
    """Return the letter that a seller gets with its suspension, by Regulation (EU) 2019/1150 art. 4."""
    money = "decision_monetary" in statement
    lines = [
        f"{company.name}, {company.contact_address}",
        "",
        "STATEMENT OF REASONS",
        "",
        f"Your account is suspended as of {statement['effective_at'][:10]}."
        + (" What we owe you is held back until the matter is settled." if money else ""),
        f"The term that was broken: {statement['incompatible_content_ground']}",
        statement["incompatible_content_explanation"],
        f"The facts: {statement['decision_facts']}",
        f"Your account will not be terminated before {statement['termination_not_before']}.",
        "",
        "What you can do:",
        *[f"- {each}" for each in statement["redress"]],
        "- clarify the facts: answer this letter; somebody who had no part in the decision will decide on it.",
        "",
        f"Reference {statement['puid']}. This letter is a durable medium: keep it.",
    ]
    return "\n".join(lines) + "\n"


def _check(record: Mapping[str, Any]) -> None:
    missing = [name for name in (*_REQUIRED, *_REQUIRED_TOO) if not record.get(name)]
    if missing:
        raise StatementInvalid(f"`{missing[0]}` is missing")
    if not any(record.get(name) in words for name, words in _DECISIONS.items()):
        raise StatementInvalid("a statement names a decision: on visibility, money, service or account")
    for name, words in _WORDS.items():
        if name in record and record[name] not in words:
            raise StatementInvalid(f"`{name}` holds what the database does not know")
    _check_texts(record)
    _check_days([record["content_date"], record["application_date"]])


def _check_texts(record: Mapping[str, Any]) -> None:
    if record["decision_ground"] == "DECISION_GROUND_INCOMPATIBLE_CONTENT":
        for name in ("incompatible_content_ground", "incompatible_content_explanation"):
            if not record.get(name):
                raise StatementInvalid(f"`{name}` is missing")
    if not isinstance(record["content_type"], list) or not record["content_type"]:
        raise StatementInvalid("`content_type` is a list")
    if "CONTENT_TYPE_OTHER" in record["content_type"] and not record.get("content_type_other"):
        raise StatementInvalid("`content_type_other` is missing")
    for name, limit in _LIMITS.items():
        if len(str(record.get(name, ""))) > limit:
            raise StatementInvalid(f"`{name}` has more than {limit} characters")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,500}", record["puid"]):
        raise StatementInvalid("`puid` holds letters, digits, dash and underscore")
    for name, value in record.items():
        if name not in {"puid", "content_date", "application_date"} and _PERSONAL.search(_text(value)):
            raise StatementInvalid(f"`{name}` holds what looks like an address or a telephone number")


def _check_days(days: Sequence[str]) -> None:
    for day in days:
        if not _DAY.fullmatch(day):
            raise StatementInvalid("a day is written as 2026-04-02")
        try:
            date.fromisoformat(day)
        except ValueError as cause:
            raise StatementInvalid("a day is written as 2026-04-02") from cause


def _text(value: Any) -> str:
    # dates in the facts are no telephone numbers
    return _DAY.sub("", " ".join(map(str, value)) if isinstance(value, list) else str(value))
