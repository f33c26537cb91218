"""``whosaw case appeal|retract|corrections``, ``seller statement``: what those hit by a measure are owed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from rich.text import Text

from whosaw.answer.appeals import Appeal
from whosaw.answer.corrections import Correction
from whosaw.answer.dsa import database_record, seller_letter
from whosaw.app.casedesk import case_work
from whosaw.app.casenotices import CaseNotices
from whosaw.app.commands.acting import look, who_looks, whose_token
from whosaw.app.commands.case import say
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services


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

    Args:
        step: CASE-1/2.
        text: what the one it is about says.
        decide: the number of an appeal; by somebody who had no hand in any measure against the same target.
        outcome: upheld means that the measure stands.
        why: why, in a sentence.
    """

    async def file(services: Services) -> Appeal:
        return await case_work(services).appeals.file(step, text, by=await who_looks(services))

    async def settle(services: Services) -> list[str]:
        by = await whose_token(services)
        undone = await case_work(services).appeals.decide(decide or 0, outcome, by=by, why=why)
        return [f"{each.id} {each.kind}: {each.state}" for each in undone]

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
        by = await whose_token(services)
        await desk.desk.check(case, by)
        return await desk.corrections.correct(case, actor, by=by, text=text)

    say(f"{with_services(work)} people are told")
    return 0


def corrections(*, as_json: AsJson = False) -> int:
    """Read one's own corrections: accusations that one was shown, and that fell.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Correction]:
        who = await whose_token(services)
        found = await case_work(services).corrections.unread(who)
        await case_work(services).corrections.read(who)
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


def statement(case: str, seller: str, /, *, out: Path) -> int:
    """Write the statement of reasons for suspending a seller: as the DSA database takes it, and as the seller's letter.

    Args:
        case: CASE-1.
        seller: seller:S-88.
        out: a folder, made if absent.
    """

    async def work(services: Services) -> tuple[str, str]:
        await look(services, "look.case", case)
        notices = CaseNotices(services)
        made = await notices.statement(case, seller)
        return json.dumps(database_record(made), indent=2), seller_letter(made, notices.company())

    record, letter = with_services(work)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    (out / "dsa.json").write_text(record + "\n", encoding="utf-8")
    (out / "seller.txt").write_text(letter, encoding="utf-8")
    say(f"written: {out / 'dsa.json'}, {out / 'seller.txt'}")
    return 0
