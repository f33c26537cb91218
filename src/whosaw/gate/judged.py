"""An ask for fields on its way through the gate: what was found out about it, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.ask import Ask
from whosaw.decide import Decision, Facts
from whosaw.gate.facts import Person


@dataclass(frozen=True, slots=True)
class Judged:
    """An ask, what was found out, and what was decided, budgets included.

    Attributes:
        person: the actor of the ask.
        asker: who learns the answer: mostly the actor himself.
    """

    ask: Ask
    person: Person
    facts: Facts
    decision: Decision
    asker: Person
