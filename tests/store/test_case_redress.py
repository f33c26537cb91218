"""Measures against sellers over a real HTTP receiver, appeals, corrections, statements, and answers to persons."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.store.test_case import SELLER, World, case_with_finding, clear_nothing, verdict
from tests.store.test_case_desk import Office
from tests.unit.answer.test_letters import COMPANY, FOREIGN
from tests.unit.answer.test_letters import facts as letter_facts

from whosaw.answer import Cases, Effects, StepRefused, Steps, seller_statement
from whosaw.answer.access import Request, answer_access, answer_text, check_answer, sign_answer
from whosaw.answer.appeals import Appeals
from whosaw.answer.casequeries import fetch
from whosaw.answer.connector import MarketplaceUnreachable, WebhookMarketplace
from whosaw.answer.corrections import Corrections, Fallen
from whosaw.answer.dsa import StatementInvalid, database_record, seller_letter
from whosaw.prove import NoteInvalid, SigningKey
from whosaw.record import Appender, load_or_create
from whosaw.store import Database
from whosaw.store.alerts import alerts
from whosaw.store.numbers import assign
from whosaw.store.webhook import WebhookForged, check
from whosaw.terms import SimulatedClock, SystemClock, to_us

AT = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
SECRET = "whsec_c2VjcmV0IG9mIHRoZSBzaG9w"


class Shop:
    """The company's system: checks signatures, does each message once, and answers again what it answered."""

    def __init__(self) -> None:
        self.balance_cents, self.held_cents = 12_345, 0
        self.suspended: set[str] = set()
        self.deleted = {"review:R-1", "review:R-2"}
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.fail, self.cut, self.refuse = 0, 0, 0

    def do(self, said: Mapping[str, Any]) -> dict[str, Any]:
        kind, target = said["kind"], said["target"]
        if kind in {"suspend_seller", "unsuspend_seller"}:
            before = target in self.suspended
            (self.suspended.add if kind == "suspend_seller" else self.suspended.discard)(target)
            return {"changed": before != (target in self.suspended)}
        if kind in {"withhold_funds", "release_funds"}:
            moved = self.balance_cents if kind == "withhold_funds" else -self.held_cents
            self.balance_cents, self.held_cents = self.balance_cents - moved, self.held_cents + moved
            return {"amount_cents": abs(moved)}
        named = set(said["reviews"])
        hit = sorted(named & self.deleted if kind == "restore_reviews" else named - self.deleted)
        self.deleted = self.deleted - named if kind == "restore_reviews" else self.deleted | named
        return {"reviews": hit}


@pytest.fixture
def shop() -> Iterator[tuple[Shop, str]]:
    house = Shop()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heads = {name.lower(): value for name, value in self.headers.items()}
            try:
                identity = check(SECRET, heads, body, SystemClock().now().timestamp())
            except WebhookForged:
                return self.reply(401, b"{}")
            house.asked.append(identity)
            if house.refuse:
                return self.reply(409, b"{}")
            if house.fail:
                house.fail -= 1
                return self.reply(503, b"{}")
            if identity not in house.answers:
                house.answers[identity] = json.dumps(house.do(json.loads(body))).encode()
            if house.cut:  # done, and the answer is lost
                house.cut -= 1
                return self.close_connection_now()
            return self.reply(200, house.answers[identity])

        def close_connection_now(self) -> None:
            self.close_connection = True
            self.connection.close()

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (OSError, ValueError):
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield house, f"http://127.0.0.1:{server.server_port}/whosaw"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_measure_takes_effect_once_whatever_gets_lost(shop: tuple[Shop, str]) -> None:
    house, url = shop
    market = WebhookMarketplace(url, SECRET, SystemClock(), pause_s=0.01)
    house.fail = 2
    assert await market.suspend_seller("seller:S-1", {"puid": "p"}, "CASE-1/1")
    house.cut = 1
    assert await market.withhold_funds("seller:S-1", "CASE-1/2") == 12_345
    assert (house.balance_cents, house.held_cents) == (0, 12_345)
    assert len(set(house.asked)) == 2 and len(house.asked) == 5
    assert await market.release_funds("seller:S-1", "CASE-1/2") == 12_345
    assert await market.withhold_funds("seller:S-1", "CASE-1/5") == 12_345  # ordered again by another step
    assert await market.restore_reviews(["review:R-2", "review:R-9"], "CASE-1/3") == ["review:R-2"]
    assert house.deleted == {"review:R-1"}


async def test_a_forged_or_refused_measure_is_not_tried_for_ever(shop: tuple[Shop, str]) -> None:
    house, url = shop
    with pytest.raises(MarketplaceUnreachable, match="401"):
        await WebhookMarketplace(url, "wrong", SystemClock(), pause_s=0.01).suspend_seller("s", {}, "CASE-1/1")
    house.refuse = 1
    with pytest.raises(MarketplaceUnreachable, match="409"):
        await WebhookMarketplace(url, SECRET, SystemClock(), pause_s=0.01).suspend_seller("s", {}, "CASE-1/1")
    assert len(house.asked) == 1 and not house.suspended
    house.refuse, house.fail = 0, 99
    with pytest.raises(MarketplaceUnreachable, match="4 tries"):
        await WebhookMarketplace(url, SECRET, SystemClock(), pause_s=0.01).suspend_seller("s", {}, "CASE-1/1")


