from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from whosaw.answer import (
    Cases,
    Company,
    Complaint,
    DkimResult,
    Effects,
    Exposure,
    RawMailMissing,
    RawMails,
    Record,
    Scope,
    SightingBook,
    Standing,
    StepRefused,
    Steps,
    UnknownCase,
    build_facts,
)
from whosaw.answer.conflicts import Conflicts
from whosaw.answer.desk import Desk
from whosaw.answer.evidence import Sources, build_evidence
from whosaw.answer.exculpatory import ITEMS, Exculpatory
from whosaw.answer.notes import Notes
from whosaw.prove import BundleInvalid, Policy, verify_bundle
from whosaw.record import Appender, Integrator, load_or_create
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock, to_us

AT = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
SELLER = "seller:S-0088"
RAW = b"From: ann@home.example\r\n\r\nforwarded"


@dataclass
class Receipt:
    index: int


@dataclass
class World:
    """A marketplace and doors that note what reached them, and when the trail had its entry."""

    events: list[Any] = field(default_factory=list)
    suspended: set[str] = field(default_factory=set)
    fail_next: bool = False

    async def record(self, payload: dict[str, Any]) -> Receipt:
        self.events.append(payload)
        return Receipt(len(self.events) - 1)

    async def quiet(self, payload: dict[str, Any]) -> Receipt:
        return Receipt(-1)

    def _effect(self, name: str) -> None:
        self.events.append(name)
        if self.fail_next:
            self.fail_next = False
            raise ConnectionError(name)

    async def suspend_actor(self, actor: str, reason: str, by: Sequence[str]) -> None:
        self.suspended.add(actor)
        self._effect(f"suspend {actor} by {','.join(by)}")

    async def restore_actor(self, actor: str, reason: str, by: Sequence[str]) -> None:
        self.suspended.discard(actor)
        self._effect(f"restore {actor}")

    async def suspend_seller(self, seller: str, statement: Mapping[str, Any], case: str) -> bool:
        self._effect(f"suspend {seller} {statement['puid']}")
        return True

    async def unsuspend_seller(self, seller: str, case: str) -> bool:
        self._effect(f"unsuspend {seller}")
        return True

    async def withhold_funds(self, seller: str, case: str) -> int:
        self._effect(f"withhold {seller}")
        return 12_345

    async def release_funds(self, seller: str, case: str) -> int:
        self._effect(f"release {seller}")
        return 12_345

    async def restore_reviews(self, reviews: Sequence[str], case: str, *, note: str = "") -> list[str]:
        self._effect("restore reviews")
        return list(reviews)[:2]

    async def delete_reviews(self, reviews: Sequence[str], case: str, *, note: str = "") -> list[str]:
        self._effect(f"delete {','.join(reviews)}")
        return list(reviews)

    async def notify(self, case: str) -> Mapping[str, int]:
        self._effect("letters")
        return {"sent": 3}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def cases(database: Database) -> Cases:
    return Cases(database, SimulatedClock(AT))


@pytest.fixture
def steps(database: Database, world: World) -> Steps:
    return Steps(database, SimulatedClock(AT), record=world.record, effects=Effects(world, world, world.notify))


def verdict(rung: str = "finding", *actors: str, said: str | None = None) -> dict[str, Any]:
    candidates = [{"actors": list(actors or ("E-0417",)), "rung": rung, "probability": 0.98}]
    candidates.append({"actors": ["E-0003"], "rung": "no_signal", "probability": 0.01})
    scope = {"certain": ["a"], "probable": ["b", "c"], "possible": [], "bound": 3, "bounded": True}
    return {"verdict": said or rung, "candidates": candidates, "outside_probability": 0.01, "scope": scope}


