"""The story, scene by scene; each scene's time is measured, and the truth is opened only after the last."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import Progress

from whosaw.answer.mailbox import Mailbox
from whosaw.app.demo.canaryscene import CanaryScene
from whosaw.app.demo.complaints import Intake, Step, fill_lake, sharpen
from whosaw.app.demo.ground import Ground, lay_ground
from whosaw.app.demo.limits import Limits
from whosaw.app.demo.livedoor import LiveDoor, open_door
from whosaw.app.demo.officers import Answered, Officers
from whosaw.app.demo.outsider import open_outsider
from whosaw.app.demo.parquet import bring_into_lake
from whosaw.app.demo.proof import Bundle, Tampering, pack, tamper
from whosaw.app.demo.staff import Staff, Worked, days_of
from whosaw.app.demo.told import Teller
from whosaw.app.policies import PolicyArchive
from whosaw.app.queries import reach
from whosaw.app.services import Services, open_services
from whosaw.gate import add_tokens
from whosaw.market import ShopMarketplace, Size, World, build_world, read_truth
from whosaw.market.mails import write_complaints
from whosaw.record import entries_from
from whosaw.store.numbers import keys_of
from whosaw.trace.explained import explained_chance, rows_of
from whosaw.watch import explained_share


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person who starts the demonstration asked for."""

    seed: int
    size: Size
    insider: bool


@dataclass(slots=True)
class Told:
    """What came out of the scenes, for the summary."""

    worked: Worked = field(default_factory=Worked)
    history: list[Step] = field(default_factory=list)
    answered: Answered | None = None
    bundle: Bundle | None = None
    tampering: Tampering | None = None
    complaints: int = 0
    entries: int = 0
    timings_s: dict[str, float] = field(default_factory=dict)


