"""What the console shows of a case, and to whom: people stand as numbers, and who has a conflict sees none of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from whosaw.answer import Case, Snapshot, StepRefused, UnknownCase
from whosaw.answer.ladder import RULES
from whosaw.answer.numbered import UNNUMBERED, by_number, staff_in
from whosaw.answer.origin import origin_lines
from whosaw.answer.plainwords import STANDINGS, word_of
from whosaw.app import queries
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.recordreads import RecordReads
from whosaw.app.services import Services
from whosaw.app.sightingreads import sighting_lines
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
    StepLine,
    TermLine,
)
from whosaw.doors.console.reads import CorrectionLine
from whosaw.store.alerts import attention
from whosaw.store.numbers import find_all
from whosaw.store.outbox import Outbox
from whosaw.trace.explained import by_what, explained_chance, in_words, rows_of

_CANDIDATES = 5


class CaseReads:
    """Questions to the cases of one whosaw, each for one viewer."""

    def __init__(self, services: Services, record: RecordReads) -> None:
        """Read the cases of `services`; bundles lie in its folder of evidence."""
        self._db = services.db
        self._clock = services.clock
        self._record = record
        self._evidence = services.settings.evidence_folder
        self._work: CaseWork = case_work(services)
        self._outbox = Outbox(services.db)

    async def summaries(self, viewer: str) -> tuple[CaseSummary, ...]:
        """Return every case that `viewer` may see, newest first."""
        found = [case for case in reversed(await self._work.cases.list()) if await self.may_see(case.id, viewer)]
        return tuple([await self._summary(case) for case in found])

    async def may_see(self, case_id: str, viewer: str) -> bool:
        """Return whether `viewer` may see a case: who may not work on it may not learn that it is there."""
        try:
            await self._work.desk.check(case_id, viewer)
        except (StepRefused, UnknownCase):
            return False
        return True

    async def page(self, case_id: str, viewer: str) -> CasePage | None:
        """Return one case, or None where `viewer` may see none of this id.

        Whom the newest verdict suspects is noted as shown to the viewer first: he is told should it fall.
        """
        if not await self.may_see(case_id, viewer):
            return None
        case, history = await self._work.cases.get(case_id), await self._work.cases.verdicts(case_id)
        last: Mapping[str, Any] = history[-1].verdict if history else {}
        steps = await queries.case_steps(self._db, case_id)
        names = await self._names(case_id, viewer, history, steps)
        told = by_number(last, names) if last else {}
        bundle = self._evidence / f"{case_id}.zip"
        return CasePage(
            summary=await self._summary(case),
            looks=tuple(_look(snapshot, names) for snapshot in history),
            finding_at=finding_at(last),
            scope=_scope(last),
            steps=tuple(_step(row, names) for row in steps),
            notices=await self._notices(case_id),
            bundle=str(bundle) if bundle.exists() else "",
            method="matched-control betting scores; a finding holds at every look (docs/trace.md)" if history else "",
            missing=tuple(last.get("missing", ())),
            completeness=await self._record.completeness(),
            known=await self._known(case_id),
            terms=await self._terms(case_id),
            fallen=tuple(
                FallenLine(f"actor #{each.actor}", each.untold, each.measures)
                for each in await self._work.corrections.fallen(case_id)
            ),
            sightings=await sighting_lines(self._work, case_id, lambda other: self.may_see(other, viewer)),
            origin=tuple(origin_lines(told)),
            explained=in_words(rows_of(told)),
        )

    async def corrections(self, viewer: str) -> tuple[CorrectionLine, ...]:
        """Return what the viewer was shown of somebody that fell since, and that he has not read."""
        found = await self._work.corrections.unread(viewer)
        return tuple(CorrectionLine(each.case, f"actor #{each.actor}", each.text, each.made_at) for each in found)

    async def corrections_read(self, viewer: str, until: datetime) -> None:
        """Keep that the viewer has read his corrections, as far as they were written by `until`."""
        await self._work.corrections.read(viewer, until)

    async def _known(self, case: str) -> KnownLine:
        waiting = await attention(self._db)
        return KnownLine(await self._work.desk.aware_since(case), waiting.unread, waiting.oldest_at)

    async def _terms(self, case: str) -> tuple[TermLine, ...]:
        now = self._clock.now()
        return tuple(
            TermLine(each.law.what, each.law.source, each.due_at, word_of(STANDINGS, each.standing(now)))
            for each in await self._work.clocks.list(case)
        )

    async def _names(
        self, case: str, viewer: str, history: Sequence[Snapshot], steps: Sequence[queries.CaseStepRow]
    ) -> Mapping[str, str]:
        """Return how each actor on the page is written now, by key: as a number, save while he is unmasked."""
        about = {row.target for row in steps if _about_actor(row.kind)}
        keys = about | {actor for each in history for one in _candidates(each) for actor in one["actors"]}
        last: Mapping[str, Any] = history[-1].verdict if history else {}
        keys |= staff_in({part: last.get(part) for part in ("found", "duties")})
        numbers = await find_all(self._db, "actor", sorted(keys))
        shown = await find_all(self._db, "actor", sorted(history[-1].suspected()) if history else [])
        suspected = list(shown)
        await self._work.corrections.shown(case, viewer, [shown[key] for key in suspected])
        names = await self._work.unmaskings.names(case, list(numbers.values()), to=viewer)
        erased = dict.fromkeys(keys, UNNUMBERED)
        return erased | {key: names[number] for key, number in numbers.items()}

    async def _summary(self, case: Case) -> CaseSummary:
        history = await self._work.cases.verdicts(case.id)
        last: Mapping[str, Any] = history[-1].verdict if history else {}
        rows = rows_of(last)
        return CaseSummary(
            id=case.id,
            beneficiary=case.beneficiary,
            state=case.state,
            opened_at=case.opened_at,
            complaints=len(await self._work.book.list(case=case.id)),
            verdict=last.get("verdict", ""),
            outside_probability=last.get("outside_probability"),
            explained=explained_chance(rows),
            explained_by=by_what(rows) if rows else "",
        )

    async def _notices(self, case_id: str) -> tuple[NoticeLine, ...]:
        counts = await self._outbox.counts(case_id)
        if not counts:
            return ()
        waiting = sum(counts.get(state, 0) for state in ("pending", "claimed", "sending"))
        line = NoticeLine("affected", counts.get("sent", 0), waiting, counts.get("sent?", 0), counts.get("failed", 0))
        return (line,)


def _candidates(snapshot: Snapshot) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = snapshot.verdict["candidates"]
    return found[:_CANDIDATES]


def _about_actor(kind: str) -> bool:
    return kind in RULES and RULES[kind].about == "actor"


def _look(snapshot: Snapshot, names: Mapping[str, str]) -> Look:
    candidates = _candidates(snapshot)
    best = candidates[0]["probability"] if candidates else 0.0
    rows = rows_of(snapshot.verdict)
    return Look(
        complaints=snapshot.complaints,
        at=snapshot.at,
        verdict=snapshot.verdict["verdict"],
        outside_probability=snapshot.verdict["outside_probability"],
        candidates=tuple(
            CandidateLine(
                actors=tuple(names[actor] for actor in each["actors"]),
                probability=each["probability"],
                rung=each["rung"],
                e_value=each["e_value"],
                seen=each["seen"],
                of=each["of"],
                expected=each["expected"],
                rival=position > 0 and each["probability"] >= best / 20,
            )
            for position, each in enumerate(candidates)
        ),
        explained=explained_chance(rows) if rows else None,
    )


def finding_at(verdict: Mapping[str, Any]) -> float | None:
    """Return the probability from which somebody was a finding: whoever expects a leaker needs more of it."""
    settings = verdict.get("method", {}).get("settings", {})
    if "alpha" not in settings:
        return None
    outside = settings.get("outside_prior", 0.5)
    return float(1 / (1 + settings["alpha"] * min(1.0, outside / (1 - outside))))


def _scope(verdict: Mapping[str, Any]) -> ScopeCounts | None:
    scope = verdict.get("scope")
    if scope is None:
        return None
    return ScopeCounts(len(scope["certain"]), len(scope["probable"]), len(scope["possible"]), scope["bound"])


def _step(row: queries.CaseStepRow, names: Mapping[str, str]) -> StepLine:
    return StepLine(
        kind=row.kind,
        target=names[row.target] if _about_actor(row.kind) else row.target,
        state=row.state,
        reason=row.reason,
        planned_by=row.planned_by,
        planned_at=row.planned_at,
        approvals=tuple(Approval(person, at) for person, at in row.approvals),
        done_at=row.done_at,
        undone_at=row.undone_at,
        entry=row.entry,
    )
