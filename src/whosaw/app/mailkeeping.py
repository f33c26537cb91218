"""What the mail door does without anybody asking: kept mail dies in time, touched canaries are told."""

from __future__ import annotations

import logging

from whosaw.app.canaries import Canaries
from whosaw.app.maildoor import aliases_of
from whosaw.app.rounds import every
from whosaw.app.services import Services
from whosaw.doors.mail.keeping import Keeping

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

    async def step() -> None:
        gone = await keeping.prune(services.clock.now())
        if gone:
            _LOG.info("%s kept mails were old enough to die", gone)
        await canaries.alarm()

    await every(EVERY_S, step)
