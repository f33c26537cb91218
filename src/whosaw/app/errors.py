"""The base of the errors that arise when the parts are joined."""

from typing import ClassVar

from whosaw.terms import WhosawError


class AppError(WhosawError):
    """Base of what can be wrong with settings, commands and servers."""

    code: ClassVar[str] = "app.error"
