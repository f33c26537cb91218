"""Answer: from the first complaint to letters, measures and evidence.

Takes complaints in and checks their signatures, keeps cases with their verdicts, carries out steps that need two people
where someone is hurt, writes every letter from one facts object, sends each once, and packs what a court or the police
can verify alone. It never acts on a lead, never claims what the record does not carry, and knows neither HTTP nor the
company's own tables. Stands after ``trace`` in the flow and before the doors.
"""

from whosaw.answer.case import Case, Cases, Snapshot
from whosaw.answer.effects import Doors, Effects, Marketplace, Notify
from whosaw.answer.errors import (
    AnswerError,
    ComplaintUnreadable,
    EvidenceMissing,
    FactsContradict,
    RawMailMissing,
    StepRefused,
    UnknownCase,
)
from whosaw.answer.facts import Company, Exposure, Facts, Person, Record, Scope, Standing, build_facts, exposures
from whosaw.answer.intake import Complaint, read_complaint
from whosaw.answer.letters import Letter, write_notice
from whosaw.answer.sightings import RawMails, Sighting, SightingBook
from whosaw.answer.signature import DkimResult
from whosaw.answer.statement import seller_statement
from whosaw.answer.step import Step
from whosaw.answer.steps import Steps

__all__ = [
    "AnswerError",
    "Case",
    "Cases",
    "Company",
    "Complaint",
    "ComplaintUnreadable",
    "DkimResult",
    "Doors",
    "Effects",
    "EvidenceMissing",
    "Exposure",
    "Facts",
    "FactsContradict",
    "Letter",
    "Marketplace",
    "Notify",
    "Person",
    "RawMailMissing",
    "RawMails",
    "Record",
    "Scope",
    "Sighting",
    "SightingBook",
    "Snapshot",
    "Standing",
    "Step",
    "StepRefused",
    "Steps",
    "UnknownCase",
    "build_facts",
    "exposures",
    "read_complaint",
    "seller_statement",
    "write_notice",
]