def complaint(subject: int, *, verified: bool = True, sha256: str = "0" * 64, message_id: str = "") -> Complaint:
    check = DkimResult("pass" if verified else "fail", "lotus.example", "s1", "v=DKIM1; p=x", AT)
    return Complaint(
        customer=f"c{subject}@home.example",
        received_at=AT - timedelta(days=1),
        form="attached",
        sender="service@lotus.example",
        sender_domain="lotus.example",
        recipient=f"c{subject}@home.example",
        message_id=message_id or f"<{subject}@lotus.example>",
        contacted_at=AT - timedelta(days=2),
        contacted_exact=verified,
        dkim=check,
        customer_dkim=check,
        marks=() if verified else ("dkim.fail",),
        sha256=sha256,
        original_sha256="1" * 64,
    )


async def clear_nothing(database: Database, world: World, case: str, actor: str = "E-0417") -> None:
    """Ask everything that may clear an actor; nothing does."""
    clock = SimulatedClock(AT)
    notes = Notes(database, clock, world.quiet)
    desk = Desk(database, clock, notes, Conflicts(database))
    for item in ITEMS:
        await Exculpatory(database, clock, notes, desk).answer(case, actor, item, "unknown", text="no data", by="hr")


async def case_with_finding(database: Database, cases: Cases, *, verified: bool = True) -> str:
    await SightingBook(database).add(complaint(1, verified=verified), subject=1, beneficiary=SELLER)
    case = await cases.open(SELLER, by="lead")
    await cases.add_verdict(case.id, verdict(), complaints=1)
    return case.id


async def test_the_same_original_from_the_same_customer_is_one_sighting(database: Database) -> None:
    book = SightingBook(database)
    first, new = await book.add(complaint(1), subject=1, beneficiary=SELLER)
    again, second = await book.add(complaint(1, sha256="2" * 64), subject=1, beneficiary=SELLER)
    other, third = await book.add(complaint(1), subject=2, beneficiary=SELLER)
    assert (new, second, third) == (True, False, True)
    assert again == first
    assert [each.id for each in await book.list(beneficiary=SELLER)] == [first.id, other.id]
    assert first.dkim["record"] == "v=DKIM1; p=x"
    assert first.contacted_at == AT - timedelta(days=2)


async def test_a_case_takes_its_sightings_before_and_after_it_is_opened(database: Database, cases: Cases) -> None:
    book = SightingBook(database)
    await book.add(complaint(1), subject=1, beneficiary=SELLER)
    await book.add(complaint(2), subject=2, beneficiary="seller:S-0001")
    opened = await asyncio.gather(*(cases.open(SELLER, by="lead") for _ in range(3)))
    assert {case.id for case in opened} == {"CASE-1"}
    await book.add(complaint(3), subject=3, beneficiary=SELLER)
    assert [each.subject for each in await book.list(case="CASE-1")] == [1, 3]
    await cases.close("CASE-1")
    assert (await cases.open(SELLER, by="lead")).id == "CASE-2"
    assert [case.state for case in await cases.list()] == ["closed", "suspected"]


async def test_a_verdict_is_kept_per_complaint(cases: Cases) -> None:
    case = await cases.open(SELLER, by="lead")
    for complaints, rung in enumerate(("no_signal", "lead", "finding"), 3):
        await cases.add_verdict(case.id, verdict(rung), complaints=complaints)
    history = await cases.verdicts(case.id)
    assert [(each.seq, each.complaints, each.verdict["verdict"]) for each in history] == [
        (1, 3, "no_signal"),
        (2, 4, "lead"),
        (3, 5, "finding"),
    ]
    assert [each.named() for each in history] == [set(), set(), {"E-0417"}]
    with pytest.raises(UnknownCase):
        await cases.add_verdict("CASE-9", verdict(), complaints=1)


@pytest.mark.parametrize(
    "said",
    [
        None,
        verdict("lead"),
        verdict("no_signal"),
        verdict("finding", "E-0001"),
        verdict("finding", "E-0417", "E-0001"),
        verdict("finding", said="group"),
    ],
)
async def test_an_innocent_cannot_be_suspended_by_a_slip(
    cases: Cases, steps: Steps, world: World, said: dict[str, Any] | None
) -> None:
    case = await cases.open(SELLER, by="lead")
    if said is not None:
        await cases.add_verdict(case.id, said, complaints=5)
    with pytest.raises(StepRefused) as refusal:
        await steps.plan(case.id, "suspend_actor", "E-0417", by="lead", reason="x")
    assert refusal.value.reason == "no_finding" and "E-0417" not in str(refusal.value), "a refusal unmasks nobody"
    assert not world.events


