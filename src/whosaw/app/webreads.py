"""What the console may ask, over the running parts; every look is itself recorded before it is answered."""

from __future__ import annotations

from datetime import datetime

from whosaw.app import unmaskreads, watchdesk, watchexplaining, watchlive, watchprompts, watchsecond
from whosaw.app.casereads import CaseReads
from whosaw.app.flagreads import flag_line, flag_page, judge
from whosaw.app.looks import Look, note_look
from whosaw.app.overseeing import oversees
from whosaw.app.recordreads import RecordReads
from whosaw.app.services import Services
from whosaw.doors.console.casereads import CasePage
from whosaw.doors.console.reads import StartPage
from whosaw.doors.console.recordreads import TrailPage, WhoPage, WhoQuestion
from whosaw.doors.console.unmaskreads import UnmaskLine, UnmaskPage
from whosaw.doors.console.watchreads import (
    ExplanationLine,
    FlagPage,
    GroupLine,
    HeldLine,
    PromptLine,
    SecondLine,
    SignalLine,
    TeamLine,
    WatchPage,
)
from whosaw.store.numbers import find
from whosaw.terms import from_us

_NEWEST = 25
"""Accesses that nothing explains, on the page of watch."""


class WebReads:
    """The console's questions. Looking into a person's record or a case is case work and leaves an entry."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._record = RecordReads(services.db, services.settings.trail_folder, services.keys.trail.verifier)
        self._cases = CaseReads(services, self._record)

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
        """Return the cases that the viewer may see, what fell of what he was shown, and the state of the trail."""
        watches = await watchdesk.may_review(self._services, viewer)
        cases, fallen = await self._cases.summaries(viewer), await self._cases.corrections(viewer)
        overseer = await oversees(self._services, viewer)
        return StartPage(cases, await self._record.state(), watches=watches, fallen=fallen, oversees=overseer)

    async def corrections_read(self, viewer: str, until: datetime) -> None:
        """Keep that the viewer has read what fell, as far as it was written by `until`."""
        await self._cases.corrections_read(viewer, until)

    async def who(self, question: WhoQuestion, viewer: str) -> WhoPage:
        """Return who saw a subject."""
        await self._note_look(Look(viewer, "look.who", "record", question.subject))
        return await self._record.who(question)

    async def case(self, case_id: str, viewer: str) -> CasePage | None:
        """Return a case, or None where there is none of that id that the viewer may see."""
        await self._note_look(Look(viewer, "look.case", f"case:{case_id}"))
        return await self._cases.page(case_id, viewer)

    async def unmaskings(self, case_id: str, viewer: str) -> UnmaskPage | None:
        """Return the unmaskings of a case, or None where there is none of that id that the viewer may see."""
        await self._note_look(Look(viewer, "look.case", f"case:{case_id}"))
        if not await self._cases.may_see(case_id, viewer):
            return None
        return await unmaskreads.page_of(self._services, case_id, viewer)

    async def ask_unmasking(self, case_id: str, asked: tuple[int, str, int], viewer: str) -> str | None:
        """Ask who somebody is: number, reason, days; return why not, empty where it was asked."""
        if not await self._cases.may_see(case_id, viewer):
            return None
        return await unmaskreads.ask(self._services, case_id, asked, viewer)

    async def approve_unmasking(self, case_id: str, number: int, viewer: str) -> str | None:
        """Approve what somebody else asked; return why not, empty where it was approved."""
        if not await self._cases.may_see(case_id, viewer):
            return None
        return await unmaskreads.approve(self._services, case_id, number, viewer)

    async def overseen(self, viewer: str) -> tuple[UnmaskLine, ...] | None:
        """Return the unmaskings that the viewer may read, or None where his function does not oversee them."""
        if not await oversees(self._services, viewer):
            return None
        await self._note_look(Look(viewer, "look.case", "unmaskings"))
        return await unmaskreads.overseen(self._services, viewer)

    async def trail(self, before: int | None, limit: int, viewer: str) -> TrailPage:
        """Return the trail's state and entries by their numbers."""
        return await self._record.page(before, limit)

    async def watch(self, viewer: str) -> WatchPage | None:
        """Return the flags and who is held up, or None where the viewer's function does not review them."""
        if not await watchdesk.may_review(self._services, viewer):
            return None
        await self._note_look(Look(viewer, "look.watch", "flags"))
        day, measured = await watchdesk.rates(self._services)
        _, (confirmed, others) = await watchdesk.learned(self._services)
        signals = tuple(
            SignalLine(each["name"], each["people"], each["tail"], each["bounded_mean"], each["holds"])
            for each in measured.get("health") or ()
        )
        flags = tuple(flag_line(each) for each in await watchdesk.listed(self._services))
        held = await self._held(viewer)
        left_out = measured.get("left_out") or {}
        erased = left_out.get("erased_subject", 0) + left_out.get("erased_actor", 0)
        rate = measured.get("false_cases_a_month", 0.0)
        teams = tuple(
            TeamLine(
                *(each["team"], each["accesses"], each["explained"], each["by_half"]),
                tuple(each["by_template"].items()),
            )
            for each in measured.get("teams") or ()
        )
        groups = tuple(
            GroupLine(*(each[name] for name in ("attribute", "group", "people", "reached", "above")))
            for each in measured.get("rates_by_group") or ()
        )
        unread, explained = left_out.get("sets_unread", 0), measured.get("explained_share")
        queue = measured.get("unexplained") or {"count": 0, "rows": []}
        newest = tuple((from_us(at), actor, subject) for at, actor, subject in reversed(queue["rows"][-_NEWEST:]))
        selected = tuple(measured["selected"]) if "selected" in measured else None
        return WatchPage(
            *(day, rate, confirmed, others, signals, flags, held, erased, unread),
            *(explained, teams, groups, queue["count"], newest, selected, measured.get("false_discovery", 0.1)),
            await self._explanations(),
            tuple(measured.get("missing") or ()),
        )

    async def _explanations(self) -> tuple[ExplanationLine, ...]:
        return tuple(
            ExplanationLine(
                *(each.id, each.beneficiary, each.days[0].isoformat(), each.days[1].isoformat(), each.because),
                *(each.declared_by, each.agreed_by or "", each.state),
            )
            for each in await watchexplaining.explanations(self._services)
        )

    async def _held(self, viewer: str) -> tuple[HeldLine, ...] | None:
        """Return who is held up; None where nobody ever is, because the catalog has no ``[watch.live]``."""
        watching = self._services.catalog.watch
        if watching is None or watching.live is None:
            return None
        own = await find(self._services.db, "actor", viewer)
        return tuple(
            HeldLine(
                *(each.id, each.actor, each.sign, each.step, each.enforced, each.begun_at, each.until_at),
                own=each.actor == own,
            )
            for each in await watchlive.holding(self._services)
        )

    async def flag(self, flag: str, viewer: str) -> FlagPage | None:
        """Return one flag whole, or None where the viewer reviews none or there is none of that id."""
        if not await watchdesk.may_review(self._services, viewer):
            return None
        await self._note_look(Look(viewer, "look.watch", f"flag:{flag[:32]}"))
        return await flag_page(self._services, flag, viewer)

    async def judge(self, flag: str, said: tuple[str, str, str], viewer: str) -> str | None:
        """Record a verdict; return why not, empty where recorded, None where he reviews none or it is not there."""
        if not await watchdesk.may_review(self._services, viewer):
            return None
        return await judge(self._services, flag, said, viewer)

    async def release(self, held: int, text: str, viewer: str) -> str | None:
        """Let somebody go on; return why not, empty where he goes on, None where the viewer does not review."""
        if not await watchdesk.may_review(self._services, viewer):
            return None
        try:
            await watchlive.release(self._services, held, by=viewer, note=text)
        except (watchdesk.ReviewRefused, watchlive.NoSuchFriction) as refused:
            return str(refused)
        return ""

    async def prompts(self, viewer: str) -> tuple[PromptLine, ...]:
        """Return the questions to the viewer himself."""
        found = await watchprompts.prompts_to(self._services, viewer)
        names = await watchprompts.subjects_of(self._services, found)
        return tuple(
            PromptLine(
                *(each.id, names.get(each.subject, f"#{each.subject}"), each.looked_at),
                *(each.due_at, each.answer, each.shown),
            )
            for each in found
        )

    async def answer(self, prompt: int, text: str, viewer: str) -> str:
        """Record the viewer's answer; return why it cannot be taken, empty where it was."""
        try:
            await watchprompts.answer(self._services, prompt, text, by=viewer)
        except watchprompts.PromptRefused as refused:
            return str(refused)
        return ""

    async def seconds(self, viewer: str) -> tuple[SecondLine, ...]:
        """Return what the viewer is asked to decide a second time."""
        found = await watchsecond.to_decide(self._services, viewer)
        return tuple(SecondLine(each.id, each.kind, each.object, each.due_at, each.favours) for each in found)

    async def decide_again(self, number: int, text: str, viewer: str, *, favours: bool) -> str:
        """Record what the viewer decides; return why it cannot be taken, empty where it was."""
        try:
            await watchsecond.decide_again(self._services, number, favours=favours, because=text, by=viewer)
        except watchsecond.SecondRefused as refused:
            return str(refused)
        return ""

    async def _note_look(self, look: Look) -> None:
        await note_look(self._services.db, self._services.appender, self._services.clock, look)
