"""What stands between staff and customers besides the policies: reasons, budgets, other people, and loudness."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whosaw.answer.mailbox import Mailbox
from whosaw.app.alertsending import AlertSending
from whosaw.app.demo.canaryscene import CanaryScene
from whosaw.app.demo.told import Teller
from whosaw.app.forecast import forecast
from whosaw.app.people import everybody
from whosaw.app.services import Services
from whosaw.app.why import explain
from whosaw.ask import Ask, new_ask_id
from whosaw.gate import Disclosure
from whosaw.gate.approvalpeople import ApprovalRefused
from whosaw.gate.glassask import GlassAsk, Review
from whosaw.gate.grants import Word
from whosaw.gate.grantsask import GrantAsk
from whosaw.store.alertposts import AlertPosts
from whosaw.store.relay import Relay
from whosaw.terms import PurposeRef, SubjectRef

_CONTACT = ("customer.email",)
_GUESSES = 61  # one more than nobody who works would need in an hour
_TICKETS = """
select s.role, a.assignee, a.ticket_id, t.customer_id from ticket_assignments a
join tickets t on t.id = a.ticket_id join staff s on s.id = a.assignee
where t.opened_by <> a.assignee order by coalesce(a.released_at, t.closed_at) desc nulls first, a.ticket_id limit 4000
"""


@dataclass(frozen=True, slots=True)
class _Work:
    """Somebody with a ticket about a customer."""

    actor: str
    purpose: PurposeRef
    customer: SubjectRef


class Limits:
    """The scene, over the parts of one running whosaw."""

    def __init__(self, services: Services, teller: Teller, folder: Path, seed: int, canaries: CanaryScene) -> None:
        self._services = services
        self._teller = teller
        self._folder = folder
        self._canaries = canaries
        self._chance = random.Random(seed)  # noqa: S311 - which customer an example is about is no secret

    async def play(self, days: int) -> None:
        """Play it."""
        support, quality = await self._work("support"), await self._work("quality")
        security = await self._people("fraud_desk")
        await self._explain(support)
        await self._foresee(days)
        await self._guess(support[0])
        await self._grant(quality[0], security)
        await self._break_glass(support[-1], security[0], quality[0].actor)
        await self._conduct(support[0])
        await self._canaries.touch(support[1].actor, support[1].purpose, support[1].customer)
        await self._alert()

    async def _explain(self, support: Sequence[_Work]) -> None:
        """Somebody states a colleague's ticket."""
        own, other = support[0], next(each for each in support if each.actor != support[0].actor)
        why = await explain(self._services, self._ask(own.actor, other.customer, other.purpose))
        best = why.classes[0].changes[0]
        self._teller.line(
            f"why: {own.actor} states a colleague's ticket: {why.outcome} ({why.reason}); "
            f"{' and '.join(best.facts)} would {best.allowed}, by {', '.join(best.policies)}"
        )

    async def _foresee(self, days: int) -> None:
        found = await forecast(self._services, self._services.policies.current, days)
        less = sum(line.asks for line in found.lines if line.less)
        teams = ", ".join(sorted({line.team for line in found.lines if line.less})) or "nobody"
        self._teller.line(
            f"forecast: of {found.entries:,} asks decided again with every rule enforced, {less:,} answers would have "
            f"shown less; it would hit {teams}"
        )

    async def _guess(self, somebody: _Work) -> None:
        """Somebody tries customers' numbers without a reason."""
        answers = []
        for _ in range(_GUESSES):
            nobody = SubjectRef("customer", f"C-9{self._chance.randrange(10**6):06}")
            answers.append(await self._disclose(somebody.actor, nobody, None))
        hit = await self._disclose(somebody.actor, somebody.customer, None)
        allowed = sum(each.decision.reason != "budget.exhausted" for each in answers)
        self._teller.line(
            f"budget: {somebody.actor} guesses customers' numbers: after {allowed} misses every further guess is "
            f"refused, one that hits too ({hit.decision.reason})"
        )

    async def _grant(self, somebody: _Work, security: Sequence[str]) -> None:
        """Somebody needs an address that his role does not open."""
        before = await self._disclose(somebody.actor, somebody.customer, somebody.purpose, ("customer.address",))
        asked = await self._services.grants.request(
            GrantAsk(
                somebody.actor,
                "address_check",
                "the parcel came back twice",
                minutes=30,
                subject=somebody.customer,
                purpose=somebody.purpose,
            )
        )
        try:
            await self._services.grants.approve(Word(asked.id, somebody.actor))
            own = "was possible"
        except ApprovalRefused as refused:
            own = refused.reason
        granted = await self._services.grants.approve(Word(asked.id, security[0]))
        after = await self._disclose(somebody.actor, somebody.customer, somebody.purpose, ("customer.address",))
        self._teller.line(
            f"grant: the address is {_effect(before)} for {somebody.actor}; his own approval: {own}; after "
            f"{security[0]} ({granted.given[0].function}) approved it for 30 minutes and one ticket: {_effect(after)}"
        )

    async def _break_glass(self, somebody: _Work, security: str, privacy: str) -> None:
        """Somebody must reach a customer of whom he has no ticket, now."""
        customer = SubjectRef("customer", f"C-{self._chance.randrange(1, 2_000):06}")
        before = await self._disclose(somebody.actor, customer, None)
        glass = await self._services.glasses.break_(
            GlassAsk(somebody.actor, "the customer's account is being emptied", subject=customer)
        )
        after = await self._disclose(somebody.actor, customer, None)
        for reviewer in (security, privacy):
            glass = await self._services.glasses.review(Review(glass.id, reviewer, "justified", "he called us"))
        self._teller.line(
            f"glass: {somebody.actor} without a ticket: {_effect(before)}; after breaking the glass: {_effect(after)}, "
            f"recorded first; reviewed by two: {glass.state}"
        )

    async def _conduct(self, somebody: _Work) -> None:
        conducts = self._services.conducts
        await conducts.publish("2026-1", "We look at a customer only for the work we were given.", by="officer:privacy")
        await conducts.acknowledge(somebody.actor)
        teams = await conducts.missing(await everybody(self._services))
        people, missing = sum(team.people for team in teams), sum(len(team.missing) for team in teams)
        self._teller.line(f"code of conduct 2026-1: {people - missing} of {people} people have acknowledged it so far")

    async def _alert(self) -> None:
        """Send what must not stay quiet through a real mail server."""
        services, hears = self._services, self._services.catalog.alerts
        with Mailbox(self._folder / "alerts") as mailbox:
            relay = Relay(mailbox.host, mailbox.port, sender="whosaw@fernmarkt.example")
            posts = AlertPosts(services.db)
            async with AlertSending(posts, hears, relay, services.clock, services.keys.origin) as sending:
                sent = await sending.round()
        self._teller.line(f"alerts: {sent.sent} went by mail to {', '.join(hears.mail)}, without a name or a value")

    async def _disclose(
        self,
        actor: str,
        customer: SubjectRef,
        purpose: PurposeRef | None,
        fields: tuple[str, ...] = _CONTACT,
    ) -> Disclosure:
        return await self._services.gate.disclose(self._ask(actor, customer, purpose, fields))

    def _ask(
        self,
        actor: str,
        customer: SubjectRef,
        purpose: PurposeRef | None,
        fields: tuple[str, ...] = _CONTACT,
    ) -> Ask:
        return Ask(actor, customer, fields, purpose, "console", self._services.clock.now(), new_ask_id())

    async def _work(self, role: str) -> list[_Work]:
        """Return tickets of people of a role, the latest first, each person once."""
        rows: Sequence[Any] = await self._services.sources["shop"].rows(_TICKETS)
        found: dict[str, _Work] = {}
        for row in rows:
            if row["role"] == role:
                work = _Work(
                    str(row["assignee"]),
                    PurposeRef("ticket", str(row["ticket_id"])),
                    SubjectRef("customer", str(row["customer_id"])),
                )
                found.setdefault(work.actor, work)
        return list(found.values())

    async def _people(self, role: str) -> list[str]:
        rows = await self._services.sources["shop"].rows("select id, role from staff order by id")
        return [str(row["id"]) for row in rows if row["role"] == role]


def _effect(answer: Disclosure) -> str:
    return {"reveal": "shown", "mask": "masked", "alias": "aliased", "deny": "refused"}[
        answer.decision.fields[0].effect
    ]
