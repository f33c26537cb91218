"""The stories from the first complaint to letters, measures and evidence, each judged where it arrives."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from tests.scenarios.conftest import Results
from tests.scenarios.house import (
    ANN,
    BOB,
    LANGUAGES,
    SELLER,
    START,
    House,
    actor_key,
    address,
    customer_key,
)
from tests.store.test_measures import Door, ask

from whosaw.answer import StepRefused, seller_statement
from whosaw.answer.dsa import database_record
from whosaw.answer.evidence import Sources, build_evidence, verifier_source
from whosaw.answer.forms import press_text
from whosaw.answer.letters import _wording
from whosaw.answer.mailbox import Mailbox
from whosaw.gate.identityqueries import standing
from whosaw.prove import Policy, verify_bundle
from whosaw.record import Appender, Integrator, load_or_create
from whosaw.store import Database
from whosaw.terms import SimulatedClock
from worlds.story import article

SEEDS = int(os.environ.get("WHOSAW_ANSWER_SEEDS", "1"))
"""`make scenarios` plays 10: each is a whole company."""

LEAKER, LEAD = actor_key(417), actor_key(102)
COUNTS = (5, 12, 31)


@asynccontextmanager
async def company(database: Database, folder: Path, door: Door) -> AsyncIterator[House]:
    clock = SimulatedClock(START + timedelta(days=60))
    keys = load_or_create(folder / "keys", clock)
    with Mailbox(folder / "mailbox") as box:
        async with Appender(database, keys, clock) as appender:
            yield House(database, clock, keys, appender, folder, door.market(), box)


def parts_of(message: Any) -> str:
    return "\n".join(part.get_content() for part in message.walk() if part.get_content_maintype() == "text")


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_the_article_from_the_first_complaint_to_the_evidence(
    database: Database, tmp_path: Path, door: Door, shop_url: str, results: Results, seed: int
) -> None:
    told = article(seed)
    # three of those who were sold were shown with their telephone number as well
    sold = [int(each) for each in told.subject[told.actor == 417][:3]]
    async with company(database, tmp_path, door) as house:
        await house.work(told, dict.fromkeys(sold, ("customer.phone",)))
        await house.complain(told, signed=24)
        said = await house.ask(told, COUNTS)
        case = await house.open_case(said, COUNTS)
        last = said[-1]
        assert last["verdict"] == "finding" and last["candidates"][0]["actors"] == [LEAKER]
        assert all(LEAD not in each["actors"] or each["rung"] == "no_signal" for each in last["candidates"])

        # nothing is done to anybody before the questions that may clear him were asked
        await house.clocks.start(case, "awareness", at=house.clock.now(), zone="Europe/Berlin", by=ANN)
        early = await house.steps.plan(case, "suspend_actor", LEAKER, by=ANN, reason="a finding")
        for person in (ANN, BOB):
            await house.steps.approve(early.id, person)
        with pytest.raises(StepRefused, match="was not asked"):
            await house.steps.carry_out(early.id, by=BOB)
        await house.question_everything(case, LEAKER)
        cut = await house.steps.carry_out(early.id, by=BOB)
        assert (await standing(database, LEAKER))[1]
        assert not (await standing(database, LEAD))[1]
        await house.desk.hear(case, LEAKER, heard_at=house.clock.now(), said="he says nothing", by=ANN)

        house.facts[case] = facts = await house.gather(case, last)
        statement = seller_statement(facts, seller=SELLER, clause="section 7", at=house.clock.now(), withhold=True)
        database_record(statement)  # raises where the transparency database would not take it
        letters = await house.do(case, "notify_subjects", case)
        await house.do(case, "suspend_seller", SELLER, {"statement": statement})
        held = await house.do(case, "withhold_funds", SELLER)
        assert cut.entry is not None and letters.entry is not None and cut.entry < letters.entry

        # the seller: suspended with reasons at once, terminated not before thirty days
        await house.desk.hear(case, SELLER, heard_at=house.clock.now(), said="it denies", by=ANN)
        with pytest.raises(StepRefused, match="may not be terminated before"):
            await house.do(case, "terminate_seller", SELLER)
        standing_now = ask(shop_url, "select measure, amount_cents from seller_measures where case_reference like %s "
                           "and lifted_at is null order by measure", f"{case}/%")  # fmt: skip
        assert [row[0] for row in standing_now] == ["funds_withheld", "suspended"]
        assert held.outcome is not None and standing_now[0][1] == held.outcome["withheld_cents"] > 0

        # the letters, in the mailbox where they arrived
        arrived = [message_from_bytes(path.read_bytes(), policy=default) for path in house.box.files()]
        whom = [*last["scope"]["certain"], *last["scope"]["probable"]]
        leaked = {customer_key(int(each)) for each in told.subject[told.actor == 417]}
        to = Counter(str(each["delivered-to"]) for each in arrived)
        assert to == Counter(address(key) for key in whom)
        results.least("S1", "letters within 10 of 240, none but to people in scope", [abs(len(to) - 240) <= 10], 1)
        assert len(leaked & set(whom)) >= 235
        phones = {address(customer_key(each)) for each in sold}
        for letter in arrived:
            text, recipient = parts_of(letter), str(letter["delivered-to"])
            for word in (LEAKER, LEAD, "S-0088", "lotus", "ticket", ANN, BOB):
                assert word.lower() not in text.lower(), word
            own = recipient.partition("@")[0].upper()
            assert set(re.findall(r"\bC-\d{6}\b", text)) <= {own}
            language = str(letter["content-language"])
            assert language == LANGUAGES[int(own[2:]) % len(LANGUAGES)]
            # the record of the window is whole, so what was not seen may be said; to those three nothing is left to say
            unseen = "".join(_wording(language)["unseen"].partition("{")[0].split())
            phone = "".join(_wording(language)["fields"]["telephone number"].split())
            body = letter.get_body(("plain",))
            assert body is not None
            before, said_unseen, _ = "".join(body.get_content().split()).partition(unseen)
            assert bool(said_unseen) is (recipient not in phones)
            assert (phone in before) is (recipient in phones)

        # one facts object: press text and letters agree, and without a whole record the sentence goes
        count = f"{facts.certain + facts.probable} people"
        assert facts.complaints == 31 and count in press_text(facts)
        assert facts.certain + facts.probable == len(arrived)
        assert not (await house.gather(case, last, complete=False)).record_complete

        bundle = tmp_path / "case.zip"
        await Integrator(database, house.keys, house.trail, house.clock).step()
        sources = Sources(database, house.trail, house.keys.trail, house.cases, house.steps, house.book, house.mails)
        await build_evidence(sources, case, bundle, facts=facts)
        key = house.keys.trail.verifier
        assert verify_bundle(bundle, Policy.parse(f"log {key}\nquorum none\n".encode())).trusted
        alone = tmp_path / "verify.py"
        alone.write_bytes(verifier_source())
        checked = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-I", "-S", str(alone), str(bundle), "--key", str(key)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        results.least("S1", "the bundle verifies with nothing but Python in 60 s", [checked.returncode == 0], 1)

        # thirty days later
        house.clock.advance_to(house.clock.now() + timedelta(days=30, minutes=1))
        assert (await house.do(case, "terminate_seller", SELLER)).state == "done"

        # and if it was wrong, everything comes back
        for step in reversed(await house.steps.list(case)):
            if step.kind in {"suspend_actor", "suspend_seller", "withhold_funds", "terminate_seller"}:
                await house.steps.undo(step.id, by=[ANN, BOB], reason="it was not so")
        assert ask(shop_url, "select 1 from seller_measures where lifted_at is null") == []
        assert not (await standing(database, LEAKER))[1]


async def test_the_article_without_a_leaker_hurts_nobody_and_writes_to_nobody(
    database: Database, tmp_path: Path, door: Door, shop_url: str, results: Results
) -> None:
    told = article(0, leakers=False)
    before = ask(shop_url, "select count(*) from seller_measures")
    async with company(database, tmp_path, door) as house:
        await house.work(told)
        await house.complain(told, signed=24)
        said = await house.ask(told, COUNTS)
        case = await house.open_case(said, COUNTS)
        assert said[-1]["verdict"] != "finding"
        strongest = said[-1]["candidates"][0]["actors"][0] if said[-1]["candidates"] else LEAKER
        wanted = [("suspend_actor", strongest), ("suspend_seller", SELLER), ("withhold_funds", SELLER)]
        for kind, target in [*wanted, ("notify_subjects", case), ("hand_over", case), ("delete_reviews", case)]:
            with pytest.raises(StepRefused) as refusal:
                await house.steps.plan(case, kind, target, by=ANN, reason="x", params={"reviews": [], "statement": {}})
            assert refusal.value.reason == "no_finding"
        everybody = [actor_key(each) for each in range(0, 1200, 1)]
        stopped = [actor for actor in everybody if (await standing(database, actor))[1]]
        results.most("S1", "control: somebody suspended, told or stopped", [bool(stopped or house.box.files())], 0)
        assert ask(shop_url, "select count(*) from seller_measures") == before
