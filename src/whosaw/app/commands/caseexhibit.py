"""``whosaw case exhibit|copies``: files that people found, and individually worded copies of a report."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from whosaw.answer.copies import Match, trace_copy, write_copy
from whosaw.answer.exhibits import Exhibit
from whosaw.app.casedesk import case_work
from whosaw.app.commands.acting import act_in_case, look_at_case
from whosaw.app.commands.case import say
from whosaw.app.commands.opened import with_services
from whosaw.app.commands.output import console, table
from whosaw.app.services import Services


def exhibit(case: str, file: Path | None = None, /, *, what: str = "") -> int:
    """Keep a file as an exhibit of a case, or list the exhibits; each stands in the bundle as it is.

    Args:
        case: CASE-1.
        file: the file; none lists.
        what: what it shows and where it came from, naming nobody.
    """
    body = file.read_bytes() if file else b""

    async def work(services: Services) -> Sequence[Exhibit]:
        desk = case_work(services).exhibits
        if file is None:
            await look_at_case(services, case)
        else:
            await desk.add(case, file.name, body, what=what, by=await act_in_case(services, case))
        return await desk.list(case)

    lines = table("exhibit", "file", "shows", "since", "SHA-256")
    found = with_services(work)
    for each in found:
        lines.add_row(*map(Text, (str(each.seq), each.name, each.what, f"{each.at:%Y-%m-%d}", each.sha256[:16])))
    console().print(lines if found else "this case has no exhibits")
    return 0


def copies(case: str, text: Path, /, *, out: Path | None = None, leak: Path | None = None) -> int:
    """Write each person of a case a copy of a text in words of his own, or say whose copy a leaked text is.

    Args:
        case: CASE-1; its people get a copy each.
        text: the text, with at least eight choices written as [[one wording|the other]].
        out: a folder for the copies, made if absent.
        leak: a file with the text that leaked, or a part of it.
    """
    written = text.read_text(encoding="utf-8")

    async def work(services: Services) -> tuple[list[str], bytes]:
        by = await act_in_case(services, case)
        desk = case_work(services)
        await desk.notes.add(case, "case.copies", by=by, text=written, more={"change": "traced" if leak else "written"})
        people = sorted(await desk.desk.functions(case))
        return people, _secret(services.settings.state / "copies.key")

    people, secret = with_services(work)
    of_case = secret + case.encode()
    if leak is not None:
        return _print(trace_copy(leak.read_text(encoding="utf-8"), written, people, of_case))
    folder = out or Path()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for person in people:
        name = "".join(each if each.isalnum() else "-" for each in person)
        (folder / f"{name}.txt").write_text(write_copy(written, person, of_case), encoding="utf-8")
    say(f"{len(people)} copies in {folder}")
    return 0


def _print(found: Sequence[Match]) -> int:
    lines = table("copy of", "choices that agree", "of", "by chance")
    for each in found:
        lines.add_row(*map(Text, (each.person, str(each.agree), str(each.of), f"{each.chance:.2g}")))
    console().print(lines if found else "the case has no people")
    say("a match is a reason to ask, not proof: a copy can be passed on, photographed or found")
    return 0


def _secret(path: Path) -> bytes:
    """Return the installation's secret for copies, made at the first use."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()
