"""A company that plays a told story through its own whosaw: trail, complaints, case, doors, shop, mail, evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dkim
import numpy as np
from tests.unit.answer.test_intake import PEM

from whosaw.answer import (
    Cases,
    Company,
    Effects,
    Exposure,
    Facts,
    RawMails,
    Record,
    Scope,
    SightingBook,
    Standing,
    Steps,
    build_facts,
    exposures,
    read_complaint,
)
from whosaw.answer.clocks import CaseClocks
from whosaw.answer.conflicts import Conflicts
from whosaw.answer.connector import WebhookMarketplace
from whosaw.answer.delivery import Sending, send_pending
from whosaw.answer.desk import Desk
from whosaw.answer.exculpatory import ITEMS, Exculpatory
from whosaw.answer.mailbox import Mailbox
from whosaw.answer.notes import Notes
from whosaw.answer.notices import Recipient, queue_notices
from whosaw.answer.step import Step
from whosaw.app.caseeffects import Measure
from whosaw.app.tracing import pose, report
from whosaw.gate import Suspensions
from whosaw.lake import Order, Ticket, TrailNames, export_orders, export_tickets, export_trail
from whosaw.lake.exposure import load_exposure
from whosaw.lake.sightings import Complaints
from whosaw.lake.sightings import Sighting as LakeSighting
from whosaw.record import Appender, Integrator, Keys, entries_by_actor, entries_from, fsck
from whosaw.store import Database
from whosaw.store.numbers import assign, every_key, keys_of
from whosaw.store.outbox import Outbox
from whosaw.store.relay import Relay
from whosaw.terms import SimulatedClock, to_us
from whosaw.trace import Settings, attribute
from worlds.story import Told

SELLER = "seller:S-0088"
START = datetime(2026, 1, 1, tzinfo=UTC)
COMPANY = Company("Shop", "privacy@shop.example", "+1 555 0100", "1 Main Street", "shop.example")
LABELS = {"customer.email": "e-mail address", "customer.phone": "telephone number"}
LANGUAGES = ("en", "de", "fr", "es", "zh", "fi")
ANN, BOB = "officer:ann", "officer:bob"
_START_US = to_us(START)


def actor_key(index: int) -> str:
    return f"E-{index:04}"


def customer_key(index: int) -> str:
    return f"customer:C-{index:06}"


def address(key: str) -> str:
    return f"{key.partition(':')[2].lower()}@home.example"


def forwarded(customer: str, at: datetime, number: int, *, signed: bool, sender: str = "lotus.example") -> bytes:
    """Return a customer's mail with what the seller wrote: attached as it came, or quoted inline."""
    date = at.strftime("%a, %d %b %Y %H:%M:%S +0000")
    original = (
        f"From: Lotus <service@{sender}>\r\nTo: {customer}\r\nSubject: About your review\r\nDate: {date}\r\n"
        f"Message-ID: <{number}@{sender}>\r\n\r\nPlease change your review number {number}.\r\n"
    ).encode()
    head = f"From: {customer}\r\nTo: complaints@shop.example\r\nSubject: look\r\n".encode()
    if not signed:
        return head + b"\r\n---------- Forwarded message ---------\r\n" + original
    raw = dkim.sign(original, b"s1", sender.encode(), PEM) + original
    return (
        head + b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b1"\r\n\r\n'
        b"--b1\r\nContent-Type: text/plain\r\n\r\nsee below\r\n--b1\r\nContent-Type: message/rfc822\r\n\r\n"
        + raw
        + b"\r\n--b1--\r\n"
    )


