"""What the mail door does without anybody asking: kept mail dies in time, touched canaries are told."""

from __future__ import annotations

import asyncio
import logging

from whosaw.app.canaries import Canaries
from whosaw.app.maildoor import aliases_of
from whosaw.app.services import Services
from whosaw.doors.mail.keeping import Keeping
from whosaw.terms import WhosawError

EVERY_S = 60.0
_LOG = logging.getLogger(__name__)


def keeping_of(services: Services) -> Keeping:
    """Return what lets kept mail die in time.

    Raises:
        AliasesMissing: the catalog does not say for how long.
    """
    state = services.settings.state
    return Keeping(services.db, state / "complaints", state / "mail", aliases_of(services).keep_days)


async def keep_mail(services: Services) -> None:
    """Do it every minute, until cancelled; a step that fails is done with the next round."""
    keeping, canaries = keeping_of(services), Canaries(services)
    while True:
        try:
            gone = await keeping.prune(services.clock.now())
            if gone:
                _LOG.info("%s kept mails were old enough to die", gone)
            await canaries.alarm()
        except WhosawError as problem:
            _LOG.warning("put off: %s [%s]", problem, problem.code)
        except Exception as problem:  # the text of a driver's error may quote a value
            _LOG.error("put off: %s", type(problem).__name__)
        await asyncio.sleep(EVERY_S)
