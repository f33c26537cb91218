"""Which database server a trail is on, kept in a file beside the keys and so not in the database.

A server with another identifier holds another database. One on another timeline was promoted, or restored to an earlier
moment: entries that were promised may not be in it. Either is taken only after `fsck` found the trail whole.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from whosaw.terms.durable import write_whole

_NAME = "server.json"


@dataclass(frozen=True, slots=True)
class KnownServer:
    """The server that was accepted last.

    Attributes:
        system: the cluster's identifier, in decimal.
        timeline: the timeline it wrote, > 0.
        entries: how many entries there were; the dates of these are settled.
    """

    system: str
    timeline: int
    entries: int

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Return the server known in `folder`, or None where none is.

        Raises:
            ValueError: the file is there and cannot be used.
            OSError: it cannot be read.
        """
        try:
            kept = json.loads((folder / _NAME).read_bytes())
        except FileNotFoundError:
            return None
        if not isinstance(kept, dict) or set(kept) != {"system", "timeline", "entries"}:
            raise ValueError("not what whosaw writes")
        return cls(str(kept["system"]), int(kept["timeline"]), int(kept["entries"]))

    def save(self, folder: Path) -> None:
        """Keep this server as the known one, durably.

        Raises:
            OSError: the file cannot be written.
        """
        write_whole(folder / _NAME, json.dumps(asdict(self)) + "\n", draft=f".{os.getpid()}")
