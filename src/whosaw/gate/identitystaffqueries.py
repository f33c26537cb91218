"""The statements about staff and groups as the identity provider sent them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from whosaw.store.database import Connection

_LOCK = 0x7363696D  # "scim"


@dataclass(frozen=True, slots=True)
class Person:
    """One of the staff.

    Attributes:
        id: as the provider names him in addresses.
        key: the actor's key; never changes.
        user_name: what he signs in with.
        external_id: the provider's own identifier, or None.
        active: whether the provider lets him work.
        resource: everything else that was sent, as JSON.
        version: counts changes.
        made_at: when he was first sent.
        changed_at: when anything last changed.
        rights_at: when what he may do last changed: roles, function, being active.
        groups: (id, name) of his groups.
    """

    id: UUID
    key: str
    user_name: str
    external_id: str | None
    active: bool
    resource: dict[str, Any]
    version: int
    made_at: datetime
    changed_at: datetime
    rights_at: datetime
    groups: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of staff; `roles` is what being in it gives, `members` are (id, user name)."""

    id: UUID
    name: str
    external_id: str | None
    roles: tuple[str, ...]
    version: int
    made_at: datetime
    changed_at: datetime
    members: tuple[tuple[str, str], ...]


_PERSON = """select p.id, p.key, p.user_name, p.external_id, p.active, p.resource, p.version, p.made_at, p.changed_at,
    p.rights_at, coalesce(g.list, '[]'::json) from person p left join lateral (
        select json_agg(json_build_array(g.id, g.name) order by g.name, g.id) as list
        from person_member m join person_group g on g.id = m.group_id where m.person_id = p.id) g on true"""
_GROUP = """select g.id, g.name, g.external_id, g.roles, g.version, g.made_at, g.changed_at,
    coalesce(m.list, '[]'::json) from person_group g left join lateral (
        select json_agg(json_build_array(p.id, p.user_name) order by p.user_name, p.id) as list
        from person_member m join person p on p.id = m.person_id where m.group_id = g.id) m on true"""
# what a list may be asked by without reading all of it; the names are ours, never the caller's
_PERSON_BY = {
    "id": "p.id::text = %s",
    "user_name": "lower(p.user_name) = lower(%s)",
    "external_id": "p.external_id = %s",
}
_GROUP_BY = {"id": "g.id::text = %s", "name": "lower(g.name) = lower(%s)", "external_id": "g.external_id = %s"}
By = tuple[str, str] | None


