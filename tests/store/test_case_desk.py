"""The case as people work on it, over a real PostgreSQL: states, knowledge, people, conflicts, clocks, unmasking."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import nan
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar
from tests.store.test_case import SELLER, World, case_with_finding, clear_nothing, verdict

from whosaw.answer import Cases, Effects, RawMails, SightingBook, StepRefused, Steps, UnknownCase
from whosaw.answer.alternatives import Alternative, Alternatives
from whosaw.answer.approach import Approaches, ApproachUnfit, ApproachUnknown, Offer
from whosaw.answer.clocks import CaseClocks, write_calendar
from whosaw.answer.conflicts import Conflicts
from whosaw.answer.desk import Desk
from whosaw.answer.entities import Entities, Word
from whosaw.answer.notes import Notes
from whosaw.answer.oversight import Approval, every_unmasking
from whosaw.answer.reports import Reported, add_reported
from whosaw.answer.unmasking import Unmaskings
from whosaw.record import Appender, load_or_create
from whosaw.record.exposure import Exposures
from whosaw.store import Database
from whosaw.store.alerts import Attention, alerts, attention, mark_read, raise_alert
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock, to_us

AT = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)


@dataclass
class Office:
    """A desk whose entries are noted, and whose suspects have a manager."""

    db: Database
    clock: SimulatedClock
    entries: list[dict[str, Any]] = field(default_factory=list)

    async def record(self, payload: dict[str, Any]) -> Any:
        self.entries.append(payload)

        class Receipt:
            index = len(self.entries) - 1

        return Receipt

    async def managers(self, actors: Sequence[str]) -> Mapping[str, str]:
        return {actor: f"M-{actor}" for actor in actors}

    @property
    def notes(self) -> Notes:
        return Notes(self.db, self.clock, self.record)

    @property
    def desk(self) -> Desk:
        return Desk(self.db, self.clock, self.notes, Conflicts(self.db, self.managers))

    @property
    def clocks(self) -> CaseClocks:
        return CaseClocks(self.db, self.clock, self.notes)


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database, SimulatedClock(AT))


async def test_a_case_goes_its_ways_and_every_move_is_an_entry_first(office: Office) -> None:
    desk = office.desk
    case = (await desk.open(SELLER, by="ann", reason="three customers wrote")).id
    assert (await desk.open(SELLER, by="bob", reason="again")).id == case
    with pytest.raises(StepRefused) as refusal:
        await desk.move(case, "notified", by="ann", reason="x")
    assert refusal.value.reason == "no_way"
    for state in ("investigating", "contained", "notified", "closed", "investigating"):
        assert (await desk.move(case, state, by="ann", reason=f"to {state}")).state == state
    assert (await desk.move(case, "investigating", by="ann", reason="same")).state == "investigating"
    moves = await desk.moves(case)
    assert [move.after for move in moves] == ["investigating", "contained", "notified", "closed", "investigating"]
    changes = [each["change"] for each in office.entries if each["action"] == "case.move"]
    assert changes == ["investigating", "contained", "notified", "closed", "reopened"]
    assert all(office.entries[move.entry]["action"] == "case.move" for move in moves)
    assert not [each for each in office.entries if "to contained" in str(each)]  # free text stays out of the trail


async def test_a_closed_case_is_not_reopened_beside_another_open_one(office: Office) -> None:
    desk = office.desk
    first = (await desk.open(SELLER, by="ann", reason="x")).id
    await desk.move(first, "closed", by="ann", reason="nothing in it")
    second = (await desk.open(SELLER, by="ann", reason="new mails")).id
    assert second != first
    with pytest.raises(StepRefused) as refusal:
        await desk.move(first, "investigating", by="ann", reason="x")
    assert refusal.value.reason == "another_open"


async def test_awareness_is_a_minute_that_somebody_decided_and_the_earlier_decisions_stay(office: Office) -> None:
    desk = office.desk
    case = (await desk.open(SELLER, by="ann", reason="x")).id
    assert await desk.aware_since(case) is None
    await desk.decide_awareness(case, since=None, why="one mail, may be a guess", by="ann")
    assert await desk.aware_since(case) is None
    since = AT - timedelta(hours=3, seconds=12)
    await desk.decide_awareness(case, since=since, why="three signed mails agree", by="bob")
    assert await desk.aware_since(case) == since.replace(second=0)
    await desk.learn(case, person="M-1", what="told by telephone", known_at=AT - timedelta(hours=1), by="ann")
    with pytest.raises(StepRefused, match="not come"):
        await desk.learn(case, person="M-1", what="x", known_at=AT + timedelta(hours=1), by="ann")
    assert [each.kind for each in await desk.who_knew(case)] == ["learned", "not_aware", "aware", "learned"]
    hashes = [each["text_sha256"] for each in office.entries if each["action"] in {"case.aware", "case.learned"}]
    assert len(hashes) == 3 and all(len(each) == 64 for each in hashes)


async def test_a_suspect_his_manager_and_whoever_was_shown_the_data_cannot_work_on_it(
    office: Office, database: Database, tmp_path: Path
) -> None:
    case = await case_with_finding(database, Cases(database, office.clock))
    numbers = await assign(database, "actor", ["E-0700", "E-0701", "E-0702"])
    async with Appender(database, load_or_create(tmp_path / "keys", office.clock), office.clock) as appender:
        for actor, subject in (("E-0700", 1), ("E-0701", 2)):
            at = to_us(AT - timedelta(days=3))
            await appender.append({"kind": "disclosure", "at": at, "actor": numbers[actor], "subject": subject})
    for person in ("E-0417", "M-E-0417", "E-0700"):
        with pytest.raises(StepRefused) as refusal:
            await office.desk.name(case, person, "security", by="ann")
        assert refusal.value.reason == "conflict"
        assert person not in str(refusal.value)
        with pytest.raises(StepRefused):
            await office.desk.move(case, "investigating", by=person, reason="x")
    for person in ("E-0701", "E-0702", "ann"):
        await office.desk.check(case, person)


async def test_whoever_was_shown_a_complainer_in_a_set_before_the_case_was_opened_cannot_work_on_it(
    office: Office, database: Database, tmp_path: Path
) -> None:
    case = await case_with_finding(database, Cases(database, office.clock))
    numbers = await assign(database, "actor", ["E-0700", "E-0701", "E-0702"])
    sets = Exposures(database)
    with_one, without = await sets.keep(list(range(1, 300))), await sets.keep(list(range(2, 300)))
    async with Appender(database, load_or_create(tmp_path / "keys", office.clock), office.clock) as appender:
        for actor, days, named in (("E-0700", -3, with_one), ("E-0701", -3, without), ("E-0702", 1, with_one)):
            at = to_us(AT + timedelta(days=days))
            await appender.append({"kind": "disclosure", "at": at, "actor": numbers[actor], **named})
    with pytest.raises(StepRefused) as refusal:
        await office.desk.check(case, "E-0700")
    assert refusal.value.reason == "conflict"
    for person in ("E-0701", "E-0702", "ann"):
        await office.desk.check(case, person)


async def test_of_whoever_is_not_named_nothing_more_is_asked(office: Office, database: Database) -> None:
    asked = []

    class Asking(Conflicts):
        async def check(self, case: str, person: str) -> None:
            asked.append(person)
            await super().check(case, person)

    case = await case_with_finding(database, Cases(database, office.clock))
    desk = Desk(database, office.clock, office.notes, Asking(database, office.managers))
    await desk.name(case, "ann", "privacy", by="ann")
    asked.clear()
    for person in ("bob", "E-0417"):
        with pytest.raises(StepRefused) as refusal:
            await desk.check(case, person)
        assert refusal.value.reason == "not_named"
    await desk.check(case, "ann")
    assert asked == ["ann"]


async def test_once_people_are_named_nobody_else_works_on_the_case(office: Office) -> None:
    desk = office.desk
    case = (await desk.open(SELLER, by="ann", reason="x")).id
    await desk.name(case, "ann", "privacy", by="ann")
    with pytest.raises(StepRefused) as refusal:
        await desk.move(case, "investigating", by="bob", reason="x")
    assert refusal.value.reason == "not_named"
    await desk.name(case, "bob", "security", by="ann")
    await desk.move(case, "investigating", by="bob", reason="x")
    assert await desk.dismiss(case, "bob", by="ann", why="left the team")
    assert not await desk.dismiss(case, "bob", by="ann", why="again")
    assert await desk.functions(case) == {"ann": "privacy"}
    assert [(each.person, each.ended_why) for each in await desk.people(case)] == [
        ("ann", None),
        ("bob", "left the team"),
    ]


async def test_hurting_somebody_takes_two_functions_and_the_questions_asked(office: Office, database: Database) -> None:
    world = World()
    cases = Cases(database, office.clock)
    case = await case_with_finding(database, cases)
    effects = Effects(world, world, world.notify)
    steps = Steps(database, office.clock, record=world.record, effects=effects, desk=office.desk)
    for person, function in (("ann", "privacy"), ("amy", "privacy"), ("bob", "security")):
        await office.desk.name(case, person, function, by="ann")
    step = await steps.plan(case, "suspend_actor", "E-0417", by="ann", reason="x")
    await steps.approve(step.id, "ann")
    await steps.approve(step.id, "amy")
    with pytest.raises(StepRefused) as refusal:
        await steps.carry_out(step.id, by="ann")
    assert refusal.value.reason == "same_function"
    await steps.approve(step.id, "bob")
    with pytest.raises(StepRefused) as refusal:
        await steps.carry_out(step.id, by="ann")
    assert refusal.value.reason == "not_asked"
    assert not world.suspended
    await clear_nothing_as(office, case)
    assert (await steps.carry_out(step.id, by="ann")).state == "done"
    assert world.suspended == {"E-0417"}


async def clear_nothing_as(office: Office, case: str, finding: str = "unknown") -> None:
    from whosaw.answer.exculpatory import ITEMS, Exculpatory

    asked = Exculpatory(office.db, office.clock, office.notes, office.desk)
    for item in ITEMS:
        await asked.answer(case, "E-0417", item, finding, text="looked it up", by="ann")


async def test_whoever_is_cleared_is_not_hurt(office: Office, database: Database) -> None:
    world = World()
    case = await case_with_finding(database, Cases(database, office.clock))
    await clear_nothing_as(office, case, "does_not_clear")
    from whosaw.answer.exculpatory import Exculpatory

    asked = Exculpatory(database, office.clock, office.notes, office.desk)
    office.clock.advance_to(AT + timedelta(minutes=1))
    await asked.answer(case, "E-0417", "presence", "clears", text="in hospital that week", by="ann")
    steps = Steps(database, office.clock, record=world.record, effects=Effects(world, world, world.notify))
    step = await steps.plan(case, "suspend_actor", "E-0417", by="ann", reason="x")
    await steps.approve(step.id, "ann")
    await steps.approve(step.id, "bob")
    with pytest.raises(StepRefused) as refusal:
        await steps.carry_out(step.id, by="ann")
    assert refusal.value.reason == "cleared"
    assert not world.suspended


async def test_a_warning_and_a_dismissal_need_a_hearing(office: Office, database: Database) -> None:
    world = World()
    case = await case_with_finding(database, Cases(database, office.clock))
    await clear_nothing(database, world, case)
    steps = Steps(database, office.clock, record=world.record, effects=Effects(world, world, world.notify))
    step = await steps.plan(case, "propose_dismissal", "E-0417", by="ann", reason="x")
    for person in ("ann", "bob"):
        await steps.approve(step.id, person)
    with pytest.raises(StepRefused) as refusal:
        await steps.carry_out(step.id, by="ann")
    assert refusal.value.reason == "not_heard"
    await office.desk.hear(case, "E-0417", heard_at=AT, said="it was not me", by="ann")
    assert (await steps.carry_out(step.id, by="ann")).state == "done"
    assert (await steps.undo(step.id, by=["ann"], reason="the finding fell")).state == "undone"


async def test_clocks_start_by_the_law_of_their_day_remind_and_are_met(office: Office, database: Database) -> None:
    case = (await office.desk.open(SELLER, by="ann", reason="x")).id
    for _ in range(2):
        found = await office.clocks.start(case, "awareness", at=AT, zone="Europe/Berlin", by="ann")
    ids = {each.rule for each in found}
    assert {"eu.gdpr.art33", "uk.gdpr.art33"} <= ids and len(found) == len(ids)
    art33 = next(each for each in found if each.rule == "eu.gdpr.art33")
    assert art33.due_at == AT + timedelta(hours=72)
    assert await office.clocks.remind() == 0
    for hours, code in ((40, "case.clock_half"), (50, "case.clock_last_day"), (73, "case.clock_overdue")):
        office.clock.advance_to(AT + timedelta(hours=hours))
        for _ in range(2):
            await office.clocks.remind()
        raised = [each for each in await alerts(database) if each.about.get("rule") == "eu.gdpr.art33"]
        assert raised[0].code == code
    assert len(raised) == 3
    with pytest.raises(StepRefused) as refusal:
        await office.clocks.meet(case, "eu.gdpr.art33", by="ann", note="")
    assert refusal.value.reason == "late"
    met = await office.clocks.meet(case, "eu.gdpr.art33", by="ann", note="the scope was known only on Sunday")
    assert met.standing(office.clock.now()) == "late"
    with pytest.raises(StepRefused):
        await office.clocks.meet(case, "eu.gdpr.art33", by="ann", note="again")


async def test_the_calendar_is_one_that_others_read(office: Office) -> None:
    case = (await office.desk.open(SELLER, by="ann", reason="x")).id
    await office.clocks.start(case, "awareness", at=AT, zone="Europe/Berlin", by="ann")
    await office.clocks.start(case, f"seller_reasons {SELLER}", at=AT, zone="Europe/Berlin", by="ann")
    found = await office.clocks.list(case)
    read = Calendar.from_ical(write_calendar(found, made_at=AT))
    todos = {str(each["uid"]): each for each in read.walk("VTODO")}
    assert len(todos) == len(found)
    assert sorted(each["due"].dt for each in todos.values()) == sorted(each.due_at for each in found)
    assert len(read.walk("VALARM")) == len(found)
    assert not any(SELLER in str(each) for each in todos.values())


async def test_unmasking_takes_two_functions_a_reason_and_ends(office: Office, database: Database) -> None:
    desk = office.desk
    case = (await desk.open(SELLER, by="ann", reason="x")).id
    for person, function in (("ann", "privacy"), ("amy", "privacy"), ("bob", "security")):
        await desk.name(case, person, function, by="ann")
    (number,) = (await assign(database, "actor", ["E-0417"])).values()
    unmaskings = Unmaskings(database, office.clock, office.notes, desk)
    with pytest.raises(StepRefused, match="sentence"):
        await unmaskings.ask(case, number, by="ann", reason="why not")
    asked = await unmaskings.ask(case, number, by="ann", reason="his access must be cut today")
    assert await unmaskings.names(case, [number]) == {number: f"actor #{number}"}
    for person, reason in (("ann", "same_person"), ("amy", "same_function"), ("eve", "not_named")):
        with pytest.raises(StepRefused) as refusal:
            await unmaskings.approve(asked.id, by=person)
        assert refusal.value.reason == reason
    await unmaskings.approve(asked.id, by="bob", days=2)
    assert await unmaskings.names(case, [number]) == {number: "E-0417"}
    office.clock.advance_to(AT + timedelta(days=2, seconds=1))
    assert await unmaskings.names(case, [number]) == {number: f"actor #{number}"}
    changes = [each["change"] for each in office.entries if each["action"] == "case.unmask"]
    assert changes == ["requested", "approved"]


class SlowOffice(Office):
    """One whose trail takes a while: what another process does meanwhile falls between a check and what it allows."""

    async def record(self, payload: dict[str, Any]) -> Any:
        await asyncio.sleep(0.5)
        return await super().record(payload)


async def test_two_processes_approve_one_after_the_other(database_url: str) -> None:
    async with Database(database_url) as one, Database(database_url) as two:
        offices = SlowOffice(one, SimulatedClock(AT)), SlowOffice(two, SimulatedClock(AT))
        first, second = (Unmaskings(each.db, each.clock, each.notes, each.desk) for each in offices)
        desk = offices[0].desk
        case = (await desk.open(SELLER, by="ann", reason="x")).id
        for person, function in (("ann", "privacy"), ("bob", "security"), ("leo", "legal")):
            await desk.name(case, person, function, by="ann")
        (number,) = (await assign(one, "actor", ["E-0417"])).values()

        def approvals() -> list[int]:
            said = [each for office in offices for each in office.entries if each["action"] == "case.unmask"]
            return [int(each["target"]) for each in said if each["change"] == "approved"]

        by_ann = await first.ask(case, number, by="ann", reason="his access must be cut today")
        by_bob = await first.ask(case, number, by="bob", reason="his access must be cut today")
        done = await asyncio.gather(
            first.approve(by_ann.id, by="bob"), second.approve(by_bob.id, by="ann"), return_exceptions=True
        )
        (refused,) = [each for each in done if isinstance(each, BaseException)]
        assert isinstance(refused, StepRefused) and refused.reason == "circular"
        assert len(approvals()) == 1

        # whose approval was refused may be approved once more by the other
        asker, other = ("bob", "ann") if refused is done[0] else ("ann", "bob")
        once = await first.ask(case, number, by=asker, reason="his access must be cut today")
        both = await asyncio.gather(first.approve(once.id, by=other), second.approve(once.id, by="leo"))
        assert both[0] == both[1] and both[0].approved_by in (other, "leo")
        assert len(approvals()) == 2, "who came second approved nothing"


async def test_all_unmaskings_of_all_cases_are_read_with_functions_as_they_were_and_name_nobody(
    office: Office, database: Database
) -> None:
    desk = office.desk
    cases = [(await desk.open(about, by="ann", reason="x")).id for about in (SELLER, "seller:S-2")]
    for case in cases:
        for person, function in (("ann", "privacy"), ("bob", "security")):
            await desk.name(case, person, function, by="ann")
    (number,) = (await assign(database, "actor", ["E-0417"])).values()
    unmaskings = Unmaskings(database, office.clock, office.notes, desk)
    for case in cases:
        await unmaskings.ask(case, number, by="ann", reason="his access must be cut today")
    await unmaskings.approve(1, by="bob", days=2)
    office.clock.advance_to(AT + timedelta(hours=1))
    # what somebody becomes or ceases to be later changes nothing about what he was
    await desk.name(cases[0], "bob", "legal", by="ann")
    await desk.dismiss(cases[0], "ann", by="bob", why="on leave")
    newest, oldest = await every_unmasking(database, office.clock)
    assert [newest.case, oldest.case] == cases[::-1]
    assert (newest.state, newest.asked_as, newest.approvals) == ("asked", "privacy", ())
    assert (oldest.state, oldest.asked_by, oldest.asked_as) == ("open", "ann", "privacy")
    assert oldest.approvals == (Approval("bob", "security"),)
    assert "E-0417" not in str([newest, oldest])
    office.clock.advance_to(AT + timedelta(days=2, seconds=1))
    assert [each.state for each in await every_unmasking(database, office.clock)] == ["asked", "over"]


async def test_a_link_stands_on_two_sources_of_different_kinds(office: Office) -> None:
    case = (await office.desk.open(SELLER, by="ann", reason="x")).id
    entities = Entities(office.db, office.clock, office.notes, office.desk)
    mail = Word("signature", "sighting 1", 0.9)
    domain = await entities.add(case, "domain", "lotus.example", word=mail, by="ann")
    assert (await entities.add(case, "domain", "lotus.example", word=mail, by="ann")).id == domain.id
    seller = await entities.add(case, "seller", SELLER, word=Word("register", "INFORM 7", 0.99), by="ann")
    broker = await entities.add(case, "broker", "@lotus_help", word=Word("report", "report 3", 0.6), by="ann")
    link = await entities.link(case, domain.id, seller.id, word=mail, by="ann")
    again = await entities.link(case, seller.id, domain.id, word=Word("signature", "sighting 2", 0.9), by="ann")
    assert not link.stands and not again.stands  # two mails are one kind of source
    assert (await entities.link(case, domain.id, seller.id, word=Word("payout", "IBAN 4", 0.8), by="ann")).stands
    await entities.link(case, broker.id, seller.id, word=Word("report", "report 3", 0.6), by="ann")
    (ring,) = await entities.rings(case)
    assert [each.value for each in ring] == ["lotus.example", SELLER]
    with pytest.raises(StepRefused):
        await entities.add(case, "colour", "red", word=mail, by="ann")
    with pytest.raises(UnknownCase):
        await entities.link(case, domain.id, 99_999, word=mail, by="ann")
    for bad in (Word("report", " ", 0.5), Word("report", "x", 0.0), Word("report", "x", 1.5), Word("report", "x", nan)):
        with pytest.raises(StepRefused):
            await entities.add(case, "domain", "rose.example", word=bad, by="ann")
        with pytest.raises(StepRefused):
            await entities.link(case, domain.id, broker.id, word=bad, by="ann")
    assert len(await entities.list(case)) == 3 and len(await entities.links(case)) == 2


async def test_who_reports_an_approach_stands_nowhere(office: Office, database: Database, tmp_path: Path) -> None:
    approaches = Approaches(database, office.clock, office.notes, RawMails(tmp_path / "raw"))
    offer = Offer("80 dollars for an e-mail address", "telegram", "@lotus_help", "USDT")
    code = await approaches.report(offer, screenshot=b"\x89PNG picture")
    (kept,) = await approaches.list()
    assert kept.offer == offer.offer and kept.screenshot_sha256
    assert kept.at == AT.replace(minute=0)
    await approaches.answer(kept.id, "thank you, nobody will know")
    (answer,) = await approaches.come_back(code)
    assert answer.from_desk
    assert len(await approaches.come_back(code, text="he wrote again")) == 2
    assert (await approaches.take(kept.id, None)).state == "taken"
    for wrong in ("0000-0000-0000-0000-0000", ""):
        with pytest.raises(ApproachUnknown):
            await approaches.come_back(wrong)
    with pytest.raises(ApproachUnfit):
        await approaches.report(Offer("  "))
    actors = {each["actor"] for each in office.entries if each["action"] == "case.approach"}
    assert actors == set((await assign(database, "actor", ["service:approach-desk"])).values())
    async with database.connection() as connection:
        rows = await connection.execute(
            "select column_name from information_schema.columns where table_name in ('approach', 'approach_message')"
        )
        columns = {row[0] for row in await rows.fetchall()}
    assert not columns & {"actor", "person", "by", "reporter", "number"}
    async with database.connection() as connection:
        rows = await connection.execute("select code_sha256 from approach")
        assert code not in str(await rows.fetchall())


async def test_alternatives_stand_beside_each_sighting(office: Office, database: Database) -> None:
    case = await case_with_finding(database, Cases(database, office.clock))
    (seen,) = await SightingBook(database).list(case=case)
    alternatives = Alternatives(database, office.clock)

    async def bought(subjects: Sequence[int], beneficiary: str) -> dict[int, datetime | None]:
        assert beneficiary == SELLER
        return dict.fromkeys(subjects)

    await alternatives.note(await alternatives.from_orders([seen], bought), by="ann")
    await alternatives.note([Alternative(seen.id, "dump", "dump of 2019", 0.4)], by="ann")
    await alternatives.note([Alternative(seen.id, "dump", "dump of 2019", 0.5)], by="ann")
    found = await alternatives.list(case)
    assert [(each.kind, each.probability) for each in found] == [("dump", 0.5), ("own_order", 0.9)]
    assert await alternatives.from_earlier_cases(case) == []


async def test_a_row_is_a_weaker_sighting_and_supports_no_measure(
    office: Office, database: Database, tmp_path: Path
) -> None:
    raws = RawMails(tmp_path / "raw")
    row = Reported("customer:C-1", AT + timedelta(days=3), channel="phone", sender="+49 30 1")
    first, new = await add_reported(database, raws, row, subject=1, beneficiary=SELLER, at=AT)
    again, second = await add_reported(database, raws, row, subject=1, beneficiary=SELLER, at=AT)
    assert (new, second, again.id) == (True, False, first.id)
    assert first.contacted_at == AT and set(first.marks) == {"row", "date.future"}
    assert not first.supports_measures
    assert b"customer:C-1" in raws.read(first.raw_sha256)
    cases = Cases(database, office.clock)
    case = await cases.open(SELLER, by="ann")
    await cases.add_verdict(case.id, verdict(), complaints=1)
    steps = Steps(database, office.clock, record=office.record, effects=Effects(World(), World(), World().notify))
    with pytest.raises(StepRefused) as refusal:
        await steps.plan(case.id, "suspend_seller", SELLER, by="ann", reason="x", params={"statement": {}})
    assert refusal.value.reason == "unsigned"


async def test_a_signed_mail_from_a_look_alike_supports_no_measure(office: Office, database: Database) -> None:
    from tests.store.test_case import complaint

    book = SightingBook(database)
    await book.add(complaint(1), subject=1, beneficiary=SELLER, marks=["lookalike"])
    cases = Cases(database, office.clock)
    case = await cases.open(SELLER, by="ann")
    await cases.add_verdict(case.id, verdict(), complaints=1)
    steps = Steps(database, office.clock, record=office.record, effects=Effects(World(), World(), World().notify))
    with pytest.raises(StepRefused) as refusal:
        await steps.plan(case.id, "suspend_seller", SELLER, by="ann", reason="x", params={"statement": {}})
    assert refusal.value.reason == "unsigned"
    await book.add(complaint(2), subject=2, beneficiary=SELLER)
    await steps.plan(case.id, "suspend_seller", SELLER, by="ann", reason="x", params={"statement": {}})


async def test_a_seller_is_terminated_after_thirty_days_or_with_a_recorded_exception(
    office: Office, database: Database
) -> None:
    world = World()

    class Terminate:
        async def do(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"terminated": True}

        async def undo(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"terminated": False}

    case = await case_with_finding(database, Cases(database, office.clock))
    effects = Effects(world, world, world.notify, {"terminate_seller": Terminate()})
    steps = Steps(database, office.clock, record=world.record, effects=effects)
    await office.desk.hear(case, SELLER, heard_at=AT, said="it was our agency", by="ann")

    async def done(kind: Any, **params: Any) -> Any:
        step = await steps.plan(case, kind, SELLER, by="ann", reason="x", params=params)
        for person in ("ann", "bob"):
            await steps.approve(step.id, person)
        return await steps.carry_out(step.id, by="ann")

    with pytest.raises(StepRefused, match="not suspended"):
        await done("terminate_seller")
    await done("suspend_seller", statement={"puid": "p"})
    office.clock.advance_to(AT + timedelta(days=29, hours=23))
    with pytest.raises(StepRefused, match="may not be terminated before 2026-05-02"):
        await done("terminate_seller")
    office.clock.advance_to(AT + timedelta(days=30))
    assert (await done("terminate_seller")).state == "done"


async def test_an_alert_that_nobody_read_is_a_fact_with_an_age(database: Database) -> None:
    assert await attention(database) == Attention(0, None, 0.0)
    first = await raise_alert(database, "canary", "critical", "canary.hit", {"n": 1}, at=AT)
    await raise_alert(database, "canary", "critical", "canary.hit", {"n": 2}, at=AT + timedelta(hours=1))
    assert await attention(database) == Attention(2, AT, 0.0)
    await mark_read(database, [first], "ann", AT + timedelta(days=3))
    await mark_read(database, [first], "bob", AT + timedelta(days=9))  # the first reader counts
    assert await attention(database) == Attention(1, AT + timedelta(hours=1), 3 * 86_400.0)
