"""Letters to 240 people in five places, judged in the mailbox that receives them (S9 of the scenarios)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from tests.scenarios.conftest import Results
from tests.scenarios.house import ANN, BOB, SELLER
from tests.scenarios.test_story_answer import company
from tests.store.test_measures import Door

from whosaw.answer import Company, Exposure, Facts, Record, Scope, Sighting, Standing, StepRefused, build_facts
from whosaw.answer.bounces import Bounce, Bounces
from whosaw.answer.casequeries import police_holds
from whosaw.answer.delivery import Sending, send_pending
from whosaw.answer.duties import Duty, Risk, decide_duties, required_of
from whosaw.answer.forms import Course, attorney_general_copy, authority_draft, press_text
from whosaw.answer.law import rule_on
from whosaw.answer.letters import _wording
from whosaw.answer.mailbox import Mailbox
from whosaw.answer.notices import Recipient, queue_notices
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.store.outbox import Outbox
from whosaw.store.relay import Relay
from whosaw.terms import SimulatedClock

T0 = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
COMPANY = Company("Shop", "privacy@shop.example", "+1 555 0100", "1 Main Street", "shop.example")
PLACES = {
    "DE": (41, "de", "EU"),
    "FR": (33, "fr", "EU"),
    "FI": (22, "fi", "EU"),
    "CA": (88, "en", "US-CA"),
    "": (56, "en", ""),
}
RISK = Risk(high=False, by="privacy", why="e-mail addresses alone")
LABELS = {"customer.email": "e-mail address", "customer.answer": "security answer"}


def people() -> dict[str, tuple[str, str]]:
    """Return language and jurisdiction by key."""
    found = {}
    for place, (count, language, jurisdiction) in PLACES.items():
        found |= {f"customer:{place or 'XX'}-{n:03}": (language, jurisdiction) for n in range(count)}
    return found


def facts(numbers: Sequence[int], answers: Sequence[int] = (), *, delayed: bool = False) -> Facts:
    seen = Exposure(frozenset({"customer.email"}), T0 - timedelta(days=9), T0 - timedelta(days=8))
    more = Exposure(frozenset(LABELS), T0 - timedelta(days=9), T0 - timedelta(days=8))
    report = Sighting(1, "CASE-1", numbers[0], "seller:S-1", "mail", T0, True, T0, "x.example", True, {}, (), "0" * 64)
    return build_facts(
        Standing("CASE-1", T0 + timedelta(hours=20), police_delayed=delayed),
        COMPANY,
        scope=Scope(tuple(numbers[:27]), tuple(numbers[27:]), (), len(numbers)),
        sightings=[report] * 31,
        record=Record({n: more if n in answers else seen for n in numbers}, True, LABELS),
    )


async def test_two_hundred_and_forty_people_get_one_letter_each_in_their_language(
    database: Database, tmp_path: Path, results: Results
) -> None:
    keys = people()
    numbers = await assign(database, "subject", list(keys))
    now = facts(list(numbers.values()))
    residence = {numbers[key]: place for key, (_, place) in keys.items()}
    duties = decide_duties(now, residence, RISK, T0.date())
    outbox, clock = Outbox(database), SimulatedClock(T0)

    async def addresses(asked: Sequence[str]) -> dict[str, Recipient]:
        return {key: Recipient(f"Name {key}", f"{key[9:].lower()}@home.example", *keys[key]) for key in asked}

    await queue_notices(outbox, now, addresses, clock=clock, obliged=lambda place: required_of(duties, place))
    with Mailbox(tmp_path) as box:
        # the first run is cut after a while: a rate so low that it cannot have sent everything
        run = asyncio.create_task(
            send_pending(outbox, Relay("127.0.0.1", box.port), clock=clock, how=Sending(per_s=120, connections=2))
        )
        while len(box.files()) < 60:
            await asyncio.sleep(0.01)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert 60 <= len(box.files()) < 240

        async def arrived(ids: Sequence[str]) -> set[str]:
            return box.arrived(ids)

        await send_pending(outbox, Relay("127.0.0.1", box.port), clock=clock, arrived=arrived)
        letters = [message_from_bytes(path.read_bytes(), policy=default) for path in box.files()]
    got = Counter(str(each["delivered-to"]) for each in letters)
    once = got == Counter(f"{key[9:].lower()}@home.example" for key in keys)
    results.least("S9", "240 people, one letter each, though a sender was cut", [once], 1)
    for letter in letters:
        key = f"customer:{str(letter['delivered-to']).partition('@')[0].upper()}"
        language, place = keys[key]
        body = letter.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        assert letter["content-language"] == language
        assert _wording(language)["h_happened"].upper() in text
        # Californians and Europeans are told that no law asks; of other places nobody here knows
        assert (_wording(language)["voluntary"] in text) is (required_of(duties, place) is False) is bool(place)
        others = [other for other in keys if other != key and (other in text or other[9:].lower() + "@" in text)]
        assert others == [] and f"Name {key}" in text
    bounces = Bounces(database)
    posted = await outbox.list("CASE-1")
    for each in posted[:3]:
        assert await bounces.note(Bounce(each.message_id, "5.1.1"), T0)
        assert await bounces.done(each.message_id, "post", T0)
    assert [each.done_at for each in await bounces.undelivered("CASE-1")] == [T0] * 3


async def test_letters_wait_while_the_police_ask_for_it_and_then_say_so(
    database: Database, tmp_path: Path, door: Door, results: Results
) -> None:
    async with company(database, tmp_path, door) as house:
        case = (await house.desk.open(SELLER, by=ANN, reason="customers wrote")).id
        await house.desk.name(case, ANN, "privacy", by=ANN)
        await house.desk.name(case, BOB, "security", by=ANN)
        found = {"verdict": "finding", "outside_probability": 0.01, "scope": {}}
        found |= {"candidates": [{"actors": ["E-0417"], "probability": 0.99, "rung": "finding"}]}
        await house.cases.add_verdict(case, found, complaints=31)
        await house.clocks.start(case, "discovery", at=house.clock.now(), zone="America/Los_Angeles", by=ANN)
        await house.clocks.hold(case, "us.ca.1798_82", authority="SJPD 26-771", why="a search is planned", by=ANN)
        (number,) = (await assign(database, "subject", ["customer:C-000001"])).values()
        house.facts[case] = replace(facts([number]), case=case)
        step = await house.steps.plan(case, "notify_subjects", case, by=ANN, reason="see the case")
        await house.steps.approve(step.id, ANN)
        with pytest.raises(StepRefused) as refusal:
            await house.steps.carry_out(step.id, by=BOB)
        waited = refusal.value.reason == "held" and not house.box.files()
        await house.clocks.lift(case, "us.ca.1798_82", note="the search is over", by=ANN)
        delayed = (await police_holds(database, case))[1] > 0
        house.facts[case] = replace(facts([number], delayed=delayed), case=case)
        await house.steps.carry_out(step.id, by=BOB)
        (path,) = house.box.files()
        letter = message_from_bytes(path.read_bytes(), policy=default)
        body = letter.get_body(("plain",))
        assert body is not None
        text = "".join(body.get_content().split())
        said = "".join(_wording(str(letter["content-language"]))["delayed"].split()) in text
        results.least("S9", "letters wait for the police, and say so when they come", [waited and said], 1)


def by_rule(duties: tuple[Duty, ...]) -> dict[str, bool]:
    return {duty.rule.id: duty.required for duty in duties}


def test_the_law_of_each_place_and_its_turns(results: Results) -> None:
    keys = list(people().values())
    numbers = list(range(1, 241))
    residence = {n: place for n, (_, place) in zip(numbers, keys, strict=True)}
    plain = decide_duties(facts(numbers), residence, RISK, T0.date())
    assert by_rule(plain) == {
        "eu.gdpr.art33": True,
        "eu.gdpr.art34": False,
        "us.ca.1798_82": False,
        "us.ca.attorney_general": False,
    }
    californians = [n for n in numbers if residence[n] == "US-CA"]
    six = decide_duties(facts(numbers, californians[:6]), residence, RISK, T0.date())
    assert by_rule(six)["us.ca.1798_82"] and not by_rule(six)["us.ca.attorney_general"]
    law = rule_on("us.ca.1798_82", T0.date())
    assert law.days == 30
    due_at = rule_on("eu.gdpr.art33", T0.date()).due(T0, "Europe/Berlin")
    assert due_at == T0 + timedelta(hours=72)
    many = list(range(1, 502))
    told = facts(many, many)
    turned = decide_duties(told, dict.fromkeys(many, "US-CA"), RISK, T0.date())
    (copy,) = [duty for duty in turned if duty.rule.id == "us.ca.attorney_general"]
    sample = attorney_general_copy(told, copy, dict.fromkeys(many, "US-CA"))
    by_law = copy.required and copy.rule.days == 15 and sample["residents"] == 501 and "[name]" in sample["sample"]
    results.least(
        "S9", "501 Californians with security answers: a copy to the Attorney General in 15 days", [by_law], 1
    )
    draft = authority_draft(facts(numbers), Course(T0, due_at), RISK, plain)
    results.least("S9", "the draft for the authority is complete within 24 h", [draft["open"] == []], 1)
    assert datetime.fromisoformat(draft["written_at"]) <= T0 + timedelta(hours=24)
    second = Course(T0, due_at, phase=2, missing=("how many more cannot be ruled out",))
    later = authority_draft(facts(numbers), second, RISK, plain)
    assert later["phase"] == 2 and later["open"] == ["how many more cannot be ruled out"]
    assert draft["persons"]["told"] == 240 and "240 people" in press_text(facts(numbers))
