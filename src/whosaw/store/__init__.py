"""Store: PostgreSQL and what every stage keeps in it.

Starts the embedded server, hands out connections, migrates the schema, and keeps the number maps. It knows no stage:
a stage's own statements stand in that stage's ``queries.py`` and run on a connection from here.
"""

from whosaw.store.database import AddressInvalid, Database, DatabaseUnreachable, UnsafeDurability
from whosaw.store.embedded import EmbeddedFailed, EmbeddedPostgres
from whosaw.store.errors import StoreError
from whosaw.store.migrate import MigrationFailed, upgrade
from whosaw.store.numbers import NumberMap

__all__ = [
    "AddressInvalid",
    "Database",
    "DatabaseUnreachable",
    "EmbeddedFailed",
    "EmbeddedPostgres",
    "MigrationFailed",
    "NumberMap",
    "StoreError",
    "UnsafeDurability",
    "upgrade",
]
