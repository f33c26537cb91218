"""``whosaw why``: the grounds of an answer, one that would be given or one that was, and what would change it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, ClassVar

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.looks import Look, note_look, operator
from whosaw.app.services import Services
from whosaw.app.why import ClassWhy, Why, decision_at, explain, explain_entry, index_of
from whosaw.app.whydeeds import explain_deed, explain_deed_entry
from whosaw.ask import Ask, new_ask_id
from whosaw.terms import PurposeRef, SubjectRef

_FACTS = {
    "purpose.verified": "a verified {}",
    "purpose.none": "no stated purpose, instead of one that does not hold",
    "role": "the role {}",
    "region": "working in {}",
    "grant": "a grant that somebody else approves",
    "break_glass": "breaking the glass, loudly and reviewed",
    "conduct.acknowledged": "acknowledging the code of conduct",
    "suspension.lifted": "lifting the suspension",
    "employment.current": "a current entry in the staff directory",
}
_CHANGES_SHOWN = 6


class BadWhy(AppError, ValueError):
    """The question names neither an ask nor an entry, or both."""

    code: ClassVar[str] = "app.bad_why"
    hint = (
        "whosaw why E-0417 customer:C-000017 customer.email --purpose ticket:T-9, "
        "or whosaw why E-0417 --action review.delete --object R-12, or whosaw why --receipt 1234"
    )


def why(
    actor: str = "",
    subject: str = "",
    /,
    *fields: str,
    purpose: str = "",
    action: str = "",
    object_: Annotated[str, Parameter(name="--object")] = "",
    receipt: str = "",
    as_json: AsJson = False,
) -> int:
    """Explain a decision: by which policies and facts, and what would change it.

    Args:
        actor: the staff key, as E-0417.
        subject: the customer, as C-000017 or customer:C-000017.
        fields: fields, as customer.email; none: every field of that kind of subject.
        purpose: the reason that would be stated, as ticket:T-1009.
        action: instead of a customer: an action, as review.delete, or a lookup, as lookup:customer.email.
        object_: what the action would be done to, by its bare key, as R-12.
        receipt: instead: the index of an entry, or a file with a receipt, of an ask that was made.
        as_json: print JSON.
    """
    if not _is_one_question(receipt=receipt, actor=actor, subject=subject, action=action):
        raise BadWhy("name either a person and a customer, a person and an action, or a receipt")
    index = index_of(receipt) if receipt else None

    async def work(services: Services) -> Why:
        about = f"entry:{index}" if index is not None else f"actor:{actor}"
        who = SubjectRef.parse(subject if ":" in subject else f"customer:{subject}") if subject else None
        await note_look(services.db, services.appender, services.clock, Look(operator(), "look.why", about, who))
        if index is not None:
            payload = await decision_at(services, index)
            explained = explain_entry if "fields" in payload else explain_deed_entry
            return await explained(services, index, payload)
        reason = PurposeRef.parse(purpose) if purpose else None
        if action:
            return await explain_deed(services, actor, action, object_, reason)
        assert who is not None  # noqa: S101 - checked above
        known = services.catalog.fields.values()
        names = fields or tuple(field.name for field in known if field.subject_kind == who.kind)
        return await explain(services, Ask(actor, who, names, reason, "console", services.clock.now(), new_ask_id()))

    found = with_services(work)
    if as_json:
        said = asdict(found)
        said["facts"]["roles"] = sorted(found.facts.roles)
        print_json(said)
    else:
        _print(found)
    return 0


def _is_one_question(*, receipt: str, actor: str, subject: str, action: str) -> bool:
    if receipt:
        return not (actor or subject or action)
    return bool(actor) and bool(subject) != bool(action)


def _print(found: Why) -> None:
    out = console()
    stated = found.purpose or "no purpose"
    tense = "asked" if found.recorded else "asks"
    out.print(Text(f"{found.actor} {tense} about {found.subject}, for {stated}: {found.outcome}", style="bold"))
    if found.recorded:
        _print_recorded(out, found)
    facts = found.facts
    out.print(Text(f"  reason     {found.reason}"))
    out.print(Text(f"  roles      {', '.join(sorted(facts.roles)) or '(none: not in the directory)'}"))
    place = [part for part in (facts.region, facts.employer, facts.site) if part]
    out.print(
        Text(f"  place      {', '.join(place) or '(not said)'}; subject in {found.subject_region or '(not said)'}")
    )
    stops = [word for word, on in (("suspended", facts.suspended), ("left", facts.ended)) if on]
    stops += [] if facts.acknowledged else ["code of conduct not acknowledged"]
    if stops:
        out.print(Text(f"  stopped    {', '.join(stops)}", style="red"))
    if found.duties:
        out.print(Text(f"  duties     {', '.join(found.duties)}"))
    out.print(Text(f"  policies   version {found.policy_version}"))
    for each in found.classes:
        _print_class(out, each)


def _print_recorded(out: Console, found: Why) -> None:
    recorded = found.recorded
    assert recorded is not None  # noqa: S101 - only called with one
    out.print(Text(f"  recorded   entry {recorded.index}, {recorded.at}, reason {recorded.reason}"))
    if not recorded.policies_kept:
        out.print(Text("  policies of then are not kept here: those in force now were asked", style="yellow"))
    if not recorded.agrees:
        said = ", ".join(f"{name} {effect}" for name, effect in recorded.fields.items())
        out.print(Text(f"  recorded then: {said}; facts have changed since, or a limit applied", style="yellow"))


def _print_class(out: Console, each: ClassWhy) -> None:
    effects = ", ".join(f"{name} {effect}" for name, effect in each.fields.items())
    out.print()
    out.print(Text(f"{each.klass}: {effects}", style="bold"))
    by = ", ".join(each.policies) if each.policies else "no policy permits it"
    out.print(Text(f"  by         {each.reason or by}"))
    if each.would:
        out.print(Text(f"  observe    enforcement would {each.would}"))
    if not each.changes:
        return
    lines = table("it would", "with", "by policy")
    for change in each.changes[:_CHANGES_SHOWN]:
        lines.add_row(
            "allow" if change.allowed == "act" else change.allowed,
            " and ".join(map(_said, change.facts)),
            ", ".join(change.policies),
        )
    out.print(lines)
    if len(each.changes) > _CHANGES_SHOWN:
        out.print(Text(f"  and {len(each.changes) - _CHANGES_SHOWN} more ways (--json lists them)", style="dim"))


def _said(fact: str) -> str:
    name, _, value = fact.partition(":")
    return _FACTS[name].format(value)
