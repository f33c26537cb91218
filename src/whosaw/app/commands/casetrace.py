"""``whosaw case trace|recompute``: the verdict of a case from what stands in it, the record, and the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from whosaw.answer.corrections import Fallen
from whosaw.app.casedesk import case_work
from whosaw.app.caserecompute import Recomputed
from whosaw.app.caserecompute import recompute as recompute_verdicts
from whosaw.app.casetrace import compute_again, program, trace_case
from whosaw.app.commands.acting import act_in_case, may_see
from whosaw.app.commands.case import fallen_line, say, say_verdict, told
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import print_json
from whosaw.app.services import Services


def trace(case: str, /, *, again: int = 0, less: Flag = False, as_json: AsJson = False) -> int:
    """Compute the verdict of a case and add it to its history; or compute a kept one again and compare.

    It weighs the sightings of the case, what else may explain them, the whole record, and what the catalog declares in
    [trace]; what was not weighed is said. People stand as numbers unless unmasked.

    Args:
        case: CASE-1.
        again: the number of a verdict that was computed so: nothing is added, and 1 is returned where it differs.
        less: keep it though an earlier verdict weighed what this one does not, and may have cleared whom it names.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[int, Mapping[str, Any], Sequence[Fallen]]:
        by = await act_in_case(services, case)
        seq = (await trace_case(services, case, by=by, less=less)).seq
        desk = case_work(services)
        seen = await told(desk, case, to=by)
        return seq, seen["verdict"], await desk.corrections.fallen(case)

    if again:
        return _again(case, again, as_json=as_json)
    seq, verdict, fallen = with_services(work)
    if as_json:
        print_json({"number": seq, "verdict": verdict})
        return 0
    say(f"verdict {seq} of {case}")
    say_verdict(verdict)
    for each in fallen:
        say(fallen_line(case, asdict(each)))
    return 0


def _again(case: str, seq: int, *, as_json: bool) -> int:
    async def work(services: Services) -> tuple[list[str], str]:
        await act_in_case(services, case)
        return (await compute_again(services, case, seq))[1:]

    other, then = with_services(work)
    if as_json:
        print_json({"number": seq, "same": not other, "differs": other, "computed_by": then, "program": program()})
        return 1 if other else 0
    if then != program():
        say(f"verdict {seq} of {case} was computed by {then}; this is {program()}")
    if other:
        say(f"verdict {seq} of {case} does not come out again: {', '.join(other)}")
        if then != program():
            say("that may be the other program's doing, and says nothing of anybody's records: use the same one")
        else:
            say("the catalog, the company's work records or the trail say something else about that time than they did")
    else:
        say(f"verdict {seq} of {case} comes out again, to the last bit")
    return 1 if other else 0


def recompute(*, as_json: AsJson = False) -> int:
    """Compute the verdicts that wait, as a server does by itself where the catalog says [trace] recompute = true.

    Cases that whoever asks may not see are counted and not named.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[Recomputed, int]:
        done = await recompute_verdicts(services)
        cases = (*done.verdicts, *done.failed)
        seen = {case for case in cases if await may_see(services, case)}
        named = Recomputed(
            {case: seq for case, seq in done.verdicts.items() if case in seen},
            {case: code for case, code in done.failed.items() if case in seen},
        )
        return named, len(cases) - len(seen)

    done, others = with_services(work)
    if as_json:
        print_json(asdict(done) | {"others": others})
        return 0
    for case, seq in done.verdicts.items():
        say(f"{case}: verdict {seq}")
    for case, code in done.failed.items():
        say(f"{case}: not computed [{code}]; it will be tried again")
    if others:
        say(f"others: {others}")
    if not done.verdicts and not done.failed and not others:
        say("nothing to do")
    return 0
