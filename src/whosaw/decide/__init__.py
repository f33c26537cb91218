"""Decide: an ask and the facts the gate gathered become a decision; pure, default deny.

For each class asked, Cedar is asked for ``reveal``, ``alias`` and ``mask`` in that order: the first allowed wins, none
allowed is deny. An evaluation error denies, because Cedar skips a policy that errors and would otherwise let the rest
allow. What is looked at, in order: the work behind the purpose (``purpose``), the policies (``policy``), the mode of
purpose and field (``decision``), and what something besides the policies withholds (``withheld``).
"""

from whosaw.decide.decision import Decision, FieldDecision, decide, decide_action
from whosaw.decide.facts import ActorFacts, Facts
from whosaw.decide.holder import PolicyHolder
from whosaw.decide.lookups import decide_lookup, lookup_deed, lookup_deeds
from whosaw.decide.policy import DecideError, PolicyInvalid, PolicySet
from whosaw.decide.purpose import Verification, WorkItem, verify
from whosaw.decide.shipped import load_policies, schema
from whosaw.decide.withheld import refused, withheld

__all__ = [
    "ActorFacts",
    "DecideError",
    "Decision",
    "Facts",
    "FieldDecision",
    "PolicyHolder",
    "PolicyInvalid",
    "PolicySet",
    "Verification",
    "WorkItem",
    "decide",
    "decide_action",
    "decide_lookup",
    "load_policies",
    "lookup_deed",
    "lookup_deeds",
    "refused",
    "schema",
    "verify",
    "withheld",
]
