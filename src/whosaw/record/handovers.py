"""The hand-overs of keys that a trail has published, and the keys they lead to."""

from __future__ import annotations

from pathlib import Path

from whosaw.prove import VerifierKey
from whosaw.prove.handover import follow


def read_handovers(trail_folder: Path) -> list[bytes]:
    """Return every published hand-over of a trail."""
    return [path.read_bytes() for path in sorted((trail_folder / "handover").glob("*.note"))]


def accepted_keys(trail_folder: Path, key: VerifierKey) -> tuple[VerifierKey, ...]:
    """Return `key` and every key that the trail's published hand-overs lead from it to, in both directions.

    Raises:
        NoteInvalid: a hand-over is malformed, or one key was handed over to two.
    """
    return follow([key], read_handovers(trail_folder)).keys
