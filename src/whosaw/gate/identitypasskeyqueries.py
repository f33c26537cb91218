"""The statements about passkeys and the links to make one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from whosaw.store import Database


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey.

    Attributes:
        id: as the authenticator calls it.
        actor: whose it is.
        handle: what authenticators call its owner.
        public_key: COSE.
        signs: how often it has signed, as the authenticator counts; 0 where it does not.
        name: what its owner calls it.
        made_at: when it was made.
        used_at: when it was last used.
    """

    id: bytes
    actor: str
    handle: bytes
    public_key: bytes
    signs: int
    name: str
    made_at: datetime
    used_at: datetime | None


_PASSKEY = "select id, actor, handle, public_key, signs, name, made_at, used_at from person_passkey"


async def passkeys(db: Database, actor: str | None) -> list[Passkey]:
    """Return the passkeys of somebody, or everybody's, the oldest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            f"{_PASSKEY} where %(actor)s::text is null or actor = %(actor)s order by made_at, id", {"actor": actor}
        )
        return [Passkey(*row) for row in await rows.fetchall()]


async def passkey(db: Database, identifier: bytes) -> Passkey | None:
    """Return one, or None."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_PASSKEY} where id = %s", [identifier])
        row = await rows.fetchone()
        return Passkey(*row) if row else None


async def save_passkey(db: Database, kept: Passkey) -> bool:
    """Keep a new one; return False where its identifier is taken."""
    async with db.connection() as connection:
        done = await connection.execute(
            "insert into person_passkey (id, actor, handle, public_key, signs, name, made_at) "
            "values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            [kept.id, kept.actor, kept.handle, kept.public_key, kept.signs, kept.name, kept.made_at],
        )
        return done.rowcount == 1


async def note_use(db: Database, kept: Passkey, signs: int, at: datetime) -> bool:
    """Note a use; return False where another one came first, or it was taken away."""
    async with db.connection() as connection:
        done = await connection.execute(
            "update person_passkey set signs = %s, used_at = %s where id = %s and signs = %s",
            [signs, at, kept.id, kept.signs],
        )
        return done.rowcount == 1


async def delete_passkey(db: Database, identifier: bytes) -> bool:
    """Forget one; return whether it was there."""
    async with db.connection() as connection:
        done = await connection.execute("delete from person_passkey where id = %s", [identifier])
        return done.rowcount == 1


async def save_enrolment(db: Database, secret: bytes, actor: str, until: datetime) -> None:
    """Keep a link by the SHA-256 of its secret, in place of any earlier one of this actor."""
    async with db.transaction() as connection:
        await connection.execute("delete from person_enrolment where actor = %s", [actor])
        await connection.execute(
            "insert into person_enrolment (secret_sha256, actor, until_at) values (%s, %s, %s)", [secret, actor, until]
        )


async def enrolment(db: Database, secret: bytes, at: datetime) -> str | None:
    """Return whose link has this SHA-256, or None."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select actor from person_enrolment where secret_sha256 = %s and until_at > %s", [secret, at]
        )
        row = await rows.fetchone()
        return str(row[0]) if row else None


async def take_enrolment(db: Database, secret: bytes, at: datetime) -> bool:
    """End a link; return whether it was good. Exactly one caller gets True."""
    async with db.connection() as connection:
        done = await connection.execute(
            "delete from person_enrolment where secret_sha256 = %s and until_at > %s", [secret, at]
        )
        return done.rowcount == 1
