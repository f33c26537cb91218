"""Who may not decide about a flag: whoever is flagged for the same party, or may not work on a case about it.

Nor may whom the directory calls the manager of who is flagged, or whom he is the manager of: no case need be open yet.
"""

from __future__ import annotations

from whosaw.answer.errors import StepRefused
from whosaw.app import watchexplainqueries as queries
from whosaw.app.casedesk import case_work
from whosaw.app.casestaff import managers_of
from whosaw.app.services import Services
from whosaw.app.watchentries import enter
from whosaw.store.numbers import find, keys_of


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


async def about_himself(services: Services, actor: int, who: str) -> bool:
    """Return whether somebody is flagged himself, or he or the one who is answers to the other.

    Args:
        services: everything opened.
        actor: number of who is flagged.
        who: staff key.
    """
    if await find(services.db, "actor", who) == actor:
        return True
    key = (await keys_of(services.db, "actor", [actor])).get(actor)
    if key is None:
        return False
    manager = await managers_of(services.directory)([who, key])
    return manager.get(key) == who or manager.get(who) == key


async def note_denied(services: Services, flag: str, who: str) -> None:
    """Enter in the trail that somebody tried what a conflict of interest forbids; which one it is stands nowhere.

    Raises:
        RecordError: it could not be recorded.
    """
    await enter(services, {"change": "denied", "flag": flag}, by=who)
