"""Hostile input at every route: nothing is revealed, nothing breaks, nothing is told that was not asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from whosaw.app.server import Server, bind, build_app
from whosaw.doors.http import HttpDoor, Pace
from whosaw.doors.http.openapi import OPERATIONS

if TYPE_CHECKING:
    from tests.store.conftest import House
    from tests.store.http.conftest import Office

GOOD = {"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1"}
LOOKUP = {"lookup": "customer.email", "value": "ada1@mail.example", "purpose": "ticket:T-1"}
POSTS = sorted({each.path.format(number=1, actor="E-9") for each in OPERATIONS if each.method == "post"})
VALUES = ("ada1@mail", "ada2@mail", "Ada Number", "Street ")


@pytest.fixture
def catalog_text(catalog_text: str) -> str:
    """Everything enforced: observe mode opens what it only watches."""
    assert 'mode = "observe"' in catalog_text
    return catalog_text.replace('mode = "observe"', "")


async def test_no_reason_that_does_not_hold_opens_anything(office: Office) -> None:
    reasons = {
        "ticket:T-2": "purpose.other_subject",
        "ticket:T-self": "purpose.self_made",
        "ticket:T-old": "purpose.closed",
        "ticket:none": "purpose.not_found",
        "review_care:M-1": "purpose.not_assigned",
        # a seller has the same key as this customer: work about the one is no reason to see the other
        "seller_ticket:ST-1": "purpose.other_subject",
    }
    for purpose, reason in reasons.items():
        told = (await office.post("/v1/disclosures", GOOD | {"purpose": purpose})).json()
        assert told["reason"] == reason, purpose
        assert not any(value in json.dumps(told) for value in VALUES)
    seller = {"subject": "seller:C-1", "fields": ["seller.name"], "purpose": "seller_ticket:ST-1"}
    assert (await office.post("/v1/disclosures", seller)).json()["reason"] == "purpose.verified"
    of_another = await office.post("/v1/disclosures", GOOD, "E-5")
    assert of_another.json()["reason"] == "purpose.not_assigned"


async def test_every_route_refuses_what_is_no_json_of_its_form(office: Office) -> None:
    raw = (
        b"",
        b"{",
        b"null",
        b'"a"',
        b"[1]",
        b'{"\x00": 1}',
        b'{"a": "\xff"}',
        b"[" * 3_000,
        b'{"a":' * 3_000,
        b"\xfe\xff{",
    )
    headers = office.as_actor("S-1") | {"Content-Type": "application/json"}
    for path in POSTS:
        for body in (*raw, b'{"reason": "a", "reason": "b"}', b'{"' + b"k" * 500 + b'": NaN}'):
            response = await office.http.post(path, content=body, headers=headers)
            assert response.status_code in (400, 413, 422), (path, body[:20], response.text)
            assert response.headers["content-type"] == "application/problem+json"
    assert await office.entries() == []


async def dropped(writer: asyncio.StreamWriter) -> None:
    """End a connection at once: what is not sent yet would keep the socket open beyond the loop."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def test_every_route_refuses_what_is_too_large_before_reading_it(office: Office) -> None:
    host, _, port = office.address.removeprefix("http://").partition(":")
    for path in POSTS:
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {office.tokens['S-1']}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 10000000\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(65_536), 20)
        assert b" 413 " in answer.split(b"\r\n")[0], (path, answer[:200])
        await dropped(writer)


async def test_every_strict_route_refuses_an_unknown_member(office: Office) -> None:
    for path in (path for path in POSTS if path.startswith("/v1/")):
        response = await office.post(path, {"actor_": "E-1", "reason": "x"}, "S-1")
        assert (response.status_code, response.json()["title"]) == (422, "ask.invalid"), path


SQL = (
    "' or '1'='1",
    "'; drop table trail_entry; --",
    'x"; delete from gate_token; --',
    "%(keys)s",
    ":values",
    "\\' --",
)


