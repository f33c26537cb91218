"""``whosaw case appeal|retract|corrections``, ``seller statement``: what those hit by a measure are owed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Literal

from rich.text import Text

from whosaw.answer.appeals import Appeal
from whosaw.answer.corrections import Correction
from whosaw.answer.dsa import calls, database_record, seller_letter, writer_note
from whosaw.answer.facts import Company
from whosaw.app.casedesk import case_work
from whosaw.app.casestatements import CaseStatements, read_reviews
from whosaw.app.commands.acting import act_in_case, look_at_case, who_looks, whose_token
from whosaw.app.commands.case import say
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.services import Services


class AppealOfNothing(AppError, ValueError):
    """An appeal was neither filed against a measure nor named to be decided."""

    code: ClassVar[str] = "app.appeal_of_nothing"
    hint = "file one: CASE-1/4 --text …; decide one: --decide NUMBER --outcome … --why …; `whosaw case show` lists them"


class StatementOfNobody(AppError, ValueError):
    """A statement of reasons was asked for, and not whom it is for."""

    code: ClassVar[str] = "app.statement_of_nobody"
    hint = "give the seller, as seller:S-88, or --reviews FILE.csv"


def appeal(
    step: str = "",
    /,
    *,
    text: str = "",
    decide: int | None = None,
    outcome: Literal["upheld", "undone"] = "upheld",
    why: str = "",
) -> int:
    """File an appeal against a measure, or decide one; where it is undone, everything against its target comes back.

    `whosaw case show` lists the appeals of a case with what they say.

    Args:
        step: the measure, as CASE-1/2.
        text: what the one it is about says.
        decide: the number of an appeal; by somebody who had no hand in any measure against the same target.
        outcome: upheld means that the measure stands.
        why: why, in a sentence.
    """

    async def file(services: Services) -> Appeal:
        await look_at_case(services, step.partition("/")[0])
        return await case_work(services).appeals.file(step, text, by=await who_looks(services))

    async def settle(services: Services) -> list[str]:
        by = await whose_token(services)
        undone = await case_work(services).appeals.decide(decide or 0, outcome, by=by, why=why)
        return [f"{each.id} {each.kind}: {each.state}" for each in undone]

    if decide is None and not step:
        raise AppealOfNothing("an appeal is filed against a step, or decided by its number")
    if decide is None:
        say(f"appeal {with_services(file).id} against {step}")
        return 0
    for line in with_services(settle) or ["the measure stands"]:
        say(line)
    return 0


def correct(case: str, actor: int, /, *, text: str) -> int:
    """Tell everybody who was shown an accusation that it fell.

    Args:
        case: CASE-1.
        actor: the number of the one who was accused.
        text: what was wrong, in a sentence.
    """

    async def work(services: Services) -> int:
        desk = case_work(services)
        by = await act_in_case(services, case)
        return await desk.corrections.correct(case, actor, by=by, text=text)

    say(f"{with_services(work)} people are told")
    return 0


def corrections(*, as_json: AsJson = False) -> int:
    """Read one's own corrections: accusations that one was shown, and that fell.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Correction]:
        who = await who_looks(services)  # who sits at the machine was shown it too
        found = await case_work(services).corrections.unread(who)
        if found:
            await case_work(services).corrections.read(who, max(each.made_at for each in found))
        return found

    found = with_services(work)
    if as_json:
        print_json([asdict(each) for each in found])
        return 0
    lines = table("case", "about", "what was wrong", "since")
    for each in found:
        lines.add_row(*map(Text, (each.case, f"actor #{each.actor}", each.text, f"{each.made_at:%Y-%m-%d %H:%M}")))
    console().print(lines if found else "nothing that you were shown has fallen")
    return 0


def statement(
    case: str, seller: str = "", /, *, out: Path, terminate: Flag = False, reviews: Path | None = None
) -> int:  # fmt: skip
    """Write statements of reasons: as the DSA database takes them, and as the letter of whom they hit.

    Args:
        case: CASE-1.
        seller: seller:S-88; left out with --reviews.
        out: a folder, made if absent.
        terminate: for terminating the seller instead of suspending it.
        reviews: for removing bought reviews instead: a CSV with the columns review,written_on.
    """

    async def work(services: Services) -> dict[str, str]:
        made = CaseStatements(services)
        await look_at_case(services, case)
        if reviews is not None:
            table_ = read_reviews((await asyncio.to_thread(reviews.read_text, encoding="utf-8")).splitlines())
            return _of_reviews(made.removed(case, table_), made.notices.company())
        if not seller:
            raise StatementOfNobody("neither a seller nor --reviews was given")
        one = await made.seller(case, seller, terminated=terminate)
        return {"dsa.json": _json(database_record(one)), "seller.txt": seller_letter(one, made.notices.company())}

    files = with_services(work)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    say(f"written: {', '.join(str(out / name) for name in files)}")
    return 0


def _of_reviews(made: Sequence[Mapping[str, Any]], company: Company) -> dict[str, str]:
    files = {f"dsa-reviews-{number}.json": _json(body) for number, body in enumerate(calls(made), start=1)}
    return files | {"writers.txt": writer_note(made[0], company)}


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
