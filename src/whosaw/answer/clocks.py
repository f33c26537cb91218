"""The clocks of a case: what must be done until when, by which rule, met by whom; as a calendar and as alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from icalendar import Alarm, Calendar, Todo

from whosaw.answer import casequeries as queries
from whosaw.answer.errors import StepRefused
from whosaw.answer.law import Rule, rule_on, rules_started_by, zone_of
from whosaw.answer.notes import Notes
from whosaw.store import Database
from whosaw.store.alerts import Severity, raise_alert
from whosaw.terms import Clock

_DAY = timedelta(days=1)

ALERT_TEXTS = {
    "case.clock_half": "Half of a term of law of a case is over.",
    "case.clock_last_day": "A term of law of a case ends within a day.",
    "case.clock_overdue": "A term of law of a case is over, and nobody noted what it waits for.",
}


@dataclass(frozen=True, slots=True)
class CaseClock:
    """One clock.

    Attributes:
        case: the case.
        rule: the rule's id.
        law_from: since when the version of the rule holds under which it was started.
        cause: which event started it: ``awareness``, ``seller:S-88``.
        started_at: the event.
        due_at: when its term ends; what the police held it is added.
        zone: the place whose days count.
        started_by: who started it.
        met_at: when what it waits for was done, or None.
        met_by: by whom.
        met_note: in words; where it was late, why.
        held_since: since when it stands still because the police ask for it, or None.
    """

    case: str
    rule: str
    law_from: date
    cause: str
    started_at: datetime
    due_at: datetime
    zone: str
    started_by: str
    met_at: datetime | None
    met_by: str | None
    met_note: str | None
    held_since: datetime | None = None

    @property
    def law(self) -> Rule:
        """The version of the rule under which it was started."""
        return rule_on(self.rule, self.law_from)

    def standing(self, now: datetime) -> str:
        """Return ``running``, ``held``, ``overdue``, ``met`` or ``late``.

        Of what may not be done early it is ``waiting`` or ``free``.
        """
        if self.law.kind == "earliest":
            return "free" if now >= self.due_at else "waiting"
        if self.met_at is not None:
            return "late" if self.met_at > self.due_at else "met"
        if self.held_since is not None:
            return "held"
        return "overdue" if now > self.due_at else "running"

    def local_due(self) -> datetime:
        """Return the end of its term in the time of its place."""
        return self.due_at.astimezone(zone_of(self.zone))


class CaseClocks:
    """Starts, meets and shows the clocks of cases, and reminds of them."""

    def __init__(self, db: Database, clock: Clock, notes: Notes) -> None:
        """Write entries by `notes`."""
        self._db = db
        self._clock = clock
        self._notes = notes

    async def start(self, case: str, event: str, *, at: datetime, zone: str, by: str) -> Sequence[CaseClock]:
        """Start the clocks that an event starts under the law of its day; those that run already stay as they are.

        Args:
            case: the case.
            event: ``awareness``, ``discovery``, ``residents_notified``, ``seller_reasons``, ``access_request``; what
                follows a space tells two of a kind apart (``seller_reasons seller:S-88``).
            at: when it happened, aware.
            zone: the place whose days count.
            by: who starts them.

        Raises:
            LawUnknown: no rule counts from such an event, or there is no such zone.
        """
        rules = rules_started_by(event.partition(" ")[0], at.astimezone(zone_of(zone)).date())
        if not rules:
            raise StepRefused("no_rule", f"no rule counts from `{event}`", hint="`whosaw case clocks --rules`")
        for rule in rules:
            more = {"change": "started", "rule": rule.id}
            entry = await self._notes.add(case, "case.clock", by=by, text=event, more=more)
            said = {"rule": rule.id, "law_from": rule.valid_from, "cause": event, "started_at": at, "zone": zone}
            said |= {"due_at": rule.due(at, zone), "by": by, "entry": entry}
            await queries.start_clock(self._db, case, said)
        return await self.list(case)

    async def meet(self, case: str, rule: str, *, by: str, note: str) -> CaseClock:
        """Note that what a clock waits for is done.

        Raises:
            StepRefused: ``no_clock`` where none of this rule runs; ``late`` where the term is over and no reason given.
        """
        running = [each for each in await self.list(case) if each.rule == rule and each.met_at is None]
        if not running:
            raise StepRefused("no_clock", f"no clock of the rule `{rule}` runs in `{case}`")
        now = self._clock.now()
        if running[0].standing(now) == "overdue" and not note.strip():
            raise StepRefused(
                "late", "the term is over: say why it is late", hint="give a note; it goes to the authority"
            )
        entry = await self._notes.add(case, "case.clock", by=by, text=note, more={"change": "met", "rule": rule})
        await queries.meet_clock(self._db, case, {"rule": rule, "at": now, "by": by, "note": note, "entry": entry})
        return next(each for each in await self.list(case) if each.rule == rule)

    async def hold(self, case: str, rule: str, *, authority: str, why: str, by: str) -> CaseClock:
        """Let a term stand still because the police ask for it, from now on; asked again, nothing changes.

        Args:
            case: the case.
            rule: the rule whose term it is; the law must allow it.
            authority: who asks, and under which reference.
            why: why, as they say it.
            by: who notes it.

        Raises:
            StepRefused: ``no_clock`` where none of this rule runs; ``no_delay`` where the law knows no such delay, or
                the term is over; ``no_reason`` where it is not said who asks and why.
        """
        running = [each for each in await self.list(case) if each.rule == rule and each.met_at is None]
        if not running:
            raise StepRefused("no_clock", f"no clock of the rule `{rule}` runs in `{case}`")
        if not running[0].law.police or running[0].standing(self._clock.now()) == "overdue":
            raise StepRefused("no_delay", f"a request of the police does not delay `{rule}`", hint=running[0].law.what)
        if len(authority.strip()) < 3 or len(why.strip()) < 5:
            raise StepRefused("no_reason", "a request of the police says who asks, and why")
        text, more = f"{authority}\n{why}", {"change": "held", "rule": rule}
        entry = await self._notes.add(case, "case.clock", by=by, text=text, more=more)
        said = {"rule": rule, "authority": authority, "why": why, "at": self._clock.now(), "by": by, "entry": entry}
        await queries.hold_clock(self._db, case, said)
        return next(each for each in await self.list(case) if each.rule == rule)

    async def lift(self, case: str, rule: str, *, note: str, by: str) -> CaseClock:
        """Let a term run on, because the police no longer ask for it to wait.

        Raises:
            StepRefused: ``no_clock`` where none of this rule stands still.
        """
        if not any(each.rule == rule and each.held_since for each in await self.list(case)):
            raise StepRefused("no_clock", f"no clock of the rule `{rule}` stands still in `{case}`")
        entry = await self._notes.add(case, "case.clock", by=by, text=note, more={"change": "lifted", "rule": rule})
        await queries.lift_clock(self._db, case, {"rule": rule, "at": self._clock.now(), "by": by, "entry": entry})
        return next(each for each in await self.list(case) if each.rule == rule)

    async def list(self, case: str | None = None) -> Sequence[CaseClock]:
        """Return the clocks of one case or of all, the next to end first."""
        return [CaseClock(*row) for row in await queries.clocks(self._db, case)]

    async def remind(self) -> int:
        """Raise an alert for each clock that is half over, ends within a day, or is overdue; return how many are due.

        The same reminder is one alert, however often this runs.
        """
        now, raised = self._clock.now(), 0
        for each in await self.list():
            found = _reminder(each, now)
            if found is None:
                continue
            severity, code = found
            about = {"case": each.case, "rule": each.rule, "due": f"{each.due_at:%Y-%m-%dT%H:%MZ}"}
            once = about | {"cause": sha256(each.cause.encode()).hexdigest()[:16]}
            await raise_alert(self._db, "case_clock", severity, code, about, at=now, once=once)
            raised += 1
        return raised


def _reminder(clock: CaseClock, now: datetime) -> tuple[Severity, str] | None:
    standing = clock.standing(now)
    if standing == "overdue":
        return "critical", "case.clock_overdue"
    if standing != "running":
        return None
    if clock.due_at - now <= _DAY:
        return "high", "case.clock_last_day"
    if now - clock.started_at >= (clock.due_at - clock.started_at) / 2:
        return "medium", "case.clock_half"
    return None


def write_calendar(clocks: Iterable[CaseClock], *, made_at: datetime) -> bytes:
    """Return the clocks as a calendar (RFC 5545): a to-do each, with an alarm a day before.

    It names the case and the rule, and nobody.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//whosaw//case clocks//EN")
    calendar.add("version", "2.0")
    for each in clocks:
        todo = Todo()
        identity = sha256(f"{each.case} {each.rule} {each.cause}".encode()).hexdigest()[:32]
        todo.add("uid", f"{identity}@whosaw")
        todo.add("dtstamp", made_at)
        todo.add("dtstart", each.started_at)
        todo.add("due", each.due_at)
        earliest = "not before: " if each.law.kind == "earliest" else ""
        todo.add("summary", f"{each.case}: {earliest}{each.law.what}")
        local = each.local_due()
        todo.add("description", f"{each.law.source}; ends {local:%Y-%m-%d %H:%M} {each.zone}")
        if each.met_at is not None:
            todo.add("status", "COMPLETED")
            todo.add("completed", each.met_at)
        else:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", f"{each.case}: {each.rule}")
            alarm.add("trigger", -_DAY)
            todo.add_component(alarm)
        calendar.add_component(todo)
    return bytes(calendar.to_ical())
