"""Why an action or a lookup is allowed or refused: one that could be asked for, and one that was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from whosaw.app.policies import PolicyArchive
from whosaw.app.services import Services
from whosaw.app.why import ClassWhy, Recorded, Why, people_of, stated_reason
from whosaw.ask import ActionAsk, LookupAsk, new_ask_id
from whosaw.catalog import Catalog
from whosaw.decide import Decision, Facts, PolicySet, Verification, decide_action, decide_lookup, lookup_deed
from whosaw.decide.counterfactual import changes
from whosaw.decide.lookups import spoken_of
from whosaw.decide.mentions import mentions
from whosaw.decide.question import about_action
from whosaw.gate.facts import FactFinder
from whosaw.terms import PurposeRef, from_us

_LOOKUP = lookup_deed("")


async def explain_deed(services: Services, actor: str, deed: str, objects: str, purpose: PurposeRef | None) -> Why:
    """Explain what an action, or with ``lookup:NAME`` a lookup, would be answered now, budgets aside.

    Args:
        services: the house.
        actor: who would ask.
        deed: the action as the catalog names it, or ``lookup:`` and the lookup's name.
        objects: key of the object; empty for a lookup, which is explained up to the search: whom it may name is a
            matter of whom the work is about.
        purpose: the reason that would be stated.

    Raises:
        AskInvalid: it names what the catalog does not have.
    """
    at, policies = services.clock.now(), services.policies.current
    if deed.startswith(_LOOKUP):
        name = deed.removeprefix(_LOOKUP)
        sought = LookupAsk(actor, name, "", purpose, "console", at, new_ask_id())
        facts, decision = await services.gate.consider_lookup(sought)
        about = deed
    else:
        action = ActionAsk(actor, deed, objects, purpose, "console", at, new_ask_id())
        facts, decision = await services.gate.consider_action(action)
        about = f"{deed} on {services.catalog.actions[deed].object_kind}:{objects}" if objects else deed
    stated = str(purpose) if purpose else None
    return _why(services.catalog, (actor, about, stated, deed), facts, decision, policies)


async def explain_deed_entry(services: Services, index: int, payload: Mapping[str, Any]) -> Why:
    """Explain an action or lookup that entry `index` records, by the policies of then where they are kept.

    Raises:
        NotADecision: it is about somebody who was erased.
    """
    actor, subject, purpose = await people_of(services, payload, index)
    known = PolicyArchive(services.settings.policy_folder).find(str(payload["policy"]))
    policies = known or services.policies.current
    finder = FactFinder(services.door_db, services.catalog, services.sources)
    person = (await finder.people([actor], services.clock.now()))[actor]
    is_lookup = "lookup" in payload
    deed = lookup_deed(str(payload["lookup"])) if is_lookup else str(payload["action"])
    granted = any(str(each).startswith("grant:") for each in payload.get("under", ()))
    facts = Facts(
        person.facts,
        Verification(purpose.kind if purpose else "", stated_reason(payload), observe=payload["mode"] == "observe"),
        subject_known=is_lookup or subject is not None,
        subject_region="" if subject is None else (await finder.regions([subject])).get(subject, ""),
        granted=frozenset([deed]) if granted else frozenset(),
    )
    if is_lookup:
        about, decision = deed, decide_lookup(deed.removeprefix(_LOOKUP), facts, policies)
    else:
        about, decision = f"{deed} on {payload['object']}", decide_action(deed, facts, policies)
    why = _why(services.catalog, (actor, about, str(purpose) if purpose else None, deed), facts, decision, policies)
    outcome, reason = str(payload["decision"]), str(payload["reason"])
    at = from_us(int(payload["at"])).isoformat()
    recorded = Recorded(index, at, {deed: outcome}, reason, decision.outcome == outcome, known is not None)
    return replace(why, recorded=recorded)


def _why(
    catalog: Catalog, asked: tuple[str, str, str | None, str], facts: Facts, decision: Decision, policies: PolicySet
) -> Why:
    actor, about, purpose, deed = asked
    spoken = spoken_of(deed.removeprefix(_LOOKUP), facts, policies) if deed.startswith(_LOOKUP) else deed
    question = about_action(spoken, facts)
    answer = policies.answer(question)
    by = answer.policies if facts.subject_known else ()
    better = (
        changes(question, policies, mentions(policies), purposes=catalog.purposes, openings=())
        if facts.subject_known
        else []
    )
    # the reason stands for a cause beside the policies: a second person, an object that is not there, who is barred
    beside = not decision.reason.startswith("purpose.") and not by
    withheld = decision.outcome == "deny" and answer.allowed is not None
    line = ClassWhy(
        klass=deed,
        fields={deed: decision.outcome},
        would=decision.would,
        policies=by,
        reason=decision.reason if beside or withheld else None,
        changes=tuple(better),
    )
    return Why(
        actor=actor,
        subject=about,
        purpose=purpose,
        facts=facts.actor,
        reason=decision.reason,
        outcome=decision.outcome,
        subject_region=facts.subject_region,
        policy_version=policies.version,
        classes=(line,),
        duties=decision.duties,
    )
