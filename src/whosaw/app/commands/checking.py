"""``whosaw check`` and ``whosaw fsck``: is the catalog right, and is the trail whole."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import own_database
from whosaw.app.settings import Settings
from whosaw.app.trustfile import trail_key
from whosaw.catalog import Catalog, CatalogReport, load
from whosaw.catalog import check as check_catalog
from whosaw.catalog.source import open_sources
from whosaw.decide import load_policies
from whosaw.prove import VerifierKey
from whosaw.record import FsckReport
from whosaw.record import fsck as check_trail
from whosaw.store import Database


def check(
    *, catalog: Path | None = None, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False
) -> int:
    """Try every statement of the catalog against the living databases, and say what it resolves to.

    Args:
        catalog: the catalog file; default WHOSAW_CATALOG, else whosaw.toml in the state folder.
        as_json: print JSON.
    """
    read = load(catalog or Settings().catalog_path)
    policies = load_policies()
    report = asyncio.run(_try(read))
    if as_json:
        print_json({"passed": report.passed, "tried": list(report.tried), "problems": list(report.problems)})
        return 0 if report.passed else 1
    out = console()
    fields = table("field", "class", "mask", "column", title=f"{read.company}: what is protected")
    for field in read.fields.values():
        kind = read.subjects[field.subject_kind]
        fields.add_row(field.name, field.klass, field.mask, f"{kind.source}.{kind.table}.{field.column}")
    out.print(fields)
    out.print(f"policies {policies.version}, catalog {read.version}")
    for line in report.tried:
        out.print(Text(f"  accepted  {line}"))
    for line in report.problems:
        out.print(Text(f"  REFUSED   {line}", style="bold red"))
    return 0 if report.passed else 1


async def _try(catalog: Catalog) -> CatalogReport:
    sources = open_sources(catalog)
    try:
        return await check_catalog(catalog, sources)
    finally:
        for source in sources.values():
            await source.__aexit__()


def fsck(*, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> int:
    """Re-derive every hash of the trail from its entries, and name what is altered, missing or out of place.

    Args:
        as_json: print JSON.
    """
    settings = Settings()
    key = trail_key(settings.keys_folder)  # first: where there is no trail, no database is made to say so
    with own_database(settings) as url:
        report = asyncio.run(_fsck(url, settings.trail_folder, key))
    if as_json:
        print_json(asdict(report) | {"ok": report.ok, "roll_back": report.roll_back})
    else:
        out = console()
        for line in report.lines():
            out.print(Text(line))
    return 0 if report.ok else 1


async def _fsck(url: str, folder: Path, key: VerifierKey) -> FsckReport:
    async with Database(url, pool_size=2) as db:
        return await check_trail(db, folder, key)
