"""``whosaw notice forms|letter|dry-run|send|list|bounce|told``: everything that is written from the facts of a case."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from rich.text import Text

from whosaw.answer.bounces import Undelivered, read_bounce
from whosaw.answer.duties import Risk
from whosaw.app.casenotices import CaseNotices, NoticeForms
from whosaw.app.commands.acting import act_in_case, look_at_case, whose_token
from whosaw.app.commands.case import Words, say
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services


def forms(
    case: str,
    /,
    *,
    out: Path,
    high_risk: Flag = False,
    risk_why: str = "",
    phase: int = 1,
    missing: Words = (),
    late_because: str = "",
) -> int:
    """Write the draft for the authority, the press text, the note for colleagues, and what each law asks for.

    Args:
        case: CASE-1.
        out: a folder, made if absent; files in it are written over.
        high_risk: decide now that the risk for the persons is high.
        risk_why: why it is, or is not; where left out the decision of `notice risk` counts.
        phase: which notification to the authority this is.
        missing: what is not known yet and follows.
        late_because: why it is late, where it is.
    """

    async def work(services: Services) -> NoticeForms:
        by = await act_in_case(services, case)
        made = CaseNotices(services)
        if risk_why:
            await made.risks.decide(case, high=high_risk, why=risk_why, by=by)
        return await made.forms(case, by=by, phase=phase, missing=tuple(missing), late=late_because)

    found = with_services(work)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in found.files.items():
        (out / name).write_text(text, encoding="utf-8")
        say(f"written: {out / name}")
    for line in found.open:
        say(f"open: {line}")
    return 0


def risk(case: str, /, *, why: str, high: Flag = False) -> int:
    """Decide how high the risk is for the people affected: whether art. 34 asks for letters hangs on it. Recorded.

    Args:
        case: CASE-1.
        why: why it is high, or is not.
        high: whether it is.
    """

    async def work(services: Services) -> Risk:
        by = await act_in_case(services, case)
        return await CaseNotices(services).risks.decide(case, high=high, why=why, by=by)

    made = with_services(work)
    say(f"the risk of {case} is decided to be {'high' if made.high else 'not high'}")
    return 0


def dry_run(case: str, /, *, out: Path) -> int:
    """Write every letter of a case as a file; nothing is queued or sent.

    Args:
        case: CASE-1.
        out: a folder, made if absent.
    """

    async def work(services: Services) -> tuple[int, int]:
        await look_at_case(services, case)
        return await CaseNotices(services).dry_run(case, out)

    written, unreachable = with_services(work)
    say(f"{written} letters in {out}; {unreachable} people whom mail cannot reach")
    return 0


def list_(case: str, /, *, as_json: AsJson = False) -> int:
    """Say how many letters of a case stand in which state, and whom they did not reach.

    Args:
        case: CASE-1.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[Mapping[str, int], Sequence[Undelivered]]:
        await look_at_case(services, case)
        made = CaseNotices(services)
        counts = {str(state): count for state, count in (await made.outbox.counts(case)).items()}
        return counts, await made.bounces.undelivered(case)

    counts, undelivered = with_services(work)
    if as_json:
        print_json({"counts": counts, "undelivered": [asdict(each) for each in undelivered]})
        return 0
    say(", ".join(f"{count} {state}" for state, count in counts.items()) or "no letter was queued")
    if undelivered:
        lines = table("subject", "why", "told by", "on")
        for each in undelivered:
            done = f"{each.done_at:%Y-%m-%d}" if each.done_at else "not yet"
            lines.add_row(*map(Text, (each.recipient_key, each.why, each.channel, done)))
        console().print(lines)
    return 0


def bounce(*files: Path) -> int:
    """Take in reports of the mail server about letters that came back (.eml).

    Args:
        files: a report each.
    """
    read = [(file, read_bounce(file.read_bytes())) for file in files]

    async def work(services: Services) -> list[bool]:
        made = CaseNotices(services)
        now = services.clock.now()
        return [found is not None and await made.bounces.note(found, now) for _, found in read]

    for (file, found), noted in zip(read, with_services(work), strict=True):
        state = (
            "is no report"
            if found is None
            else "noted"
            if noted
            else "is about no letter of ours, or known, or a delay"
        )
        say(f"{file.name}: {state}")
    return 0


def settle(*, arrived: Path | None = None, lost: Path | None = None) -> int:
    """Decide letters of which nobody here knows whether they arrived, by the mail server's word; without it, list them.

    Args:
        arrived: a file of Message-IDs that the receiving server has, one a line.
        lost: a file of Message-IDs that it does not have; these go out again.
    """
    ids = [_ids(file) for file in (arrived, lost)]

    async def work(services: Services) -> Sequence[str]:
        outbox = CaseNotices(services).outbox
        if arrived or lost:
            await whose_token(services)
            await outbox.settle(ids[0], ids[1], services.clock.now())
        return await outbox.unsure()

    left = with_services(work)
    for each in left:
        say(each)
    say(f"{len(left)} letters are unsure")
    return 0


def _ids(file: Path | None) -> list[str]:
    return file.read_text(encoding="utf-8").split() if file else []


def told(message_id: str, /, *, channel: Literal["post", "phone", "in_app"]) -> int:
    """Note that a person whom the letter did not reach was told by another channel.

    Args:
        message_id: of the letter that did not arrive.
        channel: by which he was told.
    """

    async def work(services: Services) -> bool:
        await whose_token(services)
        return await CaseNotices(services).bounces.done(message_id, channel, services.clock.now())

    done = with_services(work)
    say("noted" if done else "this letter is not among those that did not arrive")
    return 0 if done else 1


def post(case: str, /, *, out: Path, language: str = "en") -> int:
    """Write the letters that mail did not deliver, as text for the post, with the subject's number as name.

    Args:
        case: CASE-1.
        out: a folder, made if absent.
        language: of those whose language the company does not know.
    """

    async def work(services: Services) -> Mapping[str, str]:
        await look_at_case(services, case)
        return await CaseNotices(services).for_the_post(case, language)

    texts = with_services(work)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    for key, text in texts.items():
        (out / f"{key}.txt").write_text(text, encoding="utf-8")
    say(f"{len(texts)} letters in {out}")
    return 0


def facts(case: str, /) -> int:
    """Print the facts object of a case as JSON: what every text is written from. The look is recorded.

    Args:
        case: CASE-1.
    """

    async def work(services: Services) -> dict[str, Any]:
        await look_at_case(services, case)
        return (await CaseNotices(services).facts(case)).as_json()

    console().print(Text(json.dumps(with_services(work), indent=2, ensure_ascii=False)))
    return 0
