"""The HTTP door put together: which path leads where."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from whosaw.catalog import Catalog
from whosaw.doors.http.asks import AskRoutes
from whosaw.doors.http.authzen import AuthzenRoutes, Pdp
from whosaw.doors.http.entrance import Authenticator, Entrance
from whosaw.doors.http.glass import GlassRoutes
from whosaw.doors.http.grants import GrantRoutes
from whosaw.doors.http.openapi import encoded
from whosaw.doors.http.people import Desk, People
from whosaw.doors.http.repeats import Repeats
from whosaw.doors.http.sightings import Reporting, SightingRoutes
from whosaw.doors.http.standing import StandingRoutes
from whosaw.doors.http.throttle import Throttle
from whosaw.gate import Gate
from whosaw.terms import Clock


@dataclass(frozen=True, slots=True)
class House:
    """What stands behind the door.

    Attributes:
        repeats: what is remembered of requests with an ``Idempotency-Key``; None takes no notice of the header.
    """

    gate: Gate
    catalog: Catalog
    clock: Clock
    authenticator: Authenticator
    throttle: Throttle
    repeats: Repeats | None
    people: People
    pdp: Pdp
    reporting: Reporting


class HttpDoor:
    """Routes over one house. Who asks is who the authenticator says, whatever else the request claims."""

    def __init__(self, house: House) -> None:
        self.throttle = house.throttle
        entrance = Entrance(house.authenticator, house.throttle, house.gate.friction.seen)
        asks = AskRoutes(house.gate, entrance, house.clock, house.repeats)
        desk = Desk(house.people, entrance, house.clock, house.repeats)
        grants, glass = GrantRoutes(desk, house.catalog), GlassRoutes(desk, house.catalog)
        standing = StandingRoutes(desk)
        sightings = SightingRoutes(desk, house.reporting)
        pdp = AuthzenRoutes(house.pdp, entrance, house.clock)
        self._document = encoded()
        # what is asked most, for a server that can answer it past the router
        self.direct = {"/v1/disclosures": asks.disclosures, "/v1/disclosures/bulk": asks.bulk}
        self.router = APIRouter()
        # the first is by far the most used, and paths are tried in order
        for method, path, answer in (
            ("POST", "/v1/disclosures", asks.disclosures),
            ("POST", "/v1/disclosures/bulk", asks.bulk),
            ("POST", "/v1/lookups", asks.lookups),
            ("POST", "/v1/actions", asks.actions),
            ("POST", "/access/v1/evaluation", pdp.evaluation),
            ("POST", "/access/v1/evaluations", pdp.evaluations),
            ("POST", "/access/v1/search/subject", pdp.search),
            ("POST", "/access/v1/search/action", pdp.search_actions),
            ("GET", "/.well-known/authzen-configuration", pdp.configuration),
            ("GET", "/v1/me", standing.me),
            ("GET", "/v1/conduct", standing.code),
            ("POST", "/v1/conduct/acknowledgements", standing.acknowledge),
            ("POST", "/v1/grants", grants.request),
            ("GET", "/v1/grants", grants.listed),
            ("POST", "/v1/grants/{number:int}/approve", grants.approve),
            ("POST", "/v1/grants/{number:int}/refuse", grants.refuse),
            ("POST", "/v1/grants/{number:int}/revoke", grants.revoke),
            ("POST", "/v1/break-glass", glass.break_),
            ("GET", "/v1/break-glass", glass.listed),
            ("POST", "/v1/break-glass/{number:int}/review", glass.review),
            ("POST", "/v1/break-glass/{number:int}/close", glass.close),
            ("POST", "/v1/suspensions", standing.suspend),
            ("GET", "/v1/suspensions", standing.suspended),
            ("POST", "/v1/suspensions/{actor}/lift", standing.lift),
            ("GET", "/openapi.json", self.openapi),
            ("POST", "/v1/sightings", sightings.report),
        ):
            # a plain route: FastAPI's own would look for parameters that no route here has
            self.router.add_route(path, answer, methods=[method], include_in_schema=False)

    async def openapi(self, _: Request) -> Response:
        """Give the OpenAPI document."""
        return Response(self._document, media_type="application/json", headers={"Cache-Control": "no-cache"})