async def test_sql_in_any_text_of_any_route_is_just_a_text(office: Office) -> None:
    for text in SQL:
        bodies: dict[str, dict[str, Any]] = {
            "/v1/disclosures/bulk": {"subjects": [f"customer:{text}"], "fields": ["customer.email"], "purpose": text},
            "/v1/lookups": LOOKUP | {"value": text, "reason": text},
            "/v1/actions": {"action": "review.delete", "objects": [text, text + "2"], "purpose": f"review_care:{text}"},
            "/v1/grants": {
                "kind": "extended_contact",
                "reason": text,
                "subject": f"customer:{text}",
                "purpose": f"ticket:{text}",
            },
            "/v1/break-glass": {"reason": text, "subject": f"customer:{text}", "purpose": f"ticket:{text}"},
            "/v1/suspensions": {"actor": text, "reason": text},
            "/v1/conduct/acknowledgements": {"version": text},
            "/access/v1/evaluation": {
                "subject": {"type": "user", "id": text},
                "action": {"name": "reveal", "properties": {"fields": ["customer.email"]}},
                "resource": {"type": "customer", "id": text},
                "context": {"purpose": f"ticket:{text}", "reason": text},
            },
        }
        for path, body in bodies.items():
            for actor in ("E-1", "S-1", "PEP-1"):
                response = await office.post(path, body, actor)
                assert response.status_code < 500, (path, text, response.text)
        assert (
            await office.post(f"/v1/suspensions/{text.replace('/', '')}/lift", {"reason": "x"}, "S-1")
        ).status_code < 500
    assert (await office.post("/v1/disclosures", GOOD)).json()["fields"]["customer.email"][
        "value"
    ] == "ada1@mail.example"


async def test_a_lookup_names_who_is_the_askers_to_see_and_otherwise_nobody(office: Office) -> None:
    hit = (await office.post("/v1/lookups", LOOKUP)).json()
    assert (hit["subject"], hit["reason"]) == ("customer:C-1", "purpose.verified")
    miss = (await office.post("/v1/lookups", LOOKUP | {"value": "nobody@mail.example"})).json()
    withheld = (await office.post("/v1/lookups", LOOKUP | {"value": "ada2@mail.example"})).json()
    for told in (miss, withheld):
        assert (told["subject"], told["reason"]) == (None, "lookup.nobody")
        assert told.keys() == hit.keys()
    assert (await office.post("/v1/lookups", LOOKUP, "E-2")).status_code == 403
    assert (await office.post("/v1/lookups", LOOKUP | {"purpose": None})).status_code == 403
    assert [entry["found"] for entry in await office.entries("lookup")][:3] == ["hit", "miss", "withheld"]


async def test_misses_of_lookups_end_hits_and_misses_alike(office: Office) -> None:
    for number in range(60):
        told = (await office.post("/v1/lookups", LOOKUP | {"value": f"none{number}@mail.example"})).json()
        assert told["reason"] == "lookup.nobody"
    for value in ("ada1@mail.example", "one.more@mail.example"):
        over = (await office.post("/v1/lookups", LOOKUP | {"value": value})).json()
        assert (over["title"], over["reason"]) == ("denied", "budget.exhausted")


