"""JSON bodies of the HTTP door, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from whosaw.ask.model import (
    FIELDS_MOST,
    OBJECTS_MOST,
    ROWS_MOST,
    STATED_MOST,
    SUBJECTS_MOST,
    ActionAsk,
    Ask,
    AskInvalid,
    BulkAsk,
    LookupAsk,
    new_ask_id,
)
from whosaw.terms import PurposeRef, SubjectRef, WhosawError

_TEXT_MOST = 200
_Reference = TypeVar("_Reference", SubjectRef, PurposeRef)


def ask_from_json(body: object, *, actor: str, at: datetime, door: str = "http") -> Ask:
    """Read ``{"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1", "reason": "…"}``.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form.
    """
    values = _members(body, {"subject", "fields", "purpose", "reason"})
    names = _distinct(values, "fields", FIELDS_MOST)
    subject = _reference(SubjectRef, values.get("subject"), "subject")
    return Ask(actor, subject, names, _purpose(values), door, at, new_ask_id(), _stated(values))


def bulk_from_json(body: object, *, actor: str, at: datetime, door: str = "http") -> BulkAsk:
    """Read ``{"subjects": ["customer:C-1", …], "fields": [...], "purpose": "ticket:T-1", "reason": "…"}``.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form, or the subjects are of more than one kind.
    """
    values = _members(body, {"subjects", "fields", "purpose", "reason"})
    names = _distinct(values, "fields", FIELDS_MOST)
    subjects = tuple(_reference(SubjectRef, text, "subjects") for text in _distinct(values, "subjects", SUBJECTS_MOST))
    if len({subject.kind for subject in subjects}) != 1:
        raise AskInvalid("`subjects` are of more than one kind")
    return BulkAsk(actor, subjects, names, _purpose(values), door, at, new_ask_id(), _stated(values))


def lookup_from_json(body: object, *, actor: str, at: datetime, door: str = "http") -> LookupAsk:
    """Read ``{"lookup": "customer.email", "value": "ada@mail.example", "purpose": "ticket:T-1", "reason": "…"}``.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form; the message never holds the value.
    """
    values = _members(body, {"lookup", "value", "purpose", "reason"})
    return LookupAsk(
        actor=actor,
        lookup=_text(values.get("lookup"), "lookup"),
        value=_text(values.get("value"), "value"),
        purpose=_purpose(values),
        door=door,
        at=at,
        id=new_ask_id(),
        stated=_stated(values),
    )


def action_from_json(body: object, *, actor: str, at: datetime, door: str = "http") -> ActionAsk:
    """Read ``{"action": "review.delete", "object": "R-1", "purpose": "review_care:M-1"}``.

    Several objects are ``"objects": [...]``; an export says ``"rows": 1200``; a metric query names whom it shows as
    ``"subjects": ["seller:S-88"]``.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form.
    """
    values = _members(body, {"action", "object", "objects", "subjects", "rows", "purpose", "reason"})
    objects = _objects(values)
    return ActionAsk(
        actor=actor,
        action=_text(values.get("action"), "action"),
        object=objects[0] if objects else "",
        purpose=_purpose(values),
        door=door,
        at=at,
        id=new_ask_id(),
        others=objects[1:],
        rows=_rows(values),
        stated=_stated(values),
    )


def _objects(values: Mapping[str, Any]) -> tuple[str, ...]:
    named = [key for key in ("object", "objects", "subjects") if key in values]
    if len(named) != 1:
        raise AskInvalid("name either `object`, `objects` or `subjects`")
    if named == ["object"]:
        return (_text(values["object"], "object"),)
    if named == ["objects"]:
        return _distinct(values, "objects", OBJECTS_MOST)
    if values["subjects"] == []:
        return ()  # a metric query about nobody: that is for the gate to refuse, and to record
    subjects = [_reference(SubjectRef, text, "subjects") for text in _distinct(values, "subjects", OBJECTS_MOST)]
    if len({subject.kind for subject in subjects}) != 1:
        raise AskInvalid("`subjects` are of more than one kind")
    return tuple(subject.key for subject in subjects)


def _rows(values: Mapping[str, Any]) -> int | None:
    rows = values.get("rows")
    if rows is None:
        return None
    if not isinstance(rows, int) or isinstance(rows, bool) or not 0 <= rows <= ROWS_MOST:
        raise AskInvalid(f"`rows` must be a whole number of 0 to {ROWS_MOST}")
    return rows


def _members(body: object, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise AskInvalid("the body must be one JSON object")
    # in ASCII, escaped: what cannot be printed or encoded must not stand in the answer
    unknown = sorted(ascii(str(key)[:40])[1:-1] for key in body if key not in known)
    if unknown:
        raise AskInvalid(f"unknown key `{unknown[0]}`", hint=f"known keys: {', '.join(sorted(known))}")
    return body


def _distinct(values: Mapping[str, Any], key: str, most: int) -> tuple[str, ...]:
    listed = values.get(key)
    if not isinstance(listed, list) or not 0 < len(listed) <= most:
        raise AskInvalid(f"`{key}` must be a list of 1 to {most} texts")
    texts = tuple(_text(text, key) for text in listed)
    if len(set(texts)) != len(texts):
        raise AskInvalid(f"`{key}` names one twice")
    return texts


def _text(value: object, key: str, most: int = _TEXT_MOST) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise AskInvalid(f"`{key}` must be a text of 1 to {most} characters")
    if not value.isprintable():
        raise AskInvalid(f"`{key}` holds a character that cannot be printed")
    return value


def _stated(values: Mapping[str, Any]) -> str | None:
    reason = values.get("reason")
    if reason is None:
        return None
    text = _text(reason, "reason", STATED_MOST)
    if not text.strip():
        raise AskInvalid("`reason` is blank")
    return text


def _reference(kind: type[_Reference], value: object, key: str) -> _Reference:
    try:
        return kind.parse(_text(value, key))
    except WhosawError as cause:
        raise AskInvalid(f"`{key}`: {cause}", hint=cause.hint or None) from cause


def _purpose(values: Mapping[str, Any]) -> PurposeRef | None:
    value = values.get("purpose")
    return None if value is None else _reference(PurposeRef, value, "purpose")
