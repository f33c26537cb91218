"""Catalog: what is protected, where it lives, how it is masked, and what counts as a reason.

One strict TOML file per company. The catalog reads the company's own databases through its ``Source`` objects; it
decides nothing. Stands before ``ask`` in the flow: every later stage speaks of the fields and classes defined here.
"""

from whosaw.catalog.check import CatalogReport, check
from whosaw.catalog.load import load, parse
from whosaw.catalog.model import (
    Action,
    ActorQuery,
    Catalog,
    CatalogError,
    CatalogInvalid,
    Field,
    Purpose,
    SubjectKind,
)
from whosaw.catalog.source import Source, SourceUnreachable

__all__ = [
    "Action",
    "ActorQuery",
    "Catalog",
    "CatalogError",
    "CatalogInvalid",
    "CatalogReport",
    "Field",
    "Purpose",
    "Source",
    "SourceUnreachable",
    "SubjectKind",
    "check",
    "load",
    "parse",
]
