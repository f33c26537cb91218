"""Trace: who could have leaked, how probable each is, whether it was anyone inside, and what else got out.

Pure numerics over arrays; reads no database and knows no names. It never prints guilt: it prints evidence, rivals and
the outside hypothesis on one scale. Stands after ``lake`` in the flow and before ``answer``.
"""

from whosaw.trace.classes import ClassScope, scope_by_class
from whosaw.trace.errors import InputRefused, SettingRefused, TraceError
from whosaw.trace.groups import GroupShare
from whosaw.trace.index import Index, build_index
from whosaw.trace.inputs import (
    GUESSABLE_ODDS,
    NEVER,
    UNIQUE_ODDS,
    Accesses,
    Actors,
    Duties,
    Marks,
    Population,
    Sightings,
)
from whosaw.trace.outlook import Outlook
from whosaw.trace.ranking import attribute, evidence_over_time, rank
from whosaw.trace.result import Attribution, Candidate, Explanation, Hit, Method, Rung, Scope, Step, Verdict
from whosaw.trace.settings import Settings

__all__ = [
    "GUESSABLE_ODDS",
    "NEVER",
    "UNIQUE_ODDS",
    "Accesses",
    "Actors",
    "Attribution",
    "Candidate",
    "ClassScope",
    "Duties",
    "Explanation",
    "GroupShare",
    "Hit",
    "Index",
    "InputRefused",
    "Marks",
    "Method",
    "Outlook",
    "Population",
    "Rung",
    "Scope",
    "SettingRefused",
    "Settings",
    "Sightings",
    "Step",
    "TraceError",
    "Verdict",
    "attribute",
    "build_index",
    "evidence_over_time",
    "rank",
    "scope_by_class",
]
