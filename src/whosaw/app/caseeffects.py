"""What stands behind the steps of a case on the server: doors, legal holds, the company's marketplace, the letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from whosaw.answer import StepRefused
from whosaw.answer.connector import WebhookMarketplace
from whosaw.answer.effects import Marketplace, Notify, Other
from whosaw.app.casenotices import CaseNotices
from whosaw.app.casepreserve import Preserve
from whosaw.app.casesettings import CaseSettings
from whosaw.app.hrfile import HrFile
from whosaw.app.services import Services
from whosaw.gate.identityqueries import end


class CaseDoors:
    """The gate's suspensions as a case sees them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def suspend_actor(self, actor: str, reason: str, by: Sequence[str]) -> None:
        """Refuse `actor` at every door."""
        await self._services.suspensions.suspend(actor, reason=reason, by=", ".join(by))

    async def restore_actor(self, actor: str, reason: str, by: Sequence[str]) -> None:
        """Let `actor` in again."""
        await self._services.suspensions.restore(actor, reason=reason, by=", ".join(by))


class RevokeSessions:
    """Ends every sign-in of an actor that began until now; personal tokens of his stay, a suspension stops those."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def do(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """End them; doing it again moves the moment on and never back."""
        del case, params
        at = self._services.clock.now()
        await end(self._services.db, target, at)
        return {"ended_before": at.isoformat()}

    async def undo(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do nothing: whoever signs in again is in again, and the step is not undone."""
        del case, target, params
        return {}


class Measure:
    """A measure that the company's marketplace takes by its name: a warning, a termination."""

    def __init__(self, market: WebhookMarketplace, kind: str, undo: str) -> None:
        self._market = market
        self._kind, self._undo = kind, undo

    async def do(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Order it."""
        return await self._market.measure(self._kind, target, case, params)

    async def undo(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take it back."""
        return await self._market.measure(self._undo, target, case, params)


class NoMarketplace:
    """Where no marketplace is configured: nothing about sellers and reviews can be carried out."""

    def __getattr__(self, name: str) -> Any:
        """Refuse whatever is ordered."""

        async def refuse(*_: object, **__: object) -> Any:
            raise StepRefused(
                "no_marketplace",
                f"nothing here can carry out `{name}`",
                hint="set WHOSAW_MARKETPLACE and WHOSAW_MARKETPLACE_SECRET",
            )

        return refuse


def marketplace_of(services: Services) -> Marketplace:
    """Return the company's marketplace, as the environment names it."""
    settings = CaseSettings.read()
    if not settings.marketplace or settings.marketplace_secret is None:
        return NoMarketplace()
    return WebhookMarketplace(settings.marketplace, settings.marketplace_secret.get_secret_value(), services.clock)


def others_of(services: Services) -> dict[str, Other]:
    """Return what stands behind the steps that neither doors nor the five calls of a marketplace carry out."""
    found: dict[str, Other] = {
        "preserve": Preserve(services),
        "revoke_sessions": RevokeSessions(services),
        "hr_file": HrFile(services),
    }
    market = marketplace_of(services)
    if isinstance(market, WebhookMarketplace):
        found["warn_seller"] = Measure(market, "warn_seller", "unwarn_seller")
        found["terminate_seller"] = Measure(market, "terminate_seller", "reinstate_seller")
    return found


def notifying(services: Services) -> Notify:
    """Return what queues and sends the letters of a case."""

    async def notify(case: str) -> Mapping[str, int]:
        return await CaseNotices(services).send(case)

    return notify
