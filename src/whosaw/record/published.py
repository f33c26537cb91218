"""What of the trail's folder is published, and under which names (c2sp.org/tlog-tiles)."""

from __future__ import annotations

import re
from pathlib import Path

from whosaw.prove import Checkpoint, Note
from whosaw.record.shelf import Shelf
from whosaw.record.tiles import WIDTH, tile_path
from whosaw.record.witness.state import read_state

_TILE = re.compile(r"(0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_MOST_GROUPS = 7  # 256 leaves to a tile: no more are needed below 2^63


def published_checkpoint(folder: Path) -> bytes | None:
    """Return the note to publish: the last one that the quorum cosigned while witnesses answer, else the last signed.

    A reader with a quorum in his policy is served by the first; beyond the witnesses' grace a newer checkpoint without
    one says more than an old one with it.
    """
    shelf = Shelf(folder)
    newest, cosigned = shelf.checkpoint(), shelf.cosigned()
    if newest is None or cosigned is None or not read_state(folder).holds:
        return newest
    same = Checkpoint.parse(Note.parse(newest).text).size == Checkpoint.parse(Note.parse(cosigned).text).size
    return newest if same else cosigned  # the newer file may hold lines of witnesses who came late


def published_tile(folder: Path, name: str) -> bytes | None:
    """Return the tile ``<level>/<number>[.p/<width>]``, None where there is none of exactly that name.

    A partial tile goes when the full one is there; who asked for it then takes the full one, whose beginning it is.
    """
    match = _TILE.fullmatch(name)
    if match is None:
        return None
    level, groups, width = int(match[1]), match[2].split("/"), int(match[3] or WIDTH)
    if level > 63 or len(groups) > _MOST_GROUPS or width > WIDTH or (match[3] and width == WIDTH):
        return None
    path = tile_path(level, int("".join(group.removeprefix("x") for group in groups)), width)
    if path != f"tile/{name}":  # another spelling of the same number
        return None
    try:
        return (folder / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
