"""``whosaw case steps|plan|approve|do|undo|resume|clear|hear``: what is done in a case, under one's own token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from rich.text import Text

from whosaw.answer import Step, StepRefused, UnknownCase
from whosaw.answer.exculpatory import ITEMS, Answer
from whosaw.answer.ladder import RULES
from whosaw.answer.step import Kind
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.commands.acting import act_in_case, look_at_case, who_looks
from whosaw.app.commands.case import Words, moment, say, told
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.store.numbers import keys_of

_WITH_REASONS = frozenset({"suspend_seller", "resuspend_seller", "terminate_seller", "delete_reviews"})


async def actor_of(work: CaseWork, target: str) -> str:
    """Return the staff key of an actor written as ``#17``; any other target stands for itself.

    Raises:
        UnknownCase: the record has no such number.
    """
    if not target.startswith("#"):
        return target
    number = int(target[1:]) if target[1:].isdecimal() else -1
    known = await keys_of(work.services.db, "actor", [number])
    if number not in known:
        raise UnknownCase(f"the record knows no actor `{target}`", hint="`whosaw case show` prints the numbers")
    return known[number]


def case_of(step: str) -> str:
    """Return the case of a step written as ``CASE-1/2``."""
    return step.partition("/")[0]


def steps(case: str, /, *, kinds: Flag = False, as_json: AsJson = False) -> int:
    """List the steps of a case; the look is recorded.

    Args:
        case: CASE-1.
        kinds: list what steps there are instead, and what each needs.
        as_json: print JSON.
    """
    if kinds:
        return _kinds(as_json=as_json)

    async def work(services: Services) -> list[dict[str, Any]]:
        await look_at_case(services, case)
        found: list[dict[str, Any]] = (await told(case_work(services), case, to=await who_looks(services)))["steps"]
        return found

    found = with_services(work)
    if as_json:
        print_json(found)
        return 0
    lines = table("step", "what", "whom", "state", "approved by", "reason")
    for each in found:
        approved = ", ".join(each["approved_by"])
        lines.add_row(*map(Text, (each["id"], each["kind"], each["target"], each["state"], approved, each["reason"])))
    console().print(lines if found else "no step was planned")
    return 0


def plan(
    case: str,
    kind: Kind,
    target: str = "",
    /,
    *,
    reason: str,
    reviews: Words = (),
    note: str = "",
    statement: Path | None = None,
    entry: int | None = None,
    exception: str = "",
    exception_why: str = "",
) -> int:
    """Plan a step, and print what it will do before anybody approves it.

    Args:
        case: CASE-1.
        kind: what.
        target: whom: #17 for an actor, seller:S-88; where left out, the case itself, or for a step about a seller the
            one whom the case is about.
        reason: why, without names.
        reviews: of a restoration or deletion: the reviews.
        note: of the same: what the writers of these reviews are told; of a deletion: the reasons where left out.
        statement: of a seller's suspension or termination: the statement of reasons (JSON); made from the facts where
            left out.
        entry: of a suspension that takes a reinstatement back: the trail's entry of the action that reinstated it.
        exception: of a termination before its time: legal_duty, imperative_reason or repeated_breach.
        exception_why: why the exception holds.
    """

    async def work(services: Services) -> Step:
        desk = case_work(services)
        by = await act_in_case(services, case)  # first: what cannot be written tells of the case too
        whom = await target_of(desk, case, kind, target)
        params: dict[str, Any] = {}
        if not (kind == "delete_reviews" and note):
            params |= await _params(services, case, kind, whom, statement)
        if kind in {"restore_reviews", "delete_reviews"}:
            params |= {"reviews": sorted(reviews)} | ({"note": note} if note else {})
        if kind == "resuspend_seller":
            params["entry"] = entry
        if exception:
            params |= {"exception": exception, "exception_why": exception_why}
        return await desk.steps.plan(case, kind, whom, by=by, reason=reason, params=params)

    made = with_services(work)
    rule = RULES[made.kind]
    say(f"{made.id}: {made.kind}, {rule.approvals} approval{'s' if rule.approvals > 1 else ''} needed")
    say("it cannot be undone" if rule.undo is None else f"it can be undone by {rule.undo}")
    if made.params:
        console().print(Text(json.dumps(made.params, indent=2, ensure_ascii=False)))
    return 0


async def target_of(desk: CaseWork, case: str, kind: Kind, target: str) -> str:
    """Return about whom a step is: who is named, else the case, or of a step about a seller whom the case is about.

    Raises:
        StepRefused: ``nobody`` where it is about a person and none is named.
    """
    if target:
        return await actor_of(desk, target)
    if RULES[kind].about == "seller":
        return (await desk.cases.get(case)).beneficiary
    if RULES[kind].about == "actor":
        raise StepRefused("nobody", f"`{kind}` is about a person, and nobody says about whom", hint=_WHOM)
    return case


_WHOM = "name a number as `whosaw case show` prints it, in quotes: '#17'"


async def _params(services: Services, case: str, kind: Kind, target: str, file: Path | None) -> dict[str, Any]:
    """Return what a step says to whom it hits: a seller's statement of reasons, or a note to writers of reviews."""
    from whosaw.answer.dsa import writer_note
    from whosaw.app.casestatements import CaseStatements

    if kind not in _WITH_REASONS:
        return {}
    if file is not None:
        return {"statement": json.loads(await asyncio.to_thread(file.read_text, encoding="utf-8"))}
    made = CaseStatements(services)
    if kind == "delete_reviews":
        (removed,) = made.removed(case, {case: services.clock.now().date()})
        return {"note": writer_note(removed, made.notices.company())}
    if kind == "resuspend_seller":
        return {"statement": made.again(case, target)}
    return {"statement": await made.seller(case, target, terminated=kind == "terminate_seller")}


