"""The base of the gate's errors."""

from typing import ClassVar

from whosaw.terms import WhosawError


class GateError(WhosawError):
    """Base of what can go wrong on the hot path. A denial is no error: it is a value."""

    code: ClassVar[str] = "gate.error"
