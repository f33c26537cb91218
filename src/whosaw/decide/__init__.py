"""Decide: an ask and the facts the gate gathered become a decision; pure, default deny.

For each class asked, Cedar is asked for ``reveal``, ``alias`` and ``mask`` in that order: the first allowed wins, none
allowed is deny. An evaluation error denies, because Cedar skips a policy that errors and would otherwise let the rest
allow. What is looked at, in order: the work behind the purpose (``purpose``), the policies (``policy``), the mode of
the purpose (``decision``).
"""

from whosaw.decide.decision import Decision, FieldDecision, decide, decide_action
from whosaw.decide.facts import ActorFacts, Facts
from whosaw.decide.policy import DecideError, PolicyInvalid, PolicySet, load_policies
from whosaw.decide.purpose import Verification, WorkItem, verify

__all__ = [
    "ActorFacts",
    "DecideError",
    "Decision",
    "Facts",
    "FieldDecision",
    "PolicyInvalid",
    "PolicySet",
    "Verification",
    "WorkItem",
    "decide",
    "decide_action",
    "load_policies",
    "verify",
]
