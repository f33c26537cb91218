"""The company's own database: made, filled and given to two login roles in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from whosaw.market.errors import ShopExists
from whosaw.market.roles import grant_login
from whosaw.market.rows import table_rows
from whosaw.market.schema import CONNECTOR, GRANTS, KEYS, READER, TABLES
from whosaw.market.world import World


@dataclass(frozen=True, slots=True)
class ShopPasswords:
    """Passwords of the two roles: `reader` may select, `connector` may mark reviews and act against sellers."""

    reader: str = field(repr=False)
    connector: str = field(repr=False)


def create_shop(admin_url: str, world: World, passwords: ShopPasswords, *, replace: bool = False) -> dict[str, int]:
    """Make the shop's tables in an empty database, fill them, and set up its roles.

    Interrupted at any point it leaves the database as it was.

    Args:
        admin_url: the database the shop will live in, as a role that may make roles and tables.
        world: what to fill it with.
        passwords: for `shop_reader` and `shop_connector`.
        replace: remove a shop that is there first.

    Returns:
        How many rows each table has.

    Raises:
        ShopExists: the database holds one of the tables already, and `replace` is false.
    """
    with psycopg.connect(admin_url) as connection:
        _clear(connection, replace)
        for table, columns in TABLES.items():
            connection.execute(sql.SQL("create table {} ({})").format(sql.Identifier(table), sql.SQL(columns)))
        counts = _fill(connection, world)
        for statement in KEYS:
            connection.execute(statement)
        grant_login(connection, READER, passwords.reader)
        grant_login(connection, CONNECTOR, passwords.connector)
        for statement in GRANTS:
            connection.execute(statement)
        for table in TABLES:
            connection.execute(sql.SQL("analyze {}").format(sql.Identifier(table)))
    return counts


def _clear(connection: psycopg.Connection[tuple[object, ...]], replace: bool) -> None:
    found = connection.execute(
        "select tablename from pg_tables where schemaname = 'public' and tablename = any(%s)", (list(TABLES),)
    ).fetchall()
    if found and not replace:
        raise ShopExists(f"the database already holds a table `{found[0][0]}`")
    for (table,) in found:
        connection.execute(sql.SQL("drop table {} cascade").format(sql.Identifier(str(table))))


def _fill(connection: psycopg.Connection[tuple[object, ...]], world: World) -> dict[str, int]:
    counts = dict.fromkeys(TABLES, 0)
    with connection.cursor() as cursor:
        for table, blocks in table_rows(world).items():
            with cursor.copy(sql.SQL("copy {} from stdin").format(sql.Identifier(table))) as copy:
                for block in blocks:
                    copy.write(block)
            counts[table] = cursor.rowcount
    return counts
