"""Work that is routed by skill, region or team: whoever does most of one kind is compared with those of that kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from whosaw.app.posing import Question, pose
from whosaw.app.routing import FEWEST, told_apart
from whosaw.app.tracelake import bring_up, exposure_from_index
from whosaw.app.traceover import exposure_over
from whosaw.app.tracing import Beside, trace_lake
from whosaw.lake.exposure import NEVER, Exposure, load_exposure
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.routes import Routes
from whosaw.lake.sightings import Complaints, Sighting
from whosaw.trace import Attribution, Rung, Verdict, attribute

CUSTOMERS, DAY_US = 1_500, 86_400_000_000
KINDS = ("returns", "payment", "delivery")


def day(number: float) -> str:
    return str(np.datetime64("2026-01-01T00:00:00") + np.timedelta64(int(number * 86400), "s")) + "Z"


def bring(folder: Path, name: str, kind: str, columns: str, rows: list[str]) -> None:
    log = folder / f"{name}.csv"
    log.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    document: dict[str, Any] = {"kind": kind, "columns": {each: each for each in columns.split(",")}}
    import_log(log, read_mapping(document), folder / "lake")


def kind_of(n: int) -> str:
    return KINDS[0] if n % 10 == 0 else KINDS[1 + n % 2]


def worker_of(n: int) -> str:
    """A specialist takes six of ten returns; all else goes to twenty others in turn."""
    return "specialist" if n % 10 == 0 and n // 10 % 10 < 6 else f"a{n // 7 % 20}"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 customers of seller S with a ticket each, a tenth of them about returns; every ticket opened once."""
    folder = tmp_path_factory.mktemp("routing")
    ordered = [f"s{n},S,{day(n % 9)},{'north' if n % 3 else 'south'}" for n in range(CUSTOMERS)]
    bring(folder, "orders", "orders", "subject,beneficiary,at,route", ordered)
    opened = [f"s{n},t{n},{day(10 + n % 9)},S,{kind_of(n)}" for n in range(CUSTOMERS)]
    answered = [f"s{n},t{n},{day(20 + n % 9)},S,answered" for n in range(CUSTOMERS)]
    bring(folder, "tickets", "tickets", "subject,ticket,at,beneficiary,activity", [*opened, *answered])
    seen = [f"{worker_of(n)},s{n},{day(11 + n % 9)},t{n}" for n in range(CUSTOMERS)]
    bring(folder, "accesses", "accesses", "actor,subject,at,ticket", seen)
    return folder / "lake"


def returned(seed: int, count: int = 10) -> list[str]:
    """People who complain because something went wrong with what they sent back: nobody inside leaked."""
    drawn = np.random.default_rng(seed).choice(np.arange(0, CUSTOMERS, 10), count, replace=False)
    return [f"s{n}" for n in drawn]


def asked(exposure: Exposure, subjects: list[str]) -> Question:
    at_us = int(np.datetime64("2026-02-10T00:00:00", "us").astype(np.int64))
    sightings = tuple(Sighting(subject, at_us + n * DAY_US, beneficiary="S") for n, subject in enumerate(subjects))
    return pose(exposure, Complaints(sightings, 0, 0, "S"))


def answer(question: Question) -> Attribution:
    return attribute(question.accesses, question.population, question.sightings, question.actors)


def test_a_specialist_is_no_suspect_where_the_complaints_are_about_his_kind_of_work(lake: Path) -> None:
    exposure = load_exposure(lake, "S")
    blind = replace(exposure, work_kind=np.empty(0, np.int64))
    accused = {"blind": 0, "by kind": 0}
    for seed in range(8):
        for name, known in (("blind", blind), ("by kind", exposure)):
            found = answer(asked(known, returned(seed)))
            accused[name] += any(c.rung is not Rung.NO_SIGNAL for c in found.candidates)
    assert accused["blind"] >= 4, "without the covariate he is accused although nobody leaked"
    assert accused["by kind"] == 0


