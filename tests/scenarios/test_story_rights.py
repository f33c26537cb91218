"""A customer of the story asks who looked, and another asks to be erased while the case needs his entries (S9)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.scenarios.conftest import Results
from tests.scenarios.house import ANN, SELLER, START
from tests.scenarios.test_story_answer import company
from tests.store.test_measures import Door

from whosaw.answer.access import Request, answer_access, answer_text, check_answer, sign_answer
from whosaw.answer.covert import Covert
from whosaw.record import Integrator, fsck
from whosaw.record.erasure import ErasureHeld, Mandate, erase_subject
from whosaw.record.hold import Holds
from whosaw.store import Database
from whosaw.store.numbers import assign, find
from whosaw.terms import to_us

FINN, FRENCH = "customer:C-000022", "customer:C-000033"


async def test_access_is_answered_and_erasure_waits_for_the_hold(
    database: Database, tmp_path: Path, door: Door, results: Results
) -> None:
    async with company(database, tmp_path, door) as house:
        people = await assign(database, "subject", [FINN, FRENCH])
        staff = await assign(database, "actor", [f"E-{number:04}" for number in range(14)])
        (ticket,) = (await assign(database, "purpose", ["ticket:T-7731"])).values()
        looks = [
            {
                "kind": "disclosure",
                "at": to_us(START + timedelta(days=number)),
                "actor": actor,
                "subject": person,
                "purpose": ticket,
                "fields": ["customer.email=reveal"],
            }
            for person in people.values()
            for number, actor in enumerate(staff.values())
        ]
        entries = [each.index for each in await house.appender.append_many(looks)]

        request = Request("A-1", "identity card seen", "Shop")
        now = house.clock.now()
        case = (await house.desk.open(SELLER, by=ANN, reason="customers wrote")).id
        covert = Covert(database, house.clock, house.notes, house.desk)
        why, day = "the suspect must not hear of it", (now + timedelta(days=40)).date()
        hold = await covert.hold(case, entries[:2], from_staff=False, why=why, review_on=day, by=ANN)
        left_out = await covert.held()
        first = await answer_access(database, people[FINN], request, at=now, held=left_out.entries)
        await covert.note_answer("A-1", ("subject", people[FINN]), left_out, 0)
        owed = await covert.release(hold.id, why="he was heard", by=ANN)
        again = [(each.reference, each.number) for each in owed]
        results.least("S9", "who was answered meanwhile is owed the rest", [again == [("A-1", people[FINN])]], 1)
        held = (await covert.held()).entries
        later = await answer_access(database, people[FINN], request, at=now + timedelta(days=40), held=held)
        counts = (len(first.look_ups), len(later.look_ups))
        results.least("S9", "12 looks while an inquiry is covert, all 14 after", [counts == (12, 14)], 1)
        text = answer_text(later) + later.as_json().decode()
        named = any(word in text for word in ("E-00", "T-7731", "S-0088"))
        results.most("S9", "an answer names staff, a ticket or a seller", [named], 0)
        assert {(each.purpose, each.shown) for each in later.look_ups} == {("ticket", ("customer.email",))}
        assert check_answer(later.as_json(), sign_answer(later, house.keys.trail), house.keys.trail.verifier)

        # day 12: the case holds his entries, so erasure is refused with ground and review date, and restricted
        holds = Holds(database, house.appender, house.clock)
        officer = staff["E-0000"]
        review = (now + timedelta(days=180)).date()
        await holds.add("subject", people[FRENCH], ground="CASE-1", review_on=review, by=officer)
        house.clock.advance_to(now + timedelta(days=12))
        asked_at = house.clock.now()
        with pytest.raises(ErasureHeld, match=f"CASE-1; it is to be reviewed on {review}"):
            await erase_subject(database, house.appender, house.clock, people[FRENCH], Mandate(officer, "article 17"))
        assert await find(database, "subject", FRENCH) == people[FRENCH]

        # day 400: lifting says that he must be told first, then the rest goes and every proof still holds
        house.clock.advance_to(now + timedelta(days=400))
        told = await holds.lift("subject", people[FRENCH], reason="the court is done", by=officer)
        mandate = Mandate(officer, "article 17")
        gone = await erase_subject(database, house.appender, house.clock, people[FRENCH], mandate)
        assert gone.entries >= 14 and await find(database, "subject", FRENCH) is None
        await Integrator(database, house.keys, house.trail, house.clock).step()
        whole = await fsck(database, house.trail, house.keys.trail.verifier)
        kept = told == asked_at and whole.ok
        results.least("S9", "erasure waits for the hold, then goes, and the trail still proves", [kept], 1)
        assert len((await answer_access(database, people[FINN], request, at=house.clock.now())).look_ups) == 14
