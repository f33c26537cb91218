"""What the console may ask, over the running parts; every look is itself recorded before it is answered."""

from __future__ import annotations

from whosaw.app.casereads import CaseReads
from whosaw.app.looks import Look, note_look
from whosaw.app.recordreads import RecordReads
from whosaw.app.services import Services
from whosaw.doors.console.reads import CasePage, StartPage, TrailPage, WhoPage, WhoQuestion


class WebReads:
    """The console's questions. Looking into a person's record or a case is case work and leaves an entry."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._record = RecordReads(services.db, services.settings.trail_folder, services.keys.trail.verifier)
        self._cases = CaseReads(services.db, self._record, services.settings.evidence_folder)

    @property
    def records_looks(self) -> bool:
        """Return true: every look into a person's record or a case leaves an entry."""
        return True

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the catalog's fields."""
        return tuple(self._services.catalog.fields)

    async def admits(self, viewer: str) -> bool:
        """Return whether `viewer` is not suspended."""
        return viewer not in await self._services.suspensions.among([viewer])

    async def start(self, viewer: str) -> StartPage:
        """Return the cases and the state of the trail."""
        return StartPage(await self._cases.summaries(), await self._record.state())

    async def who(self, question: WhoQuestion, viewer: str) -> WhoPage:
        """Return who saw a subject."""
        await self._note_look(Look(viewer, "look.who", "record", question.subject))
        return await self._record.who(question)

    async def case(self, case_id: str, viewer: str) -> CasePage | None:
        """Return a case, or None where there is none of that id."""
        await self._note_look(Look(viewer, "look.case", f"case:{case_id}"))
        return await self._cases.page(case_id)

    async def trail(self, before: int | None, limit: int, viewer: str) -> TrailPage:
        """Return the trail's state and entries by their numbers."""
        return await self._record.page(before, limit)

    async def _note_look(self, look: Look) -> None:
        await note_look(self._services.db, self._services.appender, self._services.clock, look)