async def test_a_finding_that_fell_stops_an_approved_step(
    database: Database, cases: Cases, steps: Steps, world: World
) -> None:
    case = await case_with_finding(database, cases)
    await clear_nothing(database, world, case)
    step = await steps.plan(case, "suspend_actor", "E-0417", by="lead", reason="x")
    await steps.approve(step.id, "legal")
    await steps.approve(step.id, "hr")
    await cases.add_verdict(case, verdict("lead"), complaints=6)
    with pytest.raises(StepRefused, match="no finding"):
        await steps.carry_out(step.id, by="lead")
    assert not world.suspended


async def test_hurting_someone_needs_two_different_persons_and_no_suspect(
    database: Database, cases: Cases, steps: Steps, world: World
) -> None:
    case = await case_with_finding(database, cases)
    await clear_nothing(database, world, case)
    step = await steps.plan(case, "suspend_actor", "E-0417", by="lead", reason="access without reason")
    for _ in range(2):
        step = await steps.approve(step.id, "legal")
    assert step.approved_by == ("legal",)
    with pytest.raises(StepRefused, match="needs 2 approvals and has 1"):
        await steps.carry_out(step.id, by="lead")
    with pytest.raises(StepRefused, match="conflict of interest"):
        await steps.approve(step.id, "E-0417")
    with pytest.raises(StepRefused, match="conflict of interest"):
        await steps.carry_out(step.id, by="E-0417")
    await steps.approve(step.id, "hr")
    done = await steps.carry_out(step.id, by="lead")
    assert done.state == "done"
    assert world.suspended == {"E-0417"}
    assert world.events[-1] == "suspend E-0417 by hr,legal"
    numbers = await assign(database, "actor", ["lead", "hr", "legal"])
    assert world.events[-2]["actor"] == numbers["lead"]
    assert world.events[-2]["approved_by"] == [numbers["hr"], numbers["legal"]]


async def test_a_step_is_recorded_before_it_bites_and_done_once(
    database: Database, cases: Cases, steps: Steps, world: World
) -> None:
    case = await case_with_finding(database, cases)
    await clear_nothing(database, world, case)
    step = await steps.plan(case, "suspend_actor", "E-0417", by="lead", reason="x")
    same = await steps.plan(case, "suspend_actor", "E-0417", by="other", reason="y")
    assert same == step
    await steps.approve(step.id, "legal")
    await steps.approve(step.id, "hr")
    await asyncio.gather(*(steps.carry_out(step.id, by="lead") for _ in range(3)))
    entry, effect = world.events
    assert entry["kind"] == "case_work"
    assert entry["action"] == "case.do.suspend_actor"
    assert entry["object"] == f"step:{step.id}"
    assert entry["at"] == to_us(AT)
    assert effect.startswith("suspend E-0417")
    undone = await steps.undo(step.id, by=["legal"], reason="badge data clear him")
    assert (await steps.undo(step.id, by=["legal"], reason="again")) == undone
    assert undone.state == "undone"
    assert [each if isinstance(each, str) else each["action"] for each in world.events[2:]] == [
        "case.undo.suspend_actor",
        "restore E-0417",
    ]
    with pytest.raises(StepRefused, match="undone"):
        await steps.carry_out(step.id, by="lead")
    assert (await steps.plan(case, "suspend_actor", "E-0417", by="lead", reason="x")).id == "CASE-1/2"


