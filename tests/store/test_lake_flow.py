"""The trail flows into the lake: exactly once, provable row by row, and what is erased there is erased here."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyroaring import BitMap64

from whosaw.lake.answers import ask
from whosaw.lake.compact import Sizes
from whosaw.lake.errors import LakeBusy, LakeDamaged, TrailMismatch
from whosaw.lake.flow import Exported, export, follow
from whosaw.lake.named import Asked
from whosaw.lake.place import Folder
from whosaw.lake.trailmanifest import folder_of, read_trail, write_trail
from whosaw.lake.trailread import Trail
from whosaw.lake.verify import verify_lake
from whosaw.prove.exposure import exposure_hash
from whosaw.record.erasure import Mandate, erase_subject
from whosaw.record.hold import Holds
from whosaw.record.retention import Retention, prune
from whosaw.store.numbers import assign
from whosaw.terms import to_us

DAY_US = 86_400_000_000
START_US = 1_772_409_600_000_000
SMALL = Sizes(file_rows=40, day_files=3, month_after_days=2)
MARKED = 0x1122334455667788  # a number whose bytes can be sought in a file
SECRET = "seller:S-erase-me-7781"


def entry(rng: random.Random, n: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "disclosure",
        "at": START_US + n * DAY_US // 20,
        "actor": rng.randrange(1, 6),
        "subject": rng.randrange(1, 30),
        "door": "http",
        "decision": "allow",
        "verified": "yes",
        "reason": "purpose.verified",
        "fields": ["customer.email=reveal", "customer.phone=mask"],
    } | more


@pytest.fixture
def trail(company: Any) -> Trail:
    return Trail(company.db, company.trail, company.keys.trail.verifier)


async def fill(company: Any, count: int, seed: int = 1, start: int = 0) -> None:
    rng = random.Random(seed)
    await company.appender.append_many([entry(rng, start + n) for n in range(count)])
    await company.integrator.step()


async def append_set(company: Any, numbers: list[int]) -> None:
    raw, salt = BitMap64(numbers).serialize(), bytes(32)
    async with company.db.connection() as conn:
        await conn.execute("select trail_expose(%b, %b)", [salt, raw])
    said = entry(
        random.Random(2), 5, exposure=exposure_hash(salt, raw).hex(), subjects=len(numbers), subject=numbers[-1]
    )
    await company.appender.append(said)
    await company.integrator.step()


def rows(lake: Path) -> list[dict[str, Any]]:
    return [row for file in sorted(lake.rglob("*.parquet")) for row in pq.read_table(file).to_pylist()]


async def test_every_entry_comes_once_however_often_it_is_exported(company: Any, trail: Trail, tmp_path: Path) -> None:
    await fill(company, 50)
    first = await export(trail, tmp_path / "lake")
    again = await export(trail, tmp_path / "lake")
    await fill(company, 30, seed=2, start=50)
    more = await export(trail, tmp_path / "lake")
    assert (first.entries, again.entries, more.entries, more.end) == (50, 0, 30, 80)
    assert Counter(row["entry"] for row in rows(tmp_path / "lake")) == Counter(range(80))
    report = await verify_lake(trail, tmp_path / "lake")
    assert (report.entries, report.rows, report.findings) == (80, 80, ())


async def test_only_what_is_signed_is_exported(company: Any, trail: Trail, tmp_path: Path) -> None:
    await company.appender.append(entry(random.Random(1), 0))
    assert (await export(trail, tmp_path / "lake")).end == 0
    await company.integrator.step()
    assert (await export(trail, tmp_path / "lake")).end == 1


async def test_a_file_holds_one_day_sorted_by_subject_and_says_where_it_is_from(
    company: Any, trail: Trail, tmp_path: Path
) -> None:
    await fill(company, 60)
    await export(trail, tmp_path / "lake", sizes=Sizes(month_after_days=99))
    head = trail.head()
    assert head is not None
    for path in (tmp_path / "lake").rglob("*.parquet"):
        held = pq.read_table(path)
        assert held["subject"].to_pylist() == sorted(held["subject"].to_pylist())
        assert len({at // DAY_US for at in held["at_us"].to_pylist()}) == 1
        told = pq.read_metadata(path).metadata
        assert told[b"whosaw.trail"].decode() == trail.origin
        assert told[b"whosaw.entries"] == b"0-60"
        assert told[b"whosaw.checkpoint_root"].decode() == head.root.hex()
        assert path.stat().st_mode & 0o777 == 0o600
        assert pq.read_metadata(path).row_group(0).column(0).compression == "ZSTD"


async def test_merging_bounds_files_and_changes_no_row(company: Any, trail: Trail, tmp_path: Path) -> None:
    for part in range(8):
        await fill(company, 25, seed=part, start=part * 25)
        await export(trail, tmp_path / "lake", sizes=SMALL)
    manifest = read_trail(Folder(tmp_path / "lake" / folder_of(trail.origin)))
    assert manifest is not None
    assert {file.partition[:5] for file in manifest.files} == {"month", "day=2"}
    assert Counter(row["entry"] for row in rows(tmp_path / "lake")) == Counter(range(200))
    months = [file for file in manifest.files if file.partition.startswith("month")]
    assert len(months) > 1
    assert all(file.rows < 80 for file in months)  # two subjects' rows over the bound at most
    ordered = sorted(months, key=lambda file: file.low or 0)
    assert all(a.high < b.low for a, b in pairwise(ordered))  # type: ignore[operator]
    assert (await verify_lake(trail, tmp_path / "lake")).findings == ()


async def test_a_set_becomes_a_row_per_subject_and_answers_like_any_other(
    company: Any, trail: Trail, tmp_path: Path
) -> None:
    await fill(company, 10)
    await append_set(company, [7, 70_000, 5_000_000_000])
    await export(trail, tmp_path / "lake", classes={"customer.email": "contact"})
    found = ask(tmp_path / "lake", "who-saw", Asked(subjects={trail.origin: (5_000_000_000,)})).table.to_pylist()
    assert [(row["entry"], row["in_set"]) for row in found] == [(10, True)]
    exposure = ask(tmp_path / "lake", "exposure").table.to_pylist()
    people = {row["subject"] for row in rows(tmp_path / "lake")}
    assert [(row["class"], row["subjects"]) for row in exposure] == [("contact", len(people))]
    assert (await verify_lake(trail, tmp_path / "lake")).findings == ()


async def test_an_erased_subject_is_nowhere_under_the_lake(company: Any, trail: Trail, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    rng = random.Random(3)
    said = [entry(rng, n) for n in range(40)]
    said[17] |= {"subject": MARKED, "beneficiary": SECRET}
    await company.appender.append_many(said)
    await append_set(company, [3, MARKED])
    await export(trail, lake)
    assert sought(lake) == {"number", "key"}
    await erase_subject(company.db, company.appender, company.clock, MARKED, Mandate(1, "asked for"))
    await company.integrator.step()
    done = await export(trail, lake)
    assert done.blanked == 3  # the set's other subject goes with the entry, as in the trail
    assert sought(lake) == set()
    report = await verify_lake(trail, lake)
    assert report.findings == ()
    assert report.rows == 40  # 39 left, and the announcement


def sought(lake: Path) -> set[str]:
    """Look for the marked number and key in every byte, and in everything that can be unpacked from it."""
    found = set()
    for path in lake.rglob("*"):
        if not path.is_file():
            continue
        raw = path.read_bytes()
        plain = pa.BufferOutputStream()
        if path.suffix == ".parquet":
            for row in pq.read_table(path).to_pylist():
                plain.write(repr(row).encode())
            metadata = pq.read_metadata(path)
            for group in range(metadata.num_row_groups):
                for column in range(metadata.num_columns):
                    plain.write(repr(metadata.row_group(group).column(column)).encode())
        text = raw + plain.getvalue().to_pybytes()
        if any(
            each in text for each in (MARKED.to_bytes(8, "little"), MARKED.to_bytes(8, "big"), str(MARKED).encode())
        ):
            found.add("number")
        if SECRET.encode() in text:
            found.add("key")
    return found


@pytest.mark.parametrize("harm", ["altered", "missing", "doubled", "foreign", "file_damaged"])
async def test_a_harmed_row_is_found_and_named(company: Any, trail: Trail, tmp_path: Path, harm: str) -> None:
    lake = tmp_path / "lake"
    await fill(company, 30)
    await export(trail, lake)
    path = sorted(lake.rglob("*.parquet"))[0]
    held = pq.read_table(path)
    victim = held.to_pylist()[0]
    if harm == "file_damaged":
        path.write_bytes(path.read_bytes()[:100])
    else:
        changed = {
            "altered": [victim | {"actor": victim["actor"] + 1}, *held.to_pylist()[1:]],
            "missing": held.to_pylist()[1:],
            "doubled": [victim, *held.to_pylist()],
            "foreign": [*held.to_pylist(), victim | {"subject": 999}],
        }[harm]
        pq.write_table(pa.Table.from_pylist(changed, held.schema), path)
    report = await verify_lake(trail, lake)
    kinds = {finding.kind for finding in report.findings}
    assert harm in kinds
    if harm == "file_damaged":
        assert {f.entry for f in report.findings if f.kind == "missing"} == set(held["entry"].to_pylist())
        return
    [finding] = [each for each in report.findings if each.kind == harm]
    assert finding.entry == victim["entry"]
    if harm != "missing":
        assert finding.file in str(path)
    assert "file_altered" in kinds  # its bytes are not those that were written


async def test_a_row_altered_in_the_database_does_not_match_the_signed_root(
    company: Any, trail: Trail, tmp_path: Path, database_url: str
) -> None:
    await fill(company, 20)
    await export(trail, tmp_path / "lake")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table trail_entry disable trigger user")
        connection.execute("update trail_entry set payload = replace(payload, 'http', 'bulk') where index = 7")
    kinds = {(finding.kind, finding.entry) for finding in (await verify_lake(trail, tmp_path / "lake")).findings}
    assert {("leaf_mismatch", 7), ("altered", 7)} <= kinds


async def test_a_lake_that_knows_more_than_the_trail_is_refused(company: Any, trail: Trail, tmp_path: Path) -> None:
    await fill(company, 5)
    await export(trail, tmp_path / "lake")
    place = Folder(tmp_path / "lake" / folder_of(trail.origin))
    manifest = read_trail(place)
    assert manifest is not None
    from dataclasses import replace

    write_trail(place, replace(manifest, end=9))
    with pytest.raises(TrailMismatch):
        await export(trail, tmp_path / "lake")
    assert [each.kind for each in (await verify_lake(trail, tmp_path / "lake")).findings] == ["beyond"]


async def test_one_writer_at_a_time(company: Any, trail: Trail, tmp_path: Path) -> None:
    await fill(company, 5)
    rounds: list[Exported] = []
    task = asyncio.create_task(follow(trail, tmp_path / "lake", every_s=0.05, told=rounds.append))
    while not rounds:
        await asyncio.sleep(0.02)
    with pytest.raises(LakeBusy):
        await export(trail, tmp_path / "lake")
    await fill(company, 5, seed=9, start=5)
    while len(rounds) < 2:
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [each.entries for each in rounds] == [5, 5]
    assert (await export(trail, tmp_path / "lake")).entries == 0


async def test_a_lake_without_this_trail_cannot_be_verified(company: Any, trail: Trail, tmp_path: Path) -> None:
    with pytest.raises(LakeDamaged, match="nothing of this trail"):
        await verify_lake(trail, tmp_path)


async def test_what_a_policy_lets_die_by_its_age_leaves_the_lake_and_a_hold_keeps_it(
    company: Any, trail: Trail, tmp_path: Path
) -> None:
    lake, kept = tmp_path / "lake", Retention.parse('version = "1"\nkeep_payloads_days = 30\n')
    await assign(company.db, "subject", [f"customer:C-{n}" for n in range(1, 31)])
    now_us = to_us(company.clock.now())
    rng = random.Random(9)
    said = [entry(rng, 0, at=now_us - (60 - n) * DAY_US) for n in range(60)]
    await company.appender.append_many(said)
    await Holds(company.db, company.appender, company.clock).add(
        "subject", said[3]["subject"], ground="claim", review_on=date(2030, 1, 1), by=1
    )
    await company.integrator.step()
    await export(trail, lake, sizes=Sizes(month_after_days=5))
    files = {path.name for path in lake.rglob("*.parquet")}
    await prune(company.db, company.appender, company.clock, kept, by=1)
    await company.integrator.step()
    done = await export(trail, lake, sizes=Sizes(month_after_days=5))
    oldest = now_us - 30 * DAY_US
    stay = {n for n, each in enumerate(said) if each["at"] >= oldest or each["subject"] == said[3]["subject"]}
    assert {row["entry"] for row in rows(lake) if row["kind"] == "disclosure"} == stay
    assert done.blanked == 60 - len(stay) > 20
    report = await verify_lake(trail, lake)
    assert report.findings == ()
    assert files & {path.name for path in lake.rglob("*.parquet")} < files  # what held them is gone, not hidden
