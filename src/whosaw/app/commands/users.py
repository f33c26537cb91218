"""``whosaw user add|revoke|suspend|restore``: personal tokens, and stopping somebody at every door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import ClassVar

from whosaw.app.commands.acting import who_looks
from whosaw.app.commands.opened import Flag, with_services
from whosaw.app.commands.output import console
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.catalog import CatalogError
from whosaw.gate import add_token, revoke_tokens
from whosaw.gate.identityrecord import CredentialRecord


class UnknownActor(AppError, LookupError):
    """The company's directory does not list this person."""

    code: ClassVar[str] = "app.unknown_actor"
    hint = "use the key of the [actors] query in the catalog"


def add(actor: str, /) -> int:
    """Make a personal token for somebody of the staff directory and print it once; recorded.

    Args:
        actor: the staff key, as E-0417.
    """

    async def work(services: Services) -> None:
        if not await _listed(services, actor):
            raise UnknownActor(f"the directory does not list `{actor}`")
        # first the entry: a token that nothing tells of must never exist
        await CredentialRecord(services.db, services.appender, services.clock).note(
            "token", "made", actor, await who_looks(services)
        )
        token = await add_token(services.db, actor, services.clock.now())
        console().print(f"token for {actor}, shown once and kept only as its hash:\n{token}", markup=False)

    return _run(work)


def revoke(actor: str, /) -> int:
    """End every personal token of somebody, as one that may have been seen; recorded. It does not stop him otherwise.

    Args:
        actor: the staff key.
    """

    async def work(services: Services) -> None:
        record = CredentialRecord(services.db, services.appender, services.clock)
        await record.note("token", "removed", actor, await who_looks(services))
        ended = await revoke_tokens(services.db, actor, services.clock.now())
        said = f"{ended} of {actor} revoked" if ended else f"{actor} had no token"
        console().print(f"tokens: {said}", markup=False)

    return _run(work)


def suspend(actor: str, /, *, reason: str, safety: Flag = False) -> int:
    """Stop somebody at every door of every process, at once; recorded. What was granted to him ends.

    Args:
        actor: the staff key.
        reason: why; stands in the record.
        safety: as an automatic protection does; it takes two people to lift.
    """

    async def work(services: Services) -> None:
        fresh = await services.suspensions.suspend(
            actor, reason=reason, by=await who_looks(services), kind="safety" if safety else "manual"
        )
        console().print(f"{actor} is suspended" if fresh else f"{actor} was suspended already", markup=False)
        with suppress(CatalogError):  # stopping somebody must not depend on the company's database
            if not await _listed(services, actor):
                console().print(f"note: the directory does not list `{actor}`; was another key meant?", markup=False)

    return _run(work)


def restore(actor: str, /, *, reason: str) -> int:
    """Let somebody in again; recorded. What was granted to him before does not come back.

    A suspension that an automatic protection ordered is lifted under the token of a person whom a second person gave a
    grant for exactly this (docs/grants.md).

    Args:
        actor: the staff key.
        reason: why; stands in the record.
    """

    async def work(services: Services) -> None:
        was = await services.suspensions.restore(actor, reason=reason, by=await who_looks(services))
        console().print(f"{actor} may come in again" if was else f"{actor} was not suspended", markup=False)

    return _run(work)


def _run(work: Callable[[Services], Awaitable[None]]) -> int:
    with_services(work)
    return 0


async def _listed(services: Services, actor: str) -> bool:
    return bool(await services.directory([actor]))
