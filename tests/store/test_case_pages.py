"""What of a case is shown to whom, what is kept before anybody hears of it, and who is told when an accusation fell."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.store.test_case import complaint, verdict
from tests.store.watchworld import END, found_company

from whosaw.answer import StepRefused
from whosaw.answer.access import Request
from whosaw.answer.alternatives import Alternative, DumpList
from whosaw.answer.clocks import CaseClocks
from whosaw.answer.corrections import Corrections
from whosaw.answer.covert import Covert
from whosaw.answer.employeeaccess import answer_employee, employee_text
from whosaw.answer.errors import EvidenceMissing
from whosaw.answer.exculpatory import ITEMS
from whosaw.app import accessanswers, background, evidence
from whosaw.app.accessanswers import to_staff
from whosaw.app.alternativechecks import AlternativeChecks, Sources
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.caseintake import IntakeImpossible
from whosaw.app.casepreserve import Preserve
from whosaw.app.commands.case import told as shown_by_command
from whosaw.app.evidence import _stamps, extend_evidence
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.sightingreads import sighting_lines
from whosaw.app.webreads import WebReads
from whosaw.doors.console.casereads import KnownLine
from whosaw.prove import Checkpoint, SigningKey, open_checkpoint, sign_checkpoint, verify_bundle, write_bundle
from whosaw.prove.merkle import tree_root
from whosaw.record import entries_from, prove_entries
from whosaw.record.exposure import Exposures
from whosaw.record.hold import Holds
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.record.witness.state import Standing
from whosaw.store.alerts import raise_alert
from whosaw.store.numbers import assign, find
from whosaw.terms import SimulatedClock, to_us

SELLER = "seller:S-7"
SUSPECT, BOSS = "E-5", "E-9"


@pytest.fixture
async def services(database_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    found_company(database_url, tmp_path / "state")
    catalog = tmp_path / "state" / "whosaw.toml"
    text = catalog.read_text().replace('"function", "mail"]', '"function", "mail", "manager"]')
    catalog.write_text(text.replace("function, mail from", "function, mail, manager from"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table company.staff add column manager text")
        connection.execute("update company.staff set manager = %s where id = %s", [BOSS, SUSPECT])
    settings = Settings(state=tmp_path / "state", database=database_url)
    async with open_services(settings, SimulatedClock(END), database_url, door="serve") as opened:
        yield opened


async def opened_case(services: Services, *, suspect: str = SUSPECT) -> tuple[CaseWork, str]:
    """Open a case of two complaints with a finding, and name a person of each of two functions."""
    work = case_work(services)
    case = (await work.desk.open(SELLER, by="P-1", reason="two customers forwarded its messages")).id
    numbers = await assign(services.db, "subject", ["customer:C-1", "customer:C-2"])
    for number in numbers.values():
        await work.book.add(complaint(number), subject=number, beneficiary=SELLER)
    for person, function in (("P-1", "privacy"), ("S-1", "security")):
        await work.desk.name(case, person, function, by="P-1")
    await work.cases.add_verdict(case, shown(suspect), complaints=3)
    return work, case


async def everything(_case: str) -> bool:
    """See every case."""
    return True


def shown(suspect: str, rung: str = "finding") -> dict[str, Any]:
    """Return a verdict with all that a page shows of its candidates."""
    said = verdict(rung, suspect)
    for each in said["candidates"]:
        each |= {"e_value": 40.0, "seen": 3, "of": 3, "expected": 0.2}
    return said


async def test_people_on_a_page_are_numbers_until_two_functions_unmask_one(services: Services) -> None:
    work, case = await opened_case(services)
    await work.steps.plan(case, "suspend_actor", SUSPECT, by="P-1", reason="a finding")
    (number,) = (await assign(services.db, "actor", [SUSPECT])).values()
    reads = WebReads(services)
    page = await reads.case(case, "P-1")
    assert page is not None and SUSPECT not in str(page)
    assert page.looks[-1].candidates[0].actors == (f"actor #{number}",)
    assert [each.target for each in page.steps] == [f"actor #{number}"]
    asked = await work.unmaskings.ask(case, number, by="P-1", reason="his access must be cut today")
    await work.unmaskings.approve(asked.id, by="S-1", days=1)
    page = await reads.case(case, "P-1")
    assert page is not None and page.looks[-1].candidates[0].actors == (SUSPECT,)
    services.clock.advance_to(END + timedelta(days=2))  # type: ignore[attr-defined]
    page = await reads.case(case, "P-1")
    assert page is not None and SUSPECT not in str(page)


async def test_what_a_question_explains_is_on_the_page_by_number(services: Services) -> None:
    work, case = await opened_case(services)
    (number,) = (await assign(services.db, "actor", ["E-7"])).values()
    question = {"what": "asked in one go", "actor": "E-7", "from": "2026-03-01T00:00:00+00:00", "probability": 0.499}
    last = shown(SUSPECT, "no_signal") | {
        "duties": [question | {"line": "of E-7", "seen": 3, "of": 3, "expected": 0.2}]
    }
    await work.cases.add_verdict(case, last, complaints=4)
    page = await WebReads(services).case(case, "P-1")
    assert page is not None and "E-7" not in str(page)
    assert (page.summary.explained, page.summary.explained_by) == (0.499, "a question in one go")
    assert [look.explained for look in page.looks] == [None, 0.499]
    assert page.explained.startswith(f"Explained by what actor #{number} asked for in one go, from 2026-03-01T00:00:00")


async def test_an_appeal_is_read_without_the_keys_of_those_whom_the_case_names(services: Services) -> None:
    work, case = await opened_case(services)
    last = shown("E-6")  # whom an earlier one names stays a number too
    last["scope"]["certain"] = ["customer:C-1"]
    await work.cases.add_verdict(case, last, complaints=4)
    step = await work.steps.plan(case, "suspend_seller", SELLER, by="P-1", reason="a finding")
    (number,) = (await assign(services.db, "actor", [SUSPECT])).values()
    async with services.db.connection() as connection:  # it would have to be in force to be appealed
        await connection.execute("update case_step set state = 'done' where id = %s", [step.id])
    words = f"I, {SUSPECT} ({SUSPECT.lower()}@home.example), saw customer:C-1 on leave, as E-51 knows; seller:S-1 paid."
    appeal = await work.appeals.file(step.id, words, by="P-1")
    await work.appeals.decide(appeal.id, "upheld", by="S-1", why=f"the device of {SUSPECT} was used")
    (read,) = (await shown_by_command(work, case, to="P-1"))["appeals"]
    him = f"actor #{number}"
    assert read["text"] == f"I, {him} ({him}@home.example), saw a customer on leave, as E-51 knows; seller:S-1 paid."
    assert read["why"] == f"the device of {him} was used" and read["id"] == appeal.id
    asked = await work.unmaskings.ask(case, number, by="P-1", reason="his access must be cut today")
    await work.unmaskings.approve(asked.id, by="S-1", days=1)
    (read,) = (await shown_by_command(work, case, to="P-1"))["appeals"]
    assert read["why"] == f"the device of {SUSPECT} was used"


async def test_an_unmasking_by_the_console_takes_two_people_of_two_functions_and_shows_the_key_to_them_alone(
    services: Services,
) -> None:
    work, case = await opened_case(services)
    await work.desk.name(case, "L-1", "legal", by="P-1")
    (number, other) = (await assign(services.db, "actor", [SUSPECT, "E-6"])).values()
    reads, why = WebReads(services), "his access must be cut today"
    for given, said in (
        ((number, "why not", 7), "sentence"),
        ((number, why, 31), "1 to 30 days"),
        ((number, why, 0), "1 to 30 days"),
        ((other, why, 7), "not about this number"),
    ):
        assert said in (await reads.ask_unmasking(case, given, "P-1") or ""), given
    assert await reads.ask_unmasking(case, (number, why, 2), "P-1") == ""
    for stranger in (SUSPECT, BOSS, "E-20"):
        assert await reads.unmaskings(case, stranger) is None
        assert await reads.ask_unmasking(case, (number, why, 2), stranger) is None
        assert await reads.approve_unmasking(case, 1, stranger) is None
    assert await reads.unmaskings("CASE-99", "P-1") is None
    assert await reads.approve_unmasking(case, 1, "P-1") == "nobody approves what he asked for"
    assert "no unmasking 9" in (await reads.approve_unmasking(case, 9, "S-1") or "")
    assert await reads.approve_unmasking(case, 1, "S-1") == ""
    page = await reads.unmaskings(case, "P-1")
    assert page is not None and page.function == "privacy"
    assert number in page.numbers and other not in page.numbers
    assert [(each.who, each.state, each.days, each.mine) for each in page.lines] == [(SUSPECT, "open", 2, True)]
    assert page.lines[0].until == END + timedelta(days=2)
    for person, named in (("P-1", True), ("S-1", True), ("L-1", False)):
        shown_case, shown_list = await reads.case(case, person), await reads.unmaskings(case, person)
        assert ((SUSPECT in str(shown_case)), (SUSPECT in str(shown_list))) == (named, named), person

    # whoever approved for somebody is not approved by him within 30 days
    assert await reads.ask_unmasking(case, (number, why, 2), "S-1") == ""
    assert "approve each other" in (await reads.approve_unmasking(case, 2, "P-1") or "")
    assert await reads.approve_unmasking(case, 2, "L-1") == ""
    services.clock.advance_to(END + timedelta(days=3))  # type: ignore[attr-defined]
    assert SUSPECT not in str(await reads.unmaskings(case, "P-1"))


async def test_all_unmaskings_are_for_who_oversees_them_and_name_nobody(services: Services, database_url: str) -> None:
    work, case = await opened_case(services)
    (number,) = (await assign(services.db, "actor", [SUSPECT])).values()
    asked = await work.unmaskings.ask(case, number, by="P-1", reason="his access must be cut today")
    await work.unmaskings.approve(asked.id, by="S-1", days=1)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into company.staff (id, function) values ('W-1', 'works_council'), ('W-2', 'cook')")
    reads = WebReads(services)
    lines = await reads.overseen("W-1")
    assert lines is not None and SUSPECT not in str(lines)
    assert [(each.case, each.who, each.asked.function, each.state) for each in lines] == [
        (case, f"actor #{number}", "privacy", "open")
    ]
    assert (await reads.start("W-1")).oversees and not (await reads.start("W-2")).oversees
    assert await reads.overseen("W-2") is None
    looks = [e.payload for e in [each async for each in entries_from(services.db)] if e.payload.get("action")]
    assert [each["object"] for each in looks if each["action"] == "look.case"] == ["unmaskings"]


async def test_who_oversees_unmaskings_reads_none_of_himself_nor_of_a_case_that_suspects_him(
    services: Services, database_url: str
) -> None:
    work, case = await opened_case(services)
    other = (await work.desk.open("seller:S-8", by="P-1", reason="another hint")).id
    await work.desk.name(other, "P-1", "privacy", by="P-1")
    (suspect, council) = (await assign(services.db, "actor", [SUSPECT, "W-1"])).values()
    for about, number in ((case, suspect), (case, council), (other, council)):
        await work.unmaskings.ask(about, number, by="P-1", reason="his access must be cut today")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update company.staff set function = 'works_council' where id in (%s, %s)", [SUSPECT, BOSS])
        connection.execute(
            "insert into company.staff (id, function) values ('W-1', 'works_council'), ('W-2', 'privacy')"
        )
    reads = WebReads(services)

    async def read(viewer: str) -> list[tuple[str, str]]:
        lines = await reads.overseen(viewer)
        assert lines is not None
        return sorted((each.case, each.who) for each in lines)

    his, hers, elsewhere = (case, f"actor #{suspect}"), (case, f"actor #{council}"), (other, f"actor #{council}")
    assert await read("W-2") == sorted([his, hers, elsewhere])
    assert await read("W-1") == [his], "of her own nothing, in whichever case"
    assert await read(SUSPECT) == await read(BOSS) == [elsewhere], "a suspect and his manager learn of no case"


async def test_a_suspect_his_manager_and_who_was_not_named_learn_of_no_case(services: Services) -> None:
    work, case = await opened_case(services)
    for person in (SUSPECT, BOSS):
        with pytest.raises(StepRefused) as refusal:
            await work.desk.name(case, person, "security", by="P-1")
        assert (refusal.value.reason, str(refusal.value)) == (
            "conflict",
            "a person with a conflict of interest decides nothing here",
        ), "which conflict it is would tell who is suspected"
    reads = WebReads(services)
    for person in (SUSPECT, BOSS, "E-20"):
        assert await reads.case(case, person) is None
        assert (await reads.start(person)).cases == ()
    assert [each.id for each in (await reads.start("S-1")).cases] == [case]
    assert await reads.case("CASE-99", "S-1") is None
    looks = [e.payload for e in [each async for each in entries_from(services.db)] if e.payload.get("action")]
    assert sum(each["action"] == "look.case" for each in looks) == 4, "a look that is refused is recorded too"


async def test_who_was_shown_an_accusation_in_the_browser_is_told_when_it_fell(services: Services) -> None:
    work, case = await opened_case(services)
    reads = WebReads(services)
    assert await reads.case(case, "S-1") is not None
    (number,) = (await assign(services.db, "actor", [SUSPECT])).values()
    await work.cases.add_verdict(case, shown("E-6"), complaints=4)
    page = await reads.case(case, "P-1")
    assert page is not None and [(each.actor, each.untold) for each in page.fallen] == [(f"actor #{number}", 1)]
    assert await work.corrections.correct(case, number, by="P-1", text="a fourth complaint speaks against it") == 1
    page = await reads.case(case, "P-1")
    assert page is not None and [(each.actor, each.measures) for each in page.fallen] == []
    (line,) = (await reads.start("S-1")).fallen
    assert (line.case, line.actor) == (case, f"actor #{number}")
    assert (await reads.start("P-1")).fallen == ()
    await reads.corrections_read("S-1", line.made_at)
    assert (await reads.start("S-1")).fallen == ()


async def test_a_page_tells_awareness_terms_of_law_and_alerts_that_nobody_has_read(services: Services) -> None:
    work, case = await opened_case(services)
    page = await WebReads(services).case(case, "P-1")
    assert page is not None and (page.known, page.terms) == (KnownLine(), ())
    await work.desk.decide_awareness(case, since=END - timedelta(hours=2), why="two mails agree", by="P-1")
    await work.clocks.start(case, "awareness", at=END - timedelta(hours=2), zone="UTC", by="P-1")
    await raise_alert(services.db, "canary", "high", "canary.hit", {"n": 1}, at=END - timedelta(hours=9))
    page = await WebReads(services).case(case, "P-1")
    assert page is not None
    assert page.known == KnownLine(END - timedelta(hours=2), 1, END - timedelta(hours=9))
    ends = {each.source: (each.due_at, each.standing) for each in page.terms}
    art33 = next(ends[source] for source in ends if "2016/679" in source)
    assert art33 == (END + timedelta(hours=70), "running")


async def test_nobody_hears_of_a_case_before_what_it_stands_on_is_kept(services: Services) -> None:
    work, case = await opened_case(services)
    preserve = Preserve(services)
    for item in ITEMS:
        await work.exculpatory.answer(case, SUSPECT, item, "unknown", text="no such record", by="P-1")

    async def approved(kind: Any, target: str) -> str:
        step = await work.steps.plan(case, kind, target, by="P-1", reason="see the case")
        for person in ("P-1", "S-1"):
            await work.steps.approve(step.id, person)
        return step.id

    cut = await approved("suspend_actor", SUSPECT)
    for telling in (
        work.steps.carry_out(cut, by="S-1"),
        work.steps.carry_out(await approved("talk_actor", SUSPECT), by="S-1"),
        work.desk.hear(case, SUSPECT, heard_at=END, said="it was not me", by="P-1"),
    ):
        with pytest.raises(StepRefused) as refusal:
            await telling
        assert refusal.value.reason == "not_preserved"
    assert not await services.suspensions.among([SUSPECT])

    kept = await work.steps.carry_out(await approved("preserve", case), by="S-1")
    numbers = await assign(services.db, "subject", ["customer:C-1", "customer:C-2"])
    (suspect,) = (await assign(services.db, "actor", [SUSPECT])).values()
    held = {
        (hold.space, hold.number) for hold in await Holds(services.db, services.appender, services.clock).standing()
    }
    assert held == {("actor", suspect), *(("subject", number) for number in numbers.values())}
    assert kept.told == {"held": 3} and await preserve.unheld(case) == 0
    assert await approved("preserve", case) == kept.id, "nothing came since"

    # a third complaint and another suspect: what came since is kept by a step of its own, and nothing is bared for it
    (third,) = (await assign(services.db, "subject", ["customer:C-3"])).values()
    await work.book.add(complaint(third), subject=third, beneficiary=SELLER)
    assert await preserve.unheld(case) == 1
    with pytest.raises(StepRefused) as refusal:
        await work.steps.carry_out(cut, by="S-1")
    assert refusal.value.reason == "not_preserved"
    more = await work.steps.carry_out(await approved("preserve", case), by="S-1")
    assert more.id != kept.id and more.told == {"held": 1}
    assert (await work.steps.carry_out(cut, by="S-1")).state == "done"
    assert await services.suspensions.among([SUSPECT]) == {SUSPECT}


async def test_ending_the_holds_of_a_case_tells_first_whoever_asked_to_be_erased(services: Services) -> None:
    work, case = await opened_case(services)
    step = await work.steps.plan(case, "preserve", case, by="P-1", reason="keep it")
    await work.steps.approve(step.id, "P-1")
    await work.steps.carry_out(step.id, by="P-1")
    (one,) = (await assign(services.db, "subject", ["customer:C-1"])).values()
    async with services.db.connection() as connection:
        await connection.execute("update legal_hold set erasure_asked_at = %s where number = %s", [END, one])
    undone = await work.steps.undo(step.id, by=["P-1", "S-1"], reason="nothing came of it")
    assert undone.outcome is not None and undone.outcome["undo"] == {
        "lifted": 2,
        "kept_for_others": 0,
        "to_be_told_first": 1,
    }
    standing = await Holds(services.db, services.appender, services.clock).standing()
    assert [(hold.space, hold.number) for hold in standing] == [("subject", one)]


async def test_a_look_at_a_case_brings_nobody_back_who_was_erased_since(services: Services) -> None:
    work, case = await opened_case(services)
    await assign(services.db, "actor", [SUSPECT, "E-0003"])
    await work.steps.plan(case, "revoke_sessions", SUSPECT, by="P-1", reason="a finding")
    async with services.db.connection() as connection:
        await connection.execute("delete from number_map where space = 'actor' and key = %s", [SUSPECT])

    async def numbered() -> bool:
        return await find(services.db, "actor", SUSPECT) is not None

    page = await WebReads(services).case(case, "P-1")
    assert page is not None and SUSPECT not in str(page)
    assert page.looks[-1].candidates[0].actors == ("an actor without a number",) == (page.steps[0].target,)
    assert not await numbered(), "the page of a case"
    assert await Preserve(services).unheld(case) == 2 and not await numbered(), "what is kept"
    await work.cases.add_verdict(case, shown("E-6"), complaints=4)
    assert await work.corrections.fallen(case) == [] and not await numbered(), "what fell"


async def kept(work: CaseWork, case: str) -> str:
    """Carry out `preserve` in a case and return the step."""
    step = await work.steps.plan(case, "preserve", case, by="P-1", reason="keep it")
    await work.steps.approve(step.id, "P-1")
    return (await work.steps.carry_out(step.id, by="P-1")).id


async def test_whom_two_cases_keep_stays_held_when_one_of_them_ends(services: Services) -> None:
    work, case = await opened_case(services)
    other = (await work.desk.open("seller:S-8", by="P-1", reason="the same customer again")).id
    (both,) = (await assign(services.db, "subject", ["customer:C-1"])).values()
    (suspect,) = (await assign(services.db, "actor", [SUSPECT])).values()
    await work.book.add(complaint(both, message_id="<other@rose.example>"), subject=both, beneficiary="seller:S-8")
    await work.cases.add_verdict(other, shown(SUSPECT), complaints=1)
    for person, function in (("P-1", "privacy"), ("S-1", "security")):
        await work.desk.name(other, person, function, by="P-1")
    first, preserve = await kept(work, case), Preserve(services)
    assert (await work.steps.get(await kept(work, other))).told == {"held": 0}
    holds = Holds(services.db, services.appender, services.clock)
    async with services.db.connection() as connection:
        await connection.execute("update legal_hold set erasure_asked_at = %s, told_at = %s", [END, END])

    undone = await work.steps.undo(first, by=["P-1", "S-1"], reason="nothing came of it")
    assert undone.outcome is not None
    assert undone.outcome["undo"] == {"lifted": 1, "kept_for_others": 2, "to_be_told_first": 0}
    standing = {(hold.space, hold.number): hold for hold in await holds.standing()}
    assert set(standing) == {("subject", both), ("actor", suspect)} and await preserve.unheld(other) == 0
    assert {hold.ground for hold in standing.values()} == {other}
    assert {hold.told_at for hold in standing.values()} == {None}, "he was told that it ends, and it does not"
    entries = [e.payload for e in [each async for each in entries_from(services.db)] if e.payload["kind"] == "hold"]
    assert [each["reason"] for each in entries if each["change"] == "reground"] == [other, other]
    assert await kept(work, case) != first and await preserve.unheld(case) == 0


async def test_a_hold_stays_until_the_last_step_of_its_case_that_keeps_it_is_undone(services: Services) -> None:
    holds = Holds(services.db, services.appender, services.clock)

    async def held() -> set[tuple[str, int]]:
        return {(each.space, each.number) for each in await holds.standing()}

    async def undone(step: str) -> Any:
        outcome = (await work.steps.undo(step, by=["P-1", "S-1"], reason="nothing came of it")).outcome
        return outcome and outcome["undo"]["lifted"]

    work, case = await opened_case(services)
    first = await kept(work, case)
    at_first = await held()
    (third,) = (await assign(services.db, "subject", ["customer:C-3"])).values()
    await work.book.add(complaint(third), subject=third, beneficiary=SELLER)
    one = min(number for space, number in at_first if space == "subject")
    await holds.lift("subject", one, reason="by mistake", by=1)
    second = await kept(work, case)
    both = at_first | {("subject", third)}
    assert await held() == both

    assert await undone(second) == 1 and await held() == at_first, "the one who was put back is kept by the first too"
    third_time = await kept(work, case)
    assert await undone(first) == 0 and await held() == both, "the other step keeps them all"
    assert await undone(third_time) == 4 and await held() == set()


async def test_a_stamp_of_an_earlier_key_is_left_out_of_a_bundle_and_said(services: Services) -> None:
    await opened_case(services)
    await services.integrator.step()
    folder, old = services.settings.trail_folder, SigningKey.generate(services.keys.origin)
    head, _ = open_checkpoint((folder / "checkpoint").read_bytes(), services.keys.verifiers)
    keys = replace(services.keys, trail_former=(old.verifier,))
    for key, size in ((old, 1), (services.keys.trail, head.size)):
        at = folder / "stamps" / str(size)
        at.mkdir(parents=True)
        root = tree_root(size, TileNodes(Shelf(folder), head.size))
        (at / "checkpoint").write_bytes(sign_checkpoint(Checkpoint(head.origin, size, root), key))
    found, left_out = await _stamps(replace(services, keys=keys))
    assert (left_out, {name.split("/")[1] for name in found}) == (1, {str(head.size)})


async def test_a_bundle_is_extended_only_where_the_trail_grew_and_its_witnesses_cosigned_that(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened_case(services)
    await services.integrator.step()
    folder, key = services.settings.trail_folder, services.keys.trail
    proved = await prove_entries(services.db, folder, key.verifier, [0])
    write_bundle(tmp_path / "b", checkpoint=proved.checkpoint, entries=proved.entries, files={}, seal=key)
    with pytest.raises(EvidenceMissing, match="nothing joined the trail"):
        await extend_evidence(services, tmp_path / "b")
    await services.appender.append({"kind": "case_work", "at": to_us(END), "actor": 1})
    monkeypatch.setattr(evidence, "_COSIGNED_WITHIN_S", 0.0)
    Shelf(folder).put_cosigned(proved.checkpoint)  # witnesses have no more than the bundle's
    Standing(60.0, proved.size, time.time(), time.time(), ()).write(folder, time.time())
    with pytest.raises(EvidenceMissing, match="no checkpoint later than the bundle's is cosigned yet"):
        await extend_evidence(services, tmp_path / "b")
    newest = Shelf(folder).checkpoint()
    assert newest is not None
    Shelf(folder).put_cosigned(newest)
    file, later = await extend_evidence(services, tmp_path / "b")
    assert later.size == proved.size + 1 and verify_bundle(tmp_path / "b", later=file.read_bytes()).later == later.size


async def test_a_hold_that_was_lifted_by_hand_is_put_back_by_planning_it_again(services: Services) -> None:
    work, case = await opened_case(services)
    first, preserve = await kept(work, case), Preserve(services)
    (one,) = (await assign(services.db, "subject", ["customer:C-1"])).values()
    holds = Holds(services.db, services.appender, services.clock)
    for _ in range(2):
        await holds.lift("subject", one, reason="by mistake", by=1)
        assert await preserve.unheld(case) == 1
        planned = await work.steps.plan(case, "preserve", case, by="P-1", reason="keep it")
        assert planned.state == "planned"
        assert planned == await work.steps.plan(case, "preserve", case, by="P-1", reason="keep it"), "planned once"
        assert await kept(work, case) == planned.id != first and await preserve.unheld(case) == 0
        assert await kept(work, case) == planned.id, "nothing is missing"


async def test_a_server_reads_every_verdict_once_an_hour_and_not_with_each_round(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: Counter[str] = Counter()

    def counted(kind: type[Any]) -> None:
        remind = kind.remind

        async def counting(self: Any) -> int:
            rounds[kind.__name__] += 1
            return int(await remind(self))

        monkeypatch.setattr(kind, "remind", counting)

    for kind in (CaseClocks, Covert, Corrections):
        counted(kind)
    monkeypatch.setattr(background, "STANDING_EVERY_S", 0.01)
    running = asyncio.create_task(background.run_background(services))
    async with asyncio.timeout(60):
        while rounds["CaseClocks"] < 4 or len(rounds) < 3:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (rounds["Covert"], rounds["Corrections"]) == (1, 1)


async def test_a_member_of_staff_is_told_of_everybody_whom_he_was_shown_also_in_bulk(services: Services) -> None:
    (actor,) = (await assign(services.db, "actor", [SUSPECT])).values()
    people = list((await assign(services.db, "subject", [f"customer:C-{n}" for n in range(400)])).values())
    looked: dict[str, Any] = {"kind": "disclosure", "at": to_us(END), "actor": actor, "verified": "yes"}
    named = await Exposures(services.db).keep(people[:350])
    shown, masked = {"fields": ["customer.email=reveal"]}, {"fields": ["customer.email=mask"]}
    for more in ({**named, **shown}, {"subject": people[0], **shown}, {"subject": people[360], **shown}):
        await services.appender.append({**looked, **more})
    await services.appender.append({**looked, "subject": people[399], **masked})
    asked = Request("B-1", "badge seen", "Shop", "")
    told = await answer_employee(services.db, services.clock, SUSPECT, asked)
    assert (told.customers, told.entries) == (351, {"disclosure": 4})


async def test_whoever_has_left_is_no_target_of_a_measure_at_work(services: Services, database_url: str) -> None:
    work, case = await opened_case(services)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("delete from company.staff where id = %s", [SUSPECT])
    for kind in ("warn_actor", "suspend_actor", "propose_dismissal"):
        with pytest.raises(StepRefused) as refusal:
            await work.steps.plan(case, kind, SUSPECT, by="P-1", reason="see the case")  # type: ignore[arg-type]
        assert refusal.value.reason == "gone"
    for other in ("revoke_sessions", "hr_file"):
        assert (await work.steps.plan(case, other, SUSPECT, by="P-1", reason="x")).state == "planned"  # type: ignore[arg-type]


async def test_a_member_of_staff_is_told_what_else_stands_about_him_save_what_a_covert_inquiry_holds_back(
    services: Services, database_url: str
) -> None:
    work, case = await opened_case(services)
    (number,) = (await assign(services.db, "actor", [SUSPECT])).values()
    asked = await work.unmaskings.ask(case, number, by="P-1", reason="P. Miller reported him, of customer Ada")
    await work.unmaskings.approve(asked.id, by="S-1", days=1)
    holds, review = Holds(services.db, services.appender, services.clock), (END + timedelta(days=30)).date()
    await holds.add("actor", number, ground=f"{case} covert, as P. Miller asks", review_on=review, by=number)
    await holds.lift("actor", number, reason="another ground", by=number)
    await holds.add("actor", number, ground=case, review_on=review, by=number)
    told = {
        "sentence": "9 people looked up",
        "evidence": "34 : 1",
        "signals": [{"sentence": "9 people", "evidence": "34 : 1"}],
        "stories": [{"sentence": "a sample", "weakens": 12.5, "clears": "the list", "name": "sample", "log_e": 1.0}],
    }
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into watch_run values ('2026-03-30', now(), 1, 1, 1, 's', '{}')")
        flag = "insert into watch_flag values (%s, '2026-03-30', %s, 'review', %s, 'seal', 1, %s)"
        for name, about, of in (("f1", SELLER, number), ("f2", None, number), ("f3", "seller:S-8", number)):
            connection.execute(flag, [name, of, about, json.dumps(told)])
        connection.execute(flag, ["f4", number + 1, SELLER, json.dumps(told)])
        connection.execute(
            "insert into watch_prompt (actor, subject, looked_us, asked_at, due_at, entry, answer, answered_at) "
            "values (%s, 1, 0, now(), now(), 1, 'she called me', now())",
            [number],
        )
        connection.execute(
            "insert into standing_glass (ask, holder, classes, broken_at, until_at, review_by, entry) "
            "values ('a', %s, '{contact}', now(), now(), now(), 1)",
            [number],
        )
        connection.execute(
            "insert into standing_grant "
            "(ask, kind, holder, classes, minutes, approvals, requested_at, decide_by, entry) "
            "values ('a', 'field_access', %s, '{contact}', 5, 1, now(), now(), 1)",
            [number],
        )
    asks = Request("B-1", "badge seen", "Shop", "")
    whole = await answer_employee(services.db, services.clock, SUSPECT, asks)
    held = whole.held
    assert [(each.id, each.stories[0].weakens, each.cases) for each in held.flags] == [
        ("f1", 12.5, (case,)),
        ("f2", 12.5, ()),
        ("f3", 12.5, ()),
    ]
    (unmasked,) = held.unmaskings
    assert (unmasked.case, unmasked.asked_as, unmasked.approved_as) == (case, "privacy", ("security",))
    assert [each.case for each in held.holds] == ["", case]
    assert [each.answer for each in held.prompts] == ["she called me"]
    assert [(each.way, each.state) for each in held.exceptions] == [
        ("grant", "requested"),
        ("break_glass", "unreviewed"),
    ]
    assert whole.about_cases() == {case}
    for name in ("P-1", "S-1", "S-7", "Miller", "Ada", "covert"):
        assert name not in whole.as_json().decode() and name not in employee_text(whole)

    elsewhere = whole.without(frozenset({"CASE-9"})).held
    assert [each.case for each in elsewhere.holds] == [case], "one of no case may be of the one that is held back"
    covert = whole.without(frozenset({case}))
    assert (covert.held.flags, covert.held.unmaskings, covert.held.holds, covert.cases) == ((), (), (), ())
    assert covert.held.prompts == held.prompts and covert.held.exceptions == held.exceptions, "these he knows"
    assert case not in covert.as_json().decode()


def flagged(database_url: str, number: int, **flags: str | None) -> None:
    """Let watch hold flags about somebody: by their id, about which beneficiary."""
    told = {"sentence": "9 people looked up", "evidence": "34 : 1", "signals": [], "stories": []}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into watch_run values ('2026-03-30', now(), 1, 1, 1, 's', '{}')")
        for name, about in flags.items():
            connection.execute(
                "insert into watch_flag values (%s, '2026-03-30', %s, 'case', %s, 'seal', 1, %s)",
                [name, number, about, json.dumps(told)],
            )


async def covertly(work: CaseWork, case: str) -> int:
    """Hold a case back from staff."""
    day = (END + timedelta(days=30)).date()
    return (await work.covert.hold(case, [], from_staff=True, why="he must not hear of it", review_on=day, by="P-1")).id


async def test_a_covert_inquiry_that_names_nobody_yet_holds_back_every_flag_that_may_have_led_to_it(
    services: Services, database_url: str
) -> None:
    work = case_work(services)
    case = (await work.desk.open(SELLER, by="P-1", reason="a flag without a beneficiary")).id
    other = (await work.desk.open("seller:S-8", by="P-1", reason="customers wrote")).id
    (number,) = (await assign(services.db, "actor", [SUSPECT])).values()
    flagged(database_url, number, f1=None, f2="seller:S-8")

    async def told(held: str = "") -> list[str]:
        asks = Request("B-1", "badge seen", "Shop", "")
        answer = await to_staff(services, work, SUSPECT, asks, held=held, by="P-1")
        return [each.id for each in answer.held.flags]

    assert await told() == ["f1", "f2"] and await work.covert.owed() == []
    assert await told(held=case) == ["f2"], "counsel's word counts though the case does not name him"
    standing = await covertly(work, case)
    assert await told() == await told(held=case) == ["f2"]
    assert await told(held=other) == [] and await told(held=f"{case}, {other}") == []
    assert await told() == ["f2"]
    (owed,) = await work.covert.release(standing, why="he was heard", by="P-1")
    assert (owed.number, owed.cases) == (number, {case})
    assert await told() == ["f1", "f2"] and await work.covert.owed() == []


async def test_a_member_of_staff_is_told_of_second_decisions_without_the_other_person_or_the_customer(
    services: Services, database_url: str
) -> None:
    him, other = (await assign(services.db, "actor", [SUSPECT, "E-6"])).values()
    late, soon = END - timedelta(days=1), END + timedelta(days=6)
    rows = (  # deciders; what the first and the second decided; due and answered
        (1, him, other, True, True, soon, END),
        (2, him, other, True, False, soon, END),
        (3, him, other, True, False, late, END),
        (4, him, other, False, None, late, None),
        (5, him, other, False, None, soon, None),
        (6, other, him, True, False, soon, END),
        (7, other, him, True, None, soon, None),
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        for of, first, second, said, again, due, at in rows:
            connection.execute(
                "insert into watch_second (of_entry, kind, object, beneficiary, first_actor, first_favours, "
                "decided_us, second_actor, asked_at, due_at, entry, favours, because, answered_at) values "
                "(%s, 'refund', 'customer:C-12', %s, %s, %s, %s, %s, %s, %s, 1, %s, %s, %s)",
                [of, SELLER, first, said, to_us(END), second, END, due, again, at and f"because of {of}", at],
            )
    asks = Request("B-1", "badge seen", "Shop", "")
    whole = await answer_employee(services.db, services.clock, SUSPECT, asks)
    outcomes = [(each.kind, each.favoured, each.outcome) for each in whole.held.decisions]
    assert outcomes == [
        ("refund", True, "same"),
        ("refund", True, "other"),
        ("refund", True, "none"),
        ("refund", False, "none"),
        ("refund", False, "open"),
    ]
    assert [(each.favoured, each.because) for each in whole.held.seconds] == [(False, "because of 6"), (None, "")]
    told = whole.as_json().decode() + employee_text(whole)
    for name in ("E-6", "C-12", SELLER, "because of 1", "because of 2"):
        assert name not in told, name
    assert whole.without(frozenset({"CASE-9"})) == whole, "they are drawn by chance, and lead to no case"


@pytest.mark.parametrize("moment", ["while it is put together", "while it is recorded"])
async def test_what_becomes_covert_while_an_answer_is_made_is_not_told_by_it(
    services: Services, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    work, case = await opened_case(services)
    await Preserve(services).do(case, case, {})
    made, add = accessanswers.answer_employee, work.notes.add

    async def making(*given: Any, **more: Any) -> Any:
        answer = await made(*given, **more)
        if moment == "while it is put together":
            await covertly(work, case)
        return answer

    async def recording(about: str, action: str, **said: Any) -> int:
        entry = await add(about, action, **said)
        if action == "access.answer" and moment == "while it is recorded" and not await work.covert.list():
            await covertly(work, case)
        return entry

    monkeypatch.setattr(accessanswers, "answer_employee", making)
    monkeypatch.setattr(work.notes, "add", recording)
    asks = Request("B-1", "badge seen", "Shop", "")
    answer = await to_staff(services, work, SUSPECT, asks, held="", by="P-1")
    assert answer.cases == () and case not in answer.as_json().decode()
    (standing,) = await work.covert.list()
    (owed,) = await work.covert.release(standing.id, why="he was heard", by="P-1")
    assert (owed.reference, owed.asked, owed.cases) == ("B-1", True, {case}), "he is owed what it left out"


async def test_a_server_checks_alternatives_itself_marks_what_it_did_not_and_overwrites_nobody_s_word(
    services: Services, database_url: str, tmp_path: Path
) -> None:
    work, case = await opened_case(services)
    one, two = [each.id for each in await work.book.list(case=case)]
    lines = {each.number: each for each in await sighting_lines(work, case, everything)}
    assert len(lines[one].unchecked) == 3 and lines[one].explained == () and lines[one].word == "sound"

    await work.alternatives.note([Alternative(one, "own_order", SELLER, 0.2)], by="P-1")  # he asked the customer
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table company.orders (customer text, seller text)")
        connection.execute("insert into company.orders values ('C-1', 'S-7'), ('C-9', 'S-7'), ('C-2', 'S-8')")
        connection.execute("update company.customers set email = 'two@mail.example' where id = 'C-2'")
        connection.execute("update company.customers set email = null where id = 'C-1'")
    digest = sha1(b"two@mail.example").hexdigest().upper()
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / f"{digest[:5]}.txt").write_text(f"{digest[5:]}:3\n")

    orders_alone = AlternativeChecks(services, Sources("company:company.orders:customer:seller"))
    assert await orders_alone.round() == 2 and await orders_alone.round() == 0
    dump = DumpList(tmp_path / "dump", "dump of 2019")
    assert await AlternativeChecks(services, Sources("", dump)).round() == 2, "a source that was named later"
    found = {(each.sighting, each.kind): each.probability for each in await work.alternatives.list(case)}
    assert found == {(one, "own_order"): 0.2, (two, "dump"): 0.5}
    lines = {each.number: each for each in await sighting_lines(work, case, everything)}
    assert lines[two].unchecked == ()
    assert lines[one].unchecked == ("a list that was public before",), "of whom no address is known"
    assert lines[two].explained == ("a list that was public before (dump of 2019, 0.50)",)
    page = await WebReads(services).case(case, "P-1")
    assert page is not None and {each.number for each in page.sightings} == {one, two}
    entries = [each.payload async for each in entries_from(services.db)]
    checked = [each for each in entries if each.get("action") == "case.alternatives"]
    assert [each["rows"] for each in checked] == [2, 2, 2]

    # one source that cannot be asked keeps no other from being asked
    (number,) = (await assign(services.db, "subject", ["customer:C-3"])).values()
    await work.book.add(complaint(number), subject=number, beneficiary=SELLER)
    with pytest.raises(IntakeImpossible):
        await AlternativeChecks(services, Sources("company:no such table", dump)).round()
    (line,) = [each for each in await sighting_lines(work, case, everything) if each.number not in (one, two)]
    assert line.unchecked == ("the customer's own earlier order from the same seller",)


async def test_what_could_not_be_asked_is_not_checked_and_earlier_cases_are_asked_again(
    services: Services, database_url: str
) -> None:
    work, case = await opened_case(services)
    erased, told = await work.book.list(case=case)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table company.orders (customer text, seller text)")
        connection.execute("insert into company.orders values ('C-1', 'S-7')")
        connection.execute("delete from number_map where space = 'subject' and number = %s", [erased.subject])
    checks = AlternativeChecks(services, Sources("company:company.orders:customer:seller"))
    assert await checks.round() == 2
    lines = {each.number: each for each in await sighting_lines(work, case, everything)}
    assert lines[erased.id].unchecked[0] == "the customer's own earlier order from the same seller"
    assert "the customer's own earlier order from the same seller" not in lines[told.id].unchecked

    earlier = (await work.desk.open("seller:S-1", by="P-1", reason="older messages came in since")).id
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "update case_file set opened_at = %s where id = %s", [told.contacted_at + timedelta(hours=1), earlier]
        )
        connection.execute(
            "insert into outbox_mail (topic, recipient_key, message_id, message_sha256, recipient_salt, "
            "recipient_hash, queued_at, recipient, message) values (%s, %s, 'm', '', '', '', now(), 'x', 'x')",
            [earlier, str(told.subject)],
        )
    assert (await checks.round(), await checks.round()) == (1, 0)
    assert [(each.sighting, each.kind) for each in await work.alternatives.list(case)] == [(told.id, "earlier_case")]


async def test_an_earlier_case_that_one_may_not_see_stands_beside_a_sighting_without_its_number(
    services: Services,
) -> None:
    work, case = await opened_case(services)
    earlier = (await work.desk.open("seller:S-1", by="L-1", reason="messages of last year")).id
    await work.desk.name(earlier, "L-1", "legal", by="L-1")  # from here on it is nothing to P-1
    await work.desk.name(case, "L-1", "legal", by="P-1")
    seen = (await work.book.list(case=case))[0]
    await work.alternatives.note([Alternative(seen.id, "earlier_case", earlier, 0.7)], by="service:case")
    reads = WebReads(services)
    words = "an earlier leak that the customer was told about"
    for viewer, source in (("P-1", "an earlier case"), ("L-1", earlier)):
        page = await reads.case(case, viewer)
        assert page is not None
        (line,) = [each for each in page.sightings if each.number == seen.id]
        assert line.explained == (f"{words} ({source}, 0.70)",)
        assert (earlier in str(page)) == (viewer == "L-1")
