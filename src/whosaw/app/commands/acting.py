"""As whom a command speaks: whoever the personal token in ``WHOSAW_TOKEN`` belongs to.

What one person asks and another approves is worth nothing where a name is enough, so a name is never enough here.
"""

from __future__ import annotations

from typing import ClassVar

from whosaw.answer.errors import StepRefused, UnknownCase
from whosaw.app.errors import AppError
from whosaw.app.looks import Look, note_look, operator
from whosaw.app.services import Services
from whosaw.gate.tokens import TokenRefused


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
    try:
        return await services.tokens.actor(token.get_secret_value().strip())
    except TokenRefused as cause:  # its own hint is for whoever calls over HTTP
        raise TokenRefused(
            str(cause), hint="put a token in force into WHOSAW_TOKEN; `whosaw user add` makes one"
        ) from cause


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


async def may_see(services: Services, case: str) -> bool:
    """Return whether whoever is at this terminal may see a case; who sits at the machine without a token reads it all.

    Raises:
        UnknownCase: there is no such case.
    """
    if services.settings.token is None:
        return True
    from whosaw.app.casedesk import case_work

    try:
        await case_work(services).desk.check(case, await whose_token(services))
    except StepRefused:
        return False
    return True


async def look_at_case(services: Services, case: str) -> None:
    """Record a look at a case before it is answered, and refuse whoever may not see it.

    Raises:
        UnknownCase: there is no such case, or this person may not see it: neither tells that it is there.
    """
    await look(services, "look.case", case)
    try:
        seen = await may_see(services, case)
    except UnknownCase:
        seen = False
    if not seen:
        raise UnknownCase(f"there is no case `{case}` that you may see", hint="`whosaw case list` lists them")


async def act_in_case(services: Services, case: str) -> str:
    """Return the staff key of whoever acts in a case under his own token; the look at it is recorded.

    Raises:
        TokenMissing: there is no token.
        TokenRefused: it is nobody's.
        UnknownCase: there is no such case, or this person may not see it: no refusal of an act tells which.
    """
    by = await whose_token(services)
    await look_at_case(services, case)
    return by
