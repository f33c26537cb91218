"""The one base error, and how an error tells a person what to try."""

from __future__ import annotations

from typing import ClassVar


class WhosawError(Exception):
    """Base of every error whosaw raises on purpose.

    Each stage has one subclass, and each leaf also inherits the fitting built-in (``ValueError``, ``LookupError`` …).
    Messages start in lower case, end without a period, put what the user gave in backticks, and never hold a cell value
    or a secret.

    Attributes:
        code: stable identifier ``stage.what`` that doors, tests and documentation use.
        hint: one sentence that says what to do next; empty where nothing can be done.
    """

    code: ClassVar[str] = "whosaw.error"
    hint: str = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint

    def diagnostics(self) -> str:
        """Return the message, its code and the hint as lines for a terminal."""
        lines = [f"error: {self} [{self.code}]"]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)
