"""What is in force is recorded, changes as one, and is never half of two sets."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from whosaw.app.policies import PolicyArchive, PolicyRecord, PolicyReload
from whosaw.ask import Ask, new_ask_id
from whosaw.decide import PolicyHolder, PolicySet, load_policies, schema
from whosaw.gate import Gate
from whosaw.record import AppendFailed, entries_from
from whosaw.terms import PurposeRef, SubjectRef

if TYPE_CHECKING:
    from tests.store.conftest import Company

OPEN = '@id("open") permit (principal, action == Action::"reveal", resource) when {{ context.verified }}; // {}\n'
SHUT = '@id("shut") permit (principal, action == Action::"mask", resource); // {}\n'


@pytest.fixture
def archive(tmp_path: Path) -> PolicyArchive:
    return PolicyArchive(tmp_path / "policies")


def record_of(company: Company, archive: PolicyArchive, catalog: str = "cat-1") -> PolicyRecord:
    return PolicyRecord(company.db, company.appender, company.clock, catalog=catalog, archive=archive)


async def changes(company: Company) -> list[Mapping[str, object]]:
    return [e.payload async for e in entries_from(company.db, 0) if e.payload["kind"] == "policy_change"]


async def test_what_is_in_force_is_recorded_once_until_it_changes(company: Company, archive: PolicyArchive) -> None:
    shipped, other = load_policies(), PolicySet(OPEN.format(1), schema())
    record = record_of(company, archive)
    assert await record.note(shipped, "start")
    assert not await record.note(shipped, "start")
    assert await record.note(other, "reload")
    assert await record_of(company, archive, "cat-2").note(other, "start")
    first, second, third = await changes(company)
    assert (first["before"], first["after"], first["change"]) == ("", shipped.version, "start")
    assert (second["before"], second["after"], second["change"]) == (shipped.version, other.version, "reload")
    assert (third["before"], third["after"]) == (other.version, other.version)
    assert (third["catalog_before"], third["catalog"]) == ("cat-1", "cat-2")
    assert len(str(third["files"])) == 64


async def test_processes_that_start_together_record_one_change(company: Company, archive: PolicyArchive) -> None:
    noted = await asyncio.gather(*(record_of(company, archive).note(load_policies(), "start") for _ in range(6)))
    assert Counter(noted) == {True: 1, False: 5}
    assert len(await changes(company)) == 1


async def test_a_changed_file_comes_into_force_once_it_stands_still(
    company: Company, archive: PolicyArchive, tmp_path: Path
) -> None:
    path = tmp_path / "own.cedar"
    path.write_text(OPEN.format(1))
    holder = PolicyHolder(load_policies([path]))
    reload = PolicyReload(holder, [path], record_of(company, archive))
    assert not await reload.look()
    assert not await reload.look()
    first = holder.current.version
    path.write_text(SHUT.format(2))
    assert not await reload.look()
    path.write_text(SHUT.format(3))  # still being written
    assert not await reload.look()
    assert await reload.look()
    assert not await reload.look()
    assert holder.current.version == load_policies([path]).version != first
    assert [each["after"] for each in await changes(company)] == [holder.current.version]
    kept = archive.find(holder.current.version)
    assert kept is not None and kept.text == SHUT.format(3)


async def test_a_file_that_does_not_hold_leaves_the_old_in_force_and_is_told_once(
    company: Company, archive: PolicyArchive, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[str, Mapping[str, int | str]]] = []

    async def alarm(code: str, about: Mapping[str, int | str]) -> None:
        told.append((code, about))

    path = tmp_path / "own.cedar"
    path.write_text(OPEN.format(1))
    holder = PolicyHolder(load_policies([path]))
    version = holder.current.version
    reload = PolicyReload(holder, [path], record_of(company, archive), alarm=alarm)
    for broken in ("permit (principal, action, resource) when { context.weather };", "permit (", None):
        path.unlink() if broken is None else path.write_text(broken)
        for _ in range(4):
            assert not await reload.look()
    assert holder.current.version == version
    assert told == [("policy.refused", {"in_force": version, "error": "decide.policy_invalid"})] * 3
    assert caplog.text.count("stay in force") == 3
    assert await changes(company) == []
    path.write_text(SHUT.format(1))
    assert [await reload.look() for _ in range(3)] == [False, True, False]


async def test_what_cannot_be_recorded_does_not_come_into_force(
    company: Company, archive: PolicyArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.cedar"
    path.write_text(OPEN.format(1))
    holder = PolicyHolder(load_policies([path]))
    reload = PolicyReload(holder, [path], record_of(company, archive))
    path.write_text(SHUT.format(1))
    await reload.look()

    async def fail(payload: object) -> None:
        raise AppendFailed("the trail is away")

    with monkeypatch.context() as patch:
        patch.setattr(company.appender, "append", fail)
        with pytest.raises(AppendFailed):
            await reload.look()
    assert holder.current.policies.keys() == {"open"}
    assert await reload.look()
    assert holder.current.policies.keys() == {"shut"}


async def test_while_asks_are_answered_the_set_is_swapped_a_hundred_times(company: Company) -> None:
    sets = [PolicySet((OPEN if number % 2 else SHUT).format(number), schema()) for number in range(100)]
    says = {made.version: "reveal" if "open" in made.policies else "mask" for made in sets}
    assert len(says) == 100
    holder = PolicyHolder(sets[0])
    gate = Gate(company.db, company.appender, company.catalog, company.sources, holder)
    done = asyncio.Event()
    decided: Counter[tuple[str, str]] = Counter()

    async def ask(number: int) -> None:
        turn = 0
        while not done.is_set():
            turn += 1
            key = f"C-{1 + (number * 7 + turn) % 40}"
            disclosure = await gate.disclose(
                Ask(
                    actor="E-1",
                    subject=SubjectRef("customer", key),
                    fields=("customer.email", "customer.address"),
                    purpose=PurposeRef("ticket", key.replace("C", "T")),
                    door="http",
                    at=company.clock.now(),
                    id=new_ask_id(),
                )
            )
            effects = {item.effect for item in disclosure.decision.fields}
            assert effects == {says[disclosure.decision.policy_version]}
            decided[disclosure.decision.policy_version, *effects] += 1

    asking = [asyncio.create_task(ask(number)) for number in range(8)]
    for made in sets:
        holder.swap(made)
        await asyncio.sleep(0.02)
    done.set()
    await asyncio.gather(*asking)
    assert len({version for version, _ in decided}) > 10
    async for entry in entries_from(company.db, 0):
        effects = {str(item).partition("=")[2] for item in entry.payload["fields"]}  # type: ignore[union-attr]
        assert effects == {says[str(entry.payload["policy"])]}


async def test_what_is_kept_of_a_version_is_that_version_or_nothing(archive: PolicyArchive, tmp_path: Path) -> None:
    made = PolicySet('@id("é") permit (principal, action == Action::"mask", resource);\r\n', schema())
    archive.keep(made)
    found = archive.find(made.version)
    assert found is not None and found.text == made.text
    (tmp_path / "policies" / f"{made.version}.cedar").write_text("permit (principal, action, resource);")
    assert archive.find(made.version) is None
    assert archive.find("../../etc/passwd") is None
    assert archive.find("0" * 12) is None


async def test_the_watch_records_at_its_start_and_follows_the_files(
    company: Company, archive: PolicyArchive, tmp_path: Path
) -> None:
    path = tmp_path / "own.cedar"
    path.write_text(OPEN.format(1))
    holder = PolicyHolder(load_policies([path]))
    running = asyncio.create_task(PolicyReload(holder, [path], record_of(company, archive), look_s=0.02).run())
    async with asyncio.timeout(10):
        while not await changes(company):
            await asyncio.sleep(0.02)
        path.write_text(SHUT.format(1))
        while "shut" not in holder.current.policies:
            await asyncio.sleep(0.02)
    running.cancel()
    assert [json.dumps(each["change"]) for each in await changes(company)] == ['"start"', '"reload"']