class Story:
    """One demonstration in one folder."""

    def __init__(self, wish: Wish, folder: Path, teller: Teller) -> None:
        self._wish = wish
        self._folder = folder
        self._teller = teller
        self._notified: set[str] = set()
        self.told = Told()

    @contextmanager
    def ground(self) -> Iterator[tuple[Ground, World]]:
        """Build the world and lay the ground; the server ends with the block."""
        with self._timed("set-up"):
            world, truth = build_world(self._wish.seed, self._wish.size, insider=self._wish.insider)
            ground = lay_ground(self._folder, world, truth)
            opened = ground.__enter__()
            del truth  # from here on it lies in its file and its role only
        try:
            size = self._wish.size
            self._teller.heading("A marketplace opens")
            self._teller.line(
                f"{size.customers:,} customers, {size.seller_count:,} sellers, {size.staff} staff, {size.days} days of "
                f"simulated time; seed {self._wish.seed}"
            )
            yield opened, world
        finally:
            ground.__exit__(None, None, None)

    async def play(self, ground: Ground, world: World) -> None:
        """Play every scene but the last."""
        mailbag = write_complaints(world)
        with Mailbox(ground.folder / "mailbox") as mailbox:
            async with (
                ShopMarketplace(ground.connector_url, ground.clock) as shop,
                self._parts(ground) as (services, door),
            ):
                intake = Intake(services, mailbag, ground.folder / "complaints")
                canaries = CanaryScene(services, self._teller, ground, self._wish.size, self._wish.seed)
                await canaries.plant()
                with self._timed("work"):
                    await self._work(world, Staff(services, door, ground.clock, shop), intake)
                with self._timed("attribution"):
                    await self._attribute(ground, services, intake)
                with self._timed("limits"):
                    self._teller.heading("What stands between staff and customers besides the policies")
                    limits = Limits(services, self._teller, ground.folder, self._wish.seed, canaries)
                    await limits.play(self._wish.size.days)
                with self._timed("answer"):
                    await self._answer(Officers(services, door, shop, mailbox), intake, services)
        with self._timed("tampering"):
            self._teller.heading("Somebody with the database's own rights alters a copy of the record")
            self.told.tampering = await tamper(ground)
            for finding in self.told.tampering.report.findings[:6]:
                self._teller.line(finding.line)

    def summary(self, ground: Ground) -> dict[str, Any]:
        """Open the truth and return the summary; no number in it is written by hand."""
        told = self.told
        truth = read_truth(ground.truth_file)
        last = told.history[-1].told if told.history else None
        scope = last["scope"] if last else {}
        facts = told.answered.facts if told.answered else None
        counts = told.answered.notices if told.answered else {}
        notified = self._notified
        sold = {f"customer:{key}" for key in truth.subjects}
        return {
            "asks": {"live": told.worked.live, "total": told.worked.total}
            | {kind: told.worked.outcomes[kind] for kind in ("allowed", "masked", "denied")},
            "entries": told.entries,
            "complaints": told.complaints,
            "verdict": last["verdict"] if last else "undecided",
            "candidates": last["candidates"] if last else [],
            "outside_probability": last["outside_probability"] if last else None,
            "explained": explained_chance(rows_of(last or {})),
            "scope": {tier: len(scope.get(tier, ())) for tier in ("certain", "probable", "possible")}
            | {"bound": scope.get("bound"), "bounded": scope.get("bounded", False)},
            "notices": {
                "certain": facts.certain if facts else 0,
                "probable": facts.probable if facts else 0,
                "sent": counts.get("sent", 0),
                "missed": len(sold - notified),
                "needless": len(notified - sold),
            },
            "suspension_ms": told.answered.suspension_ms if told.answered else None,
            "steps": [step.kind for step in told.answered.steps] if told.answered else [],
            "bundle": {"path": str(told.bundle.path), "verified": told.bundle.verified}
            if told.bundle
            else {"path": None, "verified": False},
            "tamper": {"altered": len(told.tampering.altered), "found": len(told.tampering.found)}
            if told.tampering
            else {"altered": 0, "found": 0},
            "truth": {"actors": list(truth.actors), "subjects": [f"customer:{key}" for key in truth.subjects]},
            "timings_s": {name: round(seconds, 3) for name, seconds in told.timings_s.items()},
            "scope_subjects": {tier: list(scope.get(tier, ())) for tier in ("certain", "probable", "possible")},
            "places": {
                "mailbox": str(ground.folder / "mailbox"),
                "truth": str(ground.truth_file),
                "case": told.answered.case.id if told.answered else None,
                "beneficiary": told.answered.case.beneficiary if told.answered else None,
            },
        }

    async def _work(self, world: World, staff: Staff, intake: Intake) -> None:
        self._teller.heading("Staff work, every ask through the gate; complaints begin to come in")
        with Progress(console=self._teller.out, transient=True) as progress:
            task = progress.add_task("days", total=self._wish.size.days)
            for day, planned in days_of(world, lambda _: progress.advance(task)):
                self.told.complaints += await intake.take_in(planned[0].at)
                await staff.work_day(day, planned)
        self.told.complaints += await intake.take_in(None)
        self.told.worked = staff.worked

    async def _attribute(self, ground: Ground, services: Services, intake: Intake) -> None:
        await services.integrator.step()
        share = explained_share([entry.payload async for entry in entries_from(services.db)])
        self._teller.worked(self.told.worked, share.share)
        self._teller.heading("Who could have leaked? The answer after each complaint")
        lake = ground.folder / "lake"
        await fill_lake(services, lake)
        sightings = await intake.book.list()
        names = await keys_of(services.db, "subject", [sighting.subject for sighting in sightings])
        self.told.history = await sharpen(lake, sightings, names, self._teller.step)

    async def _answer(self, officers: Officers, intake: Intake, services: Services) -> None:
        self._teller.heading("The answer: as far as the record carries, and no further")
        sightings = await intake.book.list()
        answered = self.told.answered = await officers.open(sightings, self.told.history)
        last = self.told.history[-1].told
        best = last["candidates"][0] if last["candidates"] else None
        if last["verdict"] == "finding" and best and len(best["actors"]) == 1:
            await officers.act(answered, last, sightings)
            self._tell_steps(answered)
        else:
            self._teller.line(
                f"verdict {last['verdict']}: nobody is named, nobody is suspended, and no letter goes out"
            )
        answered.notices = await officers.letters(answered.case.id)
        self._notified = await officers.notified(answered.case.id)
        bundle_path = services.settings.evidence_folder / f"{answered.case.id}.zip"
        bundle_path.parent.mkdir(mode=0o700, exist_ok=True)
        self.told.bundle = await pack(services, officers, answered, (intake.book, intake.mails), bundle_path)
        for line in self.told.bundle.said.splitlines():
            self._teller.line(line)
        self._teller.line(f"the trail is {self.told.bundle.witnessed.line()}")
        with self._timed("lake"):
            self._teller.heading("The record as data")
            await bring_into_lake(services, services.settings.state / "parquet", self._teller)
        self.told.entries = (await reach(services.db))[0]

    def _tell_steps(self, answered: Answered) -> None:
        for step in answered.steps:
            outcome = json.dumps(step.outcome) if step.outcome else "done"
            self._teller.line(
                f"{step.kind:<17} {step.target:<16} approved by {' and '.join(step.approved_by)}: {outcome}"
            )
        self._teller.line(f"every door refused {answered.suspension_ms:.0f} ms after the order")

    @asynccontextmanager
    async def _parts(self, ground: Ground) -> AsyncIterator[tuple[Services, LiveDoor]]:
        async with (
            open_outsider(ground) as naming,
            open_services(ground.settings, ground.clock, ground.url, door="bulk") as services,
        ):
            # as a server does when it starts: what decided here can be shown later
            PolicyArchive(ground.settings.policy_folder).keep(services.policies.current)
            actors = await services.sources["shop"].rows("select id from staff order by id")
            keys = [str(row["id"]) for row in actors]
            tokens = await add_tokens(services.db, keys, ground.clock.now())
            async with open_door(ground, dict(zip(keys, tokens, strict=True)), await naming) as door:
                yield services, door

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.told.timings_s[name] = time.perf_counter() - began
