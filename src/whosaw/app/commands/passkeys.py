"""``whosaw passkey invite|list|remove``: passkeys of local accounts."""

from __future__ import annotations

from typing import ClassVar

from whosaw.app.commands.acting import who_looks
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json
from whosaw.app.commands.users import UnknownActor
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.doors.identity.passkeys import enrol_link
from whosaw.gate.identitypasskeys import INVITED_H, Passkeys, told_at


class NoSuchPasskey(AppError, LookupError):
    """There is no passkey with this identifier."""

    code: ClassVar[str] = "app.no_such_passkey"
    hint = "whosaw passkey list shows them"


def invite(actor: str, /, *, address: str = "") -> int:
    """Print a link by which somebody of the staff directory makes a passkey, once, within a day; recorded.

    Give it to nobody else: whoever opens it first makes the passkey.

    Args:
        actor: the staff key.
        address: how his browser reaches whosaw; default WHOSAW_PUBLIC_URL, else this machine.
    """

    async def work(services: Services) -> None:
        if not await services.directory([actor]):
            raise UnknownActor(f"the directory does not list `{actor}`")
        by = await who_looks(services)
        secret = await Passkeys(services.db, services.appender, services.clock).invite(actor, by=by)
        settings = services.settings
        link = enrol_link(address or settings.public_url or f"http://localhost:{settings.port}", secret)
        console().print(f"link for {actor}, good once and for {INVITED_H} hours:", markup=False)
        console().print(link, markup=False, soft_wrap=True)

    with_services(work)
    return 0


def list_(actor: str = "", /, *, as_json: AsJson = False) -> int:
    """List the passkeys of somebody, or everybody's.

    Args:
        actor: the staff key.
        as_json: print JSON.
    """

    async def work(services: Services) -> None:
        found = await Passkeys(services.db, services.appender, services.clock).of(actor or None)
        told = [
            {
                "id": each.id.hex(),
                "actor": each.actor,
                "name": each.name,
                "made_at": told_at(each.made_at),
                "used_at": told_at(each.used_at),
            }
            for each in found
        ]
        if as_json:
            print_json(told)
            return
        if not told:
            console().print("there is no passkey: whosaw passkey invite ACTOR prints a link to make one")
        for one in told:
            used = f", last used {one['used_at']}" if one["used_at"] else ", never used"
            line = f"{one['id']}  {one['actor']}  {one['name']}  made {one['made_at']}{used}"
            console().print(line, markup=False, soft_wrap=True)

    with_services(work)
    return 0


def remove(identifier: str, /) -> int:
    """Take a passkey away, at once; recorded. A visit that it began lasts until it ends or its person is suspended.

    Args:
        identifier: as the list shows it.
    """

    async def work(services: Services) -> None:
        try:
            wanted = bytes.fromhex(identifier)
        except ValueError:
            wanted = b""
        by = await who_looks(services)
        whose = await Passkeys(services.db, services.appender, services.clock).remove(wanted, by=by)
        if whose is None:
            raise NoSuchPasskey("there is no such passkey")
        console().print(f"the passkey of {whose} is removed", markup=False)

    with_services(work)
    return 0
