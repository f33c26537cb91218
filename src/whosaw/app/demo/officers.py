"""The case: two officers open it, and act as far as the answer carries and no further."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from whosaw.answer import (
    Case,
    Cases,
    Company,
    Effects,
    Facts,
    Record,
    Scope,
    Sighting,
    Standing,
    Steps,
    build_facts,
    exposures,
    seller_statement,
)
from whosaw.answer import Step as CaseStep
from whosaw.answer.clocks import CaseClocks
from whosaw.answer.conflicts import Conflicts
from whosaw.answer.delivery import send_pending
from whosaw.answer.desk import Desk
from whosaw.answer.exculpatory import ITEMS, Exculpatory
from whosaw.answer.mailbox import Mailbox
from whosaw.answer.notes import Notes
from whosaw.answer.notices import Recipient, queue_notices
from whosaw.app.caseeffects import CaseDoors
from whosaw.app.casepreserve import Preserve
from whosaw.app.demo.complaints import Step
from whosaw.app.demo.livedoor import LiveDoor
from whosaw.app.services import Services
from whosaw.catalog.statements import subject_statement
from whosaw.client import Denied
from whosaw.market import ShopMarketplace
from whosaw.record import entries_by_actor, fsck
from whosaw.store.numbers import assign, keys_of
from whosaw.store.outbox import Outbox
from whosaw.store.relay import Relay
from whosaw.terms import chance
from whosaw.trace.explained import by_what, explained_chance, rows_of

PRIVACY, SECURITY = "officer:privacy", "officer:security"
_LABELS = {
    "customer.email": "e-mail address",
    "customer.name": "name",
    "customer.phone": "telephone number",
    "customer.address": "postal address",
}
_COMPANY = Company(
    name="Fernmarkt",
    contact_email="privacy@fernmarkt.example",
    contact_phone="+49 30 5550 100",
    contact_address="Data Protection, Torstr. 1, 10119 Berlin, Germany",
    mail_domain="fernmarkt.example",
)
_CLAUSE = "Marketplace terms, section 7: contact with buyers outside the marketplace, and data obtained without right"
_POLL_S = 0.01


@dataclass(slots=True)
class Answered:
    """What was done: the case, its steps, how fast the doors shut, and who was told."""

    case: Case
    facts: Facts | None = None
    steps: list[CaseStep] = field(default_factory=list)
    suspension_ms: float | None = None
    notices: Mapping[str, int] = field(default_factory=dict)


class Officers:
    """Two people of different functions, over the parts of one running whosaw."""

    def __init__(self, services: Services, door: LiveDoor, shop: ShopMarketplace, mailbox: Mailbox) -> None:
        self._services = services
        self._door = door
        self._shop = shop
        self._mailbox = mailbox
        self._outbox = Outbox(services.db)
        self._facts: Facts | None = None
        self.cases = Cases(services.db, services.clock)
        preserve = Preserve(services)
        effects = Effects(CaseDoors(services), shop, self._notify, {"preserve": preserve})
        notes = Notes(services.db, services.clock, services.appender.append)
        self.desk = Desk(services.db, services.clock, notes, Conflicts(services.db), preserve.unheld)
        self._clocks = CaseClocks(services.db, services.clock, notes)
        self._asked = Exculpatory(services.db, services.clock, notes, self.desk)
        self.steps = Steps(
            services.db, services.clock, record=services.appender.append, effects=effects, desk=self.desk
        )

    async def open(self, sightings: Sequence[Sighting], history: Sequence[Step]) -> Answered:
        """Open the case and file how the answer sharpened."""
        case = await self.desk.open(sightings[0].beneficiary, by=PRIVACY, reason="customers forwarded its messages")
        await self.desk.name(case.id, PRIVACY, "privacy", by=PRIVACY)
        await self.desk.name(case.id, SECURITY, "security", by=PRIVACY)
        for step in history:
            await self.cases.add_verdict(case.id, step.told, complaints=step.complaints)
        return Answered(case)

    async def act(self, answered: Answered, told: Mapping[str, Any], sightings: Sequence[Sighting]) -> None:
        """Do what a finding that names one person carries: cut access first, then everything else."""
        actor = told["candidates"][0]["actors"][0]
        case = answered.case.id
        await self.desk.move(case, "investigating", by=PRIVACY, reason="a finding names one person")
        now = self._services.clock.now()
        await self.desk.decide_awareness(case, since=now, why="the record and the complaints agree", by=PRIVACY)
        await self._clocks.start(case, "awareness", at=now, zone="Europe/Berlin", by=PRIVACY)
        for item in ITEMS:
            finding, text = _answer(item, told)
            await self._asked.answer(case, actor, item, finding, text=text, by=SECURITY)
        seller = answered.case.beneficiary
        await self._do(answered, "preserve", case, "before anybody hears of it")
        answered.suspension_ms = await self._cut_access(answered, actor)
        facts = self._facts = answered.facts = await self._gather_facts(answered.case, told, sightings)
        now = self._services.clock.now()
        statement = seller_statement(facts, seller=seller, clause=_CLAUSE, at=now, withhold=True)
        reviews = await self._deleted_reviews(actor, seller)
        await self._do(answered, "notify_subjects", answered.case.id, "tell everyone whose data got out")
        await self._do(answered, "suspend_seller", seller, "it used the data", {"statement": statement})
        await self._do(answered, "withhold_funds", seller, "until the matter is settled")
        if reviews:
            await self._do(answered, "restore_reviews", answered.case.id, "deleted for money", {"reviews": reviews})

    async def letters(self, case: str) -> Mapping[str, int]:
        """Return how many letters of `case` stand in which state."""
        return {str(state): count for state, count in (await self._outbox.counts(case)).items()}

    async def notified(self, case: str) -> set[str]:
        """Return the subjects whose letter of `case` was handed to the mail server."""
        posted = [int(mail.recipient_key) for mail in await self._outbox.list(case) if mail.state == "sent"]
        return set((await keys_of(self._services.db, "subject", posted)).values())

    async def _cut_access(self, answered: Answered, actor: str) -> float:
        """Suspend `actor` while he keeps asking, and return the milliseconds from the order to his first refusal."""
        asking = asyncio.create_task(self._ask_until_refused(actor))
        await asyncio.sleep(0.1)
        ordered = time.perf_counter()
        await self._do(answered, "suspend_actor", actor, "a finding that names one person")
        refused = await asyncio.wait_for(asking, 10)
        return max(0.0, (refused - ordered) * 1000)

    async def _ask_until_refused(self, actor: str) -> float:
        client = self._door.client(actor)
        while True:
            answer = await client.disclose("customer:C-000001", ["customer.email"])
            if isinstance(answer, Denied) and answer.reason == "actor.suspended":
                return time.perf_counter()
            await asyncio.sleep(_POLL_S)

    async def _do(
        self, answered: Answered, kind: Any, target: str, reason: str, params: Mapping[str, Any] | None = None
    ) -> None:
        step = await self.steps.plan(answered.case.id, kind, target, by=PRIVACY, reason=reason, params=params)
        for person in (PRIVACY, SECURITY):
            await self.steps.approve(step.id, person)
        answered.steps.append(await self.steps.carry_out(step.id, by=SECURITY))

    async def _gather_facts(self, case: Case, told: Mapping[str, Any], sightings: Sequence[Sighting]) -> Facts:
        services = self._services
        named = [told["candidates"][0]["actors"][0]]
        numbers = await assign(services.db, "actor", named)
        payloads = [e.payload for n in numbers.values() async for e in entries_by_actor(services.db, n)]
        await services.integrator.step()
        whole = await fsck(services.db, services.settings.trail_folder, services.keys.trail.verifier)
        scope = told["scope"]
        tiers = [scope["certain"], scope["probable"], scope["possible"]]
        subjects = await assign(services.db, "subject", [key for tier in tiers for key in tier])
        certain, probable, possible = ([subjects[key] for key in tier] for tier in tiers)
        return build_facts(
            Standing(case.id, services.clock.now(), frozenset({"suspend_actor"})),
            _COMPANY,
            scope=Scope(tuple(certain), tuple(probable), tuple(possible), scope["bound"]),
            sightings=sightings,
            record=Record(exposures(payloads, actors=set(numbers.values()), labels=_LABELS), whole.ok, _LABELS),
        )

    async def _deleted_reviews(self, actor: str, seller: str) -> list[str]:
        """Return the reviews of `seller` that the record says `actor` deleted."""
        number = (await assign(self._services.db, "actor", [actor]))[actor]
        found = [entry.payload async for entry in entries_by_actor(self._services.db, number)]
        return [
            str(payload["object"])
            for payload in found
            if payload["kind"] == "action" and payload["action"] == "review.delete" and payload["beneficiary"] == seller
        ]

    async def _notify(self, case: str) -> Mapping[str, int]:
        if self._facts is None:
            return {}
        await queue_notices(self._outbox, self._facts, self._addresses, clock=self._services.clock)
        await send_pending(self._outbox, Relay(self._mailbox.host, self._mailbox.port), clock=self._services.clock)
        return await self.letters(case)

    async def _addresses(self, keys: Sequence[str]) -> Mapping[str, Recipient]:
        catalog = self._services.catalog
        kind = catalog.subjects["customer"]
        fields = [catalog.fields["customer.name"], catalog.fields["customer.email"]]
        bare = [key.partition(":")[2] for key in keys]
        rows = await self._services.sources[kind.source].rows(subject_statement(kind, fields), keys=bare)
        return {f"customer:{row['key']}": Recipient(str(row["f0"]), str(row["f1"])) for row in rows}


def _answer(item: str, told: Mapping[str, Any]) -> tuple[str, str]:
    """Return what the officers can say to a question that may clear a person, and how they know."""
    if item == "alternatives":
        how = f"nobody inside explains it with probability {chance(told['outside_probability'])}"
        if rows := rows_of(told):
            how += f", {by_what(rows)} with {chance(explained_chance(rows))}"
        return "does_not_clear", how
    return "unknown", "this marketplace keeps no record of devices, badges or sessions"
