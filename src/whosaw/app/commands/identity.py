"""``whosaw user password`` and ``whosaw scim add|list|revoke``: how people and their provider come in."""

from __future__ import annotations

import getpass
import sys
from typing import ClassVar

from whosaw.app.commands.acting import who_looks
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json
from whosaw.app.commands.users import UnknownActor
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.doors.identity.passwords import Passwords
from whosaw.gate.identitycredentials import Credentials
from whosaw.gate.identityrecord import CredentialRecord


class PasswordsDiffer(AppError, ValueError):
    """What was typed the second time is not what was typed first."""

    code: ClassVar[str] = "app.passwords_differ"
    hint = "type it again"


class NoSuchCredential(AppError, LookupError):
    """No credential in force has this identifier."""

    code: ClassVar[str] = "app.no_such_credential"
    hint = "whosaw scim list shows them"


def password(actor: str, /, *, remove: Flag = False) -> int:
    """Give somebody a password of a local account, in place of any earlier one.

    It is asked for twice at a terminal; from a pipe, the first line is taken. Both are recorded.

    Args:
        actor: the staff key.
        remove: take the password away instead.
    """
    typed = "" if remove else _typed()

    async def work(services: Services) -> None:
        passwords = Passwords(services.db, services.clock)
        record = CredentialRecord(services.db, services.appender, services.clock)
        by = await who_looks(services)
        if remove:
            await record.note("password", "removed", actor, by)
            had = await passwords.remove(actor)
            console().print(f"{actor} has no password any more" if had else f"{actor} had no password", markup=False)
            return
        passwords.check(actor, typed)
        if not await services.directory([actor]):
            raise UnknownActor(f"the directory does not list `{actor}`")
        await record.note("password", "made", actor, by)
        await passwords.set(actor, typed)
        console().print(f"{actor} has a new password", markup=False)

    with_services(work)
    return 0


def scim_add(name: str, /) -> int:
    """Make a credential for a provider and print it once.

    Args:
        name: what it is for, as okta; stands in the list.
    """

    async def work(services: Services) -> None:
        made = await Credentials(services.db).add(name, services.clock.now())
        console().print(f"credential for {name}, shown once and kept only as its hash:\n{made}", markup=False)

    with_services(work)
    return 0


def scim_list(*, as_json: AsJson = False) -> int:
    """List the credentials of providers.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> None:
        found = await Credentials(services.db).all()
        told = [
            {
                "id": each.id,
                "name": each.name,
                "made_at": each.made_at.isoformat(),
                "revoked_at": each.revoked_at.isoformat() if each.revoked_at else None,
            }
            for each in found
        ]
        if as_json:
            print_json(told)
            return
        if not told:
            console().print("there is no credential: whosaw scim add NAME makes one")
        for one in told:
            ended = f", revoked {one['revoked_at']}" if one["revoked_at"] else ""
            console().print(f"{one['id']}  {one['name']}  made {one['made_at']}{ended}", markup=False, soft_wrap=True)

    with_services(work)
    return 0


def scim_revoke(identifier: str, /) -> int:
    """Revoke a credential of a provider, at once.

    Args:
        identifier: as the list shows it.
    """

    async def work(services: Services) -> None:
        if not await Credentials(services.db).revoke(identifier, services.clock.now()):
            raise NoSuchCredential(f"there is no credential `{identifier}` in force")
        console().print(f"{identifier} is revoked", markup=False)

    with_services(work)
    return 0


def _typed() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("password: ")
    if getpass.getpass("again: ") != first:
        raise PasswordsDiffer("the two passwords differ")
    return first
