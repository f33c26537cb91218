"""What a disclosure, a denial and an action look like in the trail: integers and names of rules, never a value."""

from __future__ import annotations

from whosaw.ask import ActionAsk, Ask
from whosaw.decide import Decision, Verification
from whosaw.terms import to_us

Payload = dict[str, int | str | list[int | str]]
Numbers = tuple[int, int | None, int | None]


def disclosure_entry(ask: Ask, decision: Decision, verification: Verification, *, numbers: Numbers) -> Payload:
    """Return the payload of one disclosure, or of one denial where every field was denied.

    Args:
        ask: what was asked.
        decision: what was decided.
        verification: what became of the purpose.
        numbers: of actor, subject and purpose; None where there is none.
    """
    shown = any(item.effect != "deny" for item in decision.fields)
    entry = _common(ask, decision, verification, numbers)
    entry["kind"] = "disclosure" if shown else "denial"
    entry["fields"] = [f"{item.field}={item.effect}" for item in decision.fields]
    if verification.beneficiary:
        entry["beneficiary"] = verification.beneficiary
    return entry


def action_entry(
    ask: ActionAsk,
    decision: Decision,
    verification: Verification,
    *,
    numbers: Numbers,
    named: tuple[str, str | None],
) -> Payload:
    """Return the payload of one action, allowed or denied.

    Args:
        ask: what was asked.
        decision: what was decided.
        verification: what became of the purpose.
        numbers: of actor, subject and purpose; None where there is none.
        named: the object with its kind, and whom it concerns.
    """
    entry = _common(ask, decision, verification, numbers)
    entry["kind"] = "action" if decision.outcome == "allow" else "denial"
    entry["action"] = ask.action
    entry["object"], beneficiary = named
    if beneficiary:
        entry["beneficiary"] = beneficiary
    return entry


def _common(ask: Ask | ActionAsk, decision: Decision, verification: Verification, numbers: Numbers) -> Payload:
    actor, subject, purpose = numbers
    entry: Payload = {
        "at": to_us(ask.at),
        "actor": actor,
        "door": ask.door,
        "decision": decision.outcome,
        "verified": "yes" if verification.verified else "no",
        "reason": decision.reason,
        "mode": "observe" if verification.observe else "enforce",
        "policy": decision.policy_version,
        "ask": ask.id,
    }
    if subject is not None:
        entry["subject"] = subject
    if purpose is not None:
        entry["purpose"] = purpose
    if decision.would is not None:
        entry["would"] = decision.would
    return entry
