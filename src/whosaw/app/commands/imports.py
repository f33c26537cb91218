"""``whosaw import LOG``: bring a log that the company already has into a lake; ``--guess`` drafts the mapping first."""

from __future__ import annotations

import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.sparing import sparing

if TYPE_CHECKING:  # what reads logs is loaded within `sparing`
    from whosaw.lake import ImportReport
    from whosaw.lake.guess import Guess


class ImportOptions(AppError, ValueError):
    """An import needs a mapping and a lake; only a guess needs neither."""

    code: ClassVar[str] = "app.import_options"
    hint = "give --mapping FILE and --lake DIR, or --guess to draft a mapping from the log"


def import_(
    log: Path,
    /,
    *,
    mapping: Path | None = None,
    lake: Path | None = None,
    guess: Annotated[bool, Parameter(negative="")] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Import a log that you already have; the same file again changes nothing.

    Args:
        log: the file, plain or compressed with gzip or zstd.
        mapping: TOML that names the log's format and columns; see docs/import.md.
        lake: the lake's folder, made if absent.
        guess: import nothing; print a draft of the mapping, and a preview on standard error.
        as_json: print JSON.
    """
    if guess:
        return _guess(log, as_json)
    if mapping is None or lake is None:
        raise ImportOptions(f"importing `{log}` needs a mapping and a lake")
    with sparing():
        _bring(log, mapping, lake, as_json)
    return 0


def _bring(log: Path, mapping: Path, lake: Path, as_json: bool) -> None:
    from whosaw.lake.weakest import weakest_grade

    report = _import(log, mapping, lake)
    _record(log, report)
    if as_json:
        paths = {name: str(path) if path else None for name, path in _paths(report).items()}
        print_json(asdict(report) | paths | {"weakest": asdict(weakest_grade(lake))})
    else:
        _print(report, lake)


def _record(log: Path, report: ImportReport) -> None:
    """Have the import in the record too, where the server's parts are installed and this machine has a trail."""
    if find_spec("pydantic_settings") is None or find_spec("psycopg") is None:
        return
    from whosaw.app.importrecord import record_import

    record_import(log, report)


def _paths(report: ImportReport) -> dict[str, Path | None]:
    return {"rejects_path": report.rejects_path, "kept_path": report.kept_path}


def _print(report: ImportReport, lake: Path) -> None:
    from whosaw.lake.gaps import gaps_by_source
    from whosaw.lake.weakest import weakest_grade

    out = console()
    out.print(
        f"{report.rows:,} rows: {report.accepted:,} accepted, {report.duplicates:,} known already, "
        f"{report.rejected:,} rejected",
        markup=False,
    )
    if report.skipped:
        out.print(f"{report.skipped:,} records are no access, or left out by the mapping")
    if report.unknown:
        out.print(f"{report.unknown:,} of the accepted rows do not say whose record was reached")
    if report.rejects_path:
        out.print(f"rejected rows and why (raw text, readable by you alone): {report.rejects_path}", markup=False)
    if report.kept_path:
        out.print(f"kept columns (encrypted): {report.kept_path}", markup=False)
    out.print(f"grade of this log: {report.grade}" + (f", lowered: {report.lowered}" if report.lowered else ""))
    out.print(Text(weakest_grade(lake).line, style="dim"))
    for source in gaps_by_source(lake):
        out.print(Text(f"completeness: {source.line}", style="dim"))


def _guess(log: Path, as_json: bool) -> int:
    from whosaw.lake.guess import guess_mapping

    found = guess_mapping(log)
    if as_json:
        columns = {name: asdict(choice) for name, choice in found.columns.items()}
        print_json({"mapping": found.text, "columns": columns, "preview": found.preview})
        return 0
    sys.stdout.write(found.text)
    _print_preview(found)
    return 0


def _print_preview(found: Guess) -> None:
    rows = table(*(f"{name} = {choice.column}" for name, choice in found.columns.items()), title="preview")
    for row in found.preview:
        rows.add_row(*map(Text, row))
    Console(stderr=True, highlight=False).print(rows)


def _import(log: Path, mapping: Path, lake: Path) -> ImportReport:
    from whosaw.lake import import_log, load_mapping

    read = load_mapping(mapping)
    columns = (TextColumn("importing {task.description}"), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(log.name, total=None)
        return import_log(log, read, lake, lambda rows: progress.update(task, completed=rows))
