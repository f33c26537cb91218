"""Take every protection away once, and see that a test notices.

`python tests/mutants/run.py` copies the source, applies one mutant after the other to the copy, runs the few tests that
must kill it, and prints who did. Exit 1 where one survives or no longer applies. `--write` keeps the table in
docs/measured; words choose mutants by name.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
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


def try_all(mutants: Sequence[Mutant], source: Path, limit_s: float) -> list[tuple[str, str, str]]:
    """Return (what is gone, file, killed by) of every mutant, telling each as it falls."""
    found = []
    for mutant in mutants:
        try:
            by = killer(mutant, source, limit_s)
        except LookupError as cause:
            by = f"{SURVIVED}: {cause}"
        print(f"  {mutant.name}: {by}", file=sys.stderr, flush=True)
        found.append((mutant.name, mutant.file, by))
    return found


def page(found: Sequence[tuple[str, str, str]]) -> str:
    """Return the measured page."""
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [
        "# Protections taken away",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · `python tests/mutants/run.py {' '.join(sys.argv[1:])}` · commit "
        f"{asked.stdout.strip() or 'unknown'}. {len(found)} mutants, "
        f"{sum(by.startswith(SURVIVED) for _, _, by in found)} survived. How it works: docs/crash.md.",
        "",
        "| protection taken away | in | killed by |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | `{file}` | {by.replace('_', ' ').removeprefix('test ')} |" for name, file, by in found]
    return "\n".join([*lines, ""])


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("words", nargs="*", help="run only mutants whose name holds one of these")
    options.add_argument("--write", action="store_true", help=f"keep the table in {PAGE.relative_to(ROOT)}")
    options.add_argument("--limit-s", type=float, default=LIMIT_S, help="seconds for the tests of one mutant")
    given = options.parse_args()
    chosen = [each for each in MUTANTS if not given.words or any(word in each.name for word in given.words)]
    with tempfile.TemporaryDirectory(prefix="whosaw-mutants-") as name:
        source = Path(name) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        sound = run_tests(source, [test for mutant in chosen for test in mutant.tests], 20 * given.limit_s)
        if sound.returncode != 0:
            print(sound.stdout[-4_000:], "the tests fail without any mutant", sep="\n", file=sys.stderr)
            return 2
        found = try_all(chosen, source, given.limit_s)
    print(page(found))
    if given.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(found))
    return 1 if any(by.startswith(SURVIVED) for _, _, by in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
