"""A world: the same for a seed, honest in its numbers, and without the truth in it."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from whosaw.market import BadSize, Size, Truth, World, build_world
from whosaw.market.timeline import DAY_US, SLOT_US
from whosaw.market.values import QUALITY, REVIEW_CARE, ROLES, SYSTEM
from whosaw.market.work import FIELD_SETS

SMALL = Size(customers=6_000, staff=150, days=20)
LEAST = Size(customers=2_000, staff=40, days=14)


@pytest.fixture(scope="module")
def built() -> tuple[World, Truth]:
    return build_world(7, SMALL)


@pytest.fixture(scope="module")
def world(built: tuple[World, Truth]) -> World:
    return built[0]


@pytest.fixture(scope="module")
def truth(built: tuple[World, Truth]) -> Truth:
    return built[1]


def digest(value: object) -> str:
    """Return a hash of everything in a world or a truth."""
    state = hashlib.sha256()

    def feed(part: object) -> None:
        if isinstance(part, np.ndarray):
            state.update(part.tobytes())
        elif is_dataclass(part):
            for one in fields(part):
                feed(getattr(part, one.name))
        elif isinstance(part, (list, tuple)):
            for entry in part:
                feed(entry)
        else:
            state.update(repr(part).encode())

    feed(value)
    return state.hexdigest()


def fingerprint(world: World, truth: Truth) -> str:
    """Return a hash of everything in a world, its plan read through, and of its truth."""
    parts = [list(world.plan) if one.name == "plan" else getattr(world, one.name) for one in fields(world)]
    return digest([parts, truth])


def test_the_same_seed_gives_the_same_world_in_another_process_with_another_hash_seed() -> None:
    program = (
        "import hashlib; from whosaw.market import Size, build_world; "
        "w, t = build_world(5, Size(customers=2000, staff=40, days=14)); "
        "parts = repr((list(w.plan), w.actions, w.complaints, t, w.customers.email)); "
        "print(hashlib.sha256(parts.encode()).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_another_seed_gives_another_world() -> None:
    assert fingerprint(*build_world(1, LEAST)) == fingerprint(*build_world(1, LEAST))
    assert fingerprint(*build_world(1, LEAST)) != fingerprint(*build_world(2, LEAST))


def test_the_plan_is_in_order_of_time_within_the_days_and_of_the_promised_length(world: World) -> None:
    asks = list(world.plan)
    assert 5_500 <= len(asks) == len(world.plan) <= 7_000
    assert all(earlier.at <= later.at for earlier, later in pairwise(asks))
    assert world.start <= asks[0].at and asks[-1].at < world.end
    assert all(one.day == (one.at - world.start).days for one in asks)
    assert {one.fields for one in asks} <= set(FIELD_SETS)


def test_references_in_the_plan_are_written_as_the_company_writes_them(world: World) -> None:
    for one in world.plan:
        assert re.fullmatch(r"E-\d{4}", one.actor)
        assert re.fullmatch(r"customer:C-\d{6}", one.subject)
        assert one.purpose is None or re.fullmatch(r"ticket:T-\d{6}|review_care:M-\d{6}", one.purpose)


def test_the_plan_reads_like_a_list(world: World) -> None:
    assert world.plan[3] == list(world.plan)[3]
    assert world.plan[-1] == list(world.plan)[-1]
    assert world.plan[10:13] == list(world.plan)[10:13]
    with pytest.raises(IndexError):
        world.plan[len(world.plan)]


def test_nobody_asks_outside_his_shift_or_on_his_days_off(world: World) -> None:
    asks = world.plan.asks
    since = asks.at_us - int(world.start.timestamp()) * 1_000_000
    assert np.array_equal(since // SLOT_US % 4, world.staff.slot[asks.actor])
    assert not world.staff.off[asks.actor, since // DAY_US % 7].any()


def test_every_role_has_somebody_in_every_region_even_in_the_smallest_world() -> None:
    staff = build_world(3, LEAST)[0].staff
    assert {(role, region) for role, region in zip(staff.role.tolist(), staff.region.tolist(), strict=True)} == {
        (role, region) for role in range(len(ROLES)) for region in range(3)
    }


def test_mail_addresses_are_unique_and_under_the_reserved_domain(world: World) -> None:
    emails = world.customers.email
    assert len(set(emails)) == len(emails)
    assert all(re.fullmatch(r"[a-z0-9._-]+@[a-z]+\.example", email) for email in emails)
    assert len(set(world.sellers.mail_domain)) == len(world.sellers.mail_domain)
    assert all(re.fullmatch(r"\+[1-9]\d{7,14}", phone) for phone in world.customers.phone)


def test_popularity_is_skewed(world: World) -> None:
    orders = np.sort(np.bincount(world.orders.seller))[::-1]
    assert orders[: len(orders) // 10].sum() > 0.35 * orders.sum()


def test_tickets_are_in_order_and_close_after_they_open(world: World) -> None:
    tickets = world.tickets
    assert (np.diff(tickets.opened_us) >= 0).all()
    closed = tickets.closed_us >= 0
    assert (tickets.closed_us[closed] > tickets.opened_us[closed]).all()
    handed = tickets.handed_us >= 0
    assert (tickets.handed_us[handed] > tickets.opened_us[handed]).all()
    assert np.array_equal(tickets.first[~handed], tickets.assignee[~handed])
    assert 0.02 < handed.mean() < 0.15


def test_some_tickets_are_self_made_some_phoned_in_and_some_repeated(world: World) -> None:
    tickets = world.tickets
    by_staff = tickets.opened_by >= 0
    own = by_staff & (tickets.opened_by == tickets.assignee)
    assert own.any() and (by_staff & ~own).any()
    assert (tickets.topic[tickets.opened_by == SYSTEM] == QUALITY).all()
    assert 0.03 < (tickets.opened_by == SYSTEM).mean() < 0.2
    _, times = np.unique(np.stack([tickets.customer, tickets.seller]), axis=1, return_counts=True)
    assert (times >= 2).sum() > 50


def test_honest_moderators_delete_reviews_too(world: World, truth: Truth) -> None:
    honest = [one for one in world.actions if one.actor not in truth.actors]
    assert len(honest) >= 20
    assert all(one.action == "review.delete" and one.purpose for one in honest)
    roles = {int(world.staff.role[int(one.actor[2:]) - 1]) for one in world.actions}
    assert roles == {REVIEW_CARE}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [LEAST, SMALL], ids=["least", "small"])
def test_the_story_holds_at_any_size(size: Size, seed: int) -> None:
    world, truth = build_world(seed, size)
    assert len(truth.actors) == 1 and len(truth.deleted_reviews) == 3
    assert 40 <= len(truth.subjects) <= 64
    assert 12 <= len(world.complaints) <= 16
    assert 0.08 <= sum(source == "own_orders" for source in truth.complaints.values()) / len(truth.complaints) <= 0.2
    assert all(world.start < one.contacted_at < one.at < world.end for one in world.complaints)
    assert len({one.customer for one in world.complaints}) == len(world.complaints)
    assert {one.seller for one in world.complaints} == {truth.beneficiary}


def test_the_bribed_moderator_looked_up_what_was_sold_before_the_seller_wrote(world: World, truth: Truth) -> None:
    seen: dict[str, list[datetime]] = {}
    for ask in world.plan:
        if ask.actor in truth.actors and "customer.email" in ask.fields:
            seen.setdefault(ask.subject.partition(":")[2], []).append(ask.at)
    assert set(truth.subjects) <= set(seen)
    for complaint in world.complaints:
        if truth.complaints[complaint.customer] == "leak":
            assert min(seen[complaint.customer]) < complaint.contacted_at
        else:
            assert complaint.customer not in truth.subjects


def test_what_was_sold_are_critics_of_the_beneficiary(world: World, truth: Truth) -> None:
    seller = int(truth.beneficiary[2:]) - 1
    bad = (world.reviews.seller == seller) & (world.reviews.stars <= 2)
    critics = {f"C-{index + 1:06d}" for index in world.reviews.customer[bad].tolist()}
    assert set(truth.subjects) <= critics
    assert len({one.object for one in world.actions}) == len(world.actions)
    his = [one for one in world.actions if one.object.partition(":")[2] in truth.deleted_reviews]
    assert {one.actor for one in his} == set(truth.actors)
    assert {one.beneficiary for one in his} == {f"seller:{truth.beneficiary}"}


def test_his_share_of_the_sellers_customers_is_neither_nothing_nor_everything(world: World, truth: Truth) -> None:
    seller, actor = int(truth.beneficiary[2:]) - 1, int(truth.actors[0][2:]) - 1
    customers = np.unique(world.orders.customer[world.orders.seller == seller])
    asks = world.plan.asks
    pairs = np.unique(np.stack([asks.actor, asks.customer])[:, np.isin(asks.customer, customers)], axis=1)
    opened = np.bincount(pairs[0], minlength=150)
    assert 0.08 < opened[actor] / len(customers) < 0.35
    assert np.delete(opened, actor).max() < 0.4 * opened[actor]


def test_without_an_insider_people_orders_and_tickets_are_the_same_and_nothing_is_sold() -> None:
    bribed, _ = build_world(7, SMALL)
    world, truth = build_world(7, SMALL, insider=False)
    for table in ("customers", "sellers", "staff", "orders", "reviews", "items"):
        assert digest(getattr(world, table)) == digest(getattr(bribed, table))
    assert np.array_equal(world.tickets.opened_us, bribed.tickets.opened_us)
    assert np.array_equal(world.tickets.customer, bribed.tickets.customer)
    assert (truth.actors, truth.subjects, truth.deleted_reviews) == ((), (), ())
    assert set(truth.complaints.values()) == {"own_orders"}
    assert len(world.complaints) == len(bribed.complaints)
    orders = world.orders
    for one in world.complaints:
        own = (orders.customer == int(one.customer[2:]) - 1) & (orders.seller == int(one.seller[2:]) - 1)
        assert orders.at_us[own].min() < one.contacted_at.timestamp() * 1_000_000


def test_a_world_holds_no_truth(world: World) -> None:
    assert not any(isinstance(getattr(world, one.name), Truth) for one in fields(world))
    assert {one.name for one in fields(world.complaints[0])} == {"at", "contacted_at", "customer", "seller"}
    assert {one.name for one in fields(world.plan[0])} == {"at", "actor", "subject", "fields", "purpose", "day"}


def test_complaints_come_in_over_days(world: World) -> None:
    times = [one.at for one in world.complaints]
    assert times == sorted(times)
    assert times[-1] - times[0] > timedelta(days=4)


@pytest.mark.parametrize(
    ("size", "hint"),
    [
        ({"customers": 10}, "at least 2,000 customers"),
        ({"staff": 3}, "at least 40 staff"),
        ({"days": 5}, "14 to 180 days"),
        ({"days": 500}, "14 to 180 days"),
        ({"sellers": 4}, "at least 100 sellers"),
    ],
)
def test_a_size_that_cannot_hold_the_story_is_refused(size: dict[str, int], hint: str) -> None:
    with pytest.raises(BadSize) as caught:
        Size(**size)
    assert hint in caught.value.hint
    assert caught.value.code == "market.bad_size"
