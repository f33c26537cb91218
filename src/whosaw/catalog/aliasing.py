"""The part of the catalog about addresses that a disclosure carries instead of the person's own."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

from whosaw.catalog.model import Aliases, Catalog, CatalogInvalid
from whosaw.catalog.strict import Table

_DOMAIN = re.compile(r"(?=.{4,200}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_DAYS = 180.0
_KEEP_DAYS = 365.0


def aliases(table: Table, sources: Collection[str]) -> Aliases:
    """Read what aliases are made of and who may write to them."""
    asks = "source" in table or "query" in table
    strangers: Literal["forward", "keep"] = (
        "keep" if table.choice("strangers", ("forward", "keep"), default="forward") == "keep" else "forward"
    )
    domain = _domain(table, table.text("domain"))
    canaries = table.optional_text("canary_domain")
    read = Aliases(
        domain=domain,
        days=table.number("days", default=_DAYS, above_zero=True),
        senders=frozenset(_domain(table, each) for each in table.texts("senders")),
        strangers=strangers,
        source=table.choice("source", sources) if asks else "",
        query=table.query("query") if asks else "",
        keep_days=table.number("keep_days", default=_KEEP_DAYS, above_zero=True),
        canary_domain=domain if canaries is None else _domain(table, canaries),
    )
    table.done()
    if {read.domain, read.canary_domain} & read.senders:
        raise CatalogInvalid(
            f"{table.where}: the domain of the aliases cannot be one of the senders",
            hint="give the aliases a domain, or a subdomain, that nobody has a mailbox in",
        )
    return read


def fits(catalog: Catalog) -> None:
    """Refuse a field that is to be shown as an alias and cannot be."""
    for field in catalog.fields.values():
        if field.as_alias and not catalog.has_alias(field):
            raise CatalogInvalid(
                f"the field `{field.name}` cannot be shown as an alias",
                hint="an alias stands for a field with the mask `email`, and its domain is named in [aliases]",
            )


def _domain(table: Table, text: str) -> str:
    domain = text.strip().lower()
    if not _DOMAIN.fullmatch(domain):
        raise CatalogInvalid(f"{table.where}: `{text[:80]}` is not a mail domain", hint="as a.acme.example, in ASCII")
    return domain
