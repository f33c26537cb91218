"""References to people and purposes as the outside world writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from whosaw.terms.errors import WhosawError


class BadReference(WhosawError, ValueError):
    """A reference is not written ``kind:key``."""

    code: ClassVar[str] = "terms.bad_reference"
    hint = "write it as kind:key, for example customer:C-000017 or ticket:T-1009"


def _split(text: str) -> tuple[str, str]:
    kind, colon, key = text.partition(":")
    if not colon or not kind or not key or "\x00" in text:
        raise BadReference(f"not a reference: `{ascii(text[:80])[1:-1]}`")
    return kind, key


@dataclass(frozen=True, slots=True, order=True)
class SubjectRef:
    """A person or firm whose data it is, by the company's own key: ``customer:C-000017``."""

    kind: str
    key: str

    @classmethod
    def parse(cls, text: str) -> SubjectRef:
        """Read ``kind:key``.

        Raises:
            BadReference: there is no kind, no key, or a NUL in it.
        """
        return cls(*_split(text))

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"


@dataclass(frozen=True, slots=True, order=True)
class PurposeRef:
    """Why: a kind of work and the company's own reference to it: ``ticket:T-1009``."""

    kind: str
    reference: str

    @classmethod
    def parse(cls, text: str) -> PurposeRef:
        """Read ``kind:reference``.

        Raises:
            BadReference: there is no kind, no reference, or a NUL in it.
        """
        return cls(*_split(text))

    def __str__(self) -> str:
        return f"{self.kind}:{self.reference}"
