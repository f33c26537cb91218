"""The export is killed 20 times at random: nothing is lost, nothing doubled. The long campaign is in `tests/crash`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "crash" / "lake_kills.py"


async def test_twenty_kills_lose_and_double_no_row(database_url: str, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("lake_kills", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    sys.modules["lake_kills"] = program
    spec.loader.exec_module(program)
    done = await program.campaign(database_url, tmp_path, kills=20, seed=20)
    assert (done.lost, done.doubled, done.findings, done.leftovers) == (0, 0, 0, 0)
    assert done.entries > 1_000
    assert done.advanced > 5  # else nothing was at work when it was killed
