"""How long one question takes as the log grows: 50 sightings, matched controls, 499 redraws, the index on disk.

The log is random: actors by a lognormal activity, subjects even, one seller's customers 0.4 % of them (at least 2,000),
one access in twenty without a reason. It is written once as Parquet, sorted by subject, and kept.

    python bench/trace/speed.py make --accesses 1000000 10000000 --folder speed
    python bench/trace/speed.py build --accesses 1000000 10000000 --folder speed
    python bench/trace/speed.py ask --accesses 1000000 10000000 --folder speed
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whosaw.app.traceasked import Asked, rank_on_disk
from whosaw.app.traceindex import DiskIndex, open_index
from whosaw.app.traceindexbuild import create, extend
from whosaw.trace import Actors, Settings, Sightings
from whosaw.trace.settings import DAY_US

ACTORS = 20_000
SIGHTINGS = 50
_GROUP = 1 << 20


def make(file: Path, size: int) -> None:
    """Write the log of one size as Parquet, sorted by subject."""
    generator = np.random.default_rng(size)
    subjects = size // 20
    activity = generator.lognormal(0, 1, ACTORS)
    steps = np.cumsum(activity / activity.sum())
    schema = pa.schema(
        [("subject", pa.int32()), ("actor", pa.int32()), ("at_us", pa.int64()), ("irregular", pa.bool_())]
    )
    with pq.ParquetWriter(file, schema, compression="zstd") as out:
        for first in range(0, subjects, _GROUP // 20):
            own = np.arange(first, min(first + _GROUP // 20, subjects))
            subject = np.repeat(own, generator.poisson(20, own.size))
            actor = np.minimum(np.searchsorted(steps, generator.random(subject.size)), ACTORS - 1)
            at_us = generator.integers(0, 180 * DAY_US, subject.size)
            columns = [subject.astype(np.int32), actor.astype(np.int32), at_us, generator.random(subject.size) < 0.05]
            out.write_table(pa.table(dict(zip(schema.names, columns, strict=True)), schema))


def question(disk: DiskIndex, size: int, actors: Actors, known: int = 6) -> Asked:
    """Return the question of one size: `known` of the complainers met the busiest actor, the others did not.

    With 6 the permutation test has to decide; with 15 he is a finding, and confidence sets and robustness are computed.
    """
    generator = np.random.default_rng((size, 1))
    subjects = size // 20
    customers = np.sort(generator.choice(subjects, max(2_000, subjects // 250), replace=False))
    entered_us = generator.integers(0, 100 * DAY_US, customers.size)
    index = disk.of(customers, actors)
    busiest = int(np.bincount(index.pair_actor, minlength=actors.count).argmax())
    owner, pair = index.pairs_of(np.arange(customers.size))
    mine = index.pair_actor[pair] == busiest
    met, first_us = owner[mine], index.pair_first_us[pair[mine]]
    early = np.flatnonzero(first_us < 110 * DAY_US)
    chosen = generator.choice(early, known, replace=False)
    others = generator.choice(np.setdiff1d(np.arange(customers.size), met), SIGHTINGS - known, replace=False)
    victims = np.append(met[chosen], others)
    contact_us = entered_us[victims] + generator.integers(20, 60, SIGHTINGS) * DAY_US
    contact_us[:known] = np.maximum(contact_us[:known], first_us[chosen] + DAY_US)
    return Asked(customers, entered_us, Sightings(victims, contact_us))


def forget(folder: Path) -> None:
    """Ask the kernel to drop the folder's pages, so that the next answer is the first one."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def ask(folder: Path, files: list[Path], size: int, repeats: int, known: int) -> str:
    """Return the line of one size."""
    actors = Actors(ACTORS, np.zeros(ACTORS, np.bool_))
    settings = Settings(draws=499, first_draws=499)
    asked = question(open_index(folder, files), size, actors, known)
    forget(folder)
    times, spent = [], []
    for _ in range(repeats + 1):
        start, used = time.perf_counter(), time.process_time()
        disk = open_index(folder, files)
        found = rank_on_disk(disk, asked, actors, settings)
        times.append(time.perf_counter() - start)
        spent.append(time.process_time() - used)
    if known < 10 and found.method.redraws < settings.first_draws:
        raise RuntimeError("the permutation test did not run: this is no measurement of it")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"| {disk.rows:,} | {size // 20:,} | {asked.subject.size:,} | {known} | {found.verdict} "
        f"| {times[0]:.2f} | {min(times[1:]):.2f} "
        f"| {max(times[1:]):.2f} | {min(spent[1:]):.2f} | {peak:.2f} |"
    )


def main(arguments: list[str] | None = None) -> int:
    """Make the logs, build the indices, or ask; one line per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("make", "build", "ask", "one"))
    parser.add_argument("--accesses", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--known", type=int, default=6, help="complainers whom the busiest actor had met")
    chosen = parser.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.step == "ask":
        print(
            "| accesses | subjects | of the question | met | verdict | first s | warm s, best | worst | processor s "
            "| peak memory GB |"
        )
        print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    if chosen.step == "build":
        print("| accesses | index s | more | brought in s | peak memory GB |\n|---|---|---|---|---|", flush=True)
    for size in chosen.accesses:
        file, folder = chosen.folder / f"log-{size}.parquet", chosen.folder / f"index-{size}"
        files = [file, chosen.folder / f"more-{size}.parquet"]
        start = time.perf_counter()
        if chosen.step == "make":
            make(file, size)
            print(f"{size:,} accesses written in {time.perf_counter() - start:.1f} s", flush=True)
        elif chosen.step == "build":
            disk = create(folder, [file], has_reasons=True)
            built = time.perf_counter() - start
            make(files[1], size // 100)
            start = time.perf_counter()
            extend(folder, files)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            added = time.perf_counter() - start
            print(
                f"| {disk.rows:,} | {built:.1f} | {size // 100:,} | {added:.2f} | {peak:.2f} |",
                flush=True,
            )
        elif chosen.step == "one":
            print(ask(folder, files, size, chosen.repeats, chosen.known), flush=True)
        else:  # each in a process of its own: peak memory is that of this size alone
            own = [sys.executable, __file__, "one", "--accesses", str(size), "--folder", str(chosen.folder)]
            subprocess.run([*own, "--repeats", str(chosen.repeats), "--known", str(chosen.known)], check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