def test_a_specialist_who_leaked_is_still_found(lake: Path) -> None:
    exposure = load_exposure(lake, "S")
    mole = exposure.actors.index("a3")
    his = np.unique(exposure.subject[exposure.actor == mole])[::4][:9]
    found = answer(asked(exposure, [exposure.subjects[n] for n in his]))
    assert found.verdict is Verdict.FINDING and found.candidates[0].actors == (mole,)


def test_a_kind_is_that_with_which_a_ticket_was_opened_and_a_route_is_the_first_one_told(lake: Path) -> None:
    exposure = load_exposure(lake, "S")
    place = exposure.subject_indices()
    kinds = dict(zip(exposure.work_subject.tolist(), exposure.work_kind.tolist(), strict=True))
    assert len(exposure.work_kind) == CUSTOMERS, "a ticket is one item, however many rows tell of it"
    for one, other in ((0, 10), (1, 3), (2, 4)):
        assert kinds[place[f"s{one}"]] == kinds[place[f"s{other}"]]
    assert len({kinds[place[f"s{n}"]] for n in (0, 1, 2)}) == 3
    route = exposure.routes.before(0, exposure.entered_us)[[place[f"s{n}"] for n in range(6)]]
    assert route[0] == route[3] != route[1] == route[2] == route[4] == route[5]
    question = asked(exposure, returned(1))
    assert question.population.stratum is not None and np.unique(question.population.stratum).size == 2


def test_index_and_engine_pose_the_same_kinds_and_routes(lake: Path, tmp_path: Path) -> None:
    bring_up(lake)
    sightings = tmp_path / "complaints.csv"
    rows = [f"{subject},{day(40)},S" for subject in returned(3)]
    sightings.write_text("\n".join(["subject,contacted_at,beneficiary", *rows]) + "\n", encoding="utf-8")
    by_index, by_engine = exposure_from_index(lake, "S", returned(3)), exposure_over(lake, "S", returned(3), "duckdb")
    assert by_index is not None and by_engine is not None
    columns = [
        [asked(each, returned(3)).population.work_kind, asked(each, returned(3)).population.stratum]
        for each in (load_exposure(lake, "S"), by_index, by_engine)
    ]
    for other in columns[1:]:
        assert all(np.array_equal(one, same) for one, same in zip(columns[0], other, strict=True))  # type: ignore[arg-type]
    told = trace_lake(lake, sightings)
    assert told["from_index"] and told["method"]["matched_by"] == ["kind of work", "route"]
    assert told["candidates"] == trace_lake(lake, sightings, beside=Beside(index=False))["candidates"]


def test_what_few_customers_had_is_matched_together_and_one_kind_is_none(lake: Path) -> None:
    exposure = load_exposure(lake, "S")
    each = replace(exposure.routes, order=np.arange(len(exposure.subjects)))
    rare = replace(exposure, work_kind=np.arange(CUSTOMERS), routes=each)
    question = asked(rare, returned(1))
    assert question.population.work_kind is None and question.population.stratum is None
    kinds = exposure.work_kind.copy()
    kinds[:5] = [90, 91, 92, 93, 94]
    posed = asked(replace(exposure, work_kind=kinds), returned(1)).population.work_kind
    assert posed is not None and np.unique(posed).size == 4, "three kinds, and the five that nobody else had"


def test_values_are_told_apart_by_how_many_customers_had_them_and_not_by_their_rows() -> None:
    for seed in range(20):
        drawn = np.random.default_rng(seed)
        size = int(drawn.integers(0, 500)) if seed else 0
        value, subject = drawn.integers(-1, 4, size), drawn.integers(0, 160, size)
        counts = drawn.random(size) < 0.7
        rows = [(int(v), int(s)) for v, s, counted in zip(value, subject, counts, strict=True) if counted]
        common = [v for v in range(-1, 4) if len({s for w, s in rows if w == v}) > FEWEST]
        told = [common.index(v) if v in common else len(common) for v in value.tolist()]
        found = told_apart(value, counts, subject)
        if len({n for n, counted in zip(told, counts, strict=True) if counted}) > 1:
            assert found is not None and found.tolist() == told
        else:
            assert found is None


