"""What the catalog tells trace: where a company writes down what may explain an opening, or whose it was.

Account management and hand-overs are duties; shifts, badges, logins and devices say whether the owner of an account was
there; and some accounts are shared. Orders say who was a customer of whom, whether or not anybody opened his record;
routes say what decides who serves him. Each is a query on the company's own tables, and is read for a case alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from whosaw.catalog.model import CatalogInvalid, Tracing, Watching
from whosaw.catalog.strict import Table

DUTIES = ("managers", "handovers")
"""Both together are the duties: with one of them alone a verdict says that the other was not weighed."""
CLEARING = (*DUTIES, "presence", "accounts")
"""What may clear somebody, and must be there before a verdict that nobody asked for may call anybody a finding."""
RECORDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "managers": (("actor", "beneficiary"), ("since", "until", "every")),
    "handovers": (("actor", "previous", "since"), ("subject", "until")),
    "presence": (("actor", "what", "since", "until", "device"), ()),
    "accounts": (("actor", "shared"), ("site",)),
    "orders": (("subject", "beneficiary", "since"), ("route",)),
    "routes": (("subject", "route", "since"), ()),
}
"""What a company may record for a trace: the columns that its query must give, and those that it may."""
PRESENT = ("shift", "badge", "login", "device")
"""What a row of `presence` may tell of."""

_DAY_S = 86_400.0
_SKEW_S = 300.0


def tracing(table: Table | None, watch: Watching | None, sources: Collection[str]) -> Tracing | None:
    """Read the table ``[trace]``; account management that ``[watch]`` declares serves it too.

    Args:
        table: the table; None where the catalog has none.
        watch: the table ``[watch]``, read.
        sources: names of the catalog's sources.

    Returns:
        None where nothing is declared for a trace.

    Raises:
        CatalogInvalid: a key is unknown, or a value out of its range.
    """
    shared = {} if watch is None else {name: of for name, of in watch.records.items() if name == "managers"}
    if table is None:
        return Tracing(shared) if shared else None
    records = {name: _record(of, sources) for name in RECORDS if (of := table.optional_table(name)) is not None}
    skew_s = table.number("skew_s", default=_SKEW_S)
    if skew_s > _DAY_S:
        raise CatalogInvalid(f"{table.where}: `skew_s` must lie between 0 and {_DAY_S:,.0f}")
    read = Tracing(shared | records, recompute=table.switch("recompute", default=False), skew_s=skew_s)
    table.done()
    return read


def _record(table: Table, sources: Collection[str]) -> tuple[str, str]:
    found = table.choice("source", sources), table.query("query")
    table.done()
    return found
