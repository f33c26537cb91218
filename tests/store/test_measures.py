"""The made shop takes measures over HTTP: signed, once each, and everything comes back."""

from __future__ import annotations

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn
from psycopg.conninfo import make_conninfo

from whosaw.answer.connector import MarketplaceUnreachable, WebhookMarketplace
from whosaw.market import ShopMarketplace, ShopPasswords, Size, build_world, create_shop
from whosaw.market.receiver import PATH, MeasureReceiver
from whosaw.market.schema import CONNECTOR
from whosaw.store.webhook import sign
from whosaw.terms import SystemClock

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBzaG9w"
PASSWORDS = ShopPasswords(reader="reads-only", connector="acts-little")


@contextmanager
def made_shop(postgres_url: str) -> Iterator[str]:
    """Lend the owner's address of a small shop of one's own."""
    name = f"shop_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    url = make_conninfo(postgres_url, dbname=name)
    create_shop(url, build_world(1, Size(customers=2_000, staff=40, days=14))[0], PASSWORDS)
    yield url
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def shop_url(postgres_url: str) -> Iterator[str]:
    with made_shop(postgres_url) as url:
        yield url


@dataclass
class Door:
    """The shop's door for measures, and its database as the shop's own connector sees it."""

    url: str
    connector_url: str

    def market(self, secret: str = SECRET) -> WebhookMarketplace:
        return WebhookMarketplace(self.url, secret, SystemClock(), pause_s=0.01)


@asynccontextmanager
async def opened(shop_url: str) -> AsyncIterator[Door]:
    """Serve the shop's receiver on loopback."""
    connector_url = make_conninfo(shop_url, user=CONNECTOR, password=PASSWORDS.connector)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(MeasureReceiver(connector_url, SECRET).app, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    yield Door(f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}", connector_url)
    server.should_exit = True
    await task


@pytest.fixture
async def door(shop_url: str) -> AsyncIterator[Door]:
    async with opened(shop_url) as made:
        yield made


def ask(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()


async def test_every_measure_and_its_undoing_over_the_wire(door: Door, shop_url: str) -> None:
    market = door.market()
    balance = ask(shop_url, "select balance_cents from sellers where id = 'S-0007'")[0][0]
    assert await market.suspend_seller("seller:S-0007", {"facts": "x"}, "CASE-1/1")
    assert await market.withhold_funds("seller:S-0007", "CASE-1/2") == balance > 0
    assert (await market.measure("terminate_seller", "seller:S-0007", "CASE-1/3", {"exception": "legal_duty"}))[
        "changed"
    ]
    assert (await market.measure("warn_seller", "seller:S-0007", "CASE-1/4", {}))["changed"]
    standing = "select measure from seller_measures where seller_id = 'S-0007' and lifted_at is null order by measure"
    assert [row[0] for row in ask(shop_url, standing)] == ["funds_withheld", "suspended", "terminated", "warned"]
    assert (await market.measure("unwarn_seller", "seller:S-0007", "CASE-1/4", {}))["changed"]
    assert (await market.measure("reinstate_seller", "seller:S-0007", "CASE-1/3", {}))["changed"]
    assert await market.release_funds("seller:S-0007", "CASE-1/2") == balance
    assert await market.unsuspend_seller("seller:S-0007", "CASE-1/1")
    assert ask(shop_url, standing) == []
    assert ask(shop_url, "select balance_cents from sellers where id = 'S-0007'") == [(balance,)]


async def test_a_message_that_comes_again_is_answered_again_and_done_once(door: Door, shop_url: str) -> None:
    market = door.market()
    first = await market.withhold_funds("seller:S-0011", "CASE-1/7")
    again = await asyncio.gather(*(market.withhold_funds("seller:S-0011", "CASE-1/7") for _ in range(4)))
    assert first > 0 and set(again) == {first}
    held = ask(shop_url, "select amount_cents from seller_measures where seller_id = 'S-0011'")
    assert held == [(first,)]
    # many at once that nobody has seen before
    found = await asyncio.gather(*(market.withhold_funds("seller:S-0012", "CASE-1/8") for _ in range(8)))
    assert len(set(found)) == 1 and found[0] > 0
    assert len(ask(shop_url, "select 1 from seller_measures where seller_id = 'S-0012'")) == 1


async def test_bought_deletions_come_back_with_date_and_votes_and_their_writers_are_told(
    door: Door, shop_url: str
) -> None:
    market, shop = door.market(), ShopMarketplace(door.connector_url)
    reviews = [f"review:R-00002{n}" for n in range(5)]
    keys = [each.partition(":")[2] for each in reviews]
    content = "select id, at, helpful, stars, body, deleted_at from reviews where id = any(%s) order by id"
    before = ask(shop_url, content, keys)
    assert len({row[2] for row in before}) > 1  # votes differ, so that nothing could guess them
    for review in reviews:
        assert await shop.delete_review(review, by="E-0008", at=SystemClock().now())
    assert all(row[-1] is not None for row in ask(shop_url, content, keys))
    note = "your review is back; it had been taken away without reason"
    assert await market.restore_reviews(reviews, "CASE-2/1", note=note) == sorted(reviews)
    assert ask(shop_url, content, keys) == before
    assert await shop.notes("CASE-2/1") == dict.fromkeys(keys, note)
    assert await market.delete_reviews(reviews[:2], "CASE-2/2") == reviews[:2]
    assert await shop.notes("CASE-2/2") == {}


async def test_what_is_forged_or_unknown_changes_nothing(door: Door, shop_url: str) -> None:
    with pytest.raises(MarketplaceUnreachable, match="401"):
        await door.market("another secret").suspend_seller("seller:S-0020", {}, "CASE-1/1")
    with pytest.raises(MarketplaceUnreachable, match="422"):
        await door.market().suspend_seller("seller:S-9999", {}, "CASE-1/1")
    with pytest.raises(MarketplaceUnreachable, match="422"):
        await door.market().measure("burn_seller", "seller:S-0020", "CASE-1/1", {})
    now_s = int(SystemClock().now().timestamp())
    for body in (
        b"no json",
        b"[]",
        b"{}",
        json.dumps({"kind": "restore_reviews", "target": "x", "step": "y"}).encode(),
    ):
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(door.url, content=body, headers=sign(SECRET, "msg_1", now_s, body))
        assert answer.status_code == 422
        assert answer.json() == {"error": "market.measure_unreadable"}
    good = json.dumps({"kind": "warn_seller", "target": "S-0020", "step": "CASE-1/1"}).encode()
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(door.url, content=good, headers=sign(SECRET, "msg_2", now_s - 3600, good))
    assert answer.status_code == 401
    assert ask(shop_url, "select 1 from seller_measures where seller_id = 'S-0020'") == []
