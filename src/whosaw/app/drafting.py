"""Look at a company's database and draft a catalog, and policies where the roles can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from whosaw.app.draftpolicy import usable_roles, write_policies
from whosaw.app.errors import AppError
from whosaw.catalog import ActorQuery, CatalogError, Source
from whosaw.catalog.draft import Draft, DraftPurpose, draft
from whosaw.catalog.drafttoml import head, lookups, purpose_query, ready, staff_query, write
from whosaw.catalog.statements import actor_statement, sample_statement
from whosaw.catalog.tables import read_tables, sample

_DRIVERS = {"postgresql": "psycopg", "mysql": "asyncmy", "mariadb": "asyncmy", "sqlite": "aiosqlite"}
_WORK_ROWS = 200


class DraftImpossible(AppError, ValueError):
    """A database shows nothing that a catalog could be drafted from, or its address cannot be read."""

    code: ClassVar[str] = "app.draft_impossible"
    hint = "name a database with the tables of your customers, and a login that may read them"


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft as it is written to files.

    Attributes:
        draft: what was guessed.
        catalog: TOML.
        policies: Cedar, or None where the roles could not be seen.
        variable: the environment variable that the catalog takes the address from; empty where it stands there.
    """

    draft: Draft
    catalog: str
    policies: str | None
    variable: str


def driven(url: str) -> URL:
    """Return an address with the asynchronous driver that is tried, where it names none.

    Raises:
        DraftImpossible: it is no address.
    """
    try:
        address = make_url(url)
    except ArgumentError as cause:
        raise DraftImpossible(
            "this is no address of a database", hint="write it as postgresql://USER:PASSWORD@HOST/NAME"
        ) from cause
    driver = _DRIVERS.get(address.drivername)
    return address if driver is None else address.set(drivername=f"{address.drivername}+{driver}")


async def drafted(
    address: URL, *, source: str, company: str, catalog_name: str, policies_name: str, variable: str = ""
) -> Drafted:
    """Look at a database and draft.

    Args:
        address: with an asynchronous driver.
        source: what the catalog calls it.
        company: the company's name; empty: the database's.
        catalog_name: the file that the catalog goes to.
        policies_name: the file that the catalog names for policies, where there are any.
        variable: the environment variable that the address was taken from; the catalog takes it from there too.

    Raises:
        SourceUnreachable, SourceRefused: the database does not let itself be looked at.
        DraftImpossible: no table seems to hold people.
    """
    url = address.render_as_string(hide_password=False)
    async with Source(source, url) as looked_at:
        shapes = await read_tables(looked_at)
        samples = {shape.name: await sample(looked_at, shape) for shape in shapes}
        made = draft(shapes, samples)
        if not made.kinds:
            raise DraftImpossible(f"none of {len(shapes)} tables seems to hold people and ways to reach them")
        purposes = [(each.name, await _roles(looked_at, url, made, each)) for each in ready(made)]
    classes = sorted({guess.klass for kind in made.kinds for _, guess in kind.fields})
    workers = any(roles for _, roles in purposes)
    policies = write_policies(purposes, classes, lookups=bool(lookups(made))) if workers else None
    if not variable and (address.password or address.username or address.query):
        variable = f"{source.upper().replace('-', '_')}_DATABASE"
    catalog = head(catalog_name) + write(
        made,
        source=source,
        url=url,
        written_url=f"env:{variable}" if variable else url,
        company=company,
        policies=None if policies is None else policies_name,
    )
    return Drafted(made, catalog, policies, variable)


async def _roles(source: Source, url: str, made: Draft, purpose: DraftPurpose) -> Sequence[str]:
    """Return the roles of those to whom such work is given in a sample of it."""
    if made.staff is None:
        return []
    directory = ActorQuery(source.name, staff_query(made.staff, url))
    try:
        rows = await source.rows(sample_statement(purpose_query(purpose, url), ["assignee"], _WORK_ROWS))
        keys = sorted({str(row["assignee"]) for row in rows if row["assignee"] is not None})
        people = await source.rows(actor_statement(directory), keys=keys) if keys else []
    except CatalogError:  # a guess that the database refuses is for `whosaw check` to name
        return []
    told = [row["roles"] for row in people]
    names = [name for each in told for name in (each.split(",") if isinstance(each, str) else each or [])]
    return usable_roles([str(name).strip() for name in names if str(name).strip()])
