"""A console over fixed readings: the door is under test, its queries are tested where they live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from whosaw.doors.console import ConsoleDoor, LoginLinks, Sessions
from whosaw.doors.console.casereads import (
    Approval,
    CandidateLine,
    CasePage,
    CaseSummary,
    FallenLine,
    KnownLine,
    Look,
    NoticeLine,
    ScopeCounts,
    SightingLine,
    StepLine,
    TermLine,
)
from whosaw.doors.console.reads import CorrectionLine, StartPage
from whosaw.doors.console.recordreads import (
    CheckpointLine,
    Completeness,
    EntryLine,
    FieldEffect,
    TrailPage,
    TrailState,
    WhoCounts,
    WhoPage,
    WhoQuestion,
    WhoRow,
)
from whosaw.doors.console.unmaskreads import SpokeLine, UnmaskLine, UnmaskPage
from whosaw.doors.console.watchreads import (
    ExplanationLine,
    FlagLine,
    FlagPage,
    GroupLine,
    HeldLine,
    PromptLine,
    SecondLine,
    SignalLine,
    StoryLine,
    TeamLine,
    VerdictLine,
    WatchPage,
)
from whosaw.terms import PurposeRef, SimulatedClock

NOW = datetime(2026, 3, 31, 17, 0, tzinfo=UTC)
FIELDS = ("customer.name", "customer.email", "customer.phone", "customer.address")

SENTENCE = (
    "10 people looked up without an explanation whom one beneficiary would profit from, "
    "where 0.3 would be expected of his role: evidence 8,600 : 1 "
    "against chance, which is no probability of guilt"
)
WATCH = WatchPage(
    date(2026, 3, 30),
    0.2,
    2,
    1,
    (SignalLine("beneficiary", 10_000, 0.0031, 1.001, True), SignalLine("volume", 10_000, 0.031, 1.4, False)),
    (
        FlagLine(
            "170523db6f4ec4fd",
            date(2026, 3, 30),
            17,
            "case",
            "seller:S-0088",
            SENTENCE,
            "8,600 : 1",
            "9,100 : 1",
            "",
            (("beneficiary", "21,000 : 1", "1 : 1.3"), ("volume", "1.4 : 1", "8,500 : 1")),
            "2,300 : 1",
            (StoryLine("he looks after this beneficiary, though nobody declared it", "12,000", "a list of managers"),),
        ),
        FlagLine(
            *("9f31aa07be10c2d4", date(2026, 3, 29), 4, "review", "", SENTENCE, "120 : 1", "130 : 1", "explained"),
            earlier="cleared on 2026-03-12, flag 55aa",
        ),
    ),
    (
        HeldLine(12, 21, "canary", "second_person", True, NOW - timedelta(minutes=20), NOW + timedelta(minutes=40)),
        HeldLine(11, 33, "burst", "reason", False, NOW - timedelta(minutes=31), NOW + timedelta(minutes=29)),
        HeldLine(9, 5, "burst", "reason", True, NOW - timedelta(minutes=50), NOW + timedelta(minutes=10), own=True),
    ),
    explained=0.9872,
    teams=(TeamLine("returns", 4_812, 4_750, 312, (("ticket", 4_420), ("call", 330))), TeamLine("", 900, 880, 0, ())),
    groups=(GroupLine("shift", "night", 1_500, 31, True), GroupLine("part_time", "yes", 2_400, 2, False)),
    explanations=(
        ExplanationLine(2, "seller:S-0088", "2026-03-02", "2026-03-20", "a recall of <lamps>", "P-1", "", "declared"),
        ExplanationLine(1, "seller:S-7", "2026-01-02", "2026-01-20", "a letter to all", "P-1", "S-1", "withdrawn"),
    ),
)
FLAG = FlagPage(
    WATCH.flags[0],
    f"3.{'9f31aa07' * 8}",
    ((NOW - timedelta(days=9), 904), (NOW - timedelta(days=2), 33)),
    (VerdictLine("confirmed", "", "three of them were <rung> by the seller", "E-0009", NOW - timedelta(hours=3)),),
    False,
)
PROMPTS = (
    PromptLine(7, "customer:C-000017", NOW - timedelta(hours=9), NOW + timedelta(hours=15), None, 312),
    PromptLine(3, "customer:C-000021", NOW - timedelta(days=9), NOW - timedelta(days=8), "she rang about a parcel"),
)

UNMASKINGS = (
    UnmaskLine(
        *(3, "CASE-0002", "actor #17", "his access must be cut before he hears of it", SpokeLine("E-0007", "security")),
        *(NOW - timedelta(minutes=5), (), 7, None, "asked"),
    ),
    UnmaskLine(
        *(2, "CASE-0002", "E-0311", "the hearing of <Friday> needs his name", SpokeLine("E-0005", "privacy")),
        *(NOW - timedelta(days=1), (SpokeLine("E-0007", "security"),), 7, NOW + timedelta(days=6), "open", True),
    ),
    UnmaskLine(
        *(1, "CASE-0002", "actor #4", "", SpokeLine("", ""), NOW - timedelta(days=40)),
        *((SpokeLine("E-0007", "security"),), 7, NOW - timedelta(days=33), "over"),
    ),
)
OVERSEEN = (
    *(replace(each, who=f"actor #{number}") for each, number in zip(UNMASKINGS, (17, 311, 4), strict=True)),
    UnmaskLine(
        *(5, "CASE-0001", "actor #8", "a court order of 2 March", SpokeLine("E-0009", ""), NOW - timedelta(days=50)),
        *((), 0, None, "refused"),
        way="grant",
    ),
)

COMPLETENESS = Completeness(
    entries=61_234,
    since=datetime(2026, 1, 30, 6, 0, 3, tzinfo=UTC),
    until=datetime(2026, 3, 30, 21, 58, 40, tzinfo=UTC),
    doors=("http", "bulk"),
)
CHECKPOINT = CheckpointLine(
    origin="marketplace.example.simulated/trail",
    size=61_230,
    root="n0v1hdy7QuoJ2mvqXo8pO0PN5kQ4m0cZ3cTq0kKk1bA=",
    signed_at=datetime(2026, 3, 30, 21, 58, 41, tzinfo=UTC),
)
ROWS = (
    WhoRow(
        index=58_112,
        at=datetime(2026, 3, 24, 14, 3, 11, tzinfo=UTC),
        actor="E-0311",
        kind="disclosure",
        door="http",
        fields=(FieldEffect("customer.name", "reveal"), FieldEffect("customer.email", "reveal")),
        decision="allow",
        reason="purpose.not_assigned",
        purpose=PurposeRef("review_care", "M-004410"),
        would="deny",
    ),
    WhoRow(
        index=57_903,
        at=datetime(2026, 3, 24, 9, 41, 57, tzinfo=UTC),
        actor="E-0311",
        kind="action",
        door="http",
        fields=(),
        decision="allow",
        reason="purpose.verified",
        purpose=PurposeRef("review_care", "M-004410"),
        action="review.delete",
        object="review:R-001207",
    ),
    WhoRow(
        index=40_117,
        at=datetime(2026, 3, 9, 7, 12, 30, tzinfo=UTC),
        actor="E-0042",
        kind="disclosure",
        door="http",
        fields=(
            FieldEffect("customer.name", "reveal"),
            FieldEffect("customer.email", "mask"),
            FieldEffect("customer.address", "deny"),
        ),
        decision="deny",
        reason="purpose.verified",
        purpose=PurposeRef("ticket", "T-104233"),
    ),
    WhoRow(
        index=12_040,
        at=datetime(2026, 2, 11, 19, 55, 1, tzinfo=UTC),
        actor="E-0507",
        kind="denial",
        door="bulk",
        fields=(FieldEffect("customer.email", "deny"),),
        decision="deny",
        reason="purpose.not_found",
        purpose=PurposeRef("ticket", "T-999999"),
    ),
    WhoRow(
        index=3_310,
        at=datetime(2026, 2, 3, 10, 20, 0, tzinfo=UTC),
        actor="E-0117",
        kind="disclosure",
        door="bulk",
        fields=(FieldEffect("customer.phone", "mask"),),
        decision="mask",
        reason="purpose.missing",
    ),
)
CASES = (
    CaseSummary("CASE-0002", "seller:S-000088", "open", datetime(2026, 3, 26, 8, 4, tzinfo=UTC), 7, "finding", 0.0004),
    CaseSummary("CASE-0001", "seller:S-001913", "closed", datetime(2026, 3, 2, 12, 30, tzinfo=UTC), 4, "outside", 0.97),
)


def looks() -> tuple[Look, ...]:
    outside = (0.93, 0.81, 0.44, 0.09, 0.0004)
    first = (0.03, 0.12, 0.47, 0.88, 0.9991)
    second = (0.01, 0.02, 0.03, 0.012, 0.0002)
    verdicts = ("undecided", "undecided", "undecided", "lead", "finding")
    made = []
    for at, (out, one, two, verdict) in enumerate(zip(outside, first, second, verdicts, strict=True)):
        candidates = (
            CandidateLine(
                ("actor #17",),
                one,
                "finding" if verdict == "finding" else "no_signal",
                10.0 ** (at + 1.2),
                at + 3,
                at + 3,
                0.62,
            ),
            CandidateLine(("actor #4",), two, "no_signal", 1.9, 2, at + 3, 0.8, rival=at < 3),
            CandidateLine(("actor #50", "actor #51"), two / 3, "no_signal", 0.7, 1, at + 3, 0.9),
        )
        made.append(Look(at + 3, datetime(2026, 3, 26 + at, 9, 0, tzinfo=UTC), verdict, out, candidates))
    return tuple(made)


def case_page() -> CasePage:
    at = datetime(2026, 3, 30, 20, 15, tzinfo=UTC)
    both = (Approval("E-0009", at), Approval("E-0021", at + timedelta(minutes=4)))
    steps = (
        StepLine(
            "suspend_actor",
            "actor #17",
            "done",
            "access cut while the case is open",
            "E-0005",
            at,
            both,
            at + timedelta(minutes=4, seconds=1),
            None,
            61_002,
        ),
        StepLine(
            "suspend_seller",
            "seller:S-000088",
            "done",
            "statement of reasons sent",
            "E-0005",
            at,
            both,
            at + timedelta(minutes=5),
            None,
            61_003,
        ),
        StepLine(
            "withhold_funds",
            "seller:S-000088",
            "undone",
            "until the appeal",
            "E-0005",
            at,
            both,
            at + timedelta(minutes=6),
            at + timedelta(hours=1),
            61_004,
        ),
        StepLine("restore_reviews", "review:R-001207 and 2 more", "planned", "", "E-0005", at),
    )
    return CasePage(
        summary=CASES[0],
        looks=looks(),
        finding_at=1 / 1.05,
        scope=ScopeCounts(certain=7, probable=23, possible=118, bound=148),
        steps=steps,
        notices=(NoticeLine("certain", sent=7), NoticeLine("probable", sent=22, unsure=1)),
        bundle="/var/lib/whosaw/bundles/CASE-0002.zip",
        method="matched betting score, version 1",
        missing=("the second complaint carries no signed date",),
        origin=("computed by a server; no person asked for it", "30 of 32 rows of the found list say something"),
        completeness=COMPLETENESS,
        known=KnownLine(at - timedelta(days=4), 2, at - timedelta(days=6)),
        terms=(
            TermLine("notify the authority", "Regulation (EU) 2016/679 art. 33(1)", at - timedelta(days=1), "met"),
            TermLine(
                "terminate a seller", "Regulation (EU) 2019/1150 art. 4(2)", at + timedelta(days=29), "not yet allowed"
            ),
        ),
        fallen=(FallenLine("actor #33", 2, ("CASE-0002/1",)),),
        sightings=(
            SightingLine(
                *(7, at, "mail", "likely_fabricated", "likely fabricated"),
                ("it is dated after it arrived", "the message was written to somebody else"),
                ("a list that was public before (dump of 2019, 0.50)",),
                ("the customer's own earlier order from the same seller",),
            ),
            SightingLine(6, at, "phone", "doubtful", "doubtful", ("somebody wrote it down; <b>it</b> is not there",)),
            SightingLine(5, at, "mail", "sound", "sound", ()),
        ),
    )


def trail_entries(before: int | None, limit: int) -> tuple[EntryLine, ...]:
    top = 61_234 if before is None else min(before, 61_234)
    return tuple(
        EntryLine(
            index=index,
            at=NOW - timedelta(seconds=(61_234 - index) * 40),
            kind="disclosure" if index % 5 else "denial",
            actor=index * 7 % 600,
            subject=index * 13 % 40_000 if index % 11 else None,
            decision=("deny", "allow", "allow", "mask", "allow")[index % 5],
            reason=(
                "purpose.not_assigned",
                "purpose.verified",
                "purpose.verified",
                "purpose.missing",
                "purpose.verified",
            )[index % 5],
            door="http" if index % 3 else "bulk",
        )
        for index in range(top - 1, max(-1, top - 1 - limit), -1)
    )


@dataclass
class Readings:
    """Answers from the values above; a test may put others, or an error, in their place."""

    fields: tuple[str, ...] = FIELDS
    records_looks: bool = True
    state: TrailState = field(default_factory=lambda: TrailState(61_234, CHECKPOINT))
    cases: tuple[CaseSummary, ...] = CASES
    page: CasePage = field(default_factory=case_page)
    rows: tuple[WhoRow, ...] = ROWS
    completeness: Completeness = COMPLETENESS
    older: int | None = None
    suspended: set[str] = field(default_factory=set)
    broken: Exception | None = None
    asked: list[object] = field(default_factory=list)
    watched: WatchPage = WATCH
    flagged: FlagPage = FLAG
    fallen: tuple[CorrectionLine, ...] = ()
    unmasked: tuple[UnmaskLine, ...] = UNMASKINGS
    function: str = "privacy"

    async def admits(self, viewer: str) -> bool:
        return viewer not in self.suspended

    async def start(self, viewer: str) -> StartPage:
        self._ask(("start", viewer))
        return StartPage(
            self.cases, self.state, watches=viewer == "E-0005", fallen=self.fallen, oversees=viewer == "E-0005"
        )

    async def corrections_read(self, viewer: str, until: datetime) -> None:
        self._ask(("corrections read", viewer))
        self.fallen = tuple(each for each in self.fallen if each.made_at > until)

    async def who(self, question: WhoQuestion, viewer: str) -> WhoPage:
        self._ask((question, viewer))
        if question.subject.key != "C-000017":
            return WhoPage(question.subject.key == "C-000018", (), WhoCounts(0, 0, 0, 0, 0, 0, 0), self.completeness)
        counts = WhoCounts(len(self.rows), 3, 2, 1, 1, 1, 1)
        return WhoPage(True, self.rows, counts, self.completeness, self.older)

    async def case(self, case_id: str, viewer: str) -> CasePage | None:
        self._ask((case_id, viewer))
        return replace(self.page) if case_id == self.page.summary.id else None

    async def unmaskings(self, case_id: str, viewer: str) -> UnmaskPage | None:
        self._ask(("unmaskings", case_id, viewer))
        if case_id != self.page.summary.id:
            return None
        return UnmaskPage(case_id, (4, 17, 311), self.function, self.unmasked, 30)

    async def ask_unmasking(self, case_id: str, asked: tuple[int, str, int], viewer: str) -> str | None:
        self._ask(("ask", case_id, asked, viewer))
        if case_id != self.page.summary.id:
            return None
        if len(asked[1]) < 10:
            return "say in a sentence why the person must be known"
        line = UnmaskLine(
            *(4, case_id, f"actor #{asked[0]}", asked[1], SpokeLine(viewer, self.function), NOW, (), asked[2], None),
            *("asked", True),
        )
        self.unmasked = (line, *self.unmasked)
        return ""

    async def approve_unmasking(self, case_id: str, number: int, viewer: str) -> str | None:
        self._ask(("approve", case_id, number, viewer))
        if case_id != self.page.summary.id:
            return None
        spoke, until = (SpokeLine(viewer, self.function),), NOW + timedelta(days=7)
        self.unmasked = tuple(
            replace(each, approved=spoke, until=until, state="open", who="E-0042") if each.number == number else each
            for each in self.unmasked
        )
        return ""

    async def overseen(self, viewer: str) -> tuple[UnmaskLine, ...] | None:
        self._ask(("overseen", viewer))
        return OVERSEEN if viewer == "E-0005" else None

    async def trail(self, before: int | None, limit: int, viewer: str) -> TrailPage:
        self._ask((before, limit, viewer))
        entries = trail_entries(before, limit)
        return TrailPage(self.state, entries, entries[-1].index if entries and entries[-1].index else None)

    async def watch(self, viewer: str) -> WatchPage | None:
        self._ask(("watch", viewer))
        return self.watched if viewer == "E-0005" else None

    async def flag(self, flag: str, viewer: str) -> FlagPage | None:
        self._ask(("flag", flag, viewer))
        return self.flagged if (flag, viewer) == (self.flagged.flag.id, "E-0005") else None

    async def judge(self, flag: str, said: tuple[str, str, str], viewer: str) -> str | None:
        self._ask(("judge", flag, said, viewer))
        if (flag, viewer) != (self.flagged.flag.id, "E-0005"):
            return None
        outcome, record, because = said
        if len(because) < 10 or not outcome:
            return "a verdict needs its why"
        told = VerdictLine(outcome, record, because, viewer, NOW)
        verdict = outcome if outcome != "confirmed" or len(self.flagged.verdicts) else ""
        self.flagged = replace(
            self.flagged,
            flag=replace(self.flagged.flag, verdict=verdict),
            verdicts=(*self.flagged.verdicts, told),
            decided=True,
        )
        return ""

    async def release(self, held: int, text: str, viewer: str) -> str | None:
        self._ask(("release", held, text, viewer))
        if viewer != "E-0005":
            return None
        if held != 12 or self.watched.held is None:
            return f"nothing of number {held} holds anybody up"
        self.watched = replace(self.watched, held=tuple(each for each in self.watched.held if each.number != held))
        return ""

    async def prompts(self, viewer: str) -> tuple[PromptLine, ...]:
        return PROMPTS if viewer == "E-0005" else ()

    async def answer(self, prompt: int, text: str, viewer: str) -> str:
        self._ask(("answer", prompt, text, viewer))
        return "" if prompt == 7 else f"there is no prompt {prompt} to this person"

    async def seconds(self, viewer: str) -> tuple[SecondLine, ...]:
        due = NOW + timedelta(days=6)
        rows = (SecondLine(4, "review", "review:R-31", due, None), SecondLine(3, "refund", "order:O-9", due, True))
        return rows if viewer == "E-0005" else ()

    async def decide_again(self, number: int, text: str, viewer: str, *, favours: bool) -> str:
        self._ask(("second", number, text, viewer, favours))
        return "" if number == 4 else f"nobody asks this person to decide {number}"

    def _ask(self, what: object) -> None:
        self.asked.append(what)
        if self.broken is not None:
            raise self.broken


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def readings() -> Readings:
    return Readings()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def links(seconds: Seconds) -> LoginLinks:
    return LoginLinks(600.0, seconds)


@pytest.fixture
def app(readings: Readings, links: LoginLinks, seconds: Seconds) -> FastAPI:
    made = FastAPI()
    door = ConsoleDoor(readings, links, SimulatedClock(NOW), sessions=Sessions(3_600.0, seconds))
    made.include_router(door.router)
    return made


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is not signed in."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture
async def signed_in(browser: httpx.AsyncClient, links: LoginLinks) -> httpx.AsyncClient:
    """The analyst E-0005, come in by a link."""
    assert (await browser.get(links.issue("E-0005"))).status_code == 303
    return browser
