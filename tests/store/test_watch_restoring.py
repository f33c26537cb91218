"""Bought deletions become the step of a case that restores them, and nothing comes back before it is approved."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.store.test_case import AT, SELLER, World, cases, steps, world

from whosaw.answer import Cases, StepRefused, Steps
from whosaw.app.watchingreviews import watch_reviews
from whosaw.app.watchrestoring import NothingToRestore, plan_restoration

__all__ = ["cases", "steps", "world"]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def bought_away(folder: Path, seller: str) -> tuple[Path, Path]:
    """Ten sound bad reviews of one seller, all of them deleted by one person, among a thousand others."""
    rng, rows = np.random.default_rng(3), []
    for n in range(1_000):
        at = AT - timedelta(days=float(rng.random()) * 200)
        rows.append(f"r{n},a{rng.integers(0, 700)},p{rng.integers(0, 60)},{at.isoformat()},{rng.integers(1, 6)}")
    bad = [f"b{n},critic{n},{seller},{(AT - timedelta(days=199 - 15 * n)).isoformat()},1" for n in range(10)]
    deleted = [f"b{n},e4,{AT.isoformat()}" for n in range(10)]
    return (
        write(folder / "reviews.csv", "review,author,target,at,stars", *rows, *bad),
        write(folder / "deletions.csv", "review,actor,at", *deleted),
    )


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return bought_away(tmp_path, SELLER.partition(":")[2])


async def test_a_list_of_bought_deletions_becomes_one_step_that_others_approve(
    cases: Cases, steps: Steps, world: World, files: tuple[Path, Path]
) -> None:
    bought = watch_reviews(*files)["bought_deletions"]
    case = await cases.open(SELLER, by="lead")
    step = await plan_restoration(steps, case, bought, by="lead")
    assert (step.kind, step.params) == ("restore_reviews", {"reviews": sorted(f"b{n}" for n in range(10))})
    assert "10 reviews, confidence 0.9" in step.reason and "e4" not in step.reason
    assert (await plan_restoration(steps, case, bought, by="lead")).id == step.id  # asked again, it is the same
    with pytest.raises(StepRefused):
        await steps.carry_out(step.id, by="lead")
    assert "restore reviews" not in world.events
    await steps.approve(step.id, "legal")
    await steps.carry_out(step.id, by="lead")
    assert world.events.count("restore reviews") == 1


async def test_a_case_about_somebody_else_gets_no_step(cases: Cases, steps: Steps, files: tuple[Path, Path]) -> None:
    bought = watch_reviews(*files)["bought_deletions"]
    other = await cases.open("seller:S-0001", by="lead")
    with pytest.raises(NothingToRestore):
        await plan_restoration(steps, other, bought, by="lead")
