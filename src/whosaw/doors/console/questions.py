"""From what a browser sent to a question, strictly: anything else is an error that says what to write instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import ClassVar

from whosaw.doors.console.recordreads import WhoQuestion
from whosaw.terms import SubjectRef, WhosawError

_PARAMETER_MOST = 200
_INDEX_MOST = (1 << 63) - 1
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,63}")
_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_INDEX = re.compile(r"[0-9]{1,19}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ConsoleError(WhosawError):
    """Base of what a browser can ask wrongly."""

    code: ClassVar[str] = "console.error"


class QuestionUnreadable(ConsoleError, ValueError):
    """A parameter is not what it should be."""

    code: ClassVar[str] = "console.question_unreadable"


class NoSuchPage(ConsoleError, LookupError):
    """There is nothing at this address."""

    code: ClassVar[str] = "console.no_such_page"
    hint = "start from the first page: it lists every case"


def who_question(parameters: Mapping[str, str], subject_kind: str) -> WhoQuestion:
    """Read ``subject``, ``since``, ``field`` and ``before``.

    Args:
        parameters: the query of the address; what is not named here is passed over.
        subject_kind: the kind meant where only a key is written.

    Raises:
        QuestionUnreadable: the subject is missing, or one of them cannot be read.
    """
    return WhoQuestion(
        subject=_subject(_parameter(parameters, "subject"), subject_kind),
        since=_since(_parameter(parameters, "since")),
        field=_field(_parameter(parameters, "field")),
        before=before_index(parameters),
    )


def before_index(parameters: Mapping[str, str]) -> int | None:
    """Read ``before``: a trail index, or None where it is not given.

    Raises:
        QuestionUnreadable: it is no number from 0 to 2^63 - 1.
    """
    text = _parameter(parameters, "before")
    if not text:
        return None
    if not _INDEX.fullmatch(text) or int(text) > _INDEX_MOST:
        raise QuestionUnreadable(f"not an index: `{_quoted(text)}`", hint="an index is a whole number such as 1200")
    return int(text)


def case_id(text: str) -> str:
    """Return the id of a case as the address has it.

    Raises:
        NoSuchPage: no case can be called that.
    """
    if not _CASE.fullmatch(text):
        raise NoSuchPage(f"there is no case `{_quoted(text)}`")
    return text


def _subject(text: str, subject_kind: str) -> SubjectRef:
    hint = f"write a key such as C-000017, or with its kind: {subject_kind}:C-000017"
    if not text:
        raise QuestionUnreadable("no subject was given", hint=hint)
    kind, colon, key = text.partition(":")
    if not colon:
        kind, key = subject_kind, text
    if not _KIND.fullmatch(kind) or not key.strip():
        raise QuestionUnreadable(f"not a subject: `{_quoted(text)}`", hint=hint)
    return SubjectRef(kind, key.strip())


def _since(text: str) -> datetime | None:
    if not text:
        return None
    unreadable = QuestionUnreadable(
        f"not a date: `{_quoted(text)}`", hint="write 2026-03-01, or a time with its zone: 2026-03-01T08:00Z"
    )
    try:
        if len(text) <= 10:
            day = date.fromisoformat(text)
            return max(datetime(day.year, day.month, day.day, tzinfo=UTC), _EPOCH)
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise unreadable
        return max(at.astimezone(UTC), _EPOCH)
    except (ValueError, OverflowError) as cause:
        raise unreadable from cause


def _field(text: str) -> str:
    if text and not _FIELD.fullmatch(text):
        raise QuestionUnreadable(
            f"not a field: `{_quoted(text)}`", hint="a field has the form kind.column, such as customer.email"
        )
    return text


def _parameter(parameters: Mapping[str, str], name: str) -> str:
    text = parameters.get(name, "").strip(" ")
    if len(text) > _PARAMETER_MOST:
        raise QuestionUnreadable(f"`{name}` is too long", hint=f"at most {_PARAMETER_MOST} characters are read")
    if not text.isprintable():
        # control characters, lone surrogates, bidirectional overrides: nothing a key is made of
        raise QuestionUnreadable(f"`{name}` holds characters that cannot be printed", hint="type it instead of pasting")
    if "\ufffd" in text:
        raise QuestionUnreadable(f"`{name}` is not UTF-8", hint="type it instead of pasting")
    return text


def _quoted(text: str) -> str:
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text[:60])
    return shown + ("…" if len(text) > 60 else "")