async def test_an_appeal_is_decided_by_a_stranger_and_undone_means_everything(
    database: Database, shop: tuple[Shop, str]
) -> None:
    house, url = shop
    clock = SimulatedClock(AT)
    office = Office(database, clock)
    world = World()
    case = await case_with_finding(database, Cases(database, clock))
    for person, function in (("ann", "privacy"), ("bob", "security"), ("eva", "legal")):
        await office.desk.name(case, person, function, by="ann")
    market = WebhookMarketplace(url, SECRET, SystemClock(), pause_s=0.01)
    steps = Steps(database, clock, record=world.record, effects=Effects(world, market, world.notify), desk=office.desk)
    done = []
    for kind, params in (("suspend_seller", {"statement": {"puid": "p"}}), ("withhold_funds", {})):
        step = await steps.plan(case, kind, SELLER, by="ann", reason="x", params=params)  # type: ignore[arg-type]
        for person in ("ann", "bob"):
            await steps.approve(step.id, person)
        done.append(await steps.carry_out(step.id, by="ann"))
    assert house.suspended == {SELLER} and house.held_cents == 12_345
    appeals = Appeals(database, clock, office.notes, office.desk, steps)
    appeal = await appeals.file(done[0].id, "a rival wrote in our name", by="operator:x")
    assert (await appeals.file(done[0].id, "again", by="operator:x")).id == appeal.id
    for person, reason in (("ann", "same_person"), ("bob", "same_person"), ("zoe", "not_named")):
        with pytest.raises(StepRefused) as refusal:
            await appeals.decide(appeal.id, "undone", by=person, why="the mails are a look-alike's")
        assert refusal.value.reason == reason
    house.cut = 1
    undone = await appeals.decide(appeal.id, "undone", by="eva", why="the mails are a look-alike's")
    assert [each.state for each in undone] == ["undone", "undone"]
    assert await appeals.decide(appeal.id, "undone", by="eva", why="the mails are a look-alike's") == []
    assert house.suspended == set() and (house.balance_cents, house.held_cents) == (12_345, 0)
    async with database.connection() as connection:
        rows = await connection.execute("select kind, amount_cents from funds_movement order by id")
        assert await rows.fetchall() == [("withheld", 12_345), ("released", 12_345)]
    with pytest.raises(StepRefused, match="no measure in force"):
        await appeals.file(done[0].id, "x", by="operator:x")


async def test_whoever_was_shown_an_accusation_is_told_when_it_fell(database: Database) -> None:
    clock = SimulatedClock(AT)
    office = Office(database, clock)
    cases = Cases(database, clock)
    case = await case_with_finding(database, cases)
    (number,) = (await assign(database, "actor", ["E-0417"])).values()
    corrections = Corrections(database, clock, office.notes)
    for person in ("ann", "bob", "ann"):
        await corrections.shown(case, person, [number])
    with pytest.raises(StepRefused) as refusal:
        await corrections.correct(case, number, by="ann", text="his account was shared")
    assert refusal.value.reason == "still_suspected"
    await cases.add_verdict(case, verdict("no_signal"), complaints=2)
    assert await corrections.correct(case, number, by="ann", text="his account was shared") == 2
    (mine,) = await corrections.unread("bob")
    assert (mine.actor, mine.text) == (number, "his account was shared")
    await corrections.read("bob", mine.made_at - timedelta(microseconds=1))
    assert [each.actor for each in await corrections.unread("bob")] == [number], "what came after is not read"
    await corrections.read("bob", mine.made_at)
    assert await corrections.unread("bob") == []
    assert [(each.person, each.read_at is not None) for each in await corrections.list(case)] == [
        ("ann", False),
        ("bob", True),
    ]


async def test_what_fell_is_owed_until_all_who_know_are_told_and_nothing_stands_and_again_when_it_falls_again(
    database: Database,
) -> None:
    clock = SimulatedClock(AT)
    office, world = Office(database, clock), World()
    cases = Cases(database, clock)
    case = await case_with_finding(database, cases)
    (number,) = (await assign(database, "actor", ["E-0417"])).values()
    corrections = Corrections(database, clock, office.notes)
    await corrections.shown(case, "eve", [number])
    await clear_nothing(database, world, case)
    steps = Steps(database, clock, record=world.record, effects=Effects(world, world, world.notify))
    step = await steps.plan(case, "suspend_actor", "E-0417", by="ann", reason="x")
    for person in ("ann", "bob"):
        await steps.approve(step.id, person)
    await steps.carry_out(step.id, by="cat")
    assert await corrections.fallen(case) == [] and await corrections.remind() == 0

    clock.advance_to(AT + timedelta(hours=1))
    await cases.add_verdict(case, verdict("no_signal"), complaints=2)
    (fell,) = await corrections.fallen(case)
    knowing = {each[0] for each in await fetch(database, "select distinct by from case_exculpatory", {})}
    assert fell == Fallen(number, len({"eve", "ann", "bob", "cat"} | knowing), (step.id,))
    assert (await corrections.remind(), await corrections.remind()) == (1, 1)
    (alert,) = [each for each in await alerts(database) if each.code == "case.accusation_fell"]
    assert alert.about["actor"] == number and "E-0417" not in str(alert)
    await corrections.correct(case, number, by="ann", text="a second complaint clears him")
    assert [each.person for each in await corrections.unread("cat")] == ["cat"], "who carried it out knows of it"
    assert await corrections.fallen(case) == [Fallen(number, 0, (step.id,))]
    await steps.undo(step.id, by=["ann"], reason="the finding fell")
    assert await corrections.fallen(case) == [] and await corrections.remind() == 0

    clock.advance_to(AT + timedelta(hours=2))
    await cases.add_verdict(case, verdict("lead"), complaints=3)
    assert await corrections.fallen(case) == []
    clock.advance_to(AT + timedelta(hours=3))
    await cases.add_verdict(case, verdict("no_signal"), complaints=4)
    assert [each.untold for each in await corrections.fallen(case)] == [fell.untold]


