"""Staff and groups as the identity provider sends them: every change of what somebody may do is recorded first.

Who is deactivated or deleted is suspended, which stops him at every door of every process. Nothing the provider sends
lifts a suspension: that is for a person to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from uuid import UUID, uuid4

from whosaw.gate import identitystaffqueries as queries
from whosaw.gate.errors import GateError
from whosaw.gate.identity import SignIns
from whosaw.gate.identitydirectory import standing_of
from whosaw.gate.identitystaffqueries import By, Group, Person
from whosaw.gate.suspension import Suspensions
from whosaw.record import Appender
from whosaw.store import Database, NumberMap
from whosaw.store.database import Connection
from whosaw.terms import Clock, to_us

_DEACTIVATED = "deactivated by the identity provider"
_DELETED = "deleted by the identity provider"
_Rights = Mapping[UUID, tuple[str, bool, tuple[str, ...]]]


class NoSuchStaff(GateError, LookupError):
    """There is no such person or group among what the identity provider sent."""

    code: ClassVar[str] = "gate.no_such_staff"


class StaffConflict(GateError, ValueError):
    """Somebody else among the staff has this user name or key."""

    code: ClassVar[str] = "gate.staff_conflict"


class StaffChanged(GateError, ValueError):
    """It was changed since the version that the change was made for."""

    code: ClassVar[str] = "gate.staff_changed"


@dataclass(frozen=True, slots=True)
class PersonDraft:
    """Somebody as the provider wants him to be; `key` counts only where he is new."""

    key: str
    user_name: str
    external_id: str | None
    active: bool
    resource: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """A group as the provider wants it to be."""

    name: str
    external_id: str | None
    members: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """Who changes what.

    Attributes:
        by: the provider's credential, as ``scim:3f…``; stands in the record.
        versions: the change is made only if the present version is among these; None means whatever it is.
    """

    by: str
    versions: frozenset[int] | None = None

    def check(self, version: int) -> None:
        """Raise `StaffChanged` where the present version is another one."""
        if self.versions is not None and version not in self.versions:
            raise StaffChanged("it was changed since")


@dataclass(frozen=True, slots=True)
class Powers:
    """What carries a change out besides the tables."""

    appender: Appender
    suspensions: Suspensions
    sign_ins: SignIns
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Roles that a group gives, by its name in lower case; a group that is not named gives none."""


