"""``whosaw check``: does the catalog hold, and what does it come to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from whosaw.app.catalogcheck import Findings, find
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.resolved import NO_PURPOSE, Cell
from whosaw.app.settings import Settings
from whosaw.catalog import Catalog, load
from whosaw.catalog.uncovered import Coverage
from whosaw.decide import load_policies

_EFFECTS = {"reveal": "bold", "allow": "bold", "mask": "", "alias": "", "deny": "dim"}


def check(
    *, catalog: Path | None = None, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False
) -> int:
    """Try the catalog against the living databases, print who gets what for which purpose, and what is uncovered.

    Exit code 0: everything holds. 1: something is refused (a column or table that is not there, a purpose that can
    verify nothing, a rule that can never apply, a source that does not answer), or there is no catalog to check.
    Uncovered columns and notes alone do not make it fail.

    Args:
        catalog: the catalog file; default WHOSAW_CATALOG, else whosaw.toml in the state folder.
        as_json: print JSON.
    """
    read = load(catalog or Settings().catalog_path)
    policies = load_policies(read.policy_files)
    found = asyncio.run(find(read, policies))
    if as_json:
        print_json(_as_json(read, policies.version, found))
    else:
        _print(console(), read, policies.version, found)
    return 1 if found.problems else 0


def _as_json(catalog: Catalog, version: str, found: Findings) -> dict[str, object]:
    covered = found.report.coverage
    return {
        "passed": not found.problems,
        "catalog": catalog.version,
        "policies": version,
        "tried": list(found.report.tried),
        "problems": list(found.problems),
        "notes": list(found.notes),
        "resolved": [asdict(cell) for cell in found.cells],
        "coverage": None
        if covered is None
        else {
            "share": round(covered.share, 4),
            "covered": covered.covered,
            "uncovered": [
                {"column": each.place, "looks_like": each.guess.kind, "confidence": each.guess.confidence}
                for each in covered.uncovered
            ],
        },
    }


def _print(out: Console, catalog: Catalog, version: str, found: Findings) -> None:
    out.print(Text(f"{catalog.company}: what is protected"))
    fields = table("field", "class", "mask", "column", "")
    for field in catalog.fields.values():
        kind = catalog.subjects[field.subject_kind]
        besides = [
            word
            for word, holds in (
                ("observed", field.mode == "observe"),
                ("keeps its form", field.keep_format),
                ("stable", field.stable),
            )
            if holds
        ]
        column = f"{kind.source}.{kind.table}.{field.column}"
        fields.add_row(field.name, field.klass, field.mask, column, ", ".join(besides))
    out.print(fields)
    shipped = "" if catalog.policy_files else " (they ship with whosaw)"
    out.print(f"policies {version}{shipped}, catalog {catalog.version}\n")
    for purpose in [NO_PURPOSE, *catalog.purposes]:
        _print_purpose(out, catalog, purpose, [cell for cell in found.cells if cell.purpose == purpose])
    if not found.cells:
        out.print("nobody's roles are known: nobody gets anything\n")
    _print_coverage(out, found.report.coverage)
    if (watch := catalog.watch) is not None:
        names = ", ".join(f"{name} ({said['via']})" for name, said in watch.templates.items()) or "none declared"
        out.print(Text(f"watch: templates {names}; employees {'are' if watch.prompts else 'are not'} asked"))
    for line in found.report.tried:
        out.print(Text(f"  accepted  {line}"))
    for line in found.notes:
        out.print(Text(f"  note      {line}", style="yellow"))
    for line in found.problems:
        out.print(Text(f"  REFUSED   {line}", style="bold red"))
    out.print(Text(f"{len(found.problems)} refused", style="bold red") if found.problems else Text("the catalog holds"))


def _print_purpose(out: Console, catalog: Catalog, purpose: str, cells: Sequence[Cell]) -> None:
    if not cells:
        return
    observed = purpose in catalog.purposes and catalog.purposes[purpose].mode == "observe"
    title = "who gets what without a reason" if purpose == NO_PURPOSE else f"with a verified {purpose}"
    abouts = list(dict.fromkeys(cell.about for cell in cells))
    out.print(title + (", which is only observed" if observed else ""))
    shown = table("role", *abouts)
    for role in dict.fromkeys(cell.role for cell in cells):
        row = [_cell([each for each in cells if each.role == role and each.about == about]) for about in abouts]
        shown.add_row(role, *row)
    out.print(shown)
    out.print()


def _cell(cells: Sequence[Cell]) -> Text:
    """Return what stands in one place; where regions make a difference, each way with some of its regions."""
    parts = []
    for cell in cells:
        said = cell.effect + (f" (would {cell.would})" if cell.would else "")
        duties = f" + {', '.join(cell.duties)}" if cell.duties else ""
        shown = ", ".join(cell.regions[:2]) + (" …" if len(cell.regions) > 2 else "")
        where = f" {shown}" if len(cells) > 1 else ""
        parts.append(f"{said}{duties}{where}")
    return Text("; ".join(parts), style=_EFFECTS.get(cells[0].effect, "") if len(cells) == 1 else "")


def _print_coverage(out: Console, covered: Coverage | None) -> None:
    if covered is None:
        out.print("coverage: not known, because a source could not be looked at\n")
        return
    every = covered.covered + len(covered.uncovered)
    out.print(f"coverage: {covered.covered} of {every} columns that look personal are catalogued ({covered.share:.0%})")
    if covered.uncovered:
        shown = table("uncovered column", "looks like", "how sure", "why")
        for each in covered.uncovered:
            shown.add_row(each.place, each.guess.kind, each.guess.confidence, each.guess.why)
        out.print(shown)
    out.print()
