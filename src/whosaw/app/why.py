"""Why a decision is what it is, and what would change it: for an ask that could be made, and for one that was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from whosaw.app.errors import AppError
from whosaw.app.policies import PolicyArchive
from whosaw.app.services import Services
from whosaw.ask import Ask
from whosaw.catalog import Catalog
from whosaw.decide import ActorFacts, Decision, Facts, PolicySet, Verification, decide
from whosaw.decide.counterfactual import Change, changes
from whosaw.decide.mentions import mentions
from whosaw.decide.question import about_class
from whosaw.gate.facts import FactFinder
from whosaw.record import entries_at
from whosaw.store.numbers import keys_of
from whosaw.terms import PurposeRef, SubjectRef, from_us


class NotADecision(AppError, LookupError):
    """The entry is not there, was erased, or does not record a decision about one person."""

    code: ClassVar[str] = "app.not_a_decision"
    hint = "`whosaw who CUSTOMER --json` lists the entries about a customer by their index"


@dataclass(frozen=True, slots=True)
class ClassWhy:
    """Why fields of one class came out as they did.

    Attributes:
        klass: the class.
        fields: field → effect.
        would: what enforcement would give, where observe mode gave more.
        policies: ids that made it so: those that permit, or those that forbid; none where nothing permits.
        reason: why it is withheld in particular, or None.
        changes: what would give a better answer.
    """

    klass: str
    fields: Mapping[str, str]
    would: str | None
    policies: tuple[str, ...]
    reason: str | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the trail says of an ask that was made.

    Attributes:
        index: of the entry.
        at: when, in ISO 8601.
        fields: field → effect, as recorded.
        reason: as recorded.
        agrees: whether the policies of then and the facts of now give the same; where not, facts have changed since.
        policies_kept: whether the policies of then are still kept here; else those in force now were asked.
    """

    index: int
    at: str
    fields: Mapping[str, str]
    reason: str
    agrees: bool
    policies_kept: bool


@dataclass(frozen=True, slots=True)
class Why:
    """A decision with its grounds."""

    actor: str
    subject: str
    purpose: str | None
    facts: ActorFacts
    reason: str
    outcome: str
    subject_region: str
    policy_version: str
    classes: tuple[ClassWhy, ...]
    duties: tuple[str, ...]
    recorded: Recorded | None = None


async def explain(services: Services, ask: Ask) -> Why:
    """Explain what an ask would be answered now, budgets aside.

    Raises:
        AskInvalid: it names what the catalog does not have.
    """
    judged = await services.gate.consider(ask)
    policies = services.policies.current
    return _why(services.catalog, ask, judged.facts, judged.decision, policies)


async def explain_entry(services: Services, index: int, payload: Mapping[str, Any]) -> Why:
    """Explain the decision about fields that entry `index` records, by the policies of then where they are kept.

    What the trail does not hold (roles, region) is taken from the directory of today; the answer says whether the
    recorded effects still follow.

    Raises:
        NotADecision: it is about somebody whom the company did not know, or who was erased.
    """
    actor, subject, purpose = await people_of(services, payload, index)
    if subject is None:
        raise NotADecision(f"entry {index} is about a subject that was not there: its reason, subject.unknown, is all")
    known = PolicyArchive(services.settings.policy_folder).find(str(payload["policy"]))
    policies = known or services.policies.current
    at = from_us(int(payload["at"]))
    effects = dict(str(text).rsplit("=", 1) for text in payload["fields"])
    fields = tuple(name for name in effects if name in services.catalog.fields)
    ask = Ask(actor, subject, fields, purpose, str(payload["door"]), at, str(payload["ask"]))
    finder = FactFinder(services.door_db, services.catalog, services.sources)
    person = (await finder.people([actor], services.clock.now()))[actor]
    regions = await finder.regions([subject])
    reason = str(payload["reason"])
    facts = Facts(
        person.facts,
        Verification(purpose.kind if purpose else "", stated_reason(payload), observe=payload["mode"] == "observe"),
        subject_known=True,
        subject_region=regions.get(subject, ""),
        granted=_under(payload, "grant", effects, services.catalog),
        glass=_under(payload, "glass", effects, services.catalog),
    )
    decision = decide([services.catalog.fields[name] for name in fields], facts, policies)
    why = _why(services.catalog, ask, facts, decision, policies)
    now = {item.field: item.effect for item in decision.fields}
    recorded = Recorded(index, at.isoformat(), effects, reason, now == effects, known is not None)
    return Why(**{**{name: getattr(why, name) for name in why.__slots__}, "recorded": recorded})


