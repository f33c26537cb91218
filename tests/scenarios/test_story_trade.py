"""What was sold and bought besides addresses: a mass export (S6), review deletions and a reinstatement (S7)."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tests.scenarios.conftest import Results
from tests.scenarios.house import ANN, BOB, START, House
from tests.scenarios.test_story_answer import company
from tests.store.test_measures import Door, ask

from whosaw.answer import StepRefused
from whosaw.market import ShopMarketplace
from whosaw.store import Database
from whosaw.trace.fingerprint import Export, match_sample
from whosaw.watch.deletions import Deletions, bought_deletions

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
    whole, few, scope, elsewhere = [], [], [], []
    for seed in range(SEEDS):
        generator = np.random.default_rng((6, seed))
        source = exports[int(generator.integers(31))]
        picked = generator.choice(len(source.rows), 1_200, replace=False)
        found = match_sample([source.rows[at] for at in picked], exports, POPULATION)
        first = found.sources[0]
        whole.append(first.reference == source.reference and first.probability >= 0.999)
        scope.append(len(exports[int(first.reference.partition("-")[2])].rows) == 1_765)
        plain = [row for row in source.rows if row not in source.seeds]
        picked = generator.choice(len(plain), 40, replace=False)
        first = match_sample([plain[at] for at in picked], exports, POPULATION).sources[0]
        few.append(first.reference == source.reference and first.probability >= 0.95)
        strange = prints(generator.choice(POPULATION, 40, replace=False))
        elsewhere.append(match_sample(strange, exports, POPULATION).none <= 0.5)
    results.least("S6", "1,200 rows name their export at P ≥ 0.999", whole, 1)
    results.least("S6", "the scope is that export's rows", scope, 1)
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
