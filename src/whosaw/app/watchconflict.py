"""Who may not decide about a flag: whoever is flagged for the same party, or may not work on a case about it."""

from __future__ import annotations

from whosaw.answer.errors import StepRefused
from whosaw.app import watchexplainqueries as queries
from whosaw.app.casedesk import case_work
from whosaw.app.services import Services
from whosaw.store.numbers import find


async def conflicted(services: Services, beneficiary: str, who: str) -> bool:
    """Return whether somebody is flagged for a party, or may not work on an open case about it.

    Args:
        services: everything opened.
        beneficiary: the party; empty where a flag names none.
        who: staff key.
    """
    if not beneficiary:
        return False
    if await find(services.db, "actor", who) in await queries.flagged_for(services.db, beneficiary):
        return True
    for case in await queries.open_cases(services.db, beneficiary):
        try:
            await case_work(services).conflicts.check(case, who)
        except StepRefused:
            return True
    return False
