"""Does the memory of an import stay bounded, however large the log? A child imports it; its peak is measured.

`--gigabytes 10 --limit-mb 1024` is the bar for large logs (needs about four times the log's size of disk); the tests
hold 200 MB against 256 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MAPPING = """
kind = "accesses"
[columns]
actor = "actor"
subject = "customer"
at = "at"
ticket = "ticket"
activity = "action"
"""
CHILD = """
import json, re, sys
from whosaw.__main__ import main
code = main(["import", *sys.argv[1:], "--json"])
status = open("/proc/self/status").read()  # of this program alone, whatever the one that began it took
print(json.dumps({"peak_mb": int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) / 1024}))
sys.exit(code)
"""
HEADER = b"at,actor,customer,ticket,action,note\n"
BLOCK_ROWS = 50_000
LINE = b"2026-%02d-%02dT%02d:%02d:%02d.%03d+01:00,employee-%d,customer-%d,T-%d,view,words that nobody maps\n"


def line(n: int) -> bytes:
    """Return row `n`: a time of its own, one of 5,000 employees, and a subject that few other rows have."""
    day = 1 + n // 4_000_000 % 12, 1 + n // 140_000 % 28
    clock = n // 6_000 % 24, n // 100 % 60, n % 60, n % 1000
    return LINE % (*day, *clock, n * 7919 % 5_000, n * 104_729 % 4_000_037 // 20, n // 40)


def write_log(path: Path, size_bytes: int) -> int:
    """Write a log of about that size with ever new subjects; return its rows."""
    rows = 0
    with path.open("wb") as log:
        log.write(HEADER)
        while log.tell() < size_bytes:
            log.write(b"".join(map(line, range(rows, rows + BLOCK_ROWS))))
            rows += BLOCK_ROWS
    return rows


def run_child(log: Path, lake: Path) -> dict[str, float]:
    """Import by the command, in a process of its own; return its rows and its peak."""
    mapping = log.with_suffix(".toml")
    mapping.write_text(MAPPING)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(log), "--mapping", str(mapping), "--lake", str(lake)],
        check=True,
        stdout=subprocess.PIPE,
        env=dict(os.environ) | {"WHOSAW_STATE": str(lake.with_name("state"))},
    )
    *told, peak = done.stdout.decode().splitlines()
    found: dict[str, float] = json.loads("\n".join(told)) | json.loads(peak)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=10.0)
    parser.add_argument("--limit-mb", type=float, default=1024.0)
    parser.add_argument("--folder", type=Path, default=None, help="where to work (default: the system's)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whosaw-big-", dir=arguments.folder) as folder:
        log = Path(folder) / "big.csv"
        rows = write_log(log, int(arguments.gigabytes * 1e9))
        print(f"{rows:,} rows, {log.stat().st_size / 1e9:.2f} GB", flush=True)
        start = time.perf_counter()
        found = run_child(log, Path(folder) / "lake")
        took = time.perf_counter() - start
    print(f"imported in {took:,.0f} s ({rows / took:,.0f} rows/s), peak memory {found['peak_mb']:,.0f} MB")
    if found["accepted"] != rows or found["peak_mb"] > arguments.limit_mb:
        print(f"FAILED: {found['accepted']:,.0f} of {rows:,} rows, limit {arguments.limit_mb:,.0f} MB")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
