"""Wiring of case work: the desk, its clocks, steps, notices and evidence over the services of one running whosaw."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.answer import Cases, Effects, RawMails, SightingBook, Steps
from whosaw.answer.alternatives import Alternatives
from whosaw.answer.appeals import Appeals
from whosaw.answer.approach import Approaches
from whosaw.answer.clocks import CaseClocks
from whosaw.answer.conflicts import Conflicts
from whosaw.answer.corrections import Corrections
from whosaw.answer.covert import Covert
from whosaw.answer.desk import Desk
from whosaw.answer.entities import Entities
from whosaw.answer.exculpatory import Exculpatory
from whosaw.answer.exhibits import Exhibits
from whosaw.answer.notes import Notes
from whosaw.answer.retention import Retention
from whosaw.answer.unmasking import Unmaskings
from whosaw.app.caseeffects import CaseDoors, marketplace_of, notifying, others_of
from whosaw.app.casepreserve import Preserve
from whosaw.app.casestaff import leavers, managers_of
from whosaw.app.services import Services


@dataclass(frozen=True, slots=True)
class CaseWork:
    """Everything that people work on cases with.

    Attributes:
        raws: complaints as they came, rows and screenshots, by hash.
    """

    services: Services
    notes: Notes
    cases: Cases
    book: SightingBook
    raws: RawMails
    conflicts: Conflicts
    desk: Desk
    clocks: CaseClocks
    unmaskings: Unmaskings
    entities: Entities
    exculpatory: Exculpatory
    alternatives: Alternatives
    approaches: Approaches
    steps: Steps
    appeals: Appeals
    corrections: Corrections
    covert: Covert
    retention: Retention
    exhibits: Exhibits


def case_work(services: Services) -> CaseWork:
    """Return the parts of case work over open services."""
    db, clock = services.db, services.clock
    notes = Notes(db, clock, services.appender.append)
    conflicts = Conflicts(db, managers_of(services.directory))
    desk = Desk(db, clock, notes, conflicts, Preserve(services).unheld)
    raws = RawMails(services.settings.state / "complaints")
    effects = Effects(
        doors=CaseDoors(services),
        marketplace=marketplace_of(services),
        notify=notifying(services),
        others=others_of(services),
    )
    steps = Steps(
        db, clock, record=services.appender.append, effects=effects, desk=desk, gone=leavers(services.directory, clock)
    )
    covert = Covert(db, clock, notes, desk)
    return CaseWork(
        services=services,
        notes=notes,
        cases=Cases(db, clock),
        book=SightingBook(db),
        raws=raws,
        conflicts=conflicts,
        desk=desk,
        clocks=CaseClocks(db, clock, notes),
        unmaskings=Unmaskings(db, clock, notes, desk),
        entities=Entities(db, clock, notes, desk),
        exculpatory=Exculpatory(db, clock, notes, desk),
        alternatives=Alternatives(db, clock),
        approaches=Approaches(db, clock, notes, raws),
        steps=steps,
        appeals=Appeals(db, clock, notes, desk, steps),
        corrections=Corrections(db, clock, notes),
        covert=covert,
        exhibits=Exhibits(db, clock, notes, desk, raws),
        retention=Retention(db, clock, notes, raws, covert),
    )
