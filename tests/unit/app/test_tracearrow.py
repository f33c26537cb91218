"""Arrow tables asked directly: the same answer as for arrays, and clear refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from whosaw.app.tracearrow import attribute_tables
from whosaw.trace import Accesses, Actors, Population, Rung, Sightings, Verdict, attribute
from whosaw.trace.errors import InputRefused

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY_US = 86_400_000_000
START_US = int(START.timestamp()) * 1_000_000


def times(at_us: np.ndarray, unit: str = "us") -> pa.Array:
    return (
        pa.array(START_US + at_us, pa.int64()).cast(pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "Europe/Berlin"))
    )


def log() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    at_us = rng.integers(0, 30 * 86_400, 8_000) * 1_000_000
    return rng.integers(0, 40, 8_000), rng.integers(0, 2_000, 8_000), at_us


def tables(unit: str = "us") -> tuple[pa.Table, pa.Table]:
    actor, subject, at_us = log()
    sold = np.unique(subject[actor == 7])[:8]
    accesses = pa.table(
        {
            "actor": [f"agent-{each}" for each in actor],
            "subject": [f"C-{each}" for each in subject],
            "at": times(at_us, unit),
        }
    )
    contacted = times(np.full(9, 31 * DAY_US), unit)
    return accesses, pa.table({"subject": [*(f"C-{each}" for each in sold), "C-none"], "contacted_at": contacted})


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_tables_in_any_order_are_answered_as_arrays_are(unit: str) -> None:
    accesses, sightings = tables(unit)
    told = attribute_tables(accesses, sightings)
    assert told.found.verdict is Verdict.FINDING
    assert next(iter(told.probabilities)) == "agent-7"
    shuffled = accesses.take(np.random.default_rng(2).permutation(len(accesses)))
    again = attribute_tables(shuffled, sightings)
    assert again.probabilities == pytest.approx(told.probabilities, rel=1e-9)
    actor, subject, at_us = log()
    entered = np.full(2_000, np.iinfo(np.int64).max)
    np.minimum.at(entered, subject, at_us)
    victims = np.append(np.unique(subject[actor == 7])[:8], -1)
    plain = attribute(
        Accesses(actor, subject, at_us, np.zeros(8_000, np.bool_), has_reasons=False),
        Population(entered),
        Sightings(victims, np.full(9, 31 * DAY_US)),
        Actors(40, np.zeros(40, np.bool_)),
    )
    assert told.found.candidates[0].probability == pytest.approx(plain.candidates[0].probability, rel=1e-9)
    assert told.found.outside_probability == pytest.approx(plain.outside_probability, rel=1e-9)


def test_work_that_is_routed_is_matched_by_kind_and_route() -> None:
    people = np.arange(1_000)
    names = [f"C-{n}" for n in people]
    who = ["specialist" if n % 10 == 0 and n // 10 % 10 < 6 else f"a{n // 7 % 20}" for n in people]
    accesses = pa.table({"actor": who, "subject": names, "at": times(np.full(1_000, 9 * DAY_US))})
    orders = pa.table({"subject": names, "at": times(people % 5 * DAY_US), "route": ["north"] * 500 + ["south"] * 500})
    work = pa.table(
        {
            "subject": names,
            "at": times(np.full(1_000, 8 * DAY_US)),
            "in_context": np.ones(1_000, np.bool_),
            "kind": ["returns" if n % 10 == 0 else "payment" for n in people],
        }
    )
    his = np.array([name == "specialist" for name in who])
    drawn = [*people[his][::7][:8], *people[::10][~his[::10]][::9][:4]]
    contacted = times(31 * DAY_US + np.arange(12))
    sightings = pa.table({"subject": [f"C-{n}" for n in drawn], "contacted_at": contacted})
    blind = attribute_tables(accesses, sightings, orders=orders, work=work.drop_columns(["kind"]))
    assert blind.found.candidates[0].rung is not Rung.NO_SIGNAL, "the specialist, although nobody leaked"
    told = attribute_tables(accesses, sightings, orders=orders, work=work)
    assert all(each.rung is Rung.NO_SIGNAL for each in told.found.candidates)
    order = np.random.default_rng(6).permutation(1_000)
    again = attribute_tables(accesses, sightings, orders=orders.take(order), work=work.take(order))
    assert again.probabilities == pytest.approx(told.probabilities, rel=1e-9)
    with pytest.raises(InputRefused, match="column `kind` of the work holds 1000 nulls"):
        unknown = work.set_column(3, "kind", pa.nulls(1_000, pa.string()))
        attribute_tables(accesses, sightings, orders=orders, work=unknown)


def test_services_reasons_orders_work_and_weights_are_read() -> None:
    accesses, sightings = tables()
    irregular = [each == "agent-7" for each in accesses.column("actor").to_pylist()]
    accesses = accesses.append_column("irregular", pa.array(irregular))
    bought = pa.table({"subject": [f"C-{each}" for each in range(2_000)], "at": times(np.zeros(2_000, np.int64))})
    with_reasons = attribute_tables(accesses, sightings, orders=bought, work=bought)
    assert with_reasons.found.candidates[0].e_value > attribute_tables(*tables()).found.candidates[0].e_value
    assert "agent-7" not in attribute_tables(accesses, sightings, services=["agent-7"]).probabilities
    doubted = sightings.append_column("weight", pa.array([0.0] * 9))
    assert attribute_tables(accesses, doubted).found.verdict is not Verdict.FINDING


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a, s: (a.drop_columns(["at"]), s), "the accesses have no column `at`"),
        (lambda a, s: (a, s.rename_columns(["customer", "contacted_at"])), "the sightings have no column `subject`"),
        (lambda a, s: (a.set_column(2, "at", a.column("at").cast(pa.timestamp("us"))), s), "not times with a zone"),
        (lambda a, s: (a.set_column(2, "at", pa.array(["yesterday"] * len(a))), s), "not times with a zone"),
        (lambda a, s: (a, s.set_column(0, "subject", pa.array(range(9)))), "differs in type"),
        (lambda a, s: (a.set_column(0, "actor", pa.array([None] * len(a), pa.string())), s), "holds 8000 nulls"),
    ],
)
def test_tables_that_mean_nothing_are_refused(change: object, said: str) -> None:
    with pytest.raises(InputRefused, match=said):
        attribute_tables(*change(*tables()))  # type: ignore[operator]


def test_fewer_than_three_complaints_rank_nobody() -> None:
    accesses, sightings = tables()
    told = attribute_tables(accesses, sightings.slice(0, 2))
    assert told.probabilities == {} and told.found.missing


def test_a_contact_before_the_first_opening_names_nobody() -> None:
    accesses, sightings = tables()
    early = pa.array([START - timedelta(days=1)] * len(sightings), pa.timestamp("us", "UTC"))
    told = attribute_tables(accesses, sightings.set_column(1, "contacted_at", early))
    assert told.found.verdict is not Verdict.FINDING
