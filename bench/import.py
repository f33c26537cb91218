"""How fast is a log brought into a lake? The bank log's shape, beside a plain DuckDB read of the same file.

The log is the BPI Challenge 2012 export in the folder that `WHOSAW_DATASETS` names, repeated with other case numbers
(`--copies`). Printed: rows per second of the whole import by the clock and by the processor's time (the honest figure
where other work shares the machine), the time DuckDB needs to read all columns of the file as text, and the ratio.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from whosaw.app.sparing import sparing
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import load_mapping

ROOT = Path(__file__).parents[1]
FILE = "bpic2012_loan_worklog.csv.gz"
BAR_ROWS_PER_S = 150_000


def make_log(path: Path, copies: int) -> int:
    """Write the bank's log several times over, each time with other case numbers; return its rows."""
    folder = Path(os.environ.get("WHOSAW_DATASETS") or ROOT.parent / "shared" / "data")
    if not (folder / FILE).is_file():
        sys.exit(f"data set `{FILE}` is not under `{folder}` (set WHOSAW_DATASETS)")
    with gzip.open(folder / FILE, "rb") as file:
        header, *lines = file.read().splitlines(keepends=True)
    with path.open("wb") as log:
        log.write(header)
        for copy in range(copies):
            log.writelines(b"%d" % copy + line for line in lines)
    return copies * len(lines)


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that some work takes: by the clock, and of processors."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def read_plainly(log: Path) -> None:
    connection = duckdb.connect(config={"threads": 2})
    source = f"read_csv('{log}', all_varchar = true)"
    connection.execute(f"CREATE TABLE log AS FROM {source}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=8, help="times the bank's log (default: 8, two million rows)")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    mapping = load_mapping(ROOT / "examples" / "bank_worklog.toml")
    with sparing(), tempfile.TemporaryDirectory(prefix="whosaw-bench-") as folder:
        log = Path(folder) / "bank.csv"
        rows = make_log(log, arguments.copies)
        size_mb, load = log.stat().st_size / 1e6, os.getloadavg()[0]
        print(f"{rows:,} rows, {size_mb:.0f} MB, {os.cpu_count()} processors, load {load:.1f}")
        read_plainly(log)
        for run in range(arguments.runs):
            plain = measured(lambda: read_plainly(log))
            whole = measured(lambda lake=Path(folder) / f"lake-{run}": import_log(log, mapping, lake))  # type: ignore[misc]
            print(
                f"import {rows / whole[0]:9,.0f} rows/s ({whole[0]:6.2f} s, processors {whole[1]:6.2f} s = "
                f"{rows / whole[1]:9,.0f} rows/s of one)   DuckDB read {plain[0]:6.2f} s ({plain[1]:6.2f} s)   "
                f"ratio {whole[0] / plain[0]:5.1f} by the clock, {whole[1] / plain[1]:5.1f} of processors"
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"bar: {BAR_ROWS_PER_S:,} rows/s; peak memory of this process {peak:,.0f} MB, both together")


if __name__ == "__main__":
    main()
