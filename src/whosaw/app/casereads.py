"""What the console shows of a case, read from the answer's own tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whosaw.answer import Case, Cases, SightingBook, Snapshot
from whosaw.app import queries
from whosaw.app.recordreads import RecordReads
from whosaw.doors.console.reads import (
    Approval,
    CandidateLine,
    CasePage,
    CaseSummary,
    Look,
    NoticeLine,
    ScopeCounts,
    StepLine,
)
from whosaw.store import Database
from whosaw.store.outbox import Outbox
from whosaw.terms import SystemClock

_CANDIDATES = 5


class CaseReads:
    """Questions to the cases of one database."""

    def __init__(self, db: Database, record: RecordReads, evidence: Path) -> None:
        """Read the cases of `db`; their bundles lie in the folder `evidence`."""
        self._db = db
        self._record = record
        self._evidence = evidence
        self._cases = Cases(db, SystemClock())
        self._book = SightingBook(db)
        self._outbox = Outbox(db)

    async def summaries(self) -> tuple[CaseSummary, ...]:
        """Return every case, newest first."""
        return tuple([await self._summary(case) for case in reversed(await self._cases.list())])

    async def page(self, case_id: str) -> CasePage | None:
        """Return one case, or None."""
        found = [case for case in await self._cases.list() if case.id == case_id]
        if not found:
            return None
        history = await self._cases.verdicts(case_id)
        last: Mapping[str, Any] = history[-1].verdict if history else {}
        bundle = self._evidence / f"{case_id}.zip"
        return CasePage(
            summary=await self._summary(found[0]),
            looks=tuple(_look(snapshot) for snapshot in history),
            finding_at=finding_at(last),
            scope=_scope(last),
            steps=tuple([_step(row) for row in await queries.case_steps(self._db, case_id)]),
            notices=await self._notices(case_id),
            bundle=str(bundle) if bundle.exists() else "",
            method="matched-control betting scores; a finding holds at every look (docs/trace.md)" if history else "",
            missing=tuple(last.get("missing", ())),
            completeness=await self._record.completeness(),
        )

    async def _summary(self, case: Case) -> CaseSummary:
        history = await self._cases.verdicts(case.id)
        last: Mapping[str, Any] = history[-1].verdict if history else {}
        return CaseSummary(
            id=case.id,
            beneficiary=case.beneficiary,
            state=case.state,
            opened_at=case.opened_at,
            complaints=len(await self._book.list(case=case.id)),
            verdict=last.get("verdict", ""),
            outside_probability=last.get("outside_probability"),
        )

    async def _notices(self, case_id: str) -> tuple[NoticeLine, ...]:
        counts = await self._outbox.counts(case_id)
        if not counts:
            return ()
        waiting = sum(counts.get(state, 0) for state in ("pending", "claimed", "sending"))
        line = NoticeLine("affected", counts.get("sent", 0), waiting, counts.get("sent?", 0), counts.get("failed", 0))
        return (line,)


def _look(snapshot: Snapshot) -> Look:
    candidates = snapshot.verdict["candidates"]
    best = candidates[0]["probability"] if candidates else 0.0
    return Look(
        complaints=snapshot.complaints,
        at=snapshot.at,
        verdict=snapshot.verdict["verdict"],
        outside_probability=snapshot.verdict["outside_probability"],
        candidates=tuple(
            CandidateLine(
                actors=tuple(each["actors"]),
                probability=each["probability"],
                rung=each["rung"],
                e_value=each["e_value"],
                seen=each["seen"],
                of=each["of"],
                expected=each["expected"],
                rival=position > 0 and each["probability"] >= best / 20,
            )
            for position, each in enumerate(candidates[:_CANDIDATES])
        ),
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


def _step(row: queries.CaseStepRow) -> StepLine:
    return StepLine(
        kind=row.kind,
        target=row.target,
        state=row.state,
        reason=row.reason,
        planned_by=row.planned_by,
        planned_at=row.planned_at,
        approvals=tuple(Approval(person, at) for person, at in row.approvals),
        done_at=row.done_at,
        undone_at=row.undone_at,
        entry=row.entry,
    )
