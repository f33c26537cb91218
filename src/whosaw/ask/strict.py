"""Reading JSON strictly: what is not known is refused, and what cannot be printed is not repeated."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, TypeVar

from whosaw.ask.model import STATED_MOST, AskInvalid
from whosaw.terms import PurposeRef, SubjectRef, WhosawError

TEXT_MOST = 200
_Reference = TypeVar("_Reference", SubjectRef, PurposeRef)


def members(body: object, known: Set[str]) -> Mapping[str, Any]:
    """Return the members of a body, all of them known.

    Raises:
        AskInvalid: it is no object, or has another member.
    """
    if not isinstance(body, dict):
        raise AskInvalid("the body must be one JSON object")
    # in ASCII, escaped: what cannot be printed or encoded must not stand in the answer
    unknown = sorted(ascii(str(key)[:40])[1:-1] for key in body if key not in known)
    if unknown:
        raise AskInvalid(f"unknown key `{unknown[0]}`", hint=f"known keys: {', '.join(sorted(known))}")
    return body


def read_text(value: object, key: str, most: int = TEXT_MOST) -> str:
    """Return a text of 1 to `most` printable characters.

    Raises:
        AskInvalid: it is none; the message names `key` and never the value.
    """
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise AskInvalid(f"`{key}` must be a text of 1 to {most} characters")
    if not value.isprintable():
        raise AskInvalid(f"`{key}` holds a character that cannot be printed")
    return value


def read_texts(values: Mapping[str, Any], key: str, most: int) -> tuple[str, ...]:
    """Return a list of 1 to `most` distinct texts.

    Raises:
        AskInvalid: it is none.
    """
    listed = values.get(key)
    if not isinstance(listed, list) or not 0 < len(listed) <= most:
        raise AskInvalid(f"`{key}` must be a list of 1 to {most} texts")
    texts = tuple(read_text(each, key) for each in listed)
    if len(set(texts)) != len(texts):
        raise AskInvalid(f"`{key}` names one twice")
    return texts


def read_reference(kind: type[_Reference], value: object, key: str) -> _Reference:
    """Return what is written ``kind:key``.

    Raises:
        AskInvalid: it is not.
    """
    text = read_text(value, key)
    try:
        return kind.parse(text)
    except WhosawError as cause:
        raise AskInvalid(f"`{key}`: {cause}", hint=cause.hint or None) from cause


def purpose_of(values: Mapping[str, Any]) -> PurposeRef | None:
    """Return the purpose, where one is stated.

    Raises:
        AskInvalid: it is not written ``kind:reference``.
    """
    value = values.get("purpose")
    return None if value is None else read_reference(PurposeRef, value, "purpose")


def stated_in(values: Mapping[str, Any]) -> str | None:
    """Return the reason in words, where one is stated.

    Raises:
        AskInvalid: it is blank, too long, or cannot be printed.
    """
    reason = values.get("reason")
    if reason is None:
        return None
    said = read_text(reason, "reason", STATED_MOST)
    if not said.strip():
        raise AskInvalid("`reason` is blank")
    return said
