"""Witnesses: outsiders who remember how far the trail had come, so that its operator cannot take anything back.

Two halves of one protocol (c2sp.org/tlog-witness). The witness: `Witness` over its `Memory`, which another party runs.
The trail's side: `Witnessing` asks every configured witness to cosign what was signed, apart from the signing, which
never waits for it; `read_state` tells how that stands to whoever shows the trail.
"""

from whosaw.record.witness.ask import AddCheckpoint
from whosaw.record.witness.asking import Witnessing
from whosaw.record.witness.circle import Circle, Pace, WitnessesInvalid
from whosaw.record.witness.memory import Memory, WitnessDamaged
from whosaw.record.witness.outside import shown_by_witnesses
from whosaw.record.witness.server import Answer, Witness
from whosaw.record.witness.state import WitnessLine, WitnessState, read_state

__all__ = [
    "AddCheckpoint",
    "Answer",
    "Circle",
    "Memory",
    "Pace",
    "Witness",
    "WitnessDamaged",
    "WitnessLine",
    "WitnessState",
    "WitnessesInvalid",
    "Witnessing",
    "read_state",
    "shown_by_witnesses",
]