def index_of(text: str) -> int:
    """Return the index that `text` means: a number, or a file that holds a receipt as an answer carries it.

    Raises:
        NotADecision: it is neither.
    """
    if text.isdecimal():
        return int(text)
    try:
        held = json.loads(Path(text).read_text(encoding="utf-8"))
        receipt = held.get("receipt", held)
        return int(receipt["index"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as cause:
        raise NotADecision(f"`{text}` is neither the index of an entry nor a file that holds a receipt") from cause


async def decision_at(services: Services, index: int) -> Mapping[str, Any]:
    """Return the payload of the entry at `index`, where it records a decision about one person.

    Raises:
        NotADecision: there is no such entry, or it is none.
    """
    found = [entry async for entry in entries_at(services.db, [index])]
    payload: Mapping[str, Any] = found[0].payload if found else {}
    about = {"fields", "action", "lookup"} & payload.keys()
    if not about or "exposure" in payload or not {"policy", "ask"} <= payload.keys():
        raise NotADecision(f"entry {index} is no decision about one person, or is not there any more")
    return payload


async def people_of(
    services: Services, payload: Mapping[str, Any], index: int
) -> tuple[str, SubjectRef | None, PurposeRef | None]:
    """Return who asked, about whom (None: about nobody) and for which purpose.

    Raises:
        NotADecision: one of them was erased.
    """
    named = [payload["subject"]] if "subject" in payload else []
    stated = [payload["purpose"]] if "purpose" in payload else []
    actors = await keys_of(services.db, "actor", [payload["actor"]])
    subjects = await keys_of(services.db, "subject", named)
    purposes = await keys_of(services.db, "purpose", stated)
    if not actors or len(subjects) != len(named) or len(purposes) != len(stated):
        raise NotADecision(f"entry {index} is about somebody who was erased")
    subject = SubjectRef.parse(subjects[named[0]]) if named else None
    purpose = PurposeRef.parse(purposes[stated[0]]) if stated else None
    return actors[payload["actor"]], subject, purpose


def stated_reason(payload: Mapping[str, Any]) -> str:
    """Return what became of the stated purpose, where the entry's reason says something graver."""
    reason = str(payload["reason"])
    if reason.startswith("purpose."):
        return reason
    return "purpose.verified" if payload["verified"] == "yes" else "purpose.missing"


def _under(payload: Mapping[str, Any], kind: str, effects: Mapping[str, str], catalog: Catalog) -> frozenset[str]:
    """Return the classes that a grant or broken glass may have opened, where the entry names one."""
    if not any(str(each).startswith(f"{kind}:") for each in payload.get("under", ())):
        return frozenset()
    shown = {name for name, effect in effects.items() if effect == "reveal" and name in catalog.fields}
    offered = (
        frozenset().union(*(each.classes for each in catalog.grants.values()))
        if kind == "grant"
        else (catalog.break_glass.classes if catalog.break_glass else frozenset())
    )
    return frozenset(catalog.fields[name].klass for name in shown) & offered


def _why(catalog: Catalog, ask: Ask, facts: Facts, decision: Decision, policies: PolicySet) -> Why:
    known = mentions(policies)
    classes = []
    for klass in dict.fromkeys(catalog.fields[name].klass for name in ask.fields):
        items = [item for item in decision.fields if catalog.fields[item.field].klass == klass]
        question = about_class(klass, facts)
        better: Sequence[Change] = ()
        if facts.subject_known:
            openings = _openings(catalog, klass, facts.actor)
            better = changes(question, policies, known, purposes=catalog.purposes, openings=openings)
        by = policies.answer(question).policies if facts.subject_known else ()
        # where no policy says it, the reason of the whole is why: there is nobody, or whoever asks is barred
        unsaid = decision.reason if not facts.subject_known or (facts.actor.barred and not by) else None
        classes.append(
            ClassWhy(
                klass,
                {item.field: item.effect for item in items},
                next((item.would for item in items if item.would), None),
                by,
                next((item.reason for item in items if item.reason), unsaid),
                tuple(better),
            )
        )
    return Why(
        actor=ask.actor,
        subject=str(ask.subject),
        purpose=str(ask.purpose) if ask.purpose else None,
        facts=facts.actor,
        reason=decision.reason,
        outcome=decision.outcome,
        subject_region=facts.subject_region,
        policy_version=policies.version,
        classes=tuple(classes),
        duties=decision.duties,
    )


def _openings(catalog: Catalog, klass: str, actor: ActorFacts) -> set[str]:
    """Return what else the catalog offers for a class: a grant, and for these roles breaking the glass."""
    found = set()
    if any(klass in kind.classes for kind in catalog.grants.values()):
        found.add("grant")
    glass = catalog.break_glass
    if glass is not None and klass in glass.classes and glass.roles & actor.roles:
        found.add("break_glass")
    return found
