"""Campaigns that share their work: a log with a line of JSON per case, and the options of programs that keep one."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parents[2]


def options(described: str | None, cases: int, of: str) -> argparse.ArgumentParser:
    """Return the options of a campaign.

    Args:
        described: what the program does.
        cases: how many, unless told.
        of: of what.
    """
    parser = argparse.ArgumentParser(description=described)
    parser.add_argument("--cases", type=int, default=cases, help=of)
    parser.add_argument(
        "--first", type=int, default=0, help="first seed: several runs share the work, each its own log"
    )
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after that time, whatever is done")
    parser.add_argument("--log", type=Path, action="append", help="one line per case; several with --only-table")
    parser.add_argument("--resume", action="store_true", help="keep the cases that the log holds, and add the others")
    parser.add_argument("--only-table", action="store_true", help="make the table of earlier runs")
    return parser


def writing(parser: argparse.ArgumentParser, what: str) -> argparse.ArgumentParser:
    """Add the options of a campaign that writes a page; `what` says which."""
    parser.add_argument("--commit", help="what was measured, where a table is made of an earlier run")
    parser.add_argument("--write", action="store_true", help=what)
    return parser


def play(chosen: argparse.Namespace, name: str, run: Callable[[range, float, Path], None]) -> list[Path]:
    """Run what was chosen, and return the logs to read.

    Args:
        chosen: the options.
        name: of the log, unless told.
        run: plays seeds for so many minutes, and adds what the log lacks.
    """
    logs: list[Path] = chosen.log or [ROOT / ".run" / name]
    logs[0].parent.mkdir(parents=True, exist_ok=True)
    if not chosen.only_table:
        if not chosen.resume:
            logs[0].unlink(missing_ok=True)
        run(range(chosen.first, chosen.first + chosen.cases), chosen.minutes, logs[0])
    return logs


def adding(log: Path) -> TextIO:
    """Open a log to add lines to it; half a line of a run that was ended while it wrote stays a line of its own."""
    lines = log.open("a", encoding="utf-8")
    if log.stat().st_size and not log.read_bytes().endswith(b"\n"):
        lines.write("\n")
    return lines


def rows(logs: Sequence[Path], key: Callable[[Any], Hashable]) -> Iterator[Any]:
    """Yield the lines of the logs, each key once: two runs that shared the work may both have reached a case.

    A run that was ended while it wrote leaves half a line, which counts as not there.
    """
    seen = set()
    for line in (line for log in logs if log.exists() for line in log.read_text(encoding="utf-8").splitlines()):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if key(row) not in seen:
            seen.add(key(row))
            yield row


def commit(chosen: argparse.Namespace) -> str:
    """Return the commit that was measured."""
    head = ["git", "rev-parse", "--short", "HEAD"]
    return chosen.commit or subprocess.run(head, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