async def test_a_cut_step_is_resumed_without_a_second_entry(
    database: Database, cases: Cases, steps: Steps, world: World
) -> None:
    case = await case_with_finding(database, cases)
    step = await steps.plan(case, "withhold_funds", SELLER, by="lead", reason="x")
    await steps.approve(step.id, "legal")
    await steps.approve(step.id, "finance")
    world.fail_next = True
    with pytest.raises(ConnectionError):
        await steps.carry_out(step.id, by="lead")
    assert (await steps.get(step.id)).state == "doing"
    (finished,) = await steps.resume(case)
    assert finished.state == "done"
    assert finished.outcome is not None
    assert finished.outcome["withheld_cents"] == 12_345
    assert "resumed" in finished.outcome
    assert [each for each in world.events if isinstance(each, str)] == [f"withhold {SELLER}"] * 2
    assert len([each for each in world.events if isinstance(each, dict)]) == 1
    assert await steps.resume(case) == []


async def test_a_step_that_was_cut_and_is_undone_keeps_what_the_undoing_gave(
    database: Database, cases: Cases, steps: Steps, world: World
) -> None:
    case = await case_with_finding(database, cases)
    step = await steps.plan(case, "withhold_funds", SELLER, by="lead", reason="x")
    for person in ("legal", "finance"):
        await steps.approve(step.id, person)
    world.fail_next = True
    with pytest.raises(ConnectionError):
        await steps.carry_out(step.id, by="lead")
    undone = await steps.undo(step.id, by=["lead"], reason="the finding fell")
    assert undone.state == "undone" and undone.outcome == {"undo": {"released_cents": 12_345}}


async def test_a_seller_is_stopped_only_as_the_beneficiary_and_on_signed_evidence(
    database: Database, cases: Cases, steps: Steps
) -> None:
    case = await case_with_finding(database, cases, verified=False)
    with pytest.raises(StepRefused) as refusal:
        await steps.plan(case, "suspend_seller", SELLER, by="lead", reason="x", params={"statement": {}})
    assert refusal.value.reason == "unsigned"
    with pytest.raises(StepRefused) as refusal:
        await steps.plan(case, "suspend_seller", "seller:S-1", by="lead", reason="x", params={"statement": {}})
    assert refusal.value.reason == "not_the_beneficiary"


async def test_restored_reviews_are_taken_back_only_by_two_and_only_those_restored(
    database: Database, cases: Cases, steps: Steps, world: World
) -> None:
    case = await case_with_finding(database, cases)
    reviews = {"reviews": ["review:R-1", "review:R-2", "review:R-3"]}
    step = await steps.plan(case, "restore_reviews", case, by="lead", reason="x", params=reviews)
    await steps.approve(step.id, "legal")
    await steps.carry_out(step.id, by="lead")
    with pytest.raises(StepRefused, match="2 different persons"):
        await steps.undo(step.id, by=["legal", "legal"], reason="x")
    await steps.undo(step.id, by=["legal", "lead"], reason="x")
    assert world.events[-1] == "delete review:R-1,review:R-2"


async def test_letters_cannot_be_undone(database: Database, cases: Cases, steps: Steps) -> None:
    case = await case_with_finding(database, cases)
    step = await steps.plan(case, "notify_subjects", case, by="lead", reason="x")
    await steps.approve(step.id, "privacy")
    assert (await steps.carry_out(step.id, by="lead")).outcome == {"letters": {"sent": 3}}
    with pytest.raises(StepRefused, match="taken back"):
        await steps.undo(step.id, by=["a", "b"], reason="x")


async def test_nothing_is_done_in_a_closed_case_or_an_unknown_one(
    database: Database, cases: Cases, steps: Steps
) -> None:
    case = await case_with_finding(database, cases)
    await cases.close(case)
    with pytest.raises(StepRefused, match="closed"):
        await steps.plan(case, "notify_subjects", case, by="lead", reason="x")
    with pytest.raises(UnknownCase):
        await steps.plan("CASE-7", "notify_subjects", "CASE-7", by="lead", reason="x")
    with pytest.raises(UnknownCase):
        await steps.carry_out("CASE-1/9", by="lead")


