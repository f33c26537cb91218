"""The named questions on DuckDB: each answer is the one that counting the entries in plain Python gives."""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from whosaw.lake.answers import ask, save
from whosaw.lake.duck import duck, duck_sql
from whosaw.lake.errors import NotALake, OutputUnknown, QuestionIncomplete, QuestionUnknown
from whosaw.lake.lookover import look_over
from whosaw.lake.named import QUESTIONS, Asked, expression

Made = Any  # of conftest
DAY_US = 86_400_000_000
EU, US = "eu.example/trail", "us.example/trail"
ASKED = Asked(subjects={EU: (3, 4, 5), US: (3, 9)}, actors={EU: (2,)}, least=100, times=3)


def wanted(made: Made) -> list[tuple[str, int, int, dict]]:
    return [each for each in made.disclosures() if each[2] in ASKED.subjects[each[0]]]


def test_who_saw_names_every_disclosure_about_the_subjects_of_each_trail(made: Made) -> None:
    found = ask(made.folder, "who-saw", ASKED).table.to_pylist()
    expected = sorted((p["at"], t, i, s, p["actor"]) for t, i, s, p in wanted(made))
    assert [(r["at_us"], r["trail"], r["entry"], r["subject"], r["actor"]) for r in found] == expected
    assert {row["grade"] for row in found} == {"trail"}
    sets = {(r["trail"], r["entry"]) for r in found if r["in_set"]}
    assert sets == {(t, i) for t, i, _, _ in wanted(made) if (t, i) in made.sets}


def test_a_subject_of_a_set_and_one_of_an_entry_are_found_the_same_way(made: Made) -> None:
    number = made.sets[EU, 5][0]
    found = ask(made.folder, "who-saw", Asked(subjects={EU: (number,)})).table.to_pylist()
    assert 5 in {row["entry"] for row in found}
    assert len(found) == sum(1 for t, _, s, _ in made.disclosures() if (t, s) == (EU, number))


def test_seen_by_counts_whom_an_actor_saw(made: Made) -> None:
    expected = Counter(s for t, _, s, p in made.disclosures() if t == EU and p["actor"] == 2)
    found = ask(made.folder, "seen-by", ASKED).table.to_pylist()
    assert {row["subject"]: row["disclosures"] for row in found} == dict(expected)


def test_exposure_counts_different_subjects_and_disclosures_per_class(made: Made) -> None:
    people, disclosures = defaultdict(set), Counter()
    for trail, _, subject, said in made.disclosures():
        names = {each.removesuffix("=reveal") for each in said["fields"] if each.endswith("=reveal")}
        for held in {made.classes.get(name, "unclassified") for name in names}:
            people[trail, held].add(subject)
            disclosures[trail, held] += 1
    found = ask(made.folder, "exposure").table.to_pylist()
    assert {(r["trail"], r["class"]): (r["subjects"], r["disclosures"]) for r in found} == {
        key: (len(held), disclosures[key]) for key, held in people.items()
    }


def test_overlap_puts_first_who_saw_most_of_the_set(made: Made) -> None:
    seen = defaultdict(set)
    for trail, _, subject, said in wanted(made):
        seen[trail, said["actor"]].add(subject)
    found = ask(made.folder, "overlap", ASKED).table.to_pylist()
    assert {(r["trail"], r["actor"]): r["seen"] for r in found} == {key: len(held) for key, held in seen.items()}
    assert [row["seen"] for row in found] == sorted((row["seen"] for row in found), reverse=True)
    assert {row["of"] for row in found} == {5}


def test_actor_exposure_and_the_beneficiary_table_count_exactly(made: Made) -> None:
    people = defaultdict(set)
    served: Counter[tuple[str, int, str]] = Counter()
    for trail, _, subject, said in made.disclosures():
        people[trail, said["actor"]].add(subject)
        if "beneficiary" in said:
            served[trail, said["actor"], said["beneficiary"]] += 1
    exposed = ask(made.folder, "actor-exposure").table.to_pylist()
    assert {(r["trail"], r["actor"]): r["subjects"] for r in exposed} == {k: len(v) for k, v in people.items()}
    table = ask(made.folder, "actor-beneficiary").table.to_pylist()
    assert {(r["trail"], r["actor"], r["beneficiary"]): r["disclosures"] for r in table} == dict(served)


