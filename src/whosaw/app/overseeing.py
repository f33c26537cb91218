"""Who oversees unmaskings, and which of them he may read: none of himself, and none where he has a conflict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from whosaw.answer import StepRefused, UnknownCase
from whosaw.answer.oversight import Overseen, every_unmasking
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.gate.approvers import Approvers
from whosaw.store.numbers import find

_OVERSEERS = frozenset({"works_council", "privacy"})


class OversightRefused(AppError, PermissionError):
    """The list of unmaskings is for people whose function oversees them."""

    code: ClassVar[str] = "app.oversight_refused"
    hint = "functions `works_council` and `privacy` read it, and those that approve [grants.unmask]"


async def oversees(services: Services, viewer: str) -> bool:
    """Return whether the viewer's function oversees unmaskings: works council, privacy, or one that approves them."""
    grant = services.catalog.grants.get("unmask")
    functions = _OVERSEERS | (grant.approvers if grant is not None else frozenset())
    return bool(await Approvers(services.db, services.directory, services.clock).functions(viewer) & functions)


async def overseen_by(services: Services, viewer: str) -> Sequence[Overseen]:
    """Return every unmasking that a viewer may read, newest first.

    What is of himself, or of a case that suspects him or whoever he is the manager of, is left out as if there were
    none: the list would tell a suspect that somebody looks into him.
    """
    work, own = case_work(services), await find(services.db, "actor", viewer)
    found = [each for each in await every_unmasking(services.db, services.clock) if each.actor != own]
    free = {case for case in {each.case for each in found} if await _is_free(work, case, viewer)}
    return [each for each in found if each.case in free]


async def _is_free(work: CaseWork, case: str, viewer: str) -> bool:
    try:
        await work.conflicts.check(case, viewer)
    except StepRefused:
        return False
    except UnknownCase:  # a grant may name a case that is led elsewhere, which suspects nobody here
        return True
    return True
