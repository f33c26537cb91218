"""What was sold and bought besides addresses: a mass export (S6), review deletions and a reinstatement (S7)."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from math import log
from pathlib import Path
from random import Random
from types import ModuleType

import numpy as np
import pytest
from tests.scenarios.conftest import Results
from tests.scenarios.house import ANN, BOB, COMPANY, START, House
from tests.scenarios.test_story_answer import company
from tests.store.test_measures import Door, ask

from whosaw.answer import StepRefused
from whosaw.answer.bundletexts import Background
from whosaw.answer.dsa import database_record
from whosaw.answer.evidence import Sources, build_evidence
from whosaw.answer.exhibits import Exhibits
from whosaw.answer.statement import safety_statement
from whosaw.market import ShopMarketplace
from whosaw.record import Integrator
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.terms import to_us
from whosaw.trace.fingerprint import Export, match_sample
from whosaw.watch.deletions import Deletions, bought_deletions
from whosaw.watch.sharing import drafted_by, word_prints

SEEDS = int(os.environ.get("WHOSAW_STORY_SEEDS", "3"))
MARKETS = int(os.environ.get("WHOSAW_WORLD_SEEDS", "2"))
BENCH = Path(__file__).resolve().parents[2] / "bench" / "watch"
POPULATION = 150_000
"""A tenth of the story's customers; exports are a tenth of the story's as well."""


def prints(rows: np.ndarray) -> tuple[bytes, ...]:
    return tuple(int(row).to_bytes(16, "big") for row in rows)


@pytest.fixture(scope="module")
def exports() -> list[Export]:
    """31 exports of one analyst and 412 of others, five seeded rows in each."""
    generator = np.random.default_rng(6)
    made = []
    for number in range(443):
        size = 1_760 if number < 31 else int(generator.integers(100, 2_500))
        rows = generator.choice(POPULATION, size, replace=False)
        seeded = prints(POPULATION + number * 5 + np.arange(5))
        made.append(Export(f"export-{number}", 0 if number < 31 else number, prints(rows) + seeded, frozenset(seeded)))
    return made


def test_a_sample_for_sale_names_its_export(exports: list[Export], results: Results) -> None:
    whole, few, scope, elsewhere, bound = [], [], [], [], []
    drawn = len({row for each in exports[:31] for row in each.rows if row not in each.seeds})
    for seed in range(SEEDS):
        generator = np.random.default_rng((6, seed))
        source = exports[int(generator.integers(31))]
        picked = generator.choice(len(source.rows), 1_200, replace=False)
        found = match_sample([source.rows[at] for at in picked], exports, POPULATION)
        first = found.sources[0]
        whole.append(first.reference == source.reference and first.probability >= 0.999)
        scope.append(len(exports[int(first.reference.partition("-")[2])].rows) == 1_765)
        # whoever drew the export may have sold the others too: everybody in any of them is the most it can be
        his = [each for each in exports if each.actor == first.actor]
        bound.append(len({row for each in his for row in each.rows if row not in each.seeds}) == drawn)
        plain = [row for row in source.rows if row not in source.seeds]
        picked = generator.choice(len(plain), 40, replace=False)
        first = match_sample([plain[at] for at in picked], exports, POPULATION).sources[0]
        few.append(first.reference == source.reference and first.probability >= 0.95)
        strange = prints(generator.choice(POPULATION, 40, replace=False))
        elsewhere.append(match_sample(strange, exports, POPULATION).none <= 0.5)
    results.least("S6", "1,200 rows name their export at P ≥ 0.999", whole, 1)
    results.least("S6", "the scope is that export's rows", scope, 1)
    results.least("S6", "an upper bound: everybody in any export of the same person", bound, 1)
    results.least("S6", "40 shuffled rows without seeded ones, P ≥ 0.95", few, 0.95)
    results.most("S6", "control: rows from elsewhere are laid to an export", elsewhere, 0.04)


@pytest.fixture(scope="module")
def bought() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCH))
    yield importlib.import_module("bought")
    sys.path.remove(str(BENCH))


def test_bought_deletions_are_named_and_honest_moderation_is_not(bought: ModuleType, results: Results) -> None:
    hits, few, clear, control = [], [], [], []
    for seed in range(1, MARKETS + 1):
        world = bought.moderated(seed)
        found, false, busy = bought.judged(world)
        hits.append(found >= 14)
        few.append(false <= 2)
        clear.append(busy)
        kept = ~np.isin(world.deletions.review, list(world.bought))
        given = world.deletions
        honest = Deletions(given.review[kept], given.actor[kept], given.at_us[kept])
        control.append(bool(bought_deletions(world.reviews, honest, bought.MODERATORS)))
    results.least("S7", "14 of 15 bought deletions found within 48 h of the second batch", hits, 0.95)
    results.least("S7", "at most 2 others beside them", few, 0.95)
    results.least("S7", "who cleaned sixty spam reviews of one seller is clear", clear, 0.95)
    results.most("S7", "control: nobody bought any, and somebody is flagged", control, 0.04)


def test_an_appeal_that_its_approver_drafted_is_told_by_its_words(results: Results) -> None:
    """An appeal written 14 minutes after the draft, with some words changed; the control was written by the seller."""
    near, named, clear = [], [], []
    for seed in range(SEEDS):
        random = Random(seed)
        # a vocabulary of its own for each of the sixty, with forms that everybody uses
        form = "we ask you to look at our account again because we have followed every rule of the marketplace"
        staff = [f"{form} {_written(Random(f'{seed} {number}'), 220)}" for number in range(60)]
        draft = f"{form} {_written(random, 220)}"
        staff[8] += f" {draft}"
        words = draft.split()
        for at in random.sample(range(len(words)), 2):
            words[at] = "instead"
        appeal = " ".join(words)
        prints = [word_prints(each) for each in staff]
        overlap, log_e = drafted_by(word_prints(appeal), 8, prints)
        near.append(overlap >= 0.85)
        named.append(log_e >= log(3))  # about the most that one among sixty can be
        own = f"{form} {_written(Random(f'seller {seed}'), 220)}"
        clear.append(drafted_by(word_prints(own), 8, prints)[1] <= 0)
    results.least("S7", "the appeal's words are the approver's draft", near, 0.95)
    results.least("S7", "and speak against nobody as much as against him", named, 0.95)
    results.least("S7", "control: an appeal that the seller wrote says nothing", clear, 0.95)


def _written(random: Random, words: int) -> str:
    return " ".join("".join(random.choice("aeioulnrst") for _ in range(5)) for _ in range(words))


async def test_a_bought_reinstatement_is_taken_back_with_reasons_and_its_draft_as_an_exhibit(
    database: Database, tmp_path: Path, door: Door, shop_url: str, results: Results
) -> None:
    (seller,) = ask(shop_url, "select seller_id from reviews group by 1 order by count(*) limit 1")[0]
    target = f"seller:{seller}"
    async with company(database, tmp_path, door) as house:
        (insider,) = (await assign(database, "actor", ["E-0808"])).values()
        deed = {"kind": "action", "at": to_us(START), "actor": insider, "door": "console", "fields": []}
        deed |= {"action": "seller.reinstate", "object": target, "decision": "allow"}
        other = {**deed, "action": "seller.open"}
        entry, wrong = [each.index for each in await house.appender.append_many([deed, other])]
        case = await _case(house, target)
        statement = safety_statement(case, COMPANY, seller=target, clause="section 4", at=house.clock.now())
        record = database_record(statement)  # raises where the database refuses it, or it holds somebody's data
        clean = not any(word in str(record) for word in (str(seller), "E-0808", ANN, BOB))
        refused = []
        for given in (wrong, None, entry):  # another action, none, and the right one without an exhibit
            step = await house.steps.plan(
                case, "resuspend_seller", target, by=ANN, reason=f"see the case {given}",
                params={"entry": given, "statement": statement},
            )  # fmt: skip
            for person in (ANN, BOB):
                await house.steps.approve(step.id, person)
            with pytest.raises(StepRefused) as refusal:
                await house.steps.carry_out(step.id, by=BOB)
            refused.append(refusal.value.reason)
        assert refused == ["not_reinstated", "not_reinstated", "no_exhibit"]
        exhibits = Exhibits(database, house.clock, house.notes, house.desk, house.mails)
        what = "the draft, 14 minutes before the appeal was filed; 94 of 100 word runs are the same"
        await exhibits.add(case, "draft.txt", b"We ask you to look again.", what=what, by=ANN)
        done = await house.steps.carry_out(step.id, by=BOB)
        stands = ask(shop_url, "select measure from seller_measures where seller_id = %s and lifted_at is null", seller)
        again = done.outcome == {"suspended": True} and [row[0] for row in stands] == ["suspended"]
        results.least(
            "S7", "the reinstated seller is suspended again, with reasons that name nobody", [again and clean], 1
        )
        bundle = tmp_path / "case"
        await Integrator(database, house.keys, house.trail, house.clock).step()
        sources = Sources(database, house.trail, house.keys.trail, house.cases, house.steps, house.book, house.mails)
        listed = await exhibits.list(case)
        background = Background(
            exhibits=await exhibits.files(case), shown={each.file: each.what for each in listed},
            built_at=house.clock.now(),
        )  # fmt: skip
        await build_evidence(sources, case, bundle, facts=None, background=background, report=False)
        held = (bundle / "files" / "exhibits" / "001-draft.txt").read_bytes()
        results.least("S7", "the draft is an exhibit of the bundle", [held == b"We ask you to look again."], 1)
        # one person alone lifts nothing
        with pytest.raises(StepRefused):
            await house.steps.undo(step.id, by=[], reason="x")


async def test_one_action_puts_the_reviews_back_and_the_seller_is_stopped_again(
    database: Database, tmp_path: Path, door: Door, shop_url: str, results: Results
) -> None:
    shop = ShopMarketplace(door.connector_url)
    seller = ask(shop_url, "select seller_id from reviews group by 1 having count(*) >= 15 order by count(*) desc")[0][
        0
    ]
    keys = [row[0] for row in ask(shop_url, "select id from reviews where seller_id = %s order by id limit 15", seller)]
    content = (
        "select id, at, helpful, stars, body, deleted_at, deleted_by from reviews where seller_id = %s order by id"
    )
    before = ask(shop_url, content, seller)
    for batch in range(3):
        for key in keys[batch * 5 : batch * 5 + 5]:
            assert await shop.delete_review(key, by="E-0808", at=START + timedelta(days=batch))
    async with company(database, tmp_path, door) as house:
        case = await _case(house, f"seller:{seller}")
        note = "Your review is back. It had been taken away without reason."
        params = {"reviews": [f"review:{key}" for key in keys], "note": note}
        step = await house.do(case, "restore_reviews", case, params)
        assert step.outcome == {"restored": [f"review:{key}" for key in keys]}
        results.least(
            "S7", "all 15 back with date and votes by one action", [ask(shop_url, content, seller) == before], 1
        )
        results.least("S7", "every writer is told", [await shop.notes(step.id) == dict.fromkeys(keys, note)], 1)
        again = await house.steps.carry_out(step.id, by=BOB)
        assert again == step
        # taking them away again hurts their writers: one person alone cannot order it
        with pytest.raises(StepRefused, match="2 different persons"):
            await house.steps.undo(step.id, by=[ANN], reason="x")
        # a case without a finding suspends no seller, however many deletions it names
        with pytest.raises(StepRefused) as refusal:
            await house.steps.plan(case, "suspend_seller", f"seller:{seller}", by=ANN, reason="x")
        assert refusal.value.reason == "no_finding"


async def _case(house: House, seller: str) -> str:
    case = (await house.desk.open(seller, by=ANN, reason="fifteen reviews vanished")).id
    await house.desk.name(case, ANN, "privacy", by=ANN)
    await house.desk.name(case, BOB, "security", by=ANN)
    return case
