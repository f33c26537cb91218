"""Templates of the catalog on a lake's own work records: what they excuse, and what somebody made for himself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from whosaw.app.watching import WatchFiles, replayed, weigh
from whosaw.app.watchobserved import observe
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
    subject = first.watched.subjects[int(observed.accesses.subject[row])]
    said = ("e5", subject, int(observed.accesses.at_us[row]), False)
    answered = weigh(lake, WatchFiles(), Told(TICKET, answers=[said]))
    changed = np.flatnonzero(answered.watched.observed.unexplained != observed.unexplained)
    assert changed.tolist() == [row] and answered.watched.observed.unexplained[row] == 0.5


def test_nobodys_word_excuses_a_canary(lake: Path, tmp_path: Path) -> None:
    first = observe(lake, WatchFiles(), Told(TICKET))
    observed, names = first.observed, first.actors
    row = int(np.flatnonzero((observed.accesses.actor == names.index("e5")) & (observed.unexplained == 1.0))[0])
    subject, at = first.subjects[int(observed.accesses.subject[row])], int(observed.accesses.at_us[row])
    canaries = tmp_path / "canaries.csv"
    canaries.write_text(f"subject\n{subject}\n")
    files, recall = WatchFiles(canaries=canaries), ("s7", 0, OPEN)
    for answers, explained in ([[("e5", subject, at, True)], ()], [[], (recall,)]):
        told = Told(TICKET, answers=answers, explained=explained)
        assert observe(lake, WatchFiles(), told).observed.unexplained[row] == 0.5, "of anybody real it is half a reason"
        assert observe(lake, files, told).observed.unexplained[row] == 1.0
    of_before = Told(TICKET, answers=[("e5", subject, at, False)], whole_asks=False)
    assert observe(lake, files, of_before).observed.unexplained[row] == 0.5, "a run of before is recomputed as it was"


def test_whom_a_second_decider_opens_in_order_to_decide_is_explained_while_he_has_to(lake: Path) -> None:
    first = weigh(lake, WatchFiles(), Told(TICKET))
    observed, names = first.watched.observed, first.watched.actors
    row = int(np.flatnonzero((observed.accesses.actor == names.index("e5")) & (observed.unexplained == 1.0))[0])
    subject, at = first.watched.subjects[int(observed.accesses.subject[row])], int(observed.accesses.at_us[row])
    other = next(name for name in first.watched.subjects if name != subject)
    late, before = ("e5", subject, at + 1, at + 9), ("e5", subject, at - 9, at - 1)
    for tasks in ([late, before, ("e6", subject, at - 9, at + 9), ("e5", other, at - 9, at - 8)], []):
        same = weigh(lake, WatchFiles(), Told(TICKET, tasks=tasks)).watched.observed
        assert (same.unexplained == observed.unexplained).all()
    given = weigh(lake, WatchFiles(), Told(TICKET, tasks=[("e5", subject, at - 9, at)])).watched.observed
    changed = np.flatnonzero(given.unexplained != observed.unexplained)
    assert changed.tolist() == [row] and given.unexplained[row] == 0.0


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


def test_a_report_tells_teams_and_a_neutral_queue_and_never_a_single_person(lake: Path, tmp_path: Path) -> None:
    staff = tmp_path / "staff.csv"
    rows = [f"e{n},support,{'small' if n == 4 else ('returns', 'fraud')[n % 2]}" for n in range(PEOPLE)]
    staff.write_text("\n".join(["actor,role,queue", *rows]) + "\n")
    report = weigh(lake, WatchFiles(actors=staff), Told(TICKET)).report
    assert {each["team"] for each in report["teams"]} == {"returns", "fraud"}, "a team of one is a person"
    for each in report["teams"]:
        assert each["accesses"] >= 100 and 0.9 < each["explained"] / each["accesses"] <= 1.0
        assert each["by_template"]["ticket"] <= each["accesses"]
    times = [each["at"] for each in report["unexplained"]["accesses"]]
    assert times == sorted(times) and len(times) == report["unexplained"]["count"] > 0
    few = tmp_path / "few"
    few.mkdir()
    bring(few, "accesses", "actor,subject,at", [f"e1,c1,{START.isoformat()}"])
    assert weigh(few / "lake", WatchFiles(), Told()).report["teams"] == []


def test_queues_and_products_are_nearer_peers_and_stand_in_the_digest(lake: Path, tmp_path: Path) -> None:
    staff = tmp_path / "staff.csv"
    rows = [f"e{n},support,{('returns', 'fraud')[n % 2]},{('shoes', 'books')[n % 3 % 2]}" for n in range(PEOPLE)]
    staff.write_text("\n".join(["actor,role,queue,product", *rows]) + "\n")
    plain, finer = weigh(lake, WatchFiles(), Told(TICKET)), weigh(lake, WatchFiles(actors=staff), Told(TICKET))
    observed = finer.watched.observed
    assert observed.queue is not None and observed.product is not None and observed.shift is None
    assert finer.report["rows_digest"] != plain.report["rows_digest"]
    volume = [run.found.signal("volume") for run in (plain, finer)]
    assert volume[0] is not None and volume[1] is not None
    assert not np.array_equal(volume[0].expected, volume[1].expected)
    cases = {finer.watched.actors[flag.actor] for flag in finer.flags if flag.tier == "case"}
    assert "e5" in cases <= {"e5", "e6"}, "both sell; nobody else may become a case by having fewer peers"


def test_what_waits_with_a_team_explains_its_people_and_nobody_else(tmp_path: Path) -> None:
    rng, queues = np.random.default_rng(6), ("returns", "fraud", "billing")
    accesses, tickets = [], []
    for n in range(900):
        customer, team, at = n % 300, n % 3, START + timedelta(days=float(rng.random()) * DAYS)
        tickets.append(f"T-{n},c{customer},{at.isoformat()},{queues[team]},complaint")
        tickets.append(f"T-{n},c{customer},{(at + timedelta(hours=2)).isoformat()},,complaint")
        actor = 3 * int(rng.integers(0, PEOPLE // 3)) + (team if n % 10 else team + 1) % 3  # one in ten of another team
        accesses.append(f"e{actor},c{customer},{(at + timedelta(hours=1)).isoformat()}")
    bring(tmp_path, "accesses", "actor,subject,at", accesses)
    bring(tmp_path, "tickets", "ticket,subject,at,route,activity", tickets)
    staff = tmp_path / "staff.csv"
    rows = [f"e{n},support,{queues[n % 3].title()}" for n in range(PEOPLE)]
    staff.write_text("\n".join(["actor,role,queue", *rows]) + "\n", encoding="utf-8")
    team = Watching({"team": {"via": "team", "grace_h": 0.0}})
    report = weigh(tmp_path / "lake", WatchFiles(actors=staff), Told(team)).report
    assert 0.88 < report["templates"][0]["real"] < 0.92 and report["templates"][0]["lift"] > 20
    assert 0.88 < report["explained_share"] < 0.92 and not [line for line in report["missing"] if "`team`" in line]
    offered = weigh(tmp_path / "lake", WatchFiles(actors=staff), Told(suggest=True)).report["suggested_templates"]
    assert "complaint team" in {each["name"] for each in offered}
    for files, told in ((WatchFiles(), Told(team)), (WatchFiles(actors=staff), Told(team, teams=False))):
        report = weigh(tmp_path / "lake", files, told).report
        assert report["templates"][0]["real"] == 0.0 and "template `team` holds for no access" in str(report["missing"])


def test_templates_are_offered_when_asked_for_and_never_used(lake: Path) -> None:
    plain, asked = weigh(lake, WatchFiles(), Told()), weigh(lake, WatchFiles(), Told(suggest=True))
    assert plain.report["suggested_templates"] == []
    offered = {each["name"]: each for each in asked.report["suggested_templates"]}
    assert "complaint assigned" in offered and offered["complaint assigned"]["lift"] > 20
    assert asked.report["rows_digest"] == plain.report["rows_digest"] and asked.report["templates"] == []
    declared = weigh(lake, WatchFiles(), Told(TICKET, suggest=True)).report["suggested_templates"]
    assert "complaint assigned" not in {each["name"] for each in declared}
