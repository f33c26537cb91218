"""What the complaints themselves show: one broker behind four sellers (S2), a seller framed by a look-alike (S4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha1
from pathlib import Path
from random import Random

import pytest
from tests.scenarios.conftest import Results
from tests.scenarios.house import ANN, BOB, SELLER, START, House, _zone, address, customer_key, forwarded
from tests.scenarios.test_story_answer import company
from tests.store.test_measures import Door

from whosaw.answer import StepRefused, read_complaint
from whosaw.answer.alternatives import Alternatives, DumpList, from_dump
from whosaw.answer.clusters import cluster, read_seen
from whosaw.answer.entities import Entities, Word
from whosaw.answer.lookalike import looks_like
from whosaw.answer.sightings import LOOKALIKE
from whosaw.store import Database
from whosaw.store.numbers import assign

SEEDS = 20
_OFFERS = ("a full refund", "a gift card of thirty dollars", "a new item for nothing", "double your money back")
_FOREIGN = (
    "parcel",
    "museum",
    "garden",
    "winter",
    "engine",
    "copper",
    "valley",
    "ladder",
    "candle",
    "harbour",
    "pepper",
)


def mail(number: int, sender: str, text: str) -> bytes:
    return (
        f"From: c{number}@home.example\r\nTo: complaints@shop.example\r\n\r\n---------- Forwarded message ---------\r\n"
        f"From: service@{sender}\r\n\r\n{text}\r\n"
    ).encode()


def brokered(random: Random) -> tuple[list[tuple[int, str, bytes]], list[tuple[int, str, bytes]]]:
    """Return 44 messages of four sellers that one broker wrote, and 8 that other people wrote."""
    sellers = [f"shop-{letter}.example" for letter in "abcd"]
    ours = []
    for number in range(44):
        sender = sellers[number % 4]
        text = (
            f"Dear customer, we read your review of our product and we are very sorry about your experience. "
            f"If you change it to five stars we offer you {random.choice(_OFFERS)}. "
            f"Answer at https://r{number}.paytrack.example/{random.getrandbits(40):x} before {number % 28 + 1} May."
        )
        ours.append((number, sender, mail(number, sender, text)))
    strange = []
    for number in range(44, 52):
        words = [random.choice(_FOREIGN) for _ in range(40)]
        strange.append((number, f"news{number}.example", mail(number, f"news{number}.example", " ".join(words))))
    return ours, strange


def test_four_sellers_of_one_broker_are_one_cluster_and_strangers_are_not_in_it(results: Results) -> None:
    whole, twice, clean, control = [], [], [], []
    for seed in range(SEEDS):
        ours, strange = brokered(Random(seed))
        seen = [read_seen(number, raw, sender) for number, sender, raw in [*ours, *strange]]
        found = cluster(seen)
        whole.append(bool(found) and set(found[0].sightings) >= {number for number, *_ in ours})
        twice.append(bool(found) and {"tracking", "wording"} <= set(found[0].by))
        clean.append(bool(found) and not {number for number, *_ in strange} & set(found[0].sightings))
        control.append(bool(cluster([read_seen(number, raw, sender) for number, sender, raw in strange])))
    results.least("S2", "the four sellers are one cluster", whole, 1)
    results.least("S2", "by two kinds of likeness besides the sender", twice, 1)
    results.least("S2", "none of the foreign messages in it", clean, 1)
    results.most("S2", "control: foreign messages cluster", control, 0.04)


async def test_a_link_of_seller_and_broker_needs_two_independent_sources(
    database: Database, tmp_path: Path, door: Door, results: Results
) -> None:
    async with company(database, tmp_path, door) as house:
        case = (await house.desk.open(SELLER, by=ANN, reason="a broker is named")).id
        entities = Entities(database, house.clock, house.notes, house.desk)
        mail, payout = Word("wording", "sighting 1", 0.9), Word("payout", "account 7", 0.8)
        seller = (await entities.add(case, "seller", SELLER, word=mail, by=ANN)).id
        broker = (await entities.add(case, "handle", "@lotus_help", word=mail, by=ANN)).id
        one = await entities.link(case, seller, broker, word=mail, by=ANN)
        same = await entities.link(case, seller, broker, word=Word("wording", "sighting 2", 0.9), by=ANN)
        two = await entities.link(case, seller, broker, word=payout, by=ANN)
        stands = [one.stands, same.stands, two.stands]
        results.least("S2", "a link stands on two kinds of sources and not on one", [stands == [False, False, True]], 1)


async def test_a_seller_who_is_framed_by_a_look_alike_is_not_stopped(
    database: Database, tmp_path: Path, door: Door, results: Results
) -> None:
    async with company(database, tmp_path, door) as house:
        await _take(house, range(5), "l0tus.example")
        case = (await house.desk.open(SELLER, by=ANN, reason="nineteen complaints")).id
        await house.desk.name(case, ANN, "privacy", by=ANN)
        await house.desk.name(case, BOB, "security", by=ANN)
        verdict = {
            "verdict": "finding",
            "outside_probability": 0.01,
            "candidates": [{"actors": ["E-0631"], "probability": 0.98, "rung": "finding"}],
            "scope": {"certain": [customer_key(0)], "probable": [], "possible": [], "bound": 1, "bounded": True},
        }
        await house.cases.add_verdict(case, verdict, complaints=5)
        refused = []
        for kind in ("suspend_seller", "withhold_funds", "terminate_seller"):
            with pytest.raises(StepRefused) as refusal:
                await house.steps.plan(case, kind, SELLER, by=ANN, reason="x", params={"statement": {}})  # type: ignore[arg-type]
            refused.append(refusal.value.reason == "unsigned")
        results.least("S4", "signed look-alike mails support no measure against the seller", [all(refused)], 1)

        # fifteen carry another explanation: twelve bought there, three stand in a public dump
        await _take(house, range(5, 24), "lotus.example")
        seen = [each for each in await house.book.list(case=case) if LOOKALIKE not in each.marks]
        assert len(seen) == 19
        addresses = {each.id: address(customer_key(5 + at)) for at, each in enumerate(seen)}
        bought = {each.subject for each in seen[:12]}
        dump = tmp_path / "dump"
        dump.mkdir()
        for each in seen[12:15]:
            digest = sha1(addresses[each.id].encode(), usedforsecurity=False).hexdigest().upper()
            (dump / f"{digest[:5]}.txt").write_text(f"{digest[5:]}:3\n")

        async def orders(subjects: Sequence[int], beneficiary: str) -> dict[int, datetime | None]:
            assert beneficiary == SELLER
            return dict.fromkeys(set(subjects) & bought)

        known = Alternatives(database, house.clock)
        found = [*from_dump(addresses, DumpList(dump, "public 2019")), *await known.from_orders(seen, orders)]
        await known.note(found, by=ANN)
        named = {each.sighting: each.kind for each in await known.list(case)}
        wanted = {each.id: "own_order" if at < 12 else "dump" for at, each in enumerate(seen[:15])}
        results.least("S4", "each of the 15 carries its alternative and the 4 none", [named == wanted], 1)


async def _take(house: House, numbers: range, sender: str) -> None:
    """Take signed mails in, one from each customer, as intake does: a look-alike of the real domain is marked."""
    keys = [customer_key(number) for number in numbers]
    subjects = await assign(house.db, "subject", keys)
    for number, key in zip(numbers, keys, strict=True):
        at = START + timedelta(days=50, minutes=number)
        raw = forwarded(address(key), at, number, signed=True, sender=sender)
        complaint = read_complaint(raw, dns=_zone, received_at=at + timedelta(hours=1))
        assert complaint.verified
        house.mails.keep(raw)
        marks = [LOOKALIKE] if looks_like(complaint.sender_domain, {"lotus.example"}) else []
        await house.book.add(complaint, subject=subjects[key], beneficiary=SELLER, marks=marks)
