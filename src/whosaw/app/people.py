"""Of what people ask and decide about one another, what commands need besides the services."""

from __future__ import annotations

from whosaw.app.services import Services
from whosaw.gate import directory
from whosaw.gate.approvalpeople import DirectoryRow
from whosaw.gate.grantsfunctions import Functions


def functions_of(services: Services) -> Functions:
    """Return the functions that two signed."""
    return Functions(services.db, services.appender, services.catalog, services.directory, services.clock)


async def everybody(services: Services) -> dict[str, DirectoryRow]:
    """Return the whole staff directory by key."""
    return await directory.everybody(services.catalog, services.sources, services.db)
