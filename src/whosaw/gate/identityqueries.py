"""The statements about sign-ins: what was ended, what was used once, who a subject is, what is under way."""

from __future__ import annotations

from datetime import datetime

from whosaw.store import Database
from whosaw.store.database import Connection


async def standing(db: Database, actor: str) -> tuple[datetime | None, bool]:
    """Return until when sign-ins of `actor` were ended, or None, and whether he is suspended."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select (select before_at from person_end where actor = %(actor)s), "
            "exists (select from gate_suspension where actor = %(actor)s)",
            {"actor": actor},
        )
        row = await rows.fetchone()
        return (row[0], bool(row[1])) if row else (None, True)


async def end(db: Database, actor: str, before: datetime) -> None:
    """End every sign-in of `actor` that began at or before `before`; an earlier end never takes a later one back."""
    async with db.connection() as connection:
        await connection.execute(
            "insert into person_end (actor, before_at) values (%s, %s) on conflict (actor) "
            "do update set before_at = greatest(person_end.before_at, excluded.before_at)",
            [actor, before],
        )


async def use(connection: Connection, issuer: str, digest: bytes, until: datetime, now: datetime) -> bool:
    """Note that this identifier was used; return False where it was before.

    In a transaction a second user of the same identifier waits for the end of the first one.
    """
    await connection.execute("delete from identity_once where until_at < %s", [now])
    done = await connection.execute(
        "insert into identity_once (issuer, jti_sha256, until_at) values (%s, %s, %s) on conflict do nothing",
        [issuer, digest, until],
    )
    return done.rowcount == 1


async def remember_subject(db: Database, issuer: str, subject: str, actor: str, at: datetime) -> None:
    """Note that the issuer calls this actor `subject`."""
    async with db.connection() as connection:
        await connection.execute(
            "insert into person_subject (issuer, subject, actor, seen_at) values (%s, %s, %s, %s) "
            "on conflict (issuer, subject) do update set actor = excluded.actor, seen_at = excluded.seen_at",
            [issuer, subject, actor, at],
        )


async def actor_of_subject(db: Database, issuer: str, subject: str) -> str | None:
    """Return whom the issuer calls `subject`, or None where nobody of that name ever came in."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select actor from person_subject where issuer = %s and subject = %s", [issuer, subject]
        )
        row = await rows.fetchone()
        return str(row[0]) if row else None


async def actors_of_mail(db: Database, mail: str) -> list[str]:
    """Return the staff that the identity provider sent with this mail address, in any spelling of case."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select key from person where lower(user_name) = lower(%(mail)s) or exists (select from "
            "jsonb_array_elements(case when jsonb_typeof(resource -> 'emails') = 'array' then resource -> 'emails' "
            "else '[]' end) e where lower(e ->> 'value') = lower(%(mail)s)) order by key limit 2",
            {"mail": mail},
        )
        return [str(row[0]) for row in await rows.fetchall()]


async def begin_login(
    db: Database, state: bytes, browser: bytes, secrets: tuple[str, str], life: tuple[datetime, datetime]
) -> None:
    """Keep a login under way.

    Args:
        db: whosaw's database.
        state: SHA-256 of the state that goes to the provider and comes back.
        browser: SHA-256 of the browser's cookie.
        secrets: the nonce and the code verifier.
        life: now, and when it ends.
    """
    async with db.connection() as connection:
        await connection.execute("delete from identity_login where until_at < %s", [life[0]])
        await connection.execute(
            "insert into identity_login (state_sha256, browser_sha256, nonce, verifier, until_at) "
            "values (%s, %s, %s, %s, %s)",
            [state, browser, *secrets, life[1]],
        )


async def logins_under_way(db: Database) -> int:
    """Return how many logins wait for the provider's answer."""
    async with db.connection() as connection:
        rows = await connection.execute("select count(*) from identity_login")
        row = await rows.fetchone()
        return int(row[0]) if row else 0


async def take_login(db: Database, state: bytes, browser: bytes, at: datetime) -> tuple[str, str] | None:
    """Return nonce and verifier of a login of this browser, and end it; exactly one caller gets them."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "delete from identity_login where state_sha256 = %s and browser_sha256 = %s and until_at > %s "
            "returning nonce, verifier",
            [state, browser, at],
        )
        row = await rows.fetchone()
        return (str(row[0]), str(row[1])) if row else None


async def password(db: Database, actor: str) -> str | None:
    """Return the hash of a local password, or None."""
    async with db.connection() as connection:
        rows = await connection.execute("select hash from person_password where actor = %s", [actor])
        row = await rows.fetchone()
        return str(row[0]) if row else None


async def set_password(db: Database, actor: str, hashed: str, at: datetime) -> None:
    """Keep the hash of a local password in place of any earlier one."""
    async with db.connection() as connection:
        await connection.execute(
            "insert into person_password (actor, hash, made_at) values (%s, %s, %s) "
            "on conflict (actor) do update set hash = excluded.hash, made_at = excluded.made_at",
            [actor, hashed, at],
        )


async def remove_password(db: Database, actor: str) -> bool:
    """Forget a local password; return whether there was one."""
    async with db.connection() as connection:
        done = await connection.execute("delete from person_password where actor = %s", [actor])
        return done.rowcount == 1
