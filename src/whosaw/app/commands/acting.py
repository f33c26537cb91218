"""As whom a command speaks: whoever the personal token in ``WHOSAW_TOKEN`` belongs to.

What one person asks and another approves is worth nothing where a name is enough, so a name is never enough here.
"""

from __future__ import annotations

from typing import ClassVar

from whosaw.app.errors import AppError
from whosaw.app.looks import Look, note_look, operator
from whosaw.app.services import Services


class TokenMissing(AppError, PermissionError):
    """This is said by a person, and nobody says who."""

    code: ClassVar[str] = "app.token_missing"
    hint = "put your own token into WHOSAW_TOKEN; `whosaw user add` makes one"


async def whose_token(services: Services) -> str:
    """Return the staff key of whoever speaks.

    Raises:
        TokenMissing: there is no token.
        TokenRefused: it is nobody's.
    """
    token = services.settings.token
    if token is None:
        raise TokenMissing("this is done under one's own name")
    return await services.tokens.actor(token.get_secret_value().strip())


async def who_looks(services: Services) -> str:
    """Return who is at this terminal: whose token it is, or the operator.

    Raises:
        TokenRefused: there is a token, and it is nobody's.
    """
    return await whose_token(services) if services.settings.token is not None else operator()


async def look(services: Services, action: str, at_what: str) -> None:
    """Record a look before it is answered."""
    seen = Look(await who_looks(services), action, at_what)
    await note_look(services.db, services.appender, services.clock, seen)
