"""What people ask of and decide about one another, over one running whosaw: grants, glass, functions, the code."""

from __future__ import annotations

from whosaw.app.services import Services
from whosaw.catalog.statements import everybody_statement
from whosaw.gate.approvalpeople import Directory, DirectoryRow, catalog_directory
from whosaw.gate.conduct import Conducts
from whosaw.gate.glass import Glasses
from whosaw.gate.grants import Grants
from whosaw.gate.grantsfunctions import Functions


def directory_of(services: Services) -> Directory:
    """Return a way to read lines of the staff directory, always afresh."""
    return catalog_directory(services.catalog, services.sources)


def grants_of(services: Services) -> Grants:
    """Return its grants."""
    return Grants(services.db, services.appender, services.catalog, directory_of(services), services.clock)


def glasses_of(services: Services) -> Glasses:
    """Return its broken glass."""
    return Glasses(services.db, services.appender, services.catalog, directory_of(services), services.clock)


def functions_of(services: Services) -> Functions:
    """Return the functions that two signed."""
    return Functions(services.db, services.appender, services.catalog, directory_of(services), services.clock)


def conducts_of(services: Services) -> Conducts:
    """Return its code of conduct."""
    return Conducts(services.db, services.appender, services.catalog.conduct, services.clock)


async def everybody(services: Services) -> dict[str, DirectoryRow]:
    """Return the whole staff directory by key."""
    actors = services.catalog.actors
    rows = await services.sources[actors.source].rows(everybody_statement(actors))
    return {str(row["key"]): dict(row) for row in rows}
