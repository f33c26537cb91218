"""What happens without anybody asking: grants run out, unreviewed glass is raised again, alerts go out.

Any number of processes may run it: each step is done once, whoever does it. A step that fails is logged and done with
the next round; nothing here may stop a server from serving.
"""

from __future__ import annotations

import asyncio
import logging

from whosaw.app.alertaging import escalate_unread
from whosaw.app.alertsending import AlertSending
from whosaw.app.casedesk import case_work
from whosaw.app.rounds import every
from whosaw.app.services import Services
from whosaw.store.alertposts import AlertPosts
from whosaw.store.relay import Relay

_LOG = logging.getLogger(__name__)
ALERTS_EVERY_S = 1.0
STANDING_EVERY_S = 15.0


def nobody_hears(services: Services) -> str:
    """Return a line for whoever starts a server of which nobody hears alerts; else nothing."""
    hears = services.catalog.alerts
    return "" if hears.mail or hears.webhooks else "nobody hears of alerts: name mail or webhooks in [alerts]"


async def run_background(services: Services) -> None:
    """Do it, until cancelled.

    Raises:
        SmtpInvalid: the mail server's address cannot be used.
    """
    grants, glasses = services.grants, services.glasses
    hears = services.catalog.alerts
    if hears.mail and services.settings.smtp is None:
        _LOG.warning("alerts by mail wait: WHOSAW_SMTP names no mail server")

    async def standing() -> None:
        await grants.expire()
        await glasses.escalate(services.clock.now())
        work = case_work(services)
        await work.clocks.remind()
        await work.covert.remind()
        await work.corrections.remind()
        await escalate_unread(services.db, services.clock)

    async with alert_sending(services) as sending:

        async def alerts() -> None:
            await sending.round()

        await asyncio.gather(every(STANDING_EVERY_S, standing), every(ALERTS_EVERY_S, alerts))


def alert_sending(services: Services) -> AlertSending:
    """Return what sends the alerts.

    Raises:
        SmtpInvalid: the mail server's address cannot be used.
    """
    settings = services.settings
    relay = None
    if settings.smtp is not None:
        relay = Relay.read(settings.smtp.get_secret_value(), settings.mail_from)
    posts = AlertPosts(services.db)
    return AlertSending(posts, services.catalog.alerts, relay, services.clock, services.keys.origin)
