"""What happens without anybody asking: grants run out, unreviewed glass is raised again, alerts go out.

Any number of processes may run it: each step is done once, whoever does it. A step that fails is logged and done with
the next round; nothing here may stop a server from serving.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from whosaw.app.alertaging import escalate_unread
from whosaw.app.alertsending import AlertSending
from whosaw.app.alertwitness import witness_alarm
from whosaw.app.alternativechecks import AlternativeChecks, Sources
from whosaw.app.approachspool import ApproachSpool
from whosaw.app.casedesk import case_work
from whosaw.app.caserecompute import recompute_waiting
from whosaw.app.casesettings import CaseSettings
from whosaw.app.rounds import every
from whosaw.app.services import Services
from whosaw.store.alertposts import AlertPosts
from whosaw.store.relay import Relay

_LOG = logging.getLogger(__name__)
ALERTS_EVERY_S = 1.0
STANDING_EVERY_S = 15.0
VERDICTS_EVERY_S = 30.0
CASES_EVERY_S = 3_600.0  # these read every verdict of every open case


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

    work, folder, asked = case_work(services), services.settings.trail_folder, services.settings.witnesses is not None
    reports = ApproachSpool(services.settings.state / "approaches")
    # one that fails again and again keeps no other from being done
    standing: list[Callable[[], Awaitable[object]]] = [
        grants.expire,
        lambda: glasses.escalate(services.clock.now()),
        work.clocks.remind,
        witness_alarm(services.db, services.clock, folder, asked=asked),
        lambda: reports.take_in(work.approaches, services.clock.now()),
        AlternativeChecks(services, Sources.of(CaseSettings.read())).round,
        lambda: escalate_unread(services.db, services.clock),
    ]
    cases: list[Callable[[], Awaitable[object]]] = [work.covert.remind, work.corrections.remind]
    async with alert_sending(services) as sending:
        await asyncio.gather(
            *(every(STANDING_EVERY_S, step) for step in standing),
            *(every(CASES_EVERY_S, step) for step in cases),
            every(VERDICTS_EVERY_S, lambda: recompute_waiting(services), failed="verdicts are not computed anew"),
            every(ALERTS_EVERY_S, sending.round),
        )


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