class Staff:
    """Reads and changes staff; changes go one after the other, over all processes."""

    def __init__(self, db: Database, clock: Clock, powers: Powers) -> None:
        """Make it over whosaw's database, as its owner."""
        self._db = db
        self._clock = clock
        self._powers = powers
        self._numbers = NumberMap(db)
        self._changing = asyncio.Lock()  # one waits for the database's lock, so that readers find a connection

    async def persons(self, by: By = None, *, most: int, skip: int = 0) -> list[Person]:
        """Return staff in a lasting order."""
        async with self._db.connection() as connection:
            return await queries.persons(connection, by, most, skip)

    async def groups(self, by: By = None, *, most: int, skip: int = 0) -> list[Group]:
        """Return groups in a lasting order."""
        async with self._db.connection() as connection:
            return await queries.groups(connection, by, most, skip)

    async def counts(self) -> tuple[int, int]:
        """Return how many people and groups there are."""
        async with self._db.connection() as connection:
            return await queries.count(connection, "person"), await queries.count(connection, "person_group")

    async def person(self, identifier: str) -> Person:
        """Return one, or raise `NoSuchStaff`."""
        async with self._db.connection() as connection:
            return await _one_person(connection, identifier)

    async def group(self, identifier: str) -> Group:
        """Return one, or raise `NoSuchStaff`."""
        async with self._db.connection() as connection:
            return await _one_group(connection, identifier)

    async def add_person(self, draft: PersonDraft, order: Order) -> Person:
        """Take somebody in.

        Raises:
            StaffConflict: his user name or key is taken.
            TrailUnavailable: it cannot be recorded; nothing changed.
        """
        async with self._change() as connection:
            if await queries.taken(connection, draft.user_name, draft.key, None):
                raise StaffConflict("the user name or the key is taken")
            now = self._clock.now()
            made = Person(
                id=uuid4(),
                key=draft.key,
                user_name=draft.user_name,
                external_id=draft.external_id,
                active=draft.active,
                resource=dict(draft.resource),
                version=1,
                made_at=now,
                changed_at=now,
                rights_at=now,
                groups=(),
            )
            if not made.active:
                await self._stop(made.key, _DEACTIVATED, order)
            await queries.insert_person(connection, made)
            await self._record(connection, {}, [made.id], order, "added")
            return made

    async def change_person(self, identifier: str, make: Callable[[Person], PersonDraft], order: Order) -> Person:
        """Make of somebody what `make` makes of him as he is now; nothing is written where that is the same.

        Raises:
            NoSuchStaff: there is nobody.
            StaffChanged: he has another version than the order says.
            StaffConflict: his user name is taken.
            TrailUnavailable: it cannot be recorded; nothing changed.
        """
        async with self._change() as connection:
            old = await _one_person(connection, identifier)
            order.check(old.version)
            draft = make(old)
            if await queries.taken(connection, draft.user_name, None, old.id):
                raise StaffConflict("the user name is taken")
            new = replace(
                old,
                user_name=draft.user_name,
                external_id=draft.external_id,
                active=draft.active,
                resource=dict(draft.resource),
            )
            if new == old:
                return old
            now = self._clock.now()
            moved = new.active != old.active or standing_of(new.resource) != standing_of(old.resource)
            new = replace(new, version=old.version + 1, changed_at=now, rights_at=now if moved else old.rights_at)
            before = await queries.rights(connection, [old.id])
            if old.active and not new.active:
                await self._stop(old.key, _DEACTIVATED, order)
            await queries.update_person(connection, new)
            await self._record(connection, before, [old.id], order, "changed", always=moved)
            return new

    async def remove_person(self, identifier: str, order: Order) -> None:
        """Suspend somebody, and forget what was sent about him.

        Raises:
            NoSuchStaff: there is nobody.
            StaffChanged: he has another version than the order says.
            TrailUnavailable: it cannot be recorded; nothing changed.
        """
        async with self._change() as connection:
            old = await _one_person(connection, identifier)
            order.check(old.version)
            before = await queries.rights(connection, [old.id])
            await self._stop(old.key, _DELETED, order)
            await queries.delete_person(connection, old.id)
            await self._record(connection, before, [old.id], order, "removed")

    async def add_group(self, draft: GroupDraft, order: Order) -> Group:
        """Make a group; its members get the roles that it gives.

        Raises:
            NoSuchStaff: a member is nobody.
            TrailUnavailable: it cannot be recorded; nothing changed.
        """
        now = self._clock.now()
        made = Group(uuid4(), draft.name, draft.external_id, self._roles(draft.name), 1, now, now, ())
        async with self._change() as connection:
            return await self._put_group(connection, made, draft, order, before=None)

    async def change_group(self, identifier: str, make: Callable[[Group], GroupDraft], order: Order) -> Group:
        """Make of a group what `make` makes of it as it is now; nothing is written where that is the same.

        Raises:
            NoSuchStaff: there is none, or a member is nobody.
            StaffChanged: it has another version than the order says.
            TrailUnavailable: it cannot be recorded; nothing changed.
        """
        async with self._change() as connection:
            old = await _one_group(connection, identifier)
            order.check(old.version)
            draft = make(old)
            same = {UUID(i) for i, _ in old.members} == set(draft.members)
            if same and (draft.name, draft.external_id) == (old.name, old.external_id):
                return old
            new = replace(
                old,
                name=draft.name,
                external_id=draft.external_id,
                roles=self._roles(draft.name),
                version=old.version + 1,
                changed_at=self._clock.now(),
            )
            return await self._put_group(connection, new, draft, order, before=old)

    async def remove_group(self, identifier: str, order: Order) -> None:
        """Forget a group; its members lose the roles that it gave.

        Raises:
            NoSuchStaff: there is none.
            StaffChanged: it has another version than the order says.
            TrailUnavailable: it cannot be recorded; nothing changed.
        """
        async with self._change() as connection:
            old = await _one_group(connection, identifier)
            order.check(old.version)
            members = [UUID(i) for i, _ in old.members]
            before = await queries.rights(connection, members)
            await queries.delete_group(connection, old.id)
            await self._touch(connection, members, before)
            await self._record(connection, before, members, order, "changed")

    async def give_roles_anew(self, order: Order) -> int:
        """Bring every group's roles to what the settings say now; return how many groups changed."""
        changed = 0
        async with self._change() as connection:
            for group in await queries.groups(connection, None, 1_000_000, 0):
                roles = self._roles(group.name)
                if roles != group.roles:
                    changed += 1
                    members = [UUID(i) for i, _ in group.members]
                    before = await queries.rights(connection, members)
                    await queries.upsert_group(connection, replace(group, roles=roles), new=False)
                    await self._touch(connection, members, before)
                    await self._record(connection, before, members, order, "changed")
        return changed

    async def _put_group(
        self, connection: Connection, group: Group, draft: GroupDraft, order: Order, *, before: Group | None
    ) -> Group:
        members = list(dict.fromkeys(draft.members))
        if set(members) - await queries.known_persons(connection, members):
            raise NoSuchStaff("a member is nobody of the staff")
        affected = list(dict.fromkeys([*members, *(UUID(i) for i, _ in group.members)]))
        rights = await queries.rights(connection, affected)
        await queries.upsert_group(connection, group, new=before is None)
        await queries.set_members(connection, group.id, members)
        stays = set(members) & {UUID(i) for i, _ in group.members} if before and before.name == group.name else set()
        await self._touch(connection, [i for i in affected if i not in stays], rights, affected)
        await self._record(connection, rights, affected, order, "changed")
        return await _one_group(connection, str(group.id))

    async def _touch(
        self, connection: Connection, shown: Sequence[UUID], before: _Rights, affected: Sequence[UUID] = ()
    ) -> None:
        """Give `shown` a new version; of whoever of all these may do something else than before, note that he changed.

        Whoever was in the group and stays was not changed by another's coming: else each newcomer would keep all of
        them from approving anything for a day.
        """
        after = await queries.rights(connection, affected or shown)
        moved = [i for i, now in after.items() if before.get(i) != now]
        await queries.touch_persons(connection, shown, moved, self._clock.now())

    def _roles(self, name: str) -> tuple[str, ...]:
        return self._powers.roles.get(name.strip().lower(), ())

    @asynccontextmanager
    async def _change(self) -> AsyncIterator[Connection]:
        async with self._changing, self._db.transaction() as connection:
            await queries.lock(connection)
            yield connection

    async def _stop(self, key: str, reason: str, order: Order) -> None:
        await self._powers.suspensions.suspend(key, reason=reason, by=order.by)
        await self._powers.sign_ins.end(key, self._clock.now())

    async def _record(
        self,
        connection: Connection,
        before: _Rights,
        identifiers: Sequence[UUID],
        order: Order,
        change: str,
        *,
        always: bool = False,
    ) -> None:
        """Append one entry for everybody whose rights differ from before; the transaction commits only after that."""
        after = await queries.rights(connection, identifiers)
        moved = [i for i in identifiers if always or before.get(i) != after.get(i)]
        if not moved:
            return
        stands = [after.get(i) or (before[i][0], False, ()) for i in moved]
        by, *targets = await self._numbers.numbers("actor", [order.by, *(key for key, _, _ in stands)])
        at = to_us(self._clock.now())
        await self._powers.appender.append_many(
            {
                "kind": "provision",
                "at": at,
                "actor": by,
                "target": target,
                "change": change,
                "active": "yes" if active else "no",
                "roles": list(roles),
                "door": "scim",
            }
            for target, (_, active, roles) in zip(targets, stands, strict=True)
        )


def group_roles(text: str) -> dict[str, tuple[str, ...]]:
    """Read ``Customer Support=support; Reviews=review_care,auditor``: roles by group, names in lower case.

    Raises:
        ValueError: it is not written like that.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(str.strip, text.split(";")):
        name, equals, roles = part.partition("=")
        listed = tuple(sorted({role.strip() for role in roles.split(",") if role.strip()}))
        if not equals or not name.strip() or not listed or name.strip().lower() in found:
            raise ValueError("write GROUP=ROLE,ROLE; GROUP=ROLE, each group once")
        found[name.strip().lower()] = listed
    return found


async def _one_person(connection: Connection, identifier: str) -> Person:
    found = await queries.persons(connection, ("id", identifier.lower()), 1, 0)
    if not found:
        raise NoSuchStaff("there is no such person")
    return found[0]


async def _one_group(connection: Connection, identifier: str) -> Group:
    found = await queries.groups(connection, ("id", identifier.lower()), 1, 0)
    if not found:
        raise NoSuchStaff("there is no such group")
    return found[0]