async def lock(connection: Connection) -> None:
    """Wait until nobody else changes staff or groups, and keep others out until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])


async def persons(connection: Connection, by: By, most: int, skip: int) -> list[Person]:
    """Return staff in a lasting order, all of them or those that `by` names."""
    where, values = _where(by, _PERSON_BY)
    rows = await connection.execute(
        f"{_PERSON}{where} order by p.made_at, p.id limit %s offset %s", [*values, most, skip]
    )
    return [_person(row) for row in await rows.fetchall()]


async def groups(connection: Connection, by: By, most: int, skip: int) -> list[Group]:
    """Return groups in a lasting order, all of them or those that `by` names."""
    where, values = _where(by, _GROUP_BY)
    rows = await connection.execute(
        f"{_GROUP}{where} order by g.made_at, g.id limit %s offset %s", [*values, most, skip]
    )
    return [_group(row) for row in await rows.fetchall()]


async def every_key(connection: Connection) -> list[str]:
    """Return the key of everybody the provider sent, those who left included."""
    rows = await connection.execute("select key from person order by key")
    return [str(row[0]) for row in await rows.fetchall()]


async def count(connection: Connection, table: str) -> int:
    """Return how many rows ``person`` or ``person_group`` has."""
    rows = await connection.execute(f"select count(*) from {table}")
    row = await rows.fetchone()
    return int(row[0]) if row else 0


async def taken(connection: Connection, user_name: str, key: str | None, but: UUID | None) -> bool:
    """Return whether somebody else has this user name, or this key."""
    rows = await connection.execute(
        "select exists (select from person where (lower(user_name) = lower(%s) or key = %s) "
        "and id is distinct from %s)",
        [user_name, key, but],
    )
    row = await rows.fetchone()
    return bool(row and row[0])


async def insert_person(connection: Connection, person: Person) -> None:
    """Keep a new one."""
    await connection.execute(
        "insert into person (id, key, user_name, external_id, active, resource, made_at, changed_at, rights_at) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            person.id,
            person.key,
            person.user_name,
            person.external_id,
            person.active,
            json.dumps(person.resource),
            person.made_at,
            person.changed_at,
            person.rights_at,
        ],
    )


async def update_person(connection: Connection, person: Person) -> None:
    """Keep what changed."""
    await connection.execute(
        "update person set user_name = %s, external_id = %s, active = %s, resource = %s, changed_at = %s, "
        "rights_at = %s, version = version + 1 where id = %s",
        [
            person.user_name,
            person.external_id,
            person.active,
            json.dumps(person.resource),
            person.changed_at,
            person.rights_at,
            person.id,
        ],
    )


async def delete_person(connection: Connection, identifier: UUID) -> None:
    """Forget somebody; he leaves his groups."""
    await connection.execute("delete from person where id = %s", [identifier])


async def touch_persons(connection: Connection, shown: Collection[UUID], moved: Collection[UUID], at: datetime) -> None:
    """Note that people's groups changed, of which their representation tells: it has a new version.

    Args:
        connection: of the change.
        shown: whose groups are others, or are called otherwise.
        moved: who may do something else than before; he was changed at `at`.
        at: now.
    """
    await connection.execute(
        "update person set rights_at = case when id = any(%s) then %s else rights_at end, version = version + 1 "
        "where id = any(%s)",
        [list(moved), at, list({*shown, *moved})],
    )


async def upsert_group(connection: Connection, group: Group, *, new: bool) -> None:
    """Keep a group, without its members."""
    statement = (
        "insert into person_group (name, external_id, roles, changed_at, made_at, id) values (%s, %s, %s, %s, %s, %s)"
        if new
        else "update person_group set name = %s, external_id = %s, roles = %s, changed_at = %s, made_at = %s, "
        "version = version + 1 where id = %s"
    )
    await connection.execute(
        statement, [group.name, group.external_id, list(group.roles), group.changed_at, group.made_at, group.id]
    )


async def set_members(connection: Connection, group: UUID, members: Sequence[UUID]) -> None:
    """Make `members` those of the group."""
    await connection.execute(
        "delete from person_member where group_id = %s and person_id <> all(%s)", [group, list(members)]
    )
    await connection.execute(
        "insert into person_member (group_id, person_id) select %s, unnest(%s::uuid[]) on conflict do nothing",
        [group, list(members)],
    )


async def delete_group(connection: Connection, identifier: UUID) -> None:
    """Forget a group."""
    await connection.execute("delete from person_group where id = %s", [identifier])


async def known_persons(connection: Connection, identifiers: Sequence[UUID]) -> set[UUID]:
    """Return which of these people there are."""
    rows = await connection.execute("select id from person where id = any(%s)", [list(identifiers)])
    return {row[0] for row in await rows.fetchall()}


async def rights(connection: Connection, identifiers: Sequence[UUID]) -> dict[UUID, tuple[str, bool, tuple[str, ...]]]:
    """Return key, being active, and roles in order, of these people."""
    rows = await connection.execute(
        "select p.id, p.key, p.active, coalesce(array_agg(distinct r.role order by r.role) filter (where r.role is not "
        "null), '{}') from person p left join person_member m on m.person_id = p.id "
        "left join person_group g on g.id = m.group_id left join lateral unnest(g.roles) as r(role) on true "
        "where p.id = any(%s) group by p.id, p.key, p.active",
        [list(identifiers)],
    )
    return {row[0]: (row[1], row[2], tuple(row[3])) for row in await rows.fetchall()}


async def directory(connection: Connection, keys: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return (key, active, resource, rights_at, roles) of everybody of these keys."""
    rows = await connection.execute(
        "select p.key, p.active, p.resource, p.rights_at, coalesce(array_agg(distinct r.role order by r.role) filter "
        "(where r.role is not null), '{}') from person p left join person_member m on m.person_id = p.id "
        "left join person_group g on g.id = m.group_id left join lateral unnest(g.roles) as r(role) on true "
        "where p.key = any(%s) group by p.key, p.active, p.resource, p.rights_at",
        [list(keys)],
    )
    return await rows.fetchall()


def _where(by: By, known: dict[str, str]) -> tuple[str, list[str]]:
    return ("", []) if by is None else (f" where {known[by[0]]}", [by[1]])


def _person(row: tuple[Any, ...]) -> Person:
    values: list[Any] = list(row)
    values[10] = tuple((str(i), str(name)) for i, name in values[10])
    return Person(*values)


def _group(row: tuple[Any, ...]) -> Group:
    identifier, name, external, roles, version, made_at, changed_at, listed = row
    members = tuple((str(i), str(user)) for i, user in listed)
    return Group(identifier, name, external, tuple(roles), version, made_at, changed_at, members)
