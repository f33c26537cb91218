"""How far an entry can be believed, as a letter: who wrote the log, who could forge it, whether it names subjects.

::

    A  the system that gave the data out wrote it, nobody whom it names can alter it unseen, it names the subjects
    B  the system that gave the data out wrote it, an administrator could have altered it, it names the subjects
    C  the application's own log, or one that an administrator could have written himself; it names the subjects
    D  those it names could have written it, or it does not name the subjects, or nobody said who wrote it

Whosaw's own trail is better than any of them and has no letter. A mapping states the facts, never the letter; the
import lowers the letter where the log turned out worse than stated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from whosaw.lake import strict

Writer = Literal["system", "application", "staff", "unknown"]
Forger = Literal["nobody", "administrator", "staff", "unknown"]
Letter = Literal["A", "B", "C", "D"]

TRAIL = "trail"
LETTERS: tuple[Letter, ...] = ("A", "B", "C", "D")
MEANINGS = {
    TRAIL: "whosaw's own trail: tamper-evident, names the subjects",
    "A": "written by the system itself, nobody it names can alter it unseen",
    "B": "written by the system itself, an administrator could alter it",
    "C": "written by an application, an administrator could have written it",
    "D": "could have been written by those it names, does not name subjects, or nobody said who wrote it",
}
UNUSABLE_SHARE = 0.05
"""A log of which a larger share could not be used, or named no subject, is graded one letter lower."""
MOSTLY_SHARE = 0.5
"""Beyond this share nothing better than the last letter is left."""

_WRITERS: tuple[Writer, ...] = ("system", "application", "staff", "unknown")
_FORGERS: tuple[Forger, ...] = ("nobody", "administrator", "staff", "unknown")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a mapping states about its log.

    Args:
        written_by: the system that gave the data out, an application beside it, the staff, or unknown.
        forgeable_by: who could alter or invent rows without its showing.
        names_subjects: whether its rows name the subjects themselves.
    """

    written_by: Writer = "unknown"
    forgeable_by: Forger = "unknown"
    names_subjects: bool = True

    @property
    def letter(self) -> Letter:
        """Return the letter that the facts give."""
        if not self.names_subjects or "staff" in (self.written_by, self.forgeable_by):
            return "D"
        if "unknown" in (self.written_by, self.forgeable_by):
            return "D"
        if self.written_by == "application":
            return "C"
        return "A" if self.forgeable_by == "nobody" else "B"


UNSTATED = Facts()


def read_facts(given: object) -> Facts:
    """Return what the table [grade] of a mapping states.

    Raises:
        MappingInvalid: it says something that means nothing here.
    """
    table = strict.table("grade", given, ("written_by", "forgeable_by", "names_subjects"))
    return Facts(
        cast(Writer, strict.choice("grade.written_by", table.get("written_by", "unknown"), _WRITERS)),
        cast(Forger, strict.choice("grade.forgeable_by", table.get("forgeable_by", "unknown"), _FORGERS)),
        strict.flag("grade.names_subjects", table.get("names_subjects", True)),
    )


def lowered(letter: Letter, unusable: int, unknown: int, rows: int) -> tuple[Letter, str]:
    """Return the letter after the import, and why it was lowered (empty where it was not).

    Args:
        letter: what the facts give.
        unusable: rows that were rejected.
        unknown: rows that name no subject.
        rows: all rows that are accesses, > 0.
    """
    share, what = max((unusable / rows, "could not be used"), (unknown / rows, "name no subject"))
    if share <= UNUSABLE_SHARE or letter == "D":
        return letter, ""
    worse: Letter = "D" if share > MOSTLY_SHARE else LETTERS[LETTERS.index(letter) + 1]
    return worse, f"{share:.0%} of the rows {what}"
