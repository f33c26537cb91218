"""``whosaw trace fingerprint`` and ``prints``: which export or query found rows came from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.foundrows import match_files, match_lake, write_prints
from whosaw.terms import chance

_SHOWN = 10


class FingerprintOptions(AppError, ValueError):
    """Found rows are matched to a list of exports, or to the queries of a lake: exactly one of them."""

    code: ClassVar[str] = "app.fingerprint_options"
    hint = "give --exports FILE, or --lake DIR with --key COLUMN"


def fingerprint(
    sample: Path,
    /,
    *,
    exports: Path | None = None,
    salt: Path | None = None,
    lake: Path | None = None,
    key: str | None = None,
    prefix: str = "",
    population: int | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Say which export or query found rows came from: shuffled, in other case, re-formatted or partial as they may be.

    Args:
        sample: CSV of the found rows, with a header.
        exports: CSV with reference,actor,file,seeds: exports that were kept, or their prints.
        salt: file of the secret that prints were made with.
        lake: folder of a lake: its queries are compared instead.
        key: column of the sample that holds the subjects' references; with a lake.
        prefix: what the log writes before them.
        population: rows that could have turned up; counted where absent.
        as_json: print JSON.
    """
    if population is not None and population < 1:
        raise FingerprintOptions(f"a population has at least one row, not `{population}`")
    if exports is not None and lake is None:
        told = match_files(sample, exports, salt, population)
    elif lake is not None and exports is None and key is not None:
        told = match_lake(sample, lake, key, prefix, population)
    else:
        raise FingerprintOptions(f"matching `{sample.name}` needs one kind of source")
    if as_json:
        print_json(told)
        return 0
    _print(told)
    return 0


def prints(export: Path, /, *, salt: Path, out: Path) -> int:
    """Write the salted prints of an export's cells: enough to recognise its rows, and none of its values.

    Args:
        export: CSV with a header.
        salt: file of the secret, made if absent; whoever has it can try values against the prints.
        out: file to write.
    """
    rows = write_prints(export, salt, out)
    console().print(f"{rows} rows printed", highlight=False)
    return 0


def _print(told: Mapping[str, Any]) -> None:
    out = console()
    rows = table("export", "made by", "probability", f"rows of {told['rows']}", "seeded", "in order")
    for source in told["sources"][:_SHOWN]:
        rows.add_row(
            Text(source["reference"]),
            Text(source["actor"]),
            chance(source["probability"]),
            str(source["rows"]),
            str(source["seeds"]),
            f"{source['in_order']:.2f}",
        )
    rows.add_row("none of them", "", chance(told["none"]), "", "", "")
    out.print(rows)
    out.print(Text("who made an export need not be who passed it on", style="dim"))