async def test_a_repeat_is_a_new_disclosure_that_names_the_first(office: Office, database_url: str) -> None:
    key = {"Idempotency-Key": "a-key-made-at-random-1"}
    first = (await office.post("/v1/disclosures", GOOD, **key)).json()
    again = (await office.post("/v1/disclosures", GOOD, **key)).json()
    assert "repeats" not in first
    assert again["repeats"] == first["receipt"]
    assert again["receipt"]["index"] > first["receipt"]["index"]
    entries = await office.entries("disclosure")
    assert [entry.get("repeats") for entry in entries] == [None, first["receipt"]["index"]]
    other = await office.post("/v1/disclosures", GOOD | {"fields": ["customer.name"]}, **key)
    assert (other.status_code, other.json()["title"]) == (422, "http.key_reused")
    elsewhere = await office.post("/v1/lookups", LOOKUP, **key)
    assert elsewhere.json()["title"] == "http.key_reused"
    of_another = await office.post("/v1/disclosures", GOOD, "E-5", **key)
    assert "repeats" not in of_another.json()
    for bad in ("short", "a" * 129, "with space in it now", "ünicode-key-of-length"):
        refused = await office.http.post(
            "/v1/disclosures", json=GOOD, headers=office.as_actor("E-1") | {"Idempotency-Key": bad.encode("latin-1")}
        )
        assert (refused.status_code, refused.json()["title"]) == (400, "http.key_unfit"), bad


async def test_nothing_that_was_sought_or_shown_lies_in_the_database(office: Office, database_url: str) -> None:
    await office.post("/v1/lookups", LOOKUP, **{"Idempotency-Key": "a-key-made-at-random-2"})
    await office.post("/v1/disclosures", GOOD, **{"Idempotency-Key": "a-key-made-at-random-3"})
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "select quote_ident(table_name) from information_schema.tables where table_schema = 'public'"
        ).fetchall()
        whole = "".join(str(connection.execute(f"select t::text from {name} t").fetchall()) for (name,) in tables)
        kept = connection.execute("select count(*) from door_request").fetchone()
    assert kept == (2,)
    assert "a-key-made-at-random" not in whole
    assert not any(value in whole for value in VALUES)
    assert b"ada1@mail.example".hex() not in whole


async def test_a_request_is_forgotten_after_a_day(office: Office) -> None:
    key = {"Idempotency-Key": "a-key-made-at-random-4"}
    await office.post("/v1/disclosures", GOOD, **key)
    office.company.clock.advance_to(office.company.clock.now().replace(day=3, hour=13))
    assert "repeats" not in (await office.post("/v1/disclosures", GOOD | {"reason": "anew"}, **key)).json()


