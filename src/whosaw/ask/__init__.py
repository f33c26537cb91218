"""Ask: what a door received becomes one plain value; pure, no database and no policy.

A door authenticates and translates; what it hands to the gate is an ``Ask``, a ``BulkAsk``, a ``LookupAsk`` or an
``ActionAsk``. Nothing in one of them was checked beyond its form.
"""

from whosaw.ask.authzen import (
    Evaluation,
    Evaluations,
    NotAuthzen,
    SubjectSearch,
    action_search_from_json,
    evaluation_from_json,
    evaluations_from_json,
    subject_search_from_json,
)
from whosaw.ask.http import action_from_json, ask_from_json, bulk_from_json, lookup_from_json
from whosaw.ask.model import ActionAsk, Ask, AskError, AskInvalid, BulkAsk, LookupAsk, new_ask_id

__all__ = [
    "ActionAsk",
    "Ask",
    "AskError",
    "AskInvalid",
    "BulkAsk",
    "Evaluation",
    "Evaluations",
    "LookupAsk",
    "NotAuthzen",
    "SubjectSearch",
    "action_from_json",
    "action_search_from_json",
    "ask_from_json",
    "bulk_from_json",
    "evaluation_from_json",
    "evaluations_from_json",
    "lookup_from_json",
    "new_ask_id",
    "subject_search_from_json",
]
