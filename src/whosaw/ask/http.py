"""JSON bodies of the HTTP door, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from whosaw.ask.model import (
    FIELDS_MOST,
    OBJECTS_MOST,
    ROWS_MOST,
    SUBJECTS_MOST,
    ActionAsk,
    Ask,
    AskInvalid,
    BulkAsk,
    LookupAsk,
    new_ask_id,
)
from whosaw.ask.strict import members, purpose_of, read_reference, read_text, read_texts, stated_in
from whosaw.terms import SubjectRef


def ask_from_json(body: object, *, actor: str, at: datetime, door: str = "http") -> Ask:
    """Read ``{"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1", "reason": "…"}``.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form.
    """
    values = members(body, {"subject", "fields", "purpose", "reason"})
    names = read_texts(values, "fields", FIELDS_MOST)
    subject = read_reference(SubjectRef, values.get("subject"), "subject")
    return Ask(actor, subject, names, purpose_of(values), door, at, new_ask_id(), stated_in(values))


def bulk_from_json(body: object, *, actor: str, at: datetime, door: str = "http") -> BulkAsk:
    """Read ``{"subjects": ["customer:C-1", …], "fields": [...], "purpose": "ticket:T-1", "reason": "…"}``.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form, or the subjects are of more than one kind.
    """
    values = members(body, {"subjects", "fields", "purpose", "reason"})
    names = read_texts(values, "fields", FIELDS_MOST)
    subjects = tuple(
        read_reference(SubjectRef, text, "subjects") for text in read_texts(values, "subjects", SUBJECTS_MOST)
    )
    if len({subject.kind for subject in subjects}) != 1:
        raise AskInvalid("`subjects` are of more than one kind")
    return BulkAsk(actor, subjects, names, purpose_of(values), door, at, new_ask_id(), stated_in(values))


def lookup_from_json(body: object, *, actor: str, at: datetime, door: str = "http") -> LookupAsk:
    """Read ``{"lookup": "customer.email", "value": "ada@mail.example", "purpose": "ticket:T-1", "reason": "…"}``.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form; the message never holds the value.
    """
    values = members(body, {"lookup", "value", "purpose", "reason"})
    return LookupAsk(
        actor=actor,
        lookup=read_text(values.get("lookup"), "lookup"),
        value=read_text(values.get("value"), "value"),
        purpose=purpose_of(values),
        door=door,
        at=at,
        id=new_ask_id(),
        stated=stated_in(values),
    )


def action_from_json(body: object, *, actor: str, at: datetime, door: str = "http") -> ActionAsk:
    """Read ``{"action": "review.delete", "object": "R-1", "purpose": "review_care:M-1"}``.

    Several objects are ``"objects": [...]``; an export says ``"rows": 1200``; a metric query names whom it shows as
    ``"subjects": ["seller:S-88"]``.

    Raises:
        AskInvalid: a key is unknown, missing or of the wrong form.
    """
    values = members(body, {"action", "object", "objects", "subjects", "rows", "purpose", "reason"})
    objects = _objects(values)
    return ActionAsk(
        actor=actor,
        action=read_text(values.get("action"), "action"),
        object=objects[0] if objects else "",
        purpose=purpose_of(values),
        door=door,
        at=at,
        id=new_ask_id(),
        others=objects[1:],
        rows=_rows(values),
        stated=stated_in(values),
    )


def _objects(values: Mapping[str, Any]) -> tuple[str, ...]:
    named = [key for key in ("object", "objects", "subjects") if key in values]
    if len(named) != 1:
        raise AskInvalid("name either `object`, `objects` or `subjects`")
    if named == ["object"]:
        return (read_text(values["object"], "object"),)
    if named == ["objects"]:
        return read_texts(values, "objects", OBJECTS_MOST)
    if values["subjects"] == []:
        return ()  # a metric query about nobody: that is for the gate to refuse, and to record
    subjects = [read_reference(SubjectRef, text, "subjects") for text in read_texts(values, "subjects", OBJECTS_MOST)]
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
