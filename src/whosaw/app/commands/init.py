"""``whosaw init``: draft a catalog from a living database."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from pathlib import Path
from typing import Annotated, ClassVar

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.commands.output import console, table
from whosaw.app.drafting import Drafted, DraftImpossible, drafted, driven
from whosaw.app.errors import AppError

_SOURCE = re.compile(r"[a-z][a-z0-9_-]{0,40}")


class DraftExists(AppError, FileExistsError):
    """There is a file where the draft would be written."""

    code: ClassVar[str] = "app.draft_exists"
    hint = "move it away, or name another place with --out"


def init(
    url: str,
    /,
    *,
    out: Annotated[Path, Parameter(name="--out")] = Path("whosaw.toml"),
    source: str = "",
    company: str = "",
) -> int:
    """Draft a catalog from a living database: what seems to be people, work about them, and staff, for you to confirm.

    Names and kinds of columns are looked at, and a few rows in passing; no value of anybody is written. Beside the
    catalog stands a first set of policies where the roles of those who do the work can be seen.

    Args:
        url: SQLAlchemy address of the database, or env:VARIABLE to keep it out of the shell's history.
        out: where to write; policies go beside it, with the ending .cedar.
        source: what the catalog calls the database; default its name.
        company: the company's name; default the database's.
    """
    variable = url.removeprefix("env:") if url.startswith("env:") else ""
    address = driven(_from_environment(variable) if variable else url)
    policies_path = out.with_suffix(".cedar")
    for path in (out, policies_path):
        if path.exists():
            raise DraftExists(f"`{path}` is there already, and is not overwritten")
    name = source or _source_name(address.database or "")
    if not _SOURCE.fullmatch(name):
        raise DraftImpossible(f"`{name}` cannot be the name of a source", hint="use small letters, digits, - and _")
    looking = drafted(
        address,
        source=name,
        company=company,
        catalog_name=out.name,
        policies_name=policies_path.name,
        variable=variable,
    )
    made = asyncio.run(looking)
    _write(out, made.catalog)
    if made.policies is not None:
        _write(policies_path, made.policies)
    _print(made, out, policies_path, given=variable)
    return 0


def _from_environment(variable: str) -> str:
    found = os.environ.get(variable)
    if not found:
        raise DraftImpossible(f"the environment has no `{variable}`", hint="export the variable")
    return found


def _source_name(database: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", Path(database).stem.lower()).strip("_")
    return plain if _SOURCE.fullmatch(plain) else "company"


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as cause:
        raise DraftExists(f"`{path}` is there already, and is not overwritten") from cause
    except OSError as cause:
        raise DraftImpossible(
            f"cannot write `{path}`: {cause.strerror}", hint="name another place with --out"
        ) from cause


def _print(made: Drafted, out: Path, policies: Path, *, given: str) -> None:
    shown = table("guess", "as", "how sure", "why")
    for kind in made.draft.kinds:
        shown.add_row(kind.shape.name, f"subjects.{kind.name}", kind.confidence, kind.why)
        for name, guess in (*kind.fields, *kind.identifying):
            shown.add_row(
                f"  {kind.shape.name}.{name}", f"{guess.kind}, class {guess.klass}", guess.confidence, guess.why
            )
    for purpose in made.draft.purposes:
        lacks = f"; it has no column for {', '.join(purpose.lacks)}" if purpose.lacks else ""
        name = f"purposes.{purpose.name}" + (" (commented out)" if lacks else "")
        shown.add_row(purpose.shape.name, name, purpose.confidence, f"work about a {purpose.kind}{lacks}")
    staff = made.draft.staff
    shown.add_row(staff.shape.name if staff else "–", "actors", staff.confidence if staff else "unsure", "by its name")
    screen = console()
    screen.print(shown)
    screen.print()
    screen.print(Text(f"written: {out}" + (f" and {policies}" if made.policies is not None else "")))
    screen.print("next: confirm every guess in it, then")
    if made.variable and made.variable != given:
        screen.print(Text(f"  export {made.variable}='the address you gave, of a login that may only select'"))
    screen.print(Text(f"  whosaw check --catalog {shlex.quote(str(out))}"))