def test_an_older_lake_without_routes_is_read_as_before(lake: Path) -> None:
    files = [path for kind in ("orders", "tickets") for path in sorted(lake.glob(f"{kind}-*.parquet"))]
    before = load_exposure(lake, "S")
    kept = {path: path.read_bytes() for path in files}
    try:
        for path in files:
            pq.write_table(pq.read_table(path).drop_columns(["route"]), path)
        after = load_exposure(lake, "S")
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    assert (after.routes.order == -1).all() and (before.routes.order >= 0).all()
    assert np.array_equal(np.sort(before.work_kind), np.sort(after.work_kind))
    assert asked(after, returned(1)).population.stratum is None


def test_a_ticket_after_the_first_contact_says_nothing_of_who_serves_a_subject(tmp_path: Path) -> None:
    """Whoever complains goes to the team for complaints; that team is nobody's route, in any way of reading a lake."""
    people = range(300)
    bring(tmp_path, "o", "orders", "subject,beneficiary,at", [f"s{n},S,{day(n % 9)}" for n in people])
    rows = [f"s{n},t{n},{'north' if n % 2 else 'south'},{day(12)}" for n in people if n % 3]
    rows += [f"s{n},c{n},trust,{day(45)}" for n in range(0, 150, 3)] + [f"s{n},c{n},trust,{day(45)}" for n in (1, 4, 7)]
    bring(tmp_path, "t", "tickets", "subject,ticket,route,at", rows)
    bring(tmp_path, "a", "accesses", "actor,subject,at", [f"a{n % 5},s{n},{day(20)}" for n in people])
    folder, complained = tmp_path / "lake", [f"s{n}" for n in (0, 1, 3, 4, 6, 7)]
    bring_up(folder)
    ways = (
        load_exposure(folder, "S"),
        exposure_from_index(folder, "S", complained),
        exposure_over(folder, "S", complained, "duckdb"),
    )
    for exposure in ways:
        assert exposure is not None
        stratum = asked(exposure, complained).population.stratum
        assert stratum is not None
        at = exposure.subject_indices()
        north, south, none = (
            [int(stratum[at[f"s{n}"]]) for n in people if fits(n)] for fits in (_north, _south, _none)
        )
        assert len(set(north)) == len(set(south)) == len(set(none)) == 1
        assert len({north[0], south[0], none[0]}) == 3, "no team for complaints among them"
        later = pose(exposure, Complaints((Sighting("s0", _us(60), beneficiary="S"),), 0, 0, "S"))
        assert np.unique(np.asarray(later.population.stratum)).size == 4, "of a later question it was a route before"


def _north(n: int) -> bool:
    return n % 3 > 0 and n % 2 == 1


def _south(n: int) -> bool:
    return n % 3 > 0 and n % 2 == 0


def _none(n: int) -> bool:
    return n % 3 == 0


def _us(number: int) -> int:
    return int(np.datetime64(day(number)[:-1], "us").astype(np.int64))


def test_the_order_with_which_somebody_enters_says_his_route_whenever_that_was() -> None:
    routes = Routes(
        order=np.array([1, 1, 1, -1]),
        order_us=np.array([5, 50, 60, NEVER]),
        ticket=np.array([-1, 2, -1, 2]),
        ticket_us=np.array([NEVER, 4, NEVER, 12]),
    )
    assert routes.before(10, np.array([5, 50, 20, 1])).tolist() == [1, 2, -1, -1]
    assert routes.before(61, np.array([5, 50, 20, 1])).tolist() == [1, 2, 1, 2]
    assert routes.before(3, np.array([5, 50, 20, 1])).tolist() == [1, 1, -1, -1]
