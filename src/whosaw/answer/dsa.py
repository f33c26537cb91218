"""A statement of reasons as the DSA transparency database takes it, and as the letter whom it concerns gets.

What the database takes stands in `dsarules`; it gets no word that is for the recipient alone, and nobody's data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from whosaw.answer.dsarules import PER_CALL, problems
from whosaw.answer.errors import AnswerError
from whosaw.answer.facts import Company

_OURS = frozenset({"reasons_for", "effective_at", "termination_not_before", "redress"})


class StatementInvalid(AnswerError, ValueError):
    """A statement of reasons would not be taken by the transparency database."""

    code: ClassVar[str] = "answer.statement_invalid"
    hint = "correct what is named; personal data never belong into a statement"


def database_record(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is sent to the transparency database: the statement without what is for its recipient alone.

    Raises:
        StatementInvalid: the database would refuse it, or drop a part of it.
    """
    record = {name: value for name, value in statement.items() if name not in _OURS and value is not None}
    if found := problems(record):
        raise StatementInvalid("; ".join(found))
    return record


def calls(statements: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the bodies that send several statements, as many in one as the database takes.

    Raises:
        StatementInvalid: it would refuse one of them, or two have the same public id.
    """
    records = [database_record(each) for each in statements]
    if len({each["puid"] for each in records}) < len(records):
        raise StatementInvalid("two statements have the same `puid`")
    for first in range(0, len(records), PER_CALL):
        yield {"statements": records[first : first + PER_CALL]}


_ENDED = {
    "DECISION_ACCOUNT_SUSPENDED": "is suspended",
    "DECISION_ACCOUNT_TERMINATED": "is terminated",
}


def seller_letter(statement: Mapping[str, Any], company: Company) -> str:
    """Return the letter that a seller gets with a measure against its account, by Regulation (EU) 2019/1150 art. 4."""
    money = "decision_monetary" in statement
    lines = [
        f"{company.name}, {company.contact_address}",
        "",
        "STATEMENT OF REASONS",
        "",
        f"Your account {_ENDED[statement['decision_account']]} as of {statement['effective_at'][:10]}."
        + (" What we owe you is held back until the matter is settled." if money else ""),
        f"The term that was broken: {statement['incompatible_content_ground']}",
        statement["incompatible_content_explanation"],
        f"The facts: {statement['decision_facts']}",
    ]
    if "termination_not_before" in statement:
        lines.append(f"Your account will not be terminated before {statement['termination_not_before']}.")
    reference = ["", f"Reference {statement['puid']}. This letter is a durable medium: keep it."]
    return "\n".join([*lines, *_redress(statement), *reference]) + "\n"


def writer_note(statement: Mapping[str, Any], company: Company) -> str:
    """Return what the writers of removed reviews are told: what was decided, why, and what they can do (DSA art. 17).

    One text for all whose reviews go at once: it needs nothing of the statement that is of one review alone.
    """
    lines = [
        f"{company.name}: your review was removed on {statement['application_date']}.",
        f"The term that was broken: {statement['incompatible_content_ground']}",
        statement["incompatible_content_explanation"],
        f"The facts: {statement['decision_facts']}",
    ]
    return "\n".join([*lines, *_redress(statement)]) + "\n"


def _redress(statement: Mapping[str, Any]) -> list[str]:
    return [
        "",
        "What you can do:",
        *[f"- {each}" for each in statement["redress"]],
        "- clarify the facts: answer this letter; somebody who had no part in the decision will decide on it.",
    ]
