"""Terms that the police hold, what a covert inquiry holds back, the end of a case, and what an erasure finds in it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.test_case import RAW, SELLER, World, complaint, verdict
from tests.store.test_case_desk import AT, Office

from whosaw.answer import Cases, Effects, RawMails, SightingBook, StepRefused, Steps, UnknownCase
from whosaw.answer.approach import Approaches, Offer
from whosaw.answer.casequeries import police_holds
from whosaw.answer.covert import Covert, HeldBack
from whosaw.answer.entities import Entities, Word
from whosaw.answer.exhibits import Exhibits
from whosaw.answer.retention import KEPT_BY, Retention
from whosaw.answer.risk import Risks
from whosaw.app.alertaging import escalate_unread
from whosaw.app.erasequeries import mentions_of_actor, mentions_of_subject
from whosaw.record import Appender, load_or_create
from whosaw.record.erasure import Mandate, erase_actor, erase_subject
from whosaw.record.hold import Holds
from whosaw.store import Database
from whosaw.store.alerts import alerts, mark_read, raise_alert
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock

CALIFORNIA = "us.ca.1798_82"


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database, SimulatedClock(AT))


def covertly_at(office: Office, database: Database) -> Covert:
    return Covert(database, office.clock, office.notes, office.desk)


def refused(found: pytest.ExceptionInfo[StepRefused]) -> str:
    return found.value.reason


async def test_a_term_stands_still_while_the_police_ask_for_it_and_letters_wait_as_long(
    office: Office, database: Database
) -> None:
    case = (await office.desk.open(SELLER, by="ann", reason="x")).id
    await Cases(database, office.clock).add_verdict(case, verdict(), complaints=1)
    await office.clocks.start(case, "discovery", at=AT, zone="America/Los_Angeles", by="ann")
    await office.clocks.start(case, "awareness", at=AT, zone="Europe/Berlin", by="ann")
    due_at = next(each.due_at for each in await office.clocks.list(case) if each.rule == CALIFORNIA)
    # the authority is told within 72 hours, whatever the police ask
    for rule, reason in (("eu.gdpr.art33", "no_delay"), ("eu.p2b.art4", "no_clock")):
        with pytest.raises(StepRefused) as found:
            await office.clocks.hold(case, rule, authority="LKA 5 Js 1/26", why="a search is planned", by="ann")
        assert refused(found) == reason
    with pytest.raises(StepRefused) as found:
        await office.clocks.hold(case, CALIFORNIA, authority="", why="", by="ann")
    assert refused(found) == "no_reason"

    office.clock.advance_to(AT + timedelta(days=10))
    for _ in range(2):
        await office.clocks.hold(case, CALIFORNIA, authority="SJPD 26-771", why="a search is planned", by="ann")
    steps = Steps(database, office.clock, record=office.record, effects=Effects(World(), World(), World().notify))
    letters = await steps.plan(case, "notify_subjects", case, by="ann", reason="x")
    await steps.approve(letters.id, "bob")
    with pytest.raises(StepRefused, match="police asked") as found:
        await steps.carry_out(letters.id, by="ann")
    assert refused(found) == "held" and await police_holds(database, case) == (1, 1)

    # sixty days on nothing is overdue, and nobody is reminded of what stands still
    office.clock.advance_to(AT + timedelta(days=70))
    held = next(each for each in await office.clocks.list(case) if each.rule == CALIFORNIA)
    assert held.standing(office.clock.now()) == "held"
    await office.clocks.remind()
    assert not [each for each in await alerts(database) if each.about.get("rule") == CALIFORNIA]

    lifted = await office.clocks.lift(case, CALIFORNIA, note="the search is over", by="ann")
    assert lifted.due_at == due_at + timedelta(days=60) and lifted.standing(office.clock.now()) == "running"
    assert await police_holds(database, case) == (0, 1)
    with pytest.raises(StepRefused):
        await office.clocks.lift(case, CALIFORNIA, note="again", by="ann")
    assert [entry["change"] for entry in office.entries if entry.get("rule") == CALIFORNIA] == [
        *("started", "held", "held", "lifted"),
    ]
    assert (await steps.carry_out(letters.id, by="ann")).state == "done"
    # a request that comes when the term is over brings nothing back
    office.clock.advance_to(lifted.due_at + timedelta(days=1))
    with pytest.raises(StepRefused) as found:
        await office.clocks.hold(case, CALIFORNIA, authority="SJPD 26-771", why="once more, please", by="ann")
    assert refused(found) == "no_delay"


async def test_whoever_was_answered_while_an_inquiry_was_covert_is_owed_the_rest(
    office: Office, database: Database
) -> None:
    case = (await office.desk.open(SELLER, by="ann", reason="x")).id
    await office.desk.name(case, "ann", "privacy", by="ann")
    covert = covertly_at(office, database)
    review = date(2026, 10, 1)
    for entries, staff, why, day, reason in (
        ([3], False, "short", review, "no_reason"),
        ([3], False, "the suspect must not hear of it", date(2028, 1, 1), "no_reason"),
        ([3], False, "the suspect must not hear of it", AT.date(), "no_reason"),
        ([], False, "the suspect must not hear of it", review, "nothing"),
    ):
        with pytest.raises(StepRefused) as found:
            await covert.hold(case, entries, from_staff=staff, why=why, review_on=day, by="ann")
        assert refused(found) == reason
    with pytest.raises(StepRefused) as found:
        await covert.hold(case, [3], from_staff=True, why="the suspect must not hear", review_on=review, by="eve")
    assert refused(found) == "not_named"
    hold = await covert.hold(case, [7, 3, 7], from_staff=True, why="he must not hear of it", review_on=review, by="ann")
    assert await covert.held() == HeldBack(frozenset({3, 7}), frozenset({case}))

    await covert.note_answer("A-1", ("subject", 5), HeldBack(frozenset({3})), 1)
    await covert.note_answer("A-2", ("subject", 6), HeldBack(), 2)
    await covert.note_answer("B-1", ("actor", 9), HeldBack(cases=frozenset({case})), 3)
    assert await covert.owed() == []
    office.clock.advance_to(AT + timedelta(days=200))
    assert await covert.remind() == 1  # its day has come
    with pytest.raises(UnknownCase):
        await covert.release(99, why="over now", by="ann")
    for _ in range(2):
        owed = await covert.release(hold.id, why="he was heard", by="ann")
        assert [(each.reference, each.space, each.number) for each in owed] == [
            ("A-1", "subject", 5),
            ("B-1", "actor", 9),
        ]
    assert await covert.held() == HeldBack()
    for _ in range(2):
        assert await covert.remind() == 2
    raised = [each.code for each in await alerts(database) if each.code.startswith("access.")]
    assert sorted(raised) == ["access.answer_owed", "access.answer_owed", "access.hold_review"]
    await covert.note_answer("A-1b", ("subject", 5), HeldBack(), 4)
    assert [each.reference for each in await covert.owed()] == ["B-1"]
    changes = [entry["change"] for entry in office.entries if entry["action"] == "case.covert"]
    assert changes == ["held", "released"]


async def test_staff_who_were_looked_into_covertly_are_told_though_they_did_not_ask(
    office: Office, database: Database
) -> None:
    case = (await office.desk.open(SELLER, by="ann", reason="x")).id
    numbers = await assign(database, "actor", ["E-0417", "E-0003"])
    await Cases(database, office.clock).add_verdict(case, verdict("lead"), complaints=1)
    covert = covertly_at(office, database)
    hold = await covert.hold(
        case, [], from_staff=True, why="he must not hear of it", review_on=date(2026, 10, 1), by="ann"
    )
    # the lead fell meanwhile: whom a case once suspected was looked into all the same
    await Cases(database, office.clock).add_verdict(case, verdict("no_signal", said="outside"), complaints=2)
    assert await covert.owed() == []
    # another inquiry ends while this one is covert still
    why, day = "one more is looked into", date(2026, 10, 1)
    more = await covert.hold(case, [], from_staff=True, why=why, review_on=day, by="ann")
    assert await covert.release(hold.id, why="he was heard", by="ann") == []
    await covert.note_answer("B-0", ("actor", numbers["E-0417"]), HeldBack(), 4)
    office.clock.advance_to(AT + timedelta(days=2))
    (owed,) = await covert.release(more.id, why="they were heard", by="ann")
    assert (owed.reference, owed.number, owed.asked) == (case, numbers["E-0417"], False)
    for _ in range(2):
        assert await covert.remind() == 1
    assert [each.code for each in await alerts(database) if each.code.startswith("access.")] == ["access.answer_owed"]
    office.clock.advance_to(AT + timedelta(days=3))
    await covert.note_answer("B-1", ("actor", numbers["E-0417"]), HeldBack(), 5)
    assert await covert.owed() == []


async def _whole_case(office: Office, database: Database, raws: RawMails, tmp_path: Path) -> str:
    """Return a closed case that has a row in every table a case has."""
    await SightingBook(database).add(complaint(1, sha256=raws.keep(RAW)), subject=1, beneficiary=SELLER)
    case = (await office.desk.open(SELLER, by="ann", reason="x")).id
    await Cases(database, office.clock).add_verdict(case, verdict(), complaints=1)
    await office.desk.name(case, "ann", "privacy", by="ann")
    await office.clocks.start(case, "discovery", at=AT, zone="UTC", by="ann")
    await office.clocks.hold(case, CALIFORNIA, authority="SJPD", why="a search is planned", by="ann")
    await Risks(database, office.clock, office.notes, office.desk).decide(
        case, high=True, why="the messages threaten people", by="ann"
    )
    steps = Steps(database, office.clock, record=office.record, effects=Effects(World(), World(), World().notify))
    step = await steps.plan(case, "withhold_funds", SELLER, by="ann", reason="x")
    for person in ("ann", "bob"):
        await steps.approve(step.id, person)
    await steps.carry_out(step.id, by="ann")
    entities = Entities(database, office.clock, office.notes, office.desk)
    word = Word("officer", "ann", 0.5)
    ids = [(await entities.add(case, "handle", value, word=word, by="ann")).id for value in ("@a", "@b")]
    await entities.link(case, *ids, word=word, by="ann")
    await office.desk.hear(case, SELLER, heard_at=AT, said="it denies", by="ann")
    exhibits = Exhibits(database, office.clock, office.notes, office.desk, raws)
    for _ in range(2):
        await exhibits.add(case, "appeal.txt", b"We did nothing.", what="the appeal as it was filed", by="ann")
    assert list(await exhibits.files(case)) == ["exhibits/001-appeal.txt"]
    for name, body, what in (("../x", b"x", "a sentence on it"), ("x", b"", "a sentence on it"), ("x", b"x", "short")):
        with pytest.raises(StepRefused, match="a plain name"):
            await exhibits.add(case, name, body, what=what, by="ann")
    approaches = Approaches(database, office.clock, office.notes, raws)
    await approaches.report(Offer("money for addresses"), screenshot=b"a picture")
    await approaches.take(1, case)
    await approaches.come_back(await approaches.report(Offer("more money")), text="still there")
    await office.desk.move(case, "closed", by="ann", reason="done")
    return case


async def _rows(database: Database, case: str) -> dict[str, int]:
    found: dict[str, int] = {}
    async with database.connection() as connection:
        tables = await connection.execute(
            "select table_name::text from information_schema.columns where column_name = 'case_id' "
            "and table_schema = 'public'"
        )
        for (table,) in await tables.fetchall():
            rows = await connection.execute(f"select count(*) from {table} where case_id = %s", [case])
            row = await rows.fetchone()
            assert row is not None
            if row[0]:
                found[table] = int(row[0])
    return found


async def test_a_case_dies_when_its_time_is_over_and_nothing_needs_it(
    office: Office, database: Database, tmp_path: Path
) -> None:
    raws = RawMails(tmp_path / "raws")
    case = await _whole_case(office, database, raws, tmp_path)
    keep = timedelta(days=1095)
    retention = Retention(database, office.clock, office.notes, raws, covertly_at(office, database))
    before = await _rows(database, case)
    assert len(before) >= 10
    with pytest.raises(StepRefused) as found:
        await retention.prune(case, keep, by="ann")
    assert refused(found) == "not_over"

    office.clock.advance_to(AT + timedelta(days=1096))
    keys = load_or_create(tmp_path / "keys", office.clock)
    async with Appender(database, keys, office.clock) as appender:
        holds = Holds(database, appender, office.clock)
        await holds.add("subject", 1, ground=case, review_on=date(2030, 1, 1), by=1)
        assert [each.kept_by for each in await retention.over(keep)] == [("hold",)] and "hold" in KEPT_BY
        with pytest.raises(StepRefused, match="legal hold") as found:
            await retention.prune(case, keep, by="ann")
        assert refused(found) == "kept" and await _rows(database, case) == before
        await holds.lift("subject", 1, reason="over", by=1)
    pruned = await retention.prune(case, keep, by="ann")
    assert pruned.files == 3 and pruned.rows >= len(before)
    # the ledger of withheld money alone is left, and the other report of an approach with its messages
    assert await _rows(database, case) == {"funds_movement": 1}
    assert len(await Approaches(database, office.clock, office.notes, raws).list()) == 1
    assert not list((tmp_path / "raws").glob("*.eml"))
    assert await retention.over(keep) == []
    with pytest.raises(StepRefused):
        await retention.prune(case, keep, by="ann")
    left = await Cases(database, office.clock).get(case)
    assert (left.state, left.beneficiary, left.opened_by) == ("closed", "", "")
    with pytest.raises(StepRefused):
        await office.desk.move(case, "investigating", by="ann", reason="it is gone")


async def test_a_case_does_not_die_before_those_are_told_whom_it_was_covert_to_and_then_nobody_is_owed(
    office: Office, database: Database, tmp_path: Path
) -> None:
    case = (await office.desk.open(SELLER, by="ann", reason="x")).id
    numbers = await assign(database, "actor", ["E-0417", "E-0003"])
    await Cases(database, office.clock).add_verdict(case, verdict("lead"), complaints=1)
    covert, keep, review = covertly_at(office, database), timedelta(days=1095), date(2026, 10, 1)
    hold = await covert.hold(case, [3], from_staff=True, why="he must not hear of it", review_on=review, by="ann")
    await covert.note_answer("A-1", ("subject", 5), HeldBack(frozenset({3})), 1)
    await covert.note_answer("B-1", ("actor", numbers["E-0003"]), HeldBack(cases=frozenset({case})), 2)
    await covert.release(hold.id, why="he was heard", by="ann")
    await office.desk.move(case, "closed", by="ann", reason="done")
    office.clock.advance_to(AT + timedelta(days=1096))
    retention = Retention(database, office.clock, office.notes, RawMails(tmp_path), covert)
    told = [("subject", 5), ("actor", numbers["E-0003"]), ("actor", numbers["E-0417"])]
    for entry, whom in enumerate(told, start=3):
        assert [each.kept_by for each in await retention.over(keep)] == [("owed",)] and "owed" in KEPT_BY
        with pytest.raises(StepRefused, match="is not told yet"):
            await retention.prune(case, keep, by="ann")
        await covert.note_answer(f"C-{entry}", whom, HeldBack(), entry)
    await covert.note_answer("B-2", ("actor", numbers["E-0003"]), HeldBack(cases=frozenset({case})), 9)
    await covert.note_answer("B-3", ("actor", numbers["E-0003"]), HeldBack(), 10)
    assert (await retention.prune(case, keep, by="ann")).rows >= 2
    # what names the case outlives it, and asking whether anybody may hear of it goes on
    await covert.note_answer("B-4", ("actor", numbers["E-0003"]), HeldBack(cases=frozenset({case})), 11)
    assert [each.reference for each in await covert.owed()] == ["B-4"] and await covert.unkept() == []
    assert await covert.remind() == 1


async def test_whoever_was_erased_is_owed_nothing_and_keeps_no_case(
    office: Office, database: Database, tmp_path: Path
) -> None:
    case = (await office.desk.open(SELLER, by="ann", reason="x")).id
    (customer,) = (await assign(database, "subject", ["customer:C-1"])).values()
    (colleague,) = (await assign(database, "actor", ["E-0003"])).values()
    covert, keep, review = covertly_at(office, database), timedelta(days=1095), date(2026, 10, 1)
    hold = await covert.hold(case, [3], from_staff=True, why="he must not hear of it", review_on=review, by="ann")
    await covert.note_answer("A-1", ("subject", customer), HeldBack(frozenset({3})), 1)
    await covert.note_answer("B-1", ("actor", colleague), HeldBack(cases=frozenset({case})), 2)
    await covert.release(hold.id, why="he was heard", by="ann")
    await office.desk.move(case, "closed", by="ann", reason="done")
    office.clock.advance_to(AT + timedelta(days=1096))
    retention = Retention(database, office.clock, office.notes, RawMails(tmp_path), covert)
    mandate = Mandate(1, "asked for under article 17")
    async with Appender(database, load_or_create(tmp_path / "keys", office.clock), office.clock) as appender:
        await erase_subject(database, appender, office.clock, customer, mandate)
        assert [each.reference for each in await covert.owed()] == ["B-1"], "the other is owed it still"
        assert [each.kept_by for each in await retention.over(keep)] == [("owed",)]
        await erase_actor(database, appender, office.clock, colleague, mandate)
    assert await covert.owed() == [] and await covert.unkept() == []
    assert [each.kept_by for each in await retention.over(keep)] == [()]
    assert (await retention.prune(case, keep, by="ann")).rows >= 2


async def test_an_erasure_finds_a_person_in_entities_and_reports_of_an_approach(
    office: Office, database: Database, tmp_path: Path
) -> None:
    case = (await office.desk.open(SELLER, by="ann", reason="x")).id
    entities = Entities(database, office.clock, office.notes, office.desk)
    word = Word("officer", "ann", 0.5)
    await entities.add(case, "account", "Ada@Mail.example", word=word, by="ann")
    await entities.add(case, "actor", "E-0417", word=word, by="ann")
    await office.desk.hear(case, "E-0417", heard_at=AT, said="it was not me", by="ann")
    approaches = Approaches(database, office.clock, office.notes, RawMails(tmp_path / "raws"))
    code = await approaches.report(Offer("they want everybody's address", handle="@lotus"))
    await approaches.come_back(code, text="they named ada@mail.example as their customer")
    (number,) = (await assign(database, "subject", ["customer:C-1"])).values()
    covert = covertly_at(office, database)
    await covert.note_answer("A-1", ("subject", number), HeldBack(), 1)
    found = await mentions_of_subject(database, "customer:C-1", number, ["ada@mail.example", "Ada"])
    assert {name: count for name, count in found.items() if "value of this person" in name} == {
        "entities of cases with a value of this person": 1,
        "reports of an approach with a value of this person": 1,
    }
    assert found["answers given to this person (date and reference; not what was said)"] == 1
    # what the company no longer knows cannot be looked for, and a short word is found everywhere
    nobody: dict[str, Any] = await mentions_of_subject(database, "customer:C-2", None, ["they", ""])
    assert nobody == {}
    staff = await mentions_of_actor(database, "E-0417")
    assert staff["entities of cases with this person's key"] == 1
    assert staff["questions and hearings of cases about this person"] == 1


async def test_an_alert_that_nobody_reads_is_told_again_graver_and_a_read_one_is_not(database: Database) -> None:
    clock = SimulatedClock(AT)
    ids = {
        severity: await raise_alert(database, "glass", severity, "glass.broken", {"glass": at}, at=AT)
        for at, severity in enumerate(("critical", "high", "medium", "low"))
    }
    await mark_read(database, [ids["high"]], "ann", AT)
    seen: list[list[tuple[object, str, object]]] = []
    for hours in (0, 1, 5, 16, 7 * 24, 365 * 24):
        clock.advance_to(AT + timedelta(hours=hours))
        for _ in range(2):
            await escalate_unread(database, clock)
        found = [each for each in await alerts(database) if each.code == "alert.unread"]
        seen.append([(each.about["alert"], each.severity, each.about["hours"]) for each in reversed(found)])
    first, late = ids["critical"], ids["medium"]
    told = [(first, "critical", 1), (first, "critical", 4), (first, "critical", 16)]
    assert seen[:4] == [[], told[:1], told[:2], told]
    assert seen[4] == [*told, (late, "high", 168)]
    # by a year everything that was due has been told, once for each round that was noticed
    assert seen[5] == [*seen[4], (late, "high", 2688)]
    assert {each[0] for each in seen[5]} == {first, late}