async def test_one_key_at_once_makes_disclosures_and_no_fault(office: Office) -> None:
    key = {"Idempotency-Key": "a-key-made-at-random-5"}
    answers = await asyncio.gather(*(office.post("/v1/disclosures", GOOD, **key) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await office.entries("disclosure")) == 10
    assert (await office.post("/v1/disclosures", GOOD, **key)).json()["repeats"]["index"] in range(10)


async def test_a_request_id_is_repeated_and_a_strange_one_is_not(office: Office) -> None:
    answer = await office.post("/v1/disclosures", GOOD, **{"X-Request-Id": "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"})
    assert answer.headers["x-request-id"] == "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"
    for strange in ("a" * 129, "with space"):
        given = (await office.post("/v1/disclosures", GOOD, **{"X-Request-Id": strange})).headers["x-request-id"]
        assert given != strange
        assert len(given) == 32


async def test_no_log_holds_a_query_string_a_token_or_a_value(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):  # the client of this test logs what it does
        logging.getLogger(name).setLevel(logging.ERROR)
    await office.get("/v1/me?email=ada1@mail.example")
    await office.post("/v1/disclosures?q=ada1@mail.example", GOOD)
    await office.post("/v1/lookups", LOOKUP)
    await office.post("/v1/disclosures", GOOD)
    assert not any(text in caplog.text for text in (*VALUES, office.tokens["E-1"], "email="))


@pytest.mark.parametrize("body", [GOOD, LOOKUP], ids=["disclosures", "lookups"])
async def test_where_a_part_fails_in_the_middle_nothing_is_revealed_at_any_route(
    office: Office, database_url: str, body: dict[str, object]
) -> None:
    bulk = {"subjects": ["customer:C-1", "customer:C-2"], "fields": ["customer.email"], "purpose": "ticket:T-1"}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop function log_append(text[], bytea[], bytea[])")
    for path, sent in (("/v1/disclosures", GOOD), ("/v1/disclosures/bulk", bulk), ("/v1/lookups", LOOKUP)):
        response = await office.post(path, sent)
        assert response.status_code == 503, path
        assert not any(value in response.text for value in (*VALUES, "log_append", "customer:C-1"))
    searched = {
        "subject": {"type": "user"},
        "action": {"name": "reveal"},
        "resource": {"type": "customer", "id": "C-1"},
    }
    assert (await office.post("/access/v1/search/subject", searched, "A-1")).status_code == 503
    assert (await office.post("/v1/break-glass", {"reason": "fire"}, "E-5")).status_code == 503
    assert (await office.post("/v1/suspensions", {"actor": "E-1", "reason": "x"}, "S-1")).status_code == 503
    assert (await office.get("/v1/me")).json()["suspended"] is False


class TestPace:
    """With little patience."""

    @pytest.fixture
    def pace(self) -> Pace:
        return Pace(rate_per_s=0.5, burst=5, failures_most=3, failures_s=30)

    async def test_who_asks_too_often_is_told_when_to_come_back(self, office: Office) -> None:
        answers = [await office.get("/v1/me") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        told = answers[-1]
        assert told.json()["title"] == "http.too_many"
        assert 1 <= int(told.headers["retry-after"]) <= 2
        assert (await office.get("/v1/me", "E-5")).status_code == 200

    async def test_an_address_that_tries_tokens_is_locked_out_but_not_its_colleagues(self, office: Office) -> None:
        assert (await office.get("/v1/me", "E-1")).status_code == 200
        forged = {"Authorization": "Bearer ws_" + "0" * 16 + "_" + "0" * 64}
        statuses = [(await office.http.get("/v1/me", headers=forged)).status_code for _ in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        assert (await office.get("/v1/me", "E-1")).status_code == 200  # was good before
        new = await office.get("/v1/me", "E-5")  # good, but not to be told from a guess
        assert new.status_code == 429
        assert 1 <= int(new.headers["retry-after"]) <= 30


@pytest.mark.parametrize(("trusted", "expected"), [((), [401, 401, 401, 429]), (("127.0.0.0/8",), [401] * 4)])
async def test_an_address_behind_a_proxy_counts_only_where_the_proxy_is_trusted(
    house: House, trusted: tuple[str, ...], expected: list[int]
) -> None:
    from dataclasses import replace

    from whosaw.doors.http import Throttle

    patient = replace(house, throttle=Throttle(Pace(failures_most=3)))
    door = HttpDoor(patient)
    app = build_app(door.router, direct=door.direct)
    server = Server(app, bind("127.0.0.1", 0), trusted_proxies=trusted)
    serving = asyncio.create_task(server.run())
    await server.started()
    statuses = []
    async with httpx.AsyncClient(base_url=server.address, trust_env=False) as http:
        for number in range(4):
            headers = {"Authorization": "Bearer x", "X-Forwarded-For": f"203.0.113.{number}"}
            statuses.append((await http.get("/v1/me", headers=headers)).status_code)
    server.stop()
    await serving
    assert statuses == expected


async def test_the_head_of_a_request_has_a_limit(office: Office) -> None:
    host, _, port = office.address.removeprefix("http://").partition(":")
    for hostile in (b"GET /v1/me HTTP/1.1\r\nX-A: ", b"GET /", b"GET /v1/me HTTP/1.1\r\n"):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(hostile)
        piece = b"X-B: b\r\n" * 1_000 if hostile.endswith(b"\r\n") else b"a" * 8_000
        try:
            for _ in range(20):
                writer.write(piece)
                await writer.drain()
            answer = await asyncio.wait_for(reader.read(1_000), 10)
        except ConnectionError:
            answer = b" 400 "
        assert b" 400 " in answer[:20] or answer == b""
        await dropped(writer)
    assert (await office.get("/v1/me")).status_code == 200
