"""``whosaw import LOG``: bring a log that the company already has into a lake."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from whosaw.app.commands.output import console, print_json
from whosaw.lake import ImportReport, import_log, load_mapping


def import_(
    log: Path,
    /,
    *,
    mapping: Path,
    lake: Path,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Import a CSV (plain or gzip) or Parquet log; the same file again changes nothing.

    Args:
        log: the file.
        mapping: TOML that names the log's columns; see docs/import.md.
        lake: the lake's folder, made if absent.
        as_json: print JSON.
    """
    report = _import(log, mapping, lake)
    if as_json:
        told = asdict(report)
        print_json(told | {"rejects_path": str(report.rejects_path) if report.rejects_path else None})
        return 0
    out = console()
    out.print(
        f"{report.rows:,} rows: {report.accepted:,} accepted, {report.duplicates:,} known already, "
        f"{report.rejected:,} rejected",
        markup=False,
    )
    if report.rejects_path:
        out.print(f"rejected rows and why (raw text, readable by you alone): {report.rejects_path}", markup=False)
    return 0


def _import(log: Path, mapping: Path, lake: Path) -> ImportReport:
    read = load_mapping(mapping)
    columns = (TextColumn("importing {task.description}"), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(log.name, total=None)
        return import_log(log, read, lake, lambda rows: progress.update(task, completed=rows))
