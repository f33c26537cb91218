"""Login roles of the shop's database server."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql


def grant_login(connection: psycopg.Connection[Any], role: str, password: str) -> None:
    """Make `role` if it is not there and set its password, which reaches the server only as a SCRAM verifier."""
    known = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    statement = "alter role {} login password {}" if known else "create role {} login password {}"
    connection.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(verifier)))
