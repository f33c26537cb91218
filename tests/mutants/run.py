"""Take every protection away once, and see that a test notices.

`python tests/mutants/run.py` copies the source, applies one mutant after the other to the copy, runs the few tests that
must kill it, and prints who did. Exit 1 where one survives or no longer applies. `--write` keeps the table in
docs/measured; words choose mutants by name. With `--parts FILE` every outcome is a line there, and a run that was
interrupted, or ended by `--at-most-s`, goes on with the mutants that this commit, or one named by `--also`, has no line
for.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "measured" / "mutants.md"
LIMIT_S = 180
SURVIVED = "SURVIVED"
FAILED = re.compile(r"^(?:FAILED|ERROR) \S+?::(\S+)", re.MULTILINE)


def run_tests(source: Path, tests: Sequence[str], limit_s: float) -> subprocess.CompletedProcess[str]:
    """Run tests of this tree against the source in `source`, up to the first that fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *dict.fromkeys(tests)]
    # no bytecode: two mutants of one length within one second would be taken for one another
    environment = os.environ | {"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=limit_s
    )


def killer(mutant: Mutant, source: Path, limit_s: float) -> str:
    """Return which test notices the mutant, or that none does.

    Raises:
        LookupError: the mutant does not apply exactly once.
    """
    file = source / "whosaw" / mutant.file
    sound = file.read_text()
    if sound.count(mutant.old) != 1:
        raise LookupError(f"`{mutant.name}` applies {sound.count(mutant.old)} times to {mutant.file}")
    file.write_text(sound.replace(mutant.old, mutant.new))
    try:
        done = run_tests(source, mutant.tests, limit_s)
    except subprocess.TimeoutExpired:
        return f"no end within {limit_s:.0f} s"
    finally:
        file.write_text(sound)
    if done.returncode == 0:
        return SURVIVED
    named = FAILED.search(done.stdout)
    return named[1].partition("[")[0] if named else "the tests do not even begin"


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant, of which source and when."""

    name: str
    file: str
    by: str
    commit: str
    at: str

    @property
    def survived(self) -> bool:
        """Whether no test noticed it."""
        return self.by.startswith(SURVIVED)


class Run:
    """Tries one mutant after the other on a copy of the source; keeps what came out, if there is a file for it."""

    def __init__(self, source: Path, limit_s: float, parts: Path | None, also: Sequence[str] = ()) -> None:
        self._source = source
        self._limit_s = limit_s
        self._parts = parts
        self._commit = commit()
        self._also = also
        self._sound: set[tuple[str, ...]] = set()  # tests that passed without any mutant

    def known(self) -> dict[str, Outcome]:
        """Return by name what earlier runs found of this very commit, or of another that is taken for as good."""
        if self._parts is None or not self._parts.exists():
            return {}
        lines = [Outcome(**json.loads(line)) for line in self._parts.read_text().splitlines()]
        kept = [each for commit in (*self._also, self._commit) for each in lines if each.commit == commit]
        return {each.name: each for each in kept}

    def attempt(self, mutant: Mutant) -> Outcome:
        """Return what became of a mutant, after its tests have passed without it.

        Raises:
            RuntimeError: they fail without any mutant.
        """
        if mutant.tests not in self._sound:
            done = run_tests(self._source, mutant.tests, 3 * self._limit_s)
            if done.returncode != 0:
                raise RuntimeError(f"{done.stdout[-4_000:]}\nthe tests of `{mutant.name}` fail without any mutant")
            self._sound.add(mutant.tests)
        try:
            by = killer(mutant, self._source, self._limit_s)
        except LookupError as cause:
            by = f"{SURVIVED}: {cause}"
        found = Outcome(mutant.name, mutant.file, by, self._commit, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
        print(f"  {found.name}: {found.by}", file=sys.stderr, flush=True)
        if self._parts is not None:
            self._parts.parent.mkdir(parents=True, exist_ok=True)
            with self._parts.open("a") as kept:
                kept.write(json.dumps(vars(found)) + "\n")
        return found


def commit() -> str:
    """Return the source's commit, marked where files differ from it."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def page(found: Sequence[Outcome]) -> str:
    """Return the measured page."""
    times = sorted(each.at for each in found)
    lines = [
        "# Protections taken away",
        "",
        f"{times[0]} to {times[-1]} · `python tests/mutants/run.py {' '.join(sys.argv[1:])}`. {len(found)} mutants, "
        f"{sum(each.survived for each in found)} survived. How it works: docs/crash.md.",
        "",
        "| protection taken away | in | killed by | commit |",
        "|---|---|---|---|",
    ]
    for each in found:
        by = each.by.replace("_", " ").removeprefix("test ")
        lines.append(f"| {each.name} | `{each.file}` | {by} | {each.commit} |")
    return "\n".join([*lines, ""])


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("words", nargs="*", help="run only mutants whose name holds one of these")
    options.add_argument("--write", action="store_true", help=f"keep the table in {PAGE.relative_to(ROOT)}")
    options.add_argument("--limit-s", type=float, default=LIMIT_S, help="seconds for the tests of one mutant")
    options.add_argument("--parts", type=Path, metavar="FILE", help="keep outcomes there, and go on after them")
    options.add_argument("--also", nargs="+", default=(), metavar="COMMIT", help="take what --parts holds of these too")
    options.add_argument("--at-most-s", type=float, default=1e9, help="seconds after which no mutant is begun")
    given = options.parse_args()
    chosen = [each for each in MUTANTS if not given.words or any(word in each.name for word in given.words)]
    until = time.monotonic() + given.at_most_s
    with tempfile.TemporaryDirectory(prefix="whosaw-mutants-") as name:
        source = Path(name) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        run = Run(source, given.limit_s, given.parts, given.also)
        found = run.known()
        for mutant in chosen:
            if mutant.name not in found:
                if time.monotonic() > until:
                    left = sum(each.name not in found for each in chosen)
                    print(f"{left} mutants are left", file=sys.stderr)
                    return 3
                found[mutant.name] = run.attempt(mutant)
    outcomes = [found[each.name] for each in chosen]
    print(page(outcomes))
    if given.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(outcomes))
    return 1 if any(each.survived for each in outcomes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
