"""An import killed at any moment leaves a lake as it was before or as it is after; the next one finishes the work."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from whosaw.lake.importer import import_log
from whosaw.lake.mapping import Mapping, read_mapping
from whosaw.lake.questions import overview

DOCUMENT = {
    "kind": "accesses",
    "columns": {"actor": "actor", "subject": "subject", "at": "at"},
    "time": {"format": "epoch_us"},
}
ROWS = 40_000
CHILD = f"""
import sys
from pathlib import Path
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
mapping = read_mapping({DOCUMENT!r})
print("ready", flush=True)
import_log(Path(sys.argv[1]), mapping, Path(sys.argv[2]))
"""


@pytest.fixture
def mapping() -> Mapping:
    return read_mapping(DOCUMENT)


def test_a_killed_import_is_all_or_nothing(tmp_path: Path, mapping: Mapping) -> None:
    log, lake = tmp_path / "log.csv", tmp_path / "lake"
    log.write_text(
        "actor,subject,at\n" + "".join(f"a{n % 50},s{n % 9000},{n}\n" for n in range(ROWS)), encoding="utf-8"
    )
    first = tmp_path / "first.csv"
    first.write_text("actor,subject,at\na0,s0,0\n", encoding="utf-8")
    import_log(first, mapping, lake)
    states = set()
    for wait_s in (0.02, 0.1, 0.2, 0.3, 0.4, 0.5):
        child = subprocess.Popen([sys.executable, "-c", CHILD, log, lake], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(wait_s)
        child.kill()
        child.communicate()
        states.add(overview(lake).accesses)
    assert states <= {1, ROWS}
    import_log(log, mapping, lake)
    assert overview(lake).accesses == ROWS
    assert len(list(lake.glob("*.parquet"))) == 3
    assert not (lake / ".staging").exists()
