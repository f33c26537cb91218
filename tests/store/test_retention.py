"""Retention: old payloads die under a published policy, the tree stays whole, and a dry run changes nothing."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from whosaw.record import Appender, Integrator, entries_from, fsck, load_or_create, prove_entries
from whosaw.record import retention as retention_module
from whosaw.record.erasure import Mandate, erase_subject
from whosaw.record.retention import Retention, due, prune
from whosaw.store.migrate import MigrationFailed, downgrade, upgrade
from whosaw.store.numbers import assign, find
from whosaw.terms import SimulatedClock, to_us

POLICY = Retention.parse('version = "2026-1"\nkeep_payloads_days = 400\n[kinds]\ndenial = 30\n')


@pytest.fixture
def clock():
    return SimulatedClock(datetime(2024, 1, 1, tzinfo=UTC))


@pytest.fixture
def keys(tmp_path, clock):
    return load_or_create(tmp_path / "keys", clock, "test")


@pytest.fixture
async def appender(database, keys, clock):
    async with Appender(database, keys, clock) as appender:
        yield appender


@pytest.fixture
async def years(database, appender, clock):
    """Twenty disclosures and ten denials, each hundred days for five times, about one customer."""
    await assign(database, "subject", ["customer:C-1"])
    for _ in range(5):
        at = to_us(clock.now())
        await appender.append_many([{"kind": "disclosure", "at": at, "actor": 1, "subject": 1} for _ in range(20)])
        await appender.append_many([{"kind": "denial", "at": at, "actor": 1, "subject": 1} for _ in range(10)])
        clock.advance_to(clock.now() + timedelta(days=100))
    return to_us(clock.now())


async def count(database) -> dict[str, int]:
    found: dict[str, int] = {}
    async for entry in entries_from(database):
        kind = str(entry.payload["kind"])
        found[kind] = found.get(kind, 0) + 1
    return found


async def test_a_dry_run_counts_and_changes_nothing(database, clock, years):
    assert await due(database, clock, POLICY) == {"denial": 50, "disclosure": 20}
    assert await count(database) == {"disclosure": 100, "denial": 50}


async def test_old_payloads_die_and_everything_still_verifies(database, appender, clock, keys, years, tmp_path):
    integrator = Integrator(database, keys, tmp_path / "trail", clock)
    await integrator.step()
    (done,) = await prune(database, appender, clock, POLICY, by=1)
    assert done.entries == 70
    assert await count(database) == {"disclosure": 80, "pruning": 1}
    assert await prune(database, appender, clock, POLICY, by=1) == []
    await integrator.step()
    report = await fsck(database, tmp_path / "trail", keys.trail.verifier)
    assert (report.findings, report.erased) == ((), 70)
    proved = await prove_entries(database, tmp_path / "trail", keys.trail.verifier, [30, 150])
    assert len(proved.entries) == 2
    assert await find(database, "subject", "customer:C-1") == 1  # a person is not forgotten because of one old look


async def test_the_announcement_names_the_policy(database, appender, clock, years):
    (done,) = await prune(database, appender, clock, POLICY, by=7)
    (said,) = [entry.payload async for entry in entries_from(database, done.entry)]
    assert (said["kind"], said["actor"], said["entries"], said["policy"]) == ("pruning", 7, 70, "2026-1")
    assert said["policy_sha256"] == POLICY.sha256
    assert len(POLICY.sha256) == 64


async def test_announcements_are_never_pruned(database, appender, clock, keys, years, tmp_path):
    await prune(database, appender, clock, POLICY, by=1)
    await erase_subject(database, appender, clock, 1, Mandate(1, "asked for"))
    clock.advance_to(clock.now() + timedelta(days=1_000))
    assert await prune(database, appender, clock, POLICY, by=1) == []
    assert await count(database) == {"pruning": 1, "erasure": 1}
    await Integrator(database, keys, tmp_path / "trail", clock).step()
    assert (await fsck(database, tmp_path / "trail", keys.trail.verifier)).findings == ()


async def test_many_entries_go_in_batches_each_announced(database, appender, clock, years, monkeypatch):
    monkeypatch.setattr(retention_module, "_BATCH_ENTRIES", 16)
    done = await prune(database, appender, clock, POLICY, by=1)
    assert [each.entries for each in done] == [16, 16, 16, 16, 6]


async def test_the_migration_goes_down_and_up_with_entries_but_not_over_erased_ones(
    database, database_url, appender, clock, years
):
    before = await count(database)
    downgrade(database_url, "0004")
    with psycopg.connect(database_url, autocommit=True) as connection, pytest.raises(psycopg.Error):
        connection.execute("update trail_entry set payload = payload")
    with psycopg.connect(database_url, autocommit=True) as connection, pytest.raises(psycopg.Error):
        connection.execute("update trail_entry set payload = null")
    upgrade(database_url)
    assert await count(database) == before
    await prune(database, appender, clock, POLICY, by=1)
    with pytest.raises(MigrationFailed):
        downgrade(database_url, "0004")
    assert (await count(database))["pruning"] == 1  # it is as it was before
