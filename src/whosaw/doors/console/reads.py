"""The one protocol through which the console asks for what its pages show, and what the start shows.

Reading the record is case work: whoever implements `Reads` records the look before answering, and says whether it does.
Times are aware UTC; probabilities lie in 0 … 1; people appear by staff key or by number, never by a protected value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from whosaw.doors.console.casereads import CasePage, CaseSummary
from whosaw.doors.console.recordreads import TrailPage, TrailState, WhoPage, WhoQuestion
from whosaw.doors.console.unmaskreads import UnmaskLine, UnmaskPage
from whosaw.doors.console.watchreads import FlagPage, PromptLine, SecondLine, WatchPage


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """An accusation that the viewer was shown and that fell: in which case, of whom by number, what was wrong."""

    case: str
    actor: str
    text: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class StartPage:
    """The start: cases newest first, how the trail stands, what the viewer's functions let him see, and what fell."""

    cases: tuple[CaseSummary, ...]
    trail: TrailState
    watches: bool = False
    fallen: tuple[CorrectionLine, ...] = ()
    oversees: bool = False


class Reads(Protocol):
    """What the console may ask. `viewer` is the staff key of who looks."""

    @property
    def records_looks(self) -> bool:
        """Whether each answer below is recorded as case work first; the pages tell the viewer where it is."""
        ...

    @property
    def fields(self) -> tuple[str, ...]:
        """Field names of the catalog, in the order to offer them."""
        ...

    async def admits(self, viewer: str) -> bool:
        """Return whether `viewer` may still look: false for somebody suspended. Asked anew for every page."""
        ...

    async def start(self, viewer: str) -> StartPage:
        """Return the cases that `viewer` may see, what fell of what he was shown, and the state of the trail."""
        ...

    async def corrections_read(self, viewer: str, until: datetime) -> None:
        """Keep that the viewer has read what fell, as far as it was written by `until`."""
        ...

    async def who(self, question: WhoQuestion, viewer: str) -> WhoPage:
        """Return who saw a subject."""
        ...

    async def case(self, case_id: str, viewer: str) -> CasePage | None:
        """Return a case, or None where there is none of that id that `viewer` may see."""
        ...

    async def unmaskings(self, case_id: str, viewer: str) -> UnmaskPage | None:
        """Return the unmaskings of a case, or None where there is none of that id that `viewer` may see."""
        ...

    async def ask_unmasking(self, case_id: str, asked: tuple[int, str, int], viewer: str) -> str | None:
        """Ask who somebody is: number, reason, days. Return why not, empty where asked; None as for `unmaskings`."""
        ...

    async def approve_unmasking(self, case_id: str, number: int, viewer: str) -> str | None:
        """Approve what somebody else asked; return why not, empty where approved; None as for `unmaskings`."""
        ...

    async def overseen(self, viewer: str) -> tuple[UnmaskLine, ...] | None:
        """Return every unmasking, newest first, or None where the viewer's function does not oversee them.

        What is of the viewer himself, or of a case in which he has a conflict of interest, is not among them.
        """
        ...

    async def trail(self, before: int | None, limit: int, viewer: str) -> TrailPage:
        """Return the trail's state and at most `limit` entries, newest first, below index `before` where given."""
        ...

    async def watch(self, viewer: str) -> WatchPage | None:
        """Return the flags, or None where the viewer's function does not review them."""
        ...

    async def flag(self, flag: str, viewer: str) -> FlagPage | None:
        """Return one flag whole, or None where there is none of that id that `viewer` may see."""
        ...

    async def judge(self, flag: str, said: tuple[str, str, str], viewer: str) -> str | None:
        """Record a verdict: outcome, kind of record, why. Return why not, empty where recorded; None as for `flag`.

        `viewer` never decides about himself, nor where he has a conflict of interest; `confirmed` stands with two.
        """
        ...

    async def release(self, held: int, text: str, viewer: str) -> str | None:
        """Let somebody go on who is held up; return why not, empty where he goes on, None where the viewer may not.

        Recorded with who did it; `viewer` never releases himself.
        """
        ...

    async def prompts(self, viewer: str) -> tuple[PromptLine, ...]:
        """Return the questions to the viewer himself, the newest first."""
        ...

    async def answer(self, prompt: int, text: str, viewer: str) -> str:
        """Record the viewer's answer to a question of his own; return why it cannot be taken, empty where it was."""
        ...

    async def seconds(self, viewer: str) -> tuple[SecondLine, ...]:
        """Return what the viewer is asked to decide a second time, the newest first; never what was decided first."""
        ...

    async def decide_again(self, number: int, text: str, viewer: str, *, favours: bool) -> str:
        """Record what the viewer decides; return why it cannot be taken, empty where it was."""
        ...
