"""Sends alerts: every alert to every mail address and webhook of the catalog, until each was taken."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import UTC
from typing import Self

import aiosmtplib
import httpx

from whosaw.app.alertmail import hand_over, letter
from whosaw.app.alerttexts import sentence
from whosaw.catalog.model import Alerting, Webhook
from whosaw.store.alertposts import AlertPosts, Post
from whosaw.store.alerts import Alert
from whosaw.store.relay import Relay
from whosaw.store.webhook import sign
from whosaw.terms import Clock

_LOG = logging.getLogger(__name__)
_TIMEOUT_S = 10.0  # for each step of a hand-over; several together stay below the lease of a post
_WHOLE_S = 40.0


class NotTaken(Exception):
    """A receiver did not take a post; the text is a word and a code."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: posts taken by their receivers, and put back."""

    sent: int
    put_back: int


class AlertSending:
    """Sends the alerts of one whosaw; used as an asynchronous context manager."""

    def __init__(self, posts: AlertPosts, alerting: Alerting, relay: Relay | None, clock: Clock, origin: str) -> None:
        """Describe it.

        Args:
            posts: what waits.
            alerting: who hears of it.
            relay: the mail server; None lets mail wait until there is one.
            clock: tells the time, of signatures too.
            origin: of the trail.
        """
        self._posts = posts
        self._relay = relay
        self._clock = clock
        self._origin = origin
        self._webhooks = {f"webhook:{each.name}": each for each in alerting.webhooks}
        self._ways = [*self._webhooks, *(f"mail:{address}" for address in alerting.mail)]
        self._open = [way for way in self._ways if relay is not None or way in self._webhooks]
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False)

    async def __aenter__(self) -> Self:
        """Open connections as they are needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        await self._http.aclose()

    async def round(self) -> Round:
        """Send what is due, and return when all of it was tried once."""
        await self._posts.fan_out(self._ways, self._clock.now())
        taken, done = 0, 0
        while posts := await self._posts.take(self._open, self._clock.now()):
            outcomes = await asyncio.gather(*(self._try(post) for post in posts))
            taken, done = taken + len(posts), done + sum(outcomes)
        return Round(done, taken - done)

    async def _try(self, post: Post) -> bool:
        try:
            async with asyncio.timeout(_WHOLE_S):
                await self._hand_over(post)
        except NotTaken as cause:
            error = str(cause)
        except aiosmtplib.SMTPResponseException as cause:
            error = f"smtp.{cause.code}"
        except (aiosmtplib.SMTPException, httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as cause:
            error = f"unreachable.{type(cause).__name__}"
        else:
            await self._posts.sent(post, self._clock.now())
            return True
        # neither the address nor what the receiver answered: an address may hold a token
        _LOG.warning("alert %s did not go out, attempt %s: %s", post.alert.id, post.attempts, error)
        await self._posts.put_back(post, error, self._clock.now())
        return False

    async def _hand_over(self, post: Post) -> None:
        webhook = self._webhooks.get(post.way)
        if webhook is not None:
            await self._post(webhook, post.alert)
        elif self._relay is not None:
            recipient = post.way.removeprefix("mail:")
            await hand_over(self._relay, letter(post.alert, self._relay.sender, recipient, self._origin), _TIMEOUT_S)

    async def _post(self, webhook: Webhook, alert: Alert) -> None:
        body = message(alert, self._origin)
        timestamp_s = int(self._clock.now().timestamp())
        headers = {"content-type": "application/json"} | sign(webhook.secret, alert.identity, timestamp_s, body)
        answer = await self._http.post(webhook.url, content=body, headers=headers)
        if not answer.is_success:
            raise NotTaken(f"http.{answer.status_code}")


def message(alert: Alert, origin: str) -> bytes:
    """Return the body of a webhook: codes and numbers, in JSON."""
    told = {
        "type": "whosaw.alert",
        "id": alert.identity,
        "kind": alert.kind,
        "severity": alert.severity,
        "code": alert.code,
        "text": sentence(alert.code),
        "about": dict(alert.about),
        "raised_at": alert.raised_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "trail": origin,
    }
    return json.dumps(told, separators=(",", ":"), sort_keys=True).encode()
