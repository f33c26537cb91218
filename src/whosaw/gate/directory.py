"""The staff directory, wherever the company keeps it: its own tables, or what its identity provider sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from whosaw.catalog import Catalog, Source
from whosaw.catalog.load import SCIM
from whosaw.catalog.statements import everybody_statement
from whosaw.gate import identitystaffqueries
from whosaw.gate.approvalpeople import Directory, DirectoryRow, catalog_directory
from whosaw.gate.identitydirectory import directory_rows
from whosaw.store import Database


def staff_directory(catalog: Catalog, sources: Mapping[str, Source], db: Database) -> Directory:
    """Return a way to read lines of the staff directory, always afresh.

    Args:
        catalog: says where it is.
        sources: the company's databases.
        db: whosaw's own, for staff that the provider sends; the door's role will do.
    """
    if catalog.actors.source != SCIM:
        return catalog_directory(catalog, sources)

    async def read(keys: Sequence[str]) -> Mapping[str, DirectoryRow]:
        return await directory_rows(db, keys)

    return read


async def everybody(catalog: Catalog, sources: Mapping[str, Source], db: Database) -> dict[str, DirectoryRow]:
    """Return the whole staff directory by key."""
    if catalog.actors.source == SCIM:
        async with db.connection() as connection:
            keys = await identitystaffqueries.every_key(connection)
        return dict(await directory_rows(db, keys))
    rows = await sources[catalog.actors.source].rows(everybody_statement(catalog.actors))
    return {str(row["key"]): dict(row) for row in rows}
