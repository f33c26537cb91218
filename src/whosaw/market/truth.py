"""What really happened, kept where no stage can read it: a file of mode 0600 and a schema of its own role."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from whosaw.market.roles import grant_login

TRUTH_ROLE = "market_truth"


@dataclass(frozen=True, slots=True)
class Truth:
    """The facts of a world, by the company's own keys.

    Args:
        seed: of the world.
        insider: whether anybody was bribed.
        beneficiary: the seller who wrote to customers.
        actors: the bribed staff; empty without an insider.
        subjects: the customers whose address was sold, sorted.
        deleted_reviews: the reviews deleted for money, sorted.
        complaints: for each complaining customer ``leak`` or ``own_orders``.
    """

    seed: int
    insider: bool
    beneficiary: str
    actors: tuple[str, ...]
    subjects: tuple[str, ...]
    deleted_reviews: tuple[str, ...]
    complaints: Mapping[str, str]


def write_truth(truth: Truth, path: Path) -> None:
    """Write `truth` as JSON to `path`, whole or not at all, with mode 0600."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(asdict(truth), handle, indent=1, sort_keys=True)
        handle.write("\n")
    fresh.replace(path)


def read_truth(path: Path) -> Truth:
    """Read what `write_truth` wrote."""
    facts = json.loads(path.read_text())
    for name in ("actors", "subjects", "deleted_reviews"):
        facts[name] = tuple(facts[name])
    return Truth(**facts)


def store_truth(admin_url: str, truth: Truth, password: str) -> None:
    """Write `truth` into the schema ``truth``, which belongs to the role `TRUTH_ROLE`; nobody else has a right on it.

    Args:
        admin_url: the database, as a role that may make roles and schemas.
        truth: the facts; what an earlier world left is replaced.
        password: for the role.
    """
    rows = [("seed", str(truth.seed), ""), ("insider", "yes" if truth.insider else "no", "")]
    rows += [("beneficiary", truth.beneficiary, "")]
    rows += [("actor", key, "") for key in truth.actors]
    rows += [("subject", key, "") for key in truth.subjects]
    rows += [("deleted_review", key, "") for key in truth.deleted_reviews]
    rows += [("complaint", key, source) for key, source in truth.complaints.items()]
    with psycopg.connect(admin_url) as connection:
        grant_login(connection, TRUTH_ROLE, password)
        owner = sql.Identifier(TRUTH_ROLE)
        connection.execute("drop schema if exists truth cascade")
        connection.execute("create schema truth")
        connection.execute(
            "create table truth.fact (kind text, key text, detail text not null, primary key (kind, key))"
        )
        with connection.cursor() as cursor:
            cursor.executemany("insert into truth.fact (kind, key, detail) values (%s, %s, %s)", rows)
        connection.execute("revoke all on schema truth from public")
        connection.execute("revoke all on truth.fact from public")
        # a superuser may give things away; any other owner has to belong to the role that gets them
        connection.execute(sql.SQL("alter table truth.fact owner to {}").format(owner))
        connection.execute(sql.SQL("alter schema truth owner to {}").format(owner))
