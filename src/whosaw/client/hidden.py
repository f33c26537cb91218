"""What stands in for a value that a guard hides, and the error of whoever would get past it."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError

DOTS = "•••"


class GuardRefused(WhosawError, TypeError):
    """A guard cannot be put up, or somebody tried to get past one that stands."""

    code: ClassVar[str] = "client.guard_refused"
    hint = "guard(Model, KIND, {attribute: field}) takes a mapped SQLAlchemy class or a Django model"


class Hidden(str):
    """What stands in for a protected value: dots, or the masked form that the door gave. It is never written."""

    field: str
    rule: str

    def __new__(cls, field: str, presentation: str = DOTS, rule: str = "") -> Hidden:
        """Return what is shown of `field`; `rule` says why it is masked or refused, empty where nobody asked yet."""
        made = super().__new__(cls, presentation)
        made.field, made.rule = field, rule
        return made

    def __repr__(self) -> str:
        """Say what is hidden, so that a log line does not look like a value."""
        return f"<hidden {self.field}{f': {self.rule}' if self.rule else ''}>"
