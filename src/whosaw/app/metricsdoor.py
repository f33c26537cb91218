"""``/metrics``: for this machine, or for whoever holds the token of the metrics; never for a forwarded request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from ipaddress import ip_address
from typing import ClassVar

from fastapi import APIRouter, Request
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import Response

from whosaw.app import coveragequeries
from whosaw.app.coverageday import Day
from whosaw.app.errors import AppError
from whosaw.app.metrics import Metrics, Now
from whosaw.app.parts import lake_installed
from whosaw.app.services import Services
from whosaw.app.trailstate import read_standing
from whosaw.record.witness import read_state
from whosaw.terms import WhosawError

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class MetricsRefused(AppError, PermissionError):
    """Who asks for the metrics is neither on this machine nor holds their token."""

    code: ClassVar[str] = "app.metrics_refused"
    hint = "ask from this machine, or set WHOSAW_METRICS_TOKEN and send it as a bearer token"


class MetricsDoor:
    """The route of the metrics."""

    def __init__(self, metrics: Metrics, now: Callable[[], Awaitable[Now]], token: str = "") -> None:
        """Show `metrics`, and how the trail stands `now`; `token` opens them from elsewhere."""
        self._metrics = metrics
        self._now = now
        self._token = token
        self.router = APIRouter()
        self.router.add_api_route("/metrics", self._answer, methods=["GET"], response_class=Response)

    async def _answer(self, request: Request) -> Response:
        if not self._admits(request):
            raise MetricsRefused("the metrics are for this machine, or for their token")
        try:
            now = await self._now()
        except WhosawError:
            now = None  # what this process counted is told even where the database does not answer
        return Response(self._metrics.text(now), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    def _admits(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if self._token and scheme.lower() == "bearer" and compare_digest(given.encode(), self._token.encode()):
            return True
        # a proxy on this machine speaks for somebody else
        if any(name in request.headers for name in _FORWARDED):
            return False
        return request.client is not None and _is_here(request.client.host)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def metrics_door(services: Services, metrics: Metrics) -> MetricsDoor:
    """Return the door of the metrics over `services`."""
    token = services.settings.metrics_token

    async def now() -> Now:
        return await read_now(services)

    return MetricsDoor(metrics, now, token.get_secret_value() if token is not None else "")


async def read_now(services: Services) -> Now:
    """Return how the trail stands.

    Raises:
        WhosawError: the database does not answer, or the checkpoint cannot be read.
    """
    folder, key = services.settings.trail_folder, services.keys.trail.verifier
    standing = await read_standing(services.db, folder, key, services.clock)
    unread, oldest = await coveragequeries.unread_alerts(services.db)
    last = await coveragequeries.last_day(services.db)
    held = await asyncio.to_thread(_in_lake, services)
    return Now(
        entries=standing.size,
        unsigned=standing.size - standing.signed_size,
        checkpoint_age_s=standing.age_s,
        witnesses=read_state(folder).status,
        lake_lag=None if held is None else max(0, standing.signed_size - held),
        unread=unread,
        oldest_unread_s=0.0 if oldest is None else max(0.0, (services.clock.now() - oldest).total_seconds()),
        covered=Day.read(last).share if last is not None else None,
    )


def _in_lake(services: Services) -> int | None:
    """Return how many entries of the own trail are in the lake; None where none is kept."""
    lake = services.settings.state / "lake"
    if not lake_installed() or not lake.is_dir():
        return None
    from whosaw.lake.place import Folder
    from whosaw.lake.trailmanifest import trails_in

    return next((each.end for _, each in trails_in(Folder(lake)) if each.origin == services.keys.origin), 0)
