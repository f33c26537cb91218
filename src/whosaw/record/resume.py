"""How far a check of the trail came, kept in the trail's folder so that an interrupted one need not begin again."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from whosaw.record.findings import Finding
from whosaw.terms.durable import write_whole

_NAME = "fsck.state"
_FORMAT = "whosaw/fsck/v1"


@dataclass(frozen=True, slots=True)
class FsckState:
    """What an earlier run had checked.

    Attributes:
        origin: the trail's name.
        size: entries 0 to size - 1 were checked against themselves, and lay without a gap.
        digest: SHA-256 over their leaf hashes, in hex: the junction at which a later run goes on.
        altered: index → the leaf that payload and salt gave, in hex.
        findings: what was wrong with single entries.
    """

    origin: str
    size: int
    digest: str
    altered: dict[int, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


class StateFile:
    """The state of the last check in one trail's folder; who may write there could make a check pass over entries."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME

    def load(self, origin: str) -> FsckState | None:
        """Return the state kept for this trail, or None where there is none that can be used."""
        try:
            kept: dict[str, Any] = json.loads(self._path.read_bytes())
            if kept.pop("format") != _FORMAT or kept["origin"] != origin or type(kept["size"]) is not int:
                return None
            findings = tuple(Finding(**each) for each in kept.pop("findings"))
            altered = {int(index): str(leaf) for index, leaf in kept.pop("altered").items()}
            return FsckState(**kept, altered=altered, findings=findings)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def save(self, state: FsckState) -> None:
        """Keep `state` for a later run; where the folder may not be written, nothing is kept and nothing is wrong."""
        body = json.dumps({"format": _FORMAT, **asdict(state)}, separators=(",", ":")).encode()
        with contextlib.suppress(OSError):
            write_whole(self._path, body)
