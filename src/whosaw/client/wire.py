"""Requests to the HTTP door and its answers, without any I/O: what the two clients share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from whosaw.client.values import Alias, Allowed, Answer, Denied, DoorError, Found, Masked, Refused, Value

T = TypeVar("T")
OK, CREATED, REFUSED = 200, 201, 403
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and how its answer is read."""

    method: Literal["GET", "POST"]
    path: str
    body: Body | None
    read: Callable[[Body | Denied], T]


def answered(status: int, answer: object) -> Body | Denied:
    """Return the body of an answer, or that it was denied.

    Raises:
        DoorError: the door did not answer the ask.
    """
    body: Body = answer if isinstance(answer, dict) else {}
    if status in (OK, CREATED):
        return body
    if status == REFUSED and "receipt" in body:
        return Denied(str(body.get("reason", "")), str(body.get("hint", "")), body["receipt"], body.get("digest"))
    raise DoorError(str(body.get("detail", f"status {status}")), hint=str(body.get("hint", "")))


def plain(body: Body | Denied) -> Body:
    """Return the body of an answer that is no ask for data, which nothing denies with a receipt.

    Raises:
        DoorError: it is a denial all the same.
    """
    if isinstance(body, Denied):
        raise DoorError(body.reason, hint=body.hint)
    return body


def no_answer(base: str) -> DoorError:
    """Return the error that nothing answers at `base`."""
    return DoorError("the door does not answer", hint=f"is it running at {base}?")


def answer_of(body: Body | Denied) -> Answer | Denied:
    """Read the answer about one subject.

    Raises:
        DoorError: it is not what a door answers.
    """
    return body if isinstance(body, Denied) else _shown(body, body.get("receipt"))


def answers_of(body: Body | Denied) -> list[Answer] | Denied:
    """Read the answers about many subjects, in their order.

    Raises:
        DoorError: it is not what a door answers.
    """
    if isinstance(body, Denied):
        return body
    receipts, listed = body.get("receipts"), body.get("answers")
    if not isinstance(listed, list):
        raise odd()
    found = []
    for each in listed:
        place = each.get("receipt")
        receipt = receipts[place] if isinstance(receipts, list) and isinstance(place, int) else place
        found.append(_shown(each, receipt))
    return found


def allowed_of(body: Body | Denied) -> Allowed | Denied:
    """Read whether an action may be done.

    Raises:
        DoorError: it is not what a door answers.
    """
    if isinstance(body, Denied):
        return body
    if "receipt" not in body:
        raise odd()
    return Allowed(str(body.get("reason", "")), body["receipt"], tuple(body.get("receipts", (body["receipt"],))))


def found_of(body: Body | Denied) -> Found:
    """Read whose a value is; nobody who may be named is no error.

    Raises:
        DoorError: it is not what a door answers.
    """
    if isinstance(body, Denied):
        return Found(None, body.reason, body.receipt)
    if "receipt" not in body:
        raise odd()
    return Found(body.get("subject"), str(body.get("reason", "")), body["receipt"])


def _shown(body: Mapping[str, Any], receipt: object) -> Answer:
    fields = body.get("fields")
    if not isinstance(fields, dict) or not isinstance(receipt, dict):
        raise odd()
    values = {name: _value(value) for name, value in fields.items()}
    subject = str(body.get("subject", ""))
    return Answer(
        values, str(body.get("decision", "")), str(body.get("reason", "")), body.get("would"), receipt, subject
    )


def _value(value: Mapping[str, Any]) -> Value:
    if value.get("isMasked"):
        return Masked(value["maskedPresentation"], value["rule"])
    if value.get("isDenied"):
        return Refused(value["rule"])
    shown: Value = value["value"]
    return Alias(shown) if value.get("isAlias") and isinstance(shown, str) else shown


def odd() -> DoorError:
    """Return the error that what answered is no door of this version."""
    return DoorError("the answer is not one of the door's", hint="is there a whosaw of the same version behind it?")
