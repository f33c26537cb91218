"""A log of two hundred megabytes is imported by the command in 256 MB of memory, all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from whosaw.lake.questions import overview

MOST_MB = 256
LOG_BYTES = 200_000_000
BLOCK_ROWS = 20_000
NOTE = "words that nobody maps; and more of them"
MAPPING = """
kind = "accesses"
[columns]
actor = "actor"
subject = { column = "customer", add_prefix = "customer:" }
at = "at"
ticket = "ticket"
activity = "action"
"""
COMMAND = """
import re, sys
from whosaw.__main__ import main
code = main(["import", *sys.argv[1:], "--json"])
status = open("/proc/self/status").read()  # what this very program took at most; nothing of the process that began it
print("peak kB", re.search(r"VmHWM:\\s+(\\d+)", status)[1])
sys.exit(code)
"""


def line(n: int) -> str:
    at = f"2026-03-{1 + n // 1_000 % 28:02d}T{n // 60 % 24:02d}:{n % 60:02d}:{n * 7 % 60:02d}.{n % 1000:03d}+01:00"
    return f"{at},employee-{n * 7919 % 5_000},4@{n * 104_729 % 4_001},T-@{n // 40},view,{NOTE}\n"


def write_log(path: Path) -> int:
    """Write the log: a block again and again, each time of other customers and tickets; return its rows."""
    block = "".join(map(line, range(BLOCK_ROWS))).encode()
    rows = 0
    with path.open("wb") as log:
        log.write(b"at,actor,customer,ticket,action,note\n")
        while log.tell() < LOG_BYTES:
            log.write(block.replace(b"@", b"%d-" % (rows // BLOCK_ROWS)))
            rows += BLOCK_ROWS
    return rows


def test_two_hundred_megabytes_are_imported_in_256_mb(tmp_path: Path) -> None:
    log, mapping, lake = tmp_path / "big.csv", tmp_path / "big.toml", tmp_path / "lake"
    rows = write_log(log)
    mapping.write_text(MAPPING)
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, str(log), "--mapping", str(mapping), "--lake", str(lake)],
        env=dict(os.environ) | {"WHOSAW_STATE": str(tmp_path / "state")},
        check=True,
        capture_output=True,
        text=True,
    )
    told, _, peak_kb = done.stdout.rpartition("peak kB ")
    assert json.loads(told)["accepted"] == rows
    assert overview(lake).subjects == 4_001 * (rows // BLOCK_ROWS)
    assert int(peak_kb) / 1024 <= MOST_MB
