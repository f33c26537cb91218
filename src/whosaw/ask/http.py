"""JSON bodies of the HTTP door, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from whosaw.ask.model import FIELDS_MOST, ActionAsk, Ask, AskInvalid, new_ask_id
from whosaw.terms import PurposeRef, SubjectRef, WhosawError

_TEXT_MOST = 200
_Reference = TypeVar("_Reference", SubjectRef, PurposeRef)


def ask_from_json(body: object, *, actor: str, at: datetime, door: str = "http") -> Ask:
    """Read ``{"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1"}``.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form.
    """
    values = _members(body, {"subject", "fields", "purpose"})
    fields = values.get("fields")
    if not isinstance(fields, list) or not 0 < len(fields) <= FIELDS_MOST:
        raise AskInvalid(f"`fields` must be a list of 1 to {FIELDS_MOST} field names")
    names = tuple(_text(name, "fields") for name in fields)
    if len(set(names)) != len(names):
        raise AskInvalid("`fields` names a field twice")
    subject = _reference(SubjectRef, values.get("subject"), "subject")
    return Ask(actor, subject, names, _purpose(values), door, at, new_ask_id())


def action_from_json(body: object, *, actor: str, at: datetime, door: str = "http") -> ActionAsk:
    """Read ``{"action": "review.delete", "object": "R-1", "purpose": "review_care:M-1"}``.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form.
    """
    values = _members(body, {"action", "object", "purpose"})
    return ActionAsk(
        actor=actor,
        action=_text(values.get("action"), "action"),
        object=_text(values.get("object"), "object"),
        purpose=_purpose(values),
        door=door,
        at=at,
        id=new_ask_id(),
    )


def _members(body: object, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise AskInvalid("the body must be one JSON object")
    # in ASCII, escaped: what cannot be printed or encoded must not stand in the answer
    unknown = sorted(ascii(str(key)[:40])[1:-1] for key in body if key not in known)
    if unknown:
        raise AskInvalid(f"unknown key `{unknown[0]}`", hint=f"known keys: {', '.join(sorted(known))}")
    return body


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _TEXT_MOST:
        raise AskInvalid(f"`{key}` must be a text of 1 to {_TEXT_MOST} characters")
    if not value.isprintable():
        raise AskInvalid(f"`{key}` holds a character that cannot be printed")
    return value


def _reference(kind: type[_Reference], value: object, key: str) -> _Reference:
    try:
        return kind.parse(_text(value, key))
    except WhosawError as cause:
        raise AskInvalid(f"`{key}`: {cause}", hint=cause.hint or None) from cause


def _purpose(values: Mapping[str, Any]) -> PurposeRef | None:
    value = values.get("purpose")
    return None if value is None else _reference(PurposeRef, value, "purpose")