@dataclass
class House:
    """One company; `market` is its shop behind signed webhooks, `box` where its letters arrive."""

    db: Database
    clock: SimulatedClock
    keys: Keys
    appender: Appender
    folder: Path
    market: WebhookMarketplace
    box: Mailbox
    facts: dict[str, Facts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.notes = Notes(self.db, self.clock, self.appender.append)
        self.cases = Cases(self.db, self.clock)
        self.desk = Desk(self.db, self.clock, self.notes, Conflicts(self.db))
        self.clocks = CaseClocks(self.db, self.clock, self.notes)
        self.asked = Exculpatory(self.db, self.clock, self.notes, self.desk)
        self.book = SightingBook(self.db)
        self.mails = RawMails(self.folder / "complaints")
        self.outbox = Outbox(self.db)
        self.suspensions = Suspensions(self.db, self.appender, self.clock)
        others = {"terminate_seller": Measure(self.market, "terminate_seller", "reinstate_seller")}
        effects = Effects(_Doors(self.suspensions), self.market, self._notify, others)
        self.steps = Steps(self.db, self.clock, record=self.appender.append, effects=effects, desk=self.desk)

    @property
    def trail(self) -> Path:
        return self.folder / "trail"

    async def work(self, told: Told, extra: Mapping[int, Sequence[str]] | None = None) -> None:
        """Put everything that was opened into the trail; `extra` is what the leaker opened besides, by customer."""
        subjects = await assign(self.db, "subject", [customer_key(each) for each in range(told.entered_us.size)])
        actors = await assign(self.db, "actor", [actor_key(each) for each in np.unique(told.actor).tolist()])
        tickets = await assign(self.db, "purpose", [f"ticket:T-{each}" for each in range(told.entered_us.size)])
        rows = []
        for row in np.argsort(told.at_us, kind="stable").tolist():
            subject, actor = int(told.subject[row]), int(told.actor[row])
            fields = ["customer.email=reveal"]
            if actor in told.leakers and extra:
                fields += [f"{name}=reveal" for name in extra.get(subject, ())]
            payload: dict[str, Any] = {
                "kind": "disclosure",
                "at": _START_US + int(told.at_us[row]),
                "actor": actors[actor_key(actor)],
                "subject": subjects[customer_key(subject)],
                "fields": sorted(fields),
                "verified": "no" if told.irregular[row] else "yes",
            }
            if not told.irregular[row]:
                payload["purpose"] = tickets[f"ticket:T-{subject}"]
            rows.append(payload)
        await self.appender.append_many(rows)

    async def complain(self, told: Told, signed: int) -> None:
        """Take every complaint in as a mail; the first `signed` of them hold the message as it came."""
        subjects = await assign(self.db, "subject", [customer_key(int(each)) for each in told.complainer])
        for number, row in enumerate(np.argsort(told.contacted_us, kind="stable").tolist()):
            key = customer_key(int(told.complainer[row]))
            at = START + timedelta(microseconds=int(told.contacted_us[row]))
            raw = forwarded(address(key), at.replace(microsecond=0), number, signed=number < signed)
            arrived = at + timedelta(hours=2)
            complaint = read_complaint(raw, dns=_zone, received_at=arrived)
            self.mails.keep(raw)
            await self.book.add(complaint, subject=subjects[key], beneficiary=SELLER)

    async def ask(self, told: Told, counts: Sequence[int]) -> list[dict[str, Any]]:
        """Return what trace says after so many complaints each, over the lake that the trail fills."""
        lake = self.folder / "lake"
        names = TrailNames(
            actors=await every_key(self.db, "actor"),
            subjects=await every_key(self.db, "subject"),
            purposes=await every_key(self.db, "purpose"),
        )
        entries = [(each.index, each.payload) async for each in entries_from(self.db)]
        export_trail(entries, lake, names, self.keys.origin)
        entered = (_START_US + told.entered_us).tolist()
        orders = [Order(customer_key(n), at, SELLER, f"O-{n}") for n, at in enumerate(entered)]
        export_orders(orders, lake)
        work = zip(told.work_subject.tolist(), (_START_US + told.work_at_us).tolist(), strict=True)
        export_tickets([Ticket(customer_key(s), at, f"ticket:W-{n}", SELLER) for n, (s, at) in enumerate(work)], lake)
        exposure = load_exposure(lake, SELLER)
        seen = sorted(await self.book.list(), key=lambda each: each.reported_at)
        keys = await keys_of(self.db, "subject", [each.subject for each in seen])
        said = []
        for count in counts:
            chosen = tuple(LakeSighting(keys[each.subject], to_us(each.contacted_at)) for each in seen[:count])
            question = pose(exposure, Complaints(chosen, 0, 0, SELLER))
            settings = Settings(complete=exposure.own_trail)
            found = attribute(question.accesses, question.population, question.sightings, question.actors, settings)
            said.append(report(found, question))
        return said

    async def open_case(self, said: Sequence[Mapping[str, Any]], counts: Sequence[int]) -> str:
        """Open the case with two people of two functions, and file how the answer sharpened."""
        case = (await self.desk.open(SELLER, by=ANN, reason="customers forwarded its messages")).id
        await self.desk.name(case, ANN, "privacy", by=ANN)
        await self.desk.name(case, BOB, "security", by=ANN)
        for each, count in zip(said, counts, strict=True):
            await self.cases.add_verdict(case, each, complaints=count)
        return case

    async def question_everything(self, case: str, actor: str) -> None:
        for item in ITEMS:
            await self.asked.answer(case, actor, item, "unknown", text="no such record is kept", by=BOB)

    async def do(self, case: str, kind: Any, target: str, params: Mapping[str, Any] | None = None) -> Step:
        """Plan, have two people approve, and carry out."""
        step = await self.steps.plan(case, kind, target, by=ANN, reason="see the case", params=params)
        for person in (ANN, BOB):
            await self.steps.approve(step.id, person)
        return await self.steps.carry_out(step.id, by=BOB)

    async def gather(self, case: str, said: Mapping[str, Any], *, complete: bool | None = None) -> Facts:
        """Return the facts of a case; whether the record is whole is what fsck says."""
        await Integrator(self.db, self.keys, self.trail, self.clock).step()
        whole = (await fsck(self.db, self.trail, self.keys.trail.verifier)).ok if complete is None else complete
        (number,) = (await assign(self.db, "actor", said["candidates"][0]["actors"])).values()
        payloads = [each.payload async for each in entries_by_actor(self.db, number)]
        seen: Mapping[int, Exposure] = exposures(payloads, actors={number}, labels=LABELS)
        tiers = [said["scope"][tier] for tier in ("certain", "probable", "possible")]
        numbers = await assign(self.db, "subject", [key for tier in tiers for key in tier])
        certain, probable, possible = (tuple(numbers[key] for key in tier) for tier in tiers)
        return build_facts(
            Standing(case, self.clock.now(), frozenset({"suspend_actor"})),
            COMPANY,
            scope=Scope(certain, probable, possible, said["scope"]["bound"]),
            sightings=await self.book.list(case=case),
            record=Record(seen, whole, LABELS),
        )

    async def _notify(self, case: str) -> Mapping[str, int]:
        await queue_notices(self.outbox, self.facts[case], self._addresses, clock=self.clock)
        await send_pending(
            self.outbox, Relay(self.box.host, self.box.port), clock=self.clock, how=Sending(per_s=10_000)
        )
        return {str(state): count for state, count in (await self.outbox.counts(case)).items()}

    async def _addresses(self, keys: Sequence[str]) -> dict[str, Recipient]:
        await asyncio.sleep(0)
        return {
            key: Recipient(f"Name {key[9:]}", address(key), LANGUAGES[int(key[11:]) % len(LANGUAGES)]) for key in keys
        }


class _Doors:
    def __init__(self, suspensions: Suspensions) -> None:
        self._suspensions = suspensions

    async def suspend_actor(self, actor: str, reason: str, by: Sequence[str]) -> None:
        await self._suspensions.suspend(actor, reason=reason, by=", ".join(by))

    async def restore_actor(self, actor: str, reason: str, by: Sequence[str]) -> None:
        await self._suspensions.restore(actor, reason=reason, by=", ".join(by))


def _zone(name: str) -> str | None:
    from tests.unit.answer.test_intake import RECORD

    return RECORD if name in {"s1._domainkey.lotus.example", "s1._domainkey.l0tus.example"} else None
