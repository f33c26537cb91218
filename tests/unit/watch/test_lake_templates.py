"""Templates of the catalog on a lake's own work records: what they excuse, and what somebody made for himself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from whosaw.app.watching import WatchFiles, replayed, weigh
from whosaw.app.watchwork import Told
from whosaw.catalog import Watching
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.work import load_work
from whosaw.terms import to_us
from whosaw.watch.rows import OPEN

START = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE, CUSTOMERS, SELLERS, WORKED, DAYS = 30, 800, 40, 4_000, 56
TICKET = Watching({"ticket": {"via": "assigned", "grace_h": 72.0}})


def bring(folder: Path, kind: str, header: str, rows: list[str]) -> None:
    file = folder / f"{kind}.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    columns = {name: name for name in header.split(",")}
    import_log(file, read_mapping({"kind": kind, "columns": columns}), folder / "lake")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Customers open tickets and somebody works on each; e5 sells ten customers of s7, e6 writes himself tickets.

    The accesses carry no reason at all: only the work records can excuse them.
    """
    folder, rng = tmp_path_factory.mktemp("templates"), np.random.default_rng(2)
    seller = rng.integers(0, SELLERS, CUSTOMERS)
    accesses, tickets = [], []
    for n in range(WORKED):
        customer, actor = int(rng.integers(0, CUSTOMERS)), f"e{rng.integers(0, PEOPLE)}"
        at = START + timedelta(days=float(rng.random()) * DAYS)
        tickets.append(f"T-{n},c{customer},{at.isoformat()},,complaint")
        tickets.append(f"T-{n},c{customer},{(at + timedelta(hours=2)).isoformat()},{actor},reply")
        accesses.append(f"{actor},c{customer},{(at + timedelta(hours=2 * float(rng.random()))).isoformat()}")
    of_s7 = np.flatnonzero(seller == 7)
    for n, customer in enumerate(rng.choice(of_s7, 20).tolist()):
        at = START + timedelta(days=30 + float(rng.random()) * 25)
        accesses.append(f"e{5 + n % 2},c{customer},{at.isoformat()}")
        if n % 2:
            tickets.append(f"own-{n},c{customer},{(at - timedelta(minutes=40)).isoformat()},e6,complaint")
    bring(folder, "accesses", "actor,subject,at", accesses)
    bring(folder, "tickets", "ticket,subject,at,actor,activity", tickets)
    orders = [f"c{customer},{START.isoformat()},s{of}" for customer, of in enumerate(seller.tolist())]
    bring(folder, "orders", "subject,at,beneficiary", orders)
    return folder / "lake"


def test_work_records_become_items_with_who_opened_them(lake: Path) -> None:
    work = load_work(lake, OPEN)
    assert set(work.kinds) == {"complaint", "reply"}
    own = work.made_by >= 0
    assert {work.actors[at] for at in work.made_by[own].tolist()} == {"e6"} and own.sum() == 10
    assert (work.opened_us <= work.closed_us).all() and (work.assignee >= 0).all()
    day = to_us(START + timedelta(days=10))
    before = load_work(lake, day)
    assert before.act_at_us.max() < day and before.act_at_us.size < work.act_at_us.size


def test_records_excuse_work_and_the_bribed_becomes_a_case(lake: Path) -> None:
    weighed = weigh(lake, WatchFiles(), Told(TICKET))
    excuses, accesses = weighed.watched.excuses, weighed.watched.observed.accesses
    name = np.array(weighed.watched.actors)[accesses.actor]
    assert excuses.explained[~np.isin(name, ["e5", "e6"])].mean() > 0.97
    assert weighed.report["templates"][0]["name"] == "ticket" and weighed.report["templates"][0]["lift"] > 20
    assert not [line for line in weighed.report["missing"] if "reason" in line or "template" in line]
    cases = [flag for flag in weighed.flags if flag.tier in ("case", "escalate")]
    assert [weighed.watched.actors[flag.actor] for flag in cases] == ["e5"]


def test_what_somebody_made_himself_or_wrote_is_half_an_excuse(lake: Path) -> None:
    first = weigh(lake, WatchFiles(), Told(TICKET))
    observed, names = first.watched.observed, first.watched.actors
    own = observed.accesses.actor == names.index("e6")
    assert (observed.unexplained[own] == 0.5).sum() >= 10
    bare = np.flatnonzero((observed.accesses.actor == names.index("e5")) & (observed.unexplained == 1.0))
    row = int(bare[0])
    said = ("e5", first.watched.subjects[int(observed.accesses.subject[row])], int(observed.accesses.at_us[row]))
    answered = weigh(lake, WatchFiles(), Told(TICKET, answers=[said]))
    changed = np.flatnonzero(answered.watched.observed.unexplained != observed.unexplained)
    assert changed.tolist() == [row] and answered.watched.observed.unexplained[row] == 0.5


def test_a_run_that_ended_earlier_is_recomputed_from_a_lake_that_grew(lake: Path) -> None:
    told = Told(TICKET, to_us(START + timedelta(days=54)))
    flag = weigh(lake, WatchFiles(), told).flags[0]
    assert replayed(lake, WatchFiles(), told, flag.id)["seal"] == flag.seal()


def test_templates_that_cannot_be_tried_are_said(lake: Path, tmp_path: Path) -> None:
    none = weigh(lake, WatchFiles(), Told(Watching({"call": {"via": "contact", "kinds": ["call"]}})))
    assert any("no work record is of a kind" in line for line in none.report["missing"])
    bring(tmp_path, "accesses", "actor,subject,at", [f"e1,c1,{START.isoformat()}"])
    few = weigh(tmp_path / "lake", WatchFiles(), Told(TICKET))
    assert any("no work records" in line for line in few.report["missing"])
