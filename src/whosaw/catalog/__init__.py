"""Catalog: what is protected, where it lives, how it is masked, and what counts as a reason.

One strict TOML file per company. The catalog reads the company's own databases through its ``Source`` objects; it
decides nothing. Stands before ``ask`` in the flow: every later stage speaks of the fields and classes defined here.
"""

from whosaw.catalog.check import CatalogReport, check
from whosaw.catalog.load import load, parse
from whosaw.catalog.model import (
    Action,
    ActorQuery,
    Alerting,
    Aliases,
    BreakGlass,
    Budget,
    Catalog,
    CatalogError,
    CatalogInvalid,
    Conduct,
    Field,
    GrantKind,
    Limit,
    Lookup,
    Mode,
    Purpose,
    SubjectKind,
    Tracing,
    Watching,
    Webhook,
)
from whosaw.catalog.source import Source, SourceUnreachable

__all__ = [
    "Action",
    "ActorQuery",
    "Alerting",
    "Aliases",
    "BreakGlass",
    "Budget",
    "Catalog",
    "CatalogError",
    "CatalogInvalid",
    "CatalogReport",
    "Conduct",
    "Field",
    "GrantKind",
    "Limit",
    "Lookup",
    "Mode",
    "Purpose",
    "Source",
    "SourceUnreachable",
    "SubjectKind",
    "Tracing",
    "Watching",
    "Webhook",
    "check",
    "load",
    "parse",
]
