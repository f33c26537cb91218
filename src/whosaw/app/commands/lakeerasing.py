"""``whosaw lake erase KEY``: erase a person's key from a lake of imported logs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from whosaw.app.commands.output import console, print_json
from whosaw.lake.erase import erase_key


def erase(
    key: str,
    /,
    *,
    lake: Path,
    also: Annotated[list[str] | None, Parameter(negative="")] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Erase a key from a lake: number map, rejected rows, kept columns; rows of numbers stay and lead to nobody.

    Args:
        key: as `whosaw who --lake` prints it.
        lake: the lake's folder.
        also: another writing of the same key in the logs; may be given several times.
        as_json: print JSON.
    """
    found = erase_key(lake, key, also or ())
    if as_json:
        print_json(asdict(found))
        return 0
    out = console()
    out.print(
        f"erased: {found.numbers} entries of the number map, {found.rejects} rejected rows, {found.kept} kept rows, "
        f"{found.names} names of logs or machines"
    )
    out.print("the imported logs themselves are not the lake's: erase there too, or an import brings the key back")
    return 0
