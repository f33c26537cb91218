"""What the hot path writes into the trail: integers and names of rules, never a value."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.ask import ActionAsk, Ask, BulkAsk, LookupAsk
from whosaw.decide import Decision, Verification
from whosaw.terms import to_us

Payload = dict[str, int | str | list[int | str]]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of who asked, about whom and why; None where there is none.

    `by` is who wanted to know what `actor` would be answered, where that is somebody else.
    """

    actor: int
    subject: int | None = None
    purpose: int | None = None
    by: int | None = None


def disclosure_entry(
    ask: Ask, decision: Decision, verification: Verification, *, numbers: Numbers, under: list[int | str]
) -> Payload:
    """Return the payload of one disclosure, or of one denial where every field was denied.

    Args:
        ask: what was asked.
        decision: what was decided.
        verification: what became of the purpose.
        numbers: of actor, subject and purpose.
        under: grants and broken glass that opened a class, as ``grant:12``, ``glass:3``.
    """
    entry = _about_fields(ask, decision, verification, numbers)
    entry["kind"] = "disclosure" if shows(decision) else "denial"
    if under:
        entry["under"] = under
    return entry


def evaluation_entry(ask: Ask, decision: Decision, verification: Verification, *, numbers: Numbers) -> Payload:
    """Return the payload of a question what an ask would be answered; nothing was shown.

    Its actor is who learned the answer; whom it would be given to, where that is somebody else, is the target.
    """
    entry = _about_fields(ask, decision, verification, numbers)
    entry["kind"] = "evaluation"
    if numbers.by is not None:
        entry["actor"], entry["target"] = numbers.by, numbers.actor
    return entry


def lookup_entry(
    ask: LookupAsk, decision: Decision, verification: Verification, *, numbers: Numbers, found: str
) -> Payload:
    """Return the payload of one lookup: which, whether it led to somebody, and to whom; never what was sought.

    Args:
        ask: what was asked.
        decision: what was decided.
        verification: what became of the purpose.
        numbers: of actor, subject (where one was found) and purpose.
        found: ``hit``, ``miss``, ``withheld`` where somebody was found and not named, or ``not_sought``.
    """
    entry = _common(ask, decision, verification, numbers)
    entry["kind"] = "lookup"
    entry["lookup"] = ask.lookup
    entry["found"] = found
    return entry


def exposed_entry(
    ask: BulkAsk, decision: Decision, verification: Verification, *, numbers: Numbers, exposure: Payload
) -> Payload:
    """Return the payload of what was decided alike about many subjects, whom `exposure` names by a hash."""
    entry = _about_fields(ask, decision, verification, numbers)
    entry["kind"] = "disclosure" if shows(decision) else "denial"
    entry.update(exposure)
    return entry


def action_entry(
    ask: ActionAsk,
    decision: Decision,
    verification: Verification,
    *,
    numbers: Numbers,
    named: tuple[str, str | None],
) -> Payload:
    """Return the payload of one action on one object, allowed or denied.

    Args:
        ask: what was asked.
        decision: what was decided.
        verification: what became of the purpose.
        numbers: of actor, subject and purpose.
        named: the object with its kind, and whom it concerns.
    """
    entry = _common(ask, decision, verification, numbers)
    entry["kind"] = "action" if decision.outcome == "allow" else "denial"
    entry["action"] = ask.action
    entry["object"], beneficiary = named
    if beneficiary:
        entry["beneficiary"] = beneficiary
    if ask.rows is not None:
        entry["rows"] = ask.rows
    return entry


def shows(decision: Decision) -> bool:
    """Return whether anything leaves, if only masked."""
    return any(item.effect != "deny" for item in decision.fields)


def _about_fields(ask: Ask | BulkAsk, decision: Decision, verification: Verification, numbers: Numbers) -> Payload:
    entry = _common(ask, decision, verification, numbers)
    entry["fields"] = [f"{item.field}={item.effect}" for item in decision.fields]
    if verification.beneficiary:
        entry["beneficiary"] = verification.beneficiary
    return entry


def _common(
    ask: Ask | ActionAsk | LookupAsk | BulkAsk, decision: Decision, verification: Verification, numbers: Numbers
) -> Payload:
    entry: Payload = {
        "at": to_us(ask.at),
        "actor": numbers.actor,
        "door": ask.door,
        "decision": decision.outcome,
        "verified": "yes" if verification.verified else "no",
        "reason": decision.reason,
        "mode": decision.mode,
        "policy": decision.policy_version,
        "ask": ask.id,
    }
    if numbers.subject is not None:
        entry["subject"] = numbers.subject
    if numbers.purpose is not None:
        entry["purpose"] = numbers.purpose
    if decision.would is not None:
        entry["would"] = decision.would
    if ask.stated is not None:
        entry["stated"] = ask.stated
    if ask.repeats is not None:
        entry["repeats"] = ask.repeats
    return entry
