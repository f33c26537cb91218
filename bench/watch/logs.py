"""Two real work logs as what watch reads: a bank's loan desk and a help desk. See docs/testing.md for the files."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from whosaw.watch.nulls import Strata
from whosaw.watch.pairs import Settled
from whosaw.watch.rows import DAY_US, NONE, Accesses, Acts, Int64, Items, Work

BANK = "bpic2012_loan_worklog.csv.gz"
HELPDESK = "helpdesk_italy.csv.gz"
YELP = "yelpchi_graph_labels.txt.gz"
SELLERS = "olist_sellers.csv.gz"
PRODUCTS = "olist_products.csv.gz"
SYSTEM = "112"


def datasets() -> Path:
    """Where the files lie."""
    return Path(os.environ.get("WHOSAW_DATASETS") or Path(__file__).resolve().parents[3] / "shared" / "data")


def rows_of(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(datasets() / name, "rt", encoding="utf-8") as file:
        yield from csv.DictReader(file)


class Words:
    """Words to dense indices in order of appearance; the empty word is NONE."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def of(self, word: str) -> int:
        return self.index.setdefault(word, len(self.index)) if word else NONE

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.index)


@dataclass(frozen=True)
class BankLog:
    """Every act of an employee is taken for an access; items are the bank's own work items."""

    work: Work
    accesses: Accesses
    cases: int
    actors: tuple[str, ...]
    concept: Int64  # per access: index into `concepts`
    concepts: tuple[str, ...]

    @property
    def halfway_us(self) -> int:
        return int(np.median(self.accesses.at_us))


def bank_log() -> BankLog:
    """Read the bank's log: an item lasts from its first to its last record; who scheduled it made it."""
    cases, staff, kinds, concepts = Words(), Words(), Words(), Words()
    acts: list[tuple[int, int, int, int]] = []
    concept: list[int] = []
    spans: dict[tuple[int, int], list[int]] = {}
    for row in rows_of(BANK):
        name, at = row["concept:name"], _us(row["time:timestamp"])
        case, actor = cases.of(row["case"]), staff.of(row["org:resource"])
        if row["org:resource"] == SYSTEM:
            actor = NONE
        kind = kinds.of(name if name.startswith("W_") else name[:1])
        acts.append((kind, actor, case, at))
        concept.append(concepts.of(name))
        if name.startswith("W_"):
            span = spans.setdefault((case, kind), [at, at, NONE])
            span[1] = at
            if row["lifecycle:transition"] == "SCHEDULE" and span[2] == NONE:
                span[2] = actor
    table = np.array(acts, np.int64)
    kind, actor, case, at = table.T
    items = np.array([(k, c, *span) for (c, k), span in spans.items()], np.int64).T
    nobody = np.full(items.shape[1], NONE, np.int64)
    work = Work(
        kinds.words,
        Items(items[0], items[1], items[2], items[3], nobody, nobody, items[4]),
        Acts(kind, actor, case, at),
    )
    human = np.flatnonzero(actor != NONE)
    human = human[np.argsort(at[human], kind="stable")]
    return BankLog(
        work,
        Accesses(actor[human], case[human], at[human]),
        len(cases.words),
        staff.words,
        np.array(concept, np.int64)[human],
        concepts.words,
    )


@dataclass(frozen=True)
class Decided:
    """Final decisions of the bank's employees on applications, and the last work before each."""

    actor: Int64
    approved: Int64
    at_us: Int64
    last_work: Int64


def bank_decisions() -> Decided:
    """Read approvals, refusals and cancellations by employees."""
    staff, work = Words(), Words()
    last: dict[str, int] = {}
    found = []
    for row in rows_of(BANK):
        name, who = row["concept:name"], row["org:resource"]
        if name in ("A_APPROVED", "A_DECLINED", "A_CANCELLED") and who not in ("", SYSTEM):
            before = last.get(row["case"], NONE) + 1
            found.append((staff.of(who), int(name == "A_APPROVED"), _us(row["time:timestamp"]), before))
        if name.startswith("W_"):
            last[row["case"]] = work.of(name)
    actor, approved, at, before = np.array(found, np.int64).T
    return Decided(actor, approved, at, before)


@dataclass(frozen=True)
class HelpDesk:
    """Resolved tickets: who resolved what for which customer, when, and in which product and workgroup."""

    actor: Int64
    customer: Int64
    at_us: Int64
    product: Int64
    workgroup: Int64
    actors: int
    customers: int

    def half(self, second: bool) -> HelpDesk:
        """Return the first or the second half of the time, in order."""
        rows = np.flatnonzero((self.at_us > int(np.median(self.at_us))) == second)
        rows = rows[np.argsort(self.at_us[rows], kind="stable")]
        parts = (self.actor, self.customer, self.at_us, self.product, self.workgroup)
        return HelpDesk(*(part[rows] for part in parts), self.actors, self.customers)

    def settled(self, actor: Int64 | None = None) -> Settled:
        """Return the cases; `actor` in place of who really settled them."""
        week = self.at_us // (7 * DAY_US)
        return Settled(
            self.actor if actor is None else actor,
            self.customer,
            self.at_us,
            Strata({"month": self.at_us // (30 * DAY_US), "week": week}),
            Strata({"workgroup": self.workgroup, "product": self.product}),
        )


def help_desk() -> HelpDesk:
    """Read the help desk's resolutions."""
    actors, customers, products, groups = Words(), Words(), Words(), Words()
    found = [
        (
            actors.of(row["org:resource"]),
            customers.of(row["customer"]),
            _us(row["time:timestamp"]),
            products.of(row["product"]),
            groups.of(row["workgroup"]),
        )
        for row in rows_of(HELPDESK)
        if row["concept:name"] == "Resolve ticket"
    ]
    actor, customer, at, product, group = np.array(found, np.int64).T
    return HelpDesk(actor, customer, at, product, group, len(actors.words), len(customers.words))


def _us(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000)
