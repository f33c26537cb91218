"""What a person asks the door for: fields, whose a value is, whether an action may be done; without any I/O."""

from __future__ import annotations

from collections.abc import Sequence

from whosaw.client.values import Allowed, Answer, Denied, Found
from whosaw.client.wire import Body, Call, allowed_of, answer_of, answers_of, found_of


def disclose(subject: str, fields: Sequence[str], purpose: str | None, reason: str | None) -> Call[Answer | Denied]:
    """Return the ask for fields of one subject."""
    body = {"subject": subject, "fields": list(fields)}
    return Call("POST", "/v1/disclosures", _for(body, purpose, reason), answer_of)


def disclose_bulk(
    subjects: Sequence[str], fields: Sequence[str], purpose: str | None, reason: str | None
) -> Call[list[Answer] | Denied]:
    """Return the ask for the same fields of many subjects."""
    body = {"subjects": list(subjects), "fields": list(fields)}
    return Call("POST", "/v1/disclosures/bulk", _for(body, purpose, reason), answers_of)


def lookup(name: str, value: str, purpose: str | None, reason: str | None) -> Call[Found]:
    """Return the ask whose a value is."""
    return Call("POST", "/v1/lookups", _for({"lookup": name, "value": value}, purpose, reason), found_of)


def act(
    action: str, on: str | Sequence[str], purpose: str | None, reason: str | None, rows: int | None
) -> Call[Allowed | Denied]:
    """Return the ask to act on one object, or on several."""
    named: Body = {"object": on} if isinstance(on, str) else {"objects": list(on)}
    body = {"action": action, **named} | ({} if rows is None else {"rows": rows})
    return Call("POST", "/v1/actions", _for(body, purpose, reason), allowed_of)


def _for(body: Body, purpose: str | None, reason: str | None) -> Body:
    """Return the body with purpose and stated reason, where there are any."""
    return body | ({"purpose": purpose} if purpose else {}) | ({"reason": reason} if reason else {})
