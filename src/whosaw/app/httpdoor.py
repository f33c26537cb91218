"""The HTTP door over one running whosaw."""

from __future__ import annotations

from whosaw.app.casedesk import case_work
from whosaw.app.caseintake import CaseIntake
from whosaw.app.casesettings import CaseSettings
from whosaw.app.services import Services
from whosaw.app.settings import words
from whosaw.doors.http import (
    Authenticator,
    House,
    HttpDoor,
    Pace,
    Pdp,
    People,
    PersonalTokens,
    Repeats,
    Reporting,
    Throttle,
)
from whosaw.gate.approvers import Approvers
from whosaw.gate.facts import FactFinder
from whosaw.gate.left import Leftovers
from whosaw.gate.stopping import Stopping
from whosaw.gate.whocould import Reach, WhoCould


def http_door(services: Services, authenticator: Authenticator | None = None) -> HttpDoor:
    """Return the door; without another `authenticator` it takes personal tokens."""
    settings = services.settings
    facts = FactFinder(services.door_db, services.catalog, services.sources)
    rate = settings.requests_per_s
    return HttpDoor(
        House(
            gate=services.gate,
            catalog=services.catalog,
            clock=services.clock,
            authenticator=authenticator or PersonalTokens(services.tokens),
            throttle=Throttle(Pace(rate_per_s=rate, burst=max(1, int(2 * rate)))),
            repeats=Repeats(services.door_db),
            people=_people(services, facts),
            pdp=_pdp(services, facts),
            reporting=_reporting(services),
        )
    )


def _people(services: Services, facts: FactFinder) -> People:
    approvers = Approvers(services.db, services.directory, services.clock)
    return People(
        grants=services.grants,
        glasses=services.glasses,
        conducts=services.conducts,
        stopping=Stopping(services.db, services.suspensions, services.appender, approvers, services.clock),
        approvers=approvers,
        facts=facts,
        leftovers=Leftovers(services.db, services.catalog),
        stoppers=words(services.settings.suspenders),
    )


def _reporting(services: Services) -> Reporting:
    # no mail comes in by this door, so nothing is ever asked of the DNS
    intake = CaseIntake(services, case_work(services), lambda _: None)
    return Reporting(intake, words(CaseSettings.read().reporters))


def _pdp(services: Services, facts: FactFinder) -> Pdp:
    settings = services.settings
    reach = Reach(services.door_db, services.appender, services.catalog, services.sources, services.policies)
    return Pdp(
        gate=services.gate,
        catalog=services.catalog,
        facts=facts,
        who_could=WhoCould(reach, words(settings.searchers)),
        evaluators=words(settings.evaluators),
        address=settings.public_url,
    )