def statement(**changed: Any) -> dict[str, Any]:
    made = seller_statement(letter_facts(), seller="S-0088", clause="terms 4.2", at=AT, withhold=True)
    return {**made, **changed}


def test_a_statement_passes_the_databases_rules_and_holds_nobody() -> None:
    record = database_record(statement())
    assert not {"redress", "effective_at", "reasons_for", "termination_not_before"} & set(record)
    assert not [word for word in FOREIGN if word in json.dumps(record)]
    letter = seller_letter(statement(), COMPANY)
    assert "2026-05-02" in letter and "held back" in letter
    assert not [word for word in FOREIGN if word in letter]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"decision_facts": ""}, "decision_facts"),
        ({"decision_account": None, "decision_monetary": None}, "names a decision"),
        ({"puid": "a b"}, "puid"),
        ({"category": "STATEMENT_CATEGORY_NONE"}, "category"),
        ({"decision_facts": "x" * 5001}, "5000"),
        ({"content_type": "CONTENT_TYPE_OTHER"}, "a list"),
        ({"content_type_other": ""}, "content_type_other"),
        ({"incompatible_content_ground": ""}, "incompatible_content_ground"),
        ({"content_date": "2026-02-30"}, "day"),
        ({"decision_facts": "write to bob@home.example"}, "address"),
        ({"decision_facts": "call +49 30 5550 100"}, "telephone"),
    ],
)
def test_a_statement_that_the_database_would_refuse_is_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(StatementInvalid, match=says):
        database_record(statement(**changed))


async def test_a_person_is_told_every_look_no_name_and_nothing_of_a_covert_inquiry(
    database: Database, tmp_path: Path
) -> None:
    clock = SimulatedClock(AT)
    subjects = await assign(database, "subject", ["customer:C-1", "customer:C-2"])
    subject, other = subjects["customer:C-1"], subjects["customer:C-2"]
    actors = await assign(database, "actor", ["E-0417", "E-0003"])
    (ticket,) = (await assign(database, "purpose", ["ticket:T-7"])).values()
    fields: list[int | str] = ["customer.email=reveal", "customer.phone=mask"]

    def look(n: int, about: int) -> dict[str, Any]:
        at = to_us(AT - timedelta(days=20 - n))
        actor = actors["E-0417" if n % 2 else "E-0003"]
        said = {"kind": "disclosure", "at": at, "actor": actor, "subject": about, "fields": fields, "door": "http"}
        return said | ({"purpose": ticket} if n else {})

    async with Appender(database, load_or_create(tmp_path / "keys", clock), clock) as appender:
        for n in range(14):
            await appender.append(look(n, subject))
        await appender.append(look(3, other))
    request = Request("ACCESS-1", "passport seen at the desk", "Shop")
    answer = await answer_access(database, subject, request, at=AT)
    assert len(answer.look_ups) == 14
    assert {each.purpose for each in answer.look_ups} == {"ticket", "no reason that was stated"}
    assert answer.look_ups[0].shown == ("customer.email",) and answer.look_ups[0].masked == ("customer.phone",)
    for word in ("E-0417", "E-0003", "T-7", "C-2"):
        assert word not in answer.as_json().decode() and word not in answer_text(answer)
    held = await answer_access(database, subject, request, at=AT, held=frozenset({4, 9}))
    assert len(held.look_ups) == 12 and "12 times" in answer_text(held)
    key, stranger = SigningKey.generate("example.com/trail"), SigningKey.generate("example.com/trail")
    note = sign_answer(answer, key)
    assert check_answer(answer.as_json(), note, key.verifier)["reference"] == "ACCESS-1"
    with pytest.raises(ValueError, match="another answer"):
        check_answer(held.as_json(), note, key.verifier)
    with pytest.raises(NoteInvalid):
        check_answer(answer.as_json(), note, stranger.verifier)
    with pytest.raises(ValueError, match="who asks"):
        await answer_access(database, subject, Request("ACCESS-1", " ", "Shop"), at=AT)
