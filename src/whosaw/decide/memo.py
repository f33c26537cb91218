"""A bounded memory of answers that have one value for one question for ever."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")


class Memo(Generic[Q, A]):
    """Two generations of answers: what is asked again moves to the young one, what is not dies with the old one.

    Reading and writing are single dictionary operations, so threads need no lock; the worst a race can do is to forget.
    """

    def __init__(self, most: int) -> None:
        """Remember between `most` / 2 and `most` answers."""
        self._half = max(1, most // 2)
        # invariant: each holds at most _half answers, each of them the one true answer to its question
        self._young: dict[Q, A] = {}
        self._old: dict[Q, A] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, question: Q) -> A | None:
        """Return the remembered answer, or None."""
        answer = self._young.get(question)
        if answer is None:
            answer = self._old.pop(question, None)
            if answer is not None:
                self.put(question, answer)
        return answer

    def put(self, question: Q, answer: A) -> None:
        """Remember `answer`; where there are too many, the generation not asked for lately is forgotten."""
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[question] = answer