def test_raw_mails_are_private_and_checked(tmp_path: Path) -> None:
    mails = RawMails(tmp_path / "mails")
    name = mails.keep(RAW)
    assert mails.keep(RAW) == name
    assert mails.read(name) == RAW
    (path,) = (tmp_path / "mails").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "mails").stat().st_mode) == 0o700
    path.write_bytes(RAW + b"!")
    with pytest.raises(RawMailMissing, match="altered"):
        mails.read(name)
    for bad in ("0" * 64, "../secret"):
        with pytest.raises(RawMailMissing):
            mails.read(bad)


def disclosure(actor: int, subject: int, minutes: int) -> dict[str, int | str | list[int | str]]:
    at = to_us(AT - timedelta(days=9) + timedelta(minutes=minutes))
    fields: list[int | str] = ["customer.email=reveal", "customer.phone=mask"]
    return {"kind": "disclosure", "at": at, "actor": actor, "subject": subject, "fields": fields}


@pytest.mark.parametrize("form", ["bundle", "bundle.zip"])
async def test_the_bundle_verifies_alone_and_names_nobody(
    database: Database, cases: Cases, world: World, tmp_path: Path, form: str
) -> None:
    clock = SimulatedClock(AT)
    keys = load_or_create(tmp_path / "keys", clock)
    mails = RawMails(tmp_path / "mails")
    actors = await assign(database, "actor", ["E-0417", "E-0003"])
    subjects = await assign(database, "subject", [f"customer:C-{n}" for n in range(1, 5)])
    leaker, other = actors["E-0417"], actors["E-0003"]
    book = SightingBook(database)
    async with Appender(database, keys, clock) as appender:
        steps = Steps(database, clock, record=appender.append, effects=Effects(world, world, world.notify))
        await appender.append_many([disclosure(leaker, n, n) for n in sorted(subjects.values())])
        await appender.append_many([disclosure(other, n, 30 + n) for n in sorted(subjects.values())])
        await book.add(complaint(1, sha256=mails.keep(RAW)), subject=1, beneficiary=SELLER)
        case = await cases.open(SELLER, by="lead")
        await cases.add_verdict(case.id, verdict(), complaints=1)
        await clear_nothing(database, world, case.id)
        step = await steps.plan(case.id, "suspend_actor", "E-0417", by="lead", reason="x")
        await steps.approve(step.id, "legal")
        await steps.approve(step.id, "hr")
        await steps.carry_out(step.id, by="lead")
    await Integrator(database, keys, tmp_path / "trail", clock).step()
    seen = Exposure(frozenset({"customer.email"}), AT, AT)
    facts = build_facts(
        Standing(case.id, AT, frozenset({"suspend_actor"})),
        Company("Shop", "privacy@shop.example", "+1", "Main Street", "shop.example"),
        scope=Scope((1,), (2,), (3,), 3),
        sightings=await book.list(case=case.id),
        record=Record({1: seen, 2: seen}, True, {"customer.email": "e-mail address"}),
    )
    sources = Sources(database, tmp_path / "trail", keys.trail, cases, steps, book, mails)
    path = tmp_path / form
    report = await build_evidence(sources, case.id, path, facts=facts)
    assert report.indices == (0, 1, 8)  # the leaker and the two told persons, and the suspension
    assert verify_bundle(path, Policy.parse(f"log {keys.trail.verifier}\nquorum none\n".encode())).trusted
    if form == "bundle":
        files = {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}
        assert files[f"files/mails/{mails.keep(RAW)}.eml"] == RAW
        told = json.loads(files["files/facts.json"])
        assert (told["certain"], told["probable"]) == (1, 1)
        rest = b"".join(body for name, body in files.items() if "/mails/" not in name)
        for word in (b"E-0417", b"E-0003", b"C-1", b"home.example", b'"lead"', b'"legal"'):
            assert word not in rest, word
        (path / "files" / "facts.json").write_bytes(files["files/facts.json"].replace(b'"told"', b'"Told"') + b" ")
        with pytest.raises(BundleInvalid):
            verify_bundle(path)
