"""How far a sighting can be believed, in one word, with what speaks against it as reasons.

A word says nothing about who passed data on, and supports no measure by itself: `Sighting.supports_measures` does. The
rules are a choice, not a measurement: two things that honest mail hardly ever has at once make a message a likely fake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from whosaw.answer.sightings import LOOKALIKE, Sighting

Word = Literal["sound", "doubtful", "likely_fabricated"]

WORDS: Mapping[Word, str] = {
    "sound": "sound",
    "doubtful": "doubtful",
    "likely_fabricated": "likely fabricated",
}
FABRICATED_WEIGHT = 0.1
"""How far a trace believes what is likely fabricated, 0 to 1; everything else counts in full."""

_FORGED: Mapping[str, str] = {
    "date.future": "it is dated after it arrived",
    "dkim.fail": "its signature does not fit what it says: something was altered",
    "spf.fail": "it was handed over by a machine that may not send for the customer's domain",
    "recipient.differs": "the message was written to somebody else",
}
_WEAK: Mapping[str, str] = {
    "inline": "the message was copied into the customer's own text",
    "row": "somebody wrote it down; the message itself is not there",
    "dkim.none": "the sender's domain did not sign it",
    "dkim.weak": "its signature covers only a part, or is another domain's",
    "dkim.no_key": "the key of its signature is not to be found",
    "dkim.unsupported": "its signature cannot be checked here",
    "date.missing": "it says no time",
    "date.old": "it is dated long before it arrived",
    "date.unsigned": "its time is only the customer's word",
    "spf.softfail": "it was handed over by a machine that hardly sends for the customer's domain",
    LOOKALIKE: "the sender's domain is made to be taken for another's: it says nothing about that one",
}


@dataclass(frozen=True, slots=True)
class Plausibility:
    """A word, and what speaks against the sighting, the gravest first; no reasons where it is sound."""

    word: Word
    reasons: tuple[str, ...]

    @property
    def weight(self) -> float:
        """How far a trace believes it, 0 to 1."""
        return FABRICATED_WEIGHT if self.word == "likely_fabricated" else 1.0


def plausibility(sighting: Sighting) -> Plausibility:
    """Return how far a sighting can be believed, from its marks alone.

    Nothing of who had opened the record enters: else a trace would weigh a complaint by its own answer.
    """
    marks = set(sighting.marks) | ({"row"} if sighting.form == "row" else set())
    forged = [words for mark, words in _FORGED.items() if mark in marks]
    weak = [words for mark, words in _WEAK.items() if mark in marks]
    # a mark without words here still speaks against it: nothing is left out
    weak += sorted(marks - {*_FORGED, *_WEAK})
    reasons = (*forged, *weak)
    word: Word = "likely_fabricated" if len(forged) > 1 else "doubtful" if reasons else "sound"
    return Plausibility(word, reasons)
