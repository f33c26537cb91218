"""Mutants that no longer apply would test nothing, and nobody would hear of it before the next campaign."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_every_mutant_applies_exactly_once_and_names_tests_that_are_there() -> None:
    mutants = runpy.run_path(str(ROOT / "tests" / "mutants" / "mutants.py"))["MUTANTS"]
    source = ROOT / "src" / "whosaw"
    stale = [each.name for each in mutants if (source / each.file).read_text().count(each.old) != 1]
    assert not stale
    gone = [test for each in mutants for test in each.tests if not _there(test)]
    assert not gone


def _there(test: str) -> bool:
    file, _, name = test.partition("::")
    path = ROOT / file
    return path.is_file() and (not name or f"def {name.rpartition('::')[2].partition('[')[0]}(" in path.read_text())
