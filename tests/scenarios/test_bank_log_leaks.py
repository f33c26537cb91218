"""Planted leaks in a real bank's work log: the right employee is named, and random complaint lists name nobody."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRAWS = 200
SEED = 1


@pytest.fixture(scope="module")
def bank_log() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_bank_log", ROOT / "bench" / "bank_log.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up while it is being made
    spec.loader.exec_module(module)
    if not (module.datasets() / module.FILE).exists():
        pytest.skip(f"`{module.FILE}` is not in `{module.datasets()}`; set WHOSAW_DATASETS to the folder that holds it")
    return module


@pytest.mark.real_data
def test_planted_leaks_are_found_and_random_lists_name_nobody(bank_log: ModuleType) -> None:
    from whosaw.trace import Settings

    log = bank_log.read_log(bank_log.datasets() / bank_log.FILE)
    outcomes = [bank_log.measure(log, k, DRAWS, SEED, Settings()) for k in bank_log.SIZES]
    print("\n" + bank_log.table(outcomes, DRAWS, SEED))
    assert [bar for outcome in outcomes for bar in outcome.missed(DRAWS)] == []
    # counting overlaps, the obvious rule, is worse where complaints are few and has no error rate at all
    assert outcomes[0].overlap_top < outcomes[0].top


@pytest.mark.real_data
def test_the_log_is_read_whole(bank_log: ModuleType) -> None:
    log = bank_log.read_log(bank_log.datasets() / bank_log.FILE)
    assert log.index.subject_count == 13_087
    assert log.index.actors.count == 68
    assert log.index.actors.service.sum() == 1
    assert 200_000 < log.accesses.actor.size <= 262_200