def approve(step: str, /) -> int:
    """Approve a step under one's own token; hurting somebody takes two people of two functions.

    Args:
        step: CASE-1/2.
    """

    async def work(services: Services) -> Step:
        return await case_work(services).steps.approve(step, await act_in_case(services, case_of(step)))

    done = with_services(work)
    say(f"{done.id}: approved by {', '.join(done.approved_by)} of {RULES[done.kind].approvals}")
    return 0


def do(step: str, /) -> int:
    """Carry out an approved step, once; on one that is done it changes nothing.

    Args:
        step: CASE-1/2.
    """

    async def work(services: Services) -> Step:
        return await case_work(services).steps.carry_out(step, by=await act_in_case(services, case_of(step)))

    done = with_services(work)
    say(f"{done.id}: {done.state}, entry {done.entry} {json.dumps(done.told)}")
    return 0


def undo(step: str, /, *, reason: str, second: str = "") -> int:
    """Take a step back, once. Where it takes two, the other one's token stands in the file named by `second`.

    Args:
        step: CASE-1/2.
        reason: why, without names.
        second: a file with the personal token of the second person.
    """

    async def work(services: Services) -> Step:
        orders = [await act_in_case(services, case_of(step))]
        if second:
            token = (await asyncio.to_thread(Path(second).read_text, encoding="utf-8")).strip()
            orders.append(await services.tokens.actor(token))
        return await case_work(services).steps.undo(step, by=orders, reason=reason)

    done = with_services(work)
    say(f"{done.id}: {done.state}, entry {done.undo_entry}")
    return 0


def resume(case: str, /) -> int:
    """Finish every step of a case that a crash cut.

    Args:
        case: CASE-1.
    """

    async def work(services: Services) -> Sequence[Step]:
        await act_in_case(services, case)
        return await case_work(services).steps.resume(case)

    found = with_services(work)
    for each in found:
        say(f"{each.id}: {each.state}")
    if not found:
        say("nothing was cut")
    return 0


def clear(
    case: str,
    actor: str,
    item: str = "",
    finding: Literal["clears", "does_not_clear", "unknown", ""] = "",
    /,
    *,
    text: str = "",
    as_json: AsJson = False,
) -> int:
    """Ask what may clear a person before anything hurts him: list the questions, or note an answer.

    Args:
        case: CASE-1.
        actor: #17.
        item: device, presence, shared_account, session_elsewhere or alternatives.
        finding: whether it clears him; unknown is an answer.
        text: how that was found out.
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Answer]:
        desk = case_work(services)
        by = await act_in_case(services, case) if item else ""
        whom = await actor_of(desk, actor)
        if item:
            await desk.exculpatory.answer(case, whom, item, finding, text=text, by=by)
        else:
            await look_at_case(services, case)
        return await desk.exculpatory.list(case, whom)

    found = {each.item: each for each in with_services(work)}
    if as_json:
        print_json([asdict(each) for each in found.values()])
        return 0
    lines = table("question", "answer", "how that was found out", "by")
    for name, question in ITEMS.items():
        answer = found.get(name)
        cells = (
            question,
            answer.finding if answer else "open",
            answer.text if answer else "",
            answer.by if answer else "",
        )
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines)
    return 0


def hear(case: str, target: str, /, *, said: str, at: str = "") -> int:
    """Note what somebody said to what is held against him.

    Args:
        case: CASE-1.
        target: #17 or seller:S-88.
        said: what he said; that he said nothing is an answer too.
        at: when, as 2026-04-02T08:00+02:00; now where left out.
    """

    async def work(services: Services) -> None:
        desk = case_work(services)
        when = moment(at) if at else services.clock.now()
        by = await act_in_case(services, case)
        whom = await actor_of(desk, target)
        await desk.desk.hear(case, whom, heard_at=when, said=said, by=by)

    with_services(work)
    say("noted")
    return 0


def _kinds(*, as_json: bool) -> int:
    if as_json:
        print_json({name: asdict(rule) for name, rule in RULES.items()})
        return 0
    lines = table("step", "about", "approvals", "to undo", "needs")
    for name, rule in RULES.items():
        needs = [
            word
            for word, needed in (("a finding", rule.finding), ("questions", rule.asked), ("a hearing", rule.heard))
            if needed
        ]
        lines.add_row(*map(Text, (name, rule.about, str(rule.approvals), str(rule.undo or "-"), ", ".join(needs))))
    console().print(lines)
    return 0