def test_first_and_last_are_those_of_disclosures_alone(made: Made) -> None:
    times = defaultdict(list)
    for trail, _, subject, said in wanted(made):
        times[trail, subject].append(said["at"])
    found = ask(made.folder, "first-last", ASKED).table.to_pylist()
    assert {(r["trail"], r["subject"]): (r["first_us"], r["last_us"]) for r in found} == {
        key: (min(held), max(held)) for key, held in times.items()
    }


def test_unusual_exports_are_big_beside_the_usual_or_unverified(made: Made) -> None:
    found = ask(made.folder, "unusual-exports", ASKED).table.to_pylist()
    assert [(row["trail"], row["entry"], row["subjects"]) for row in found] == [(EU, 5, 150), (US, 5, 150)]
    usual = statistics.median(len(held) for (trail, _), held in made.sets.items() if trail == EU)
    assert found[0]["usual"] == usual
    assert ask(made.folder, "unusual-exports", Asked(least=151)).table.num_rows == 0


def test_coverage_counts_rows_and_entries_per_day_and_door(made: Made) -> None:
    entries: Counter[tuple[str, int, str]] = Counter((t, p["at"] // DAY_US, p["door"]) for t, _, p in made.entries)
    found = ask(made.folder, "coverage").table.to_pylist()
    assert {(r["trail"], r["day"], r["door"]): r["entries"] for r in found} == dict(entries)
    assert sum(row["disclosures"] for row in found) == len(made.disclosures())


def test_a_time_bound_leaves_out_what_lies_outside(made: Made) -> None:
    bounds = Asked(ASKED.subjects, since_us=made.start_us + DAY_US, until_us=made.start_us + 2 * DAY_US)
    found = ask(made.folder, "who-saw", bounds).table["at_us"].to_pylist()
    assert found == sorted(
        p["at"] for _, _, _, p in wanted(made) if made.start_us + DAY_US <= p["at"] < made.start_us + 2 * DAY_US
    )


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_reads_the_columns_it_needs_and_no_others(made: Made, name: str) -> None:
    asked = replace(ASKED, trails=(EU, US))
    with duck(look_over(made.folder)) as connection:
        plan = connection.execute(f"EXPLAIN (FORMAT json) {duck_sql(expression(name, asked))}").fetchall()[0][1]
    assert _projections(plan) <= set(QUESTIONS[name].columns)


def _projections(plan: str) -> set[str]:
    found: set[str] = set()

    def walk(node: dict) -> None:
        said = node.get("extra_info", {})
        if "PARQUET" in node.get("name", "").upper() or "READ_PARQUET" in str(said.get("Function", "")).upper():
            held = said.get("Projections", [])
            found.update([held] if isinstance(held, str) else held)
        for child in node.get("children", []):
            walk(child)

    for each in json.loads(plan):
        walk(each)
    assert found
    return found


def test_what_cannot_be_asked_is_refused_with_a_reason(made: Made, tmp_path: Path) -> None:
    with pytest.raises(QuestionUnknown):
        ask(made.folder, "who")
    with pytest.raises(QuestionIncomplete, match="needs subjects"):
        ask(made.folder, "who-saw")
    with pytest.raises(QuestionIncomplete, match="at most"):
        ask(made.folder, "overlap", Asked(subjects={EU: tuple(range(10_001))}))
    with pytest.raises(NotALake):
        ask(tmp_path, "coverage")


def test_an_answer_is_saved_as_its_name_says_and_for_the_owner_alone(made: Made, tmp_path: Path) -> None:
    table = ask(made.folder, "overlap", ASKED).table
    for suffix in ("csv", "parquet", "json"):
        save(table, tmp_path / f"a.{suffix}")
        assert (tmp_path / f"a.{suffix}").stat().st_mode & 0o777 == 0o600
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == table.to_pylist()
    with pytest.raises(OutputUnknown):
        save(table, tmp_path / "a.xlsx")
