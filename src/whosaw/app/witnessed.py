"""What the configured witnesses themselves show of the trail, for a check against the outside."""

from __future__ import annotations

import asyncio
from pathlib import Path

from whosaw.record.witness import Circle, read_state, shown_by_witnesses


def standing_line(folder: Path) -> list[str]:
    """Return a line on how the witnessing of the trail in `folder` stands; none where no witness is configured."""
    state = read_state(folder)
    return [] if state.status == "none" else [state.line()]


def ask_witnesses(file: Path | None, origin: str) -> tuple[list[bytes], list[str]]:
    """Fetch the checkpoints that the witnesses cosigned last.

    Args:
        file: the policy file that names them; None where there is none.
        origin: the trail's name.

    Returns:
        The notes, and a line for each witness that showed none.

    Raises:
        WitnessesInvalid: the file cannot be used.
    """
    if file is None:
        return [], []
    notes, silent = asyncio.run(shown_by_witnesses(Circle.read(file), origin))
    return list(notes.values()), [f"the witness {name} shows no checkpoint: {word}" for name, word in silent.items()]
