"""The HTTP door over real sockets: what leaves, what does not, and what each refusal says."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from whosaw.app.server import Server, bind, build_app
from whosaw.client import Allowed, Answer, AsyncClient, Denied, DoorError, Masked, Refused
from whosaw.doors.http import House, HttpDoor
from whosaw.gate import add_token, add_tokens, revoke_tokens
from whosaw.prove import check_receipt, decode_receipt, entry_leaf
from whosaw.record import entries_from

if TYPE_CHECKING:
    from tests.store.conftest import Company

GOOD = {"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1"}
VALUES = ("ada1@", "Ada Number1", "Street 1")


@dataclass(frozen=True)
class Door:
    """A running door, a way to it, and a token for each of the company's staff."""

    company: Company
    http: httpx.AsyncClient
    tokens: dict[str, str]
    server: Server

    async def ask(self, body: object = GOOD, actor: str = "E-1", path: str = "/v1/disclosures") -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.as_actor(actor))

    def as_actor(self, actor: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[actor]}"}


@pytest.fixture
async def door(company: Company, house: House) -> AsyncIterator[Door]:
    actors = ["E-1", "E-2", "E-3", "E-4"]
    tokens = dict(zip(actors, await add_tokens(company.db, actors, company.clock.now()), strict=True))
    door = HttpDoor(house)
    app = build_app(door.router, direct=door.direct)
    server = Server(app, bind("127.0.0.1", 0))
    serving = asyncio.create_task(server.run())
    await server.started()
    async with httpx.AsyncClient(base_url=server.address, trust_env=False, timeout=20) as http:
        yield Door(company, http, tokens, server)
    server.stop()
    await serving


async def payloads(company: Company) -> list[dict[str, Any]]:
    return [dict(entry.payload) async for entry in entries_from(company.db)]


async def sealed(company: Company, index: int) -> tuple[bytes, str]:
    async with company.db.connection() as connection:
        rows = await connection.execute("select salt, payload from trail_entry where index = %s", [index])
        row = await rows.fetchone()
    assert row is not None
    return row[0], row[1]


def is_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that `response` is RFC 9457 problem details with no value in it, and return its members."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    told: dict[str, Any] = response.json()
    assert (told["status"], told["title"], told["type"]) == (status, code, f"urn:whosaw:{code}")
    assert told["detail"]
    assert not any(value in response.text for value in VALUES)
    return told


async def test_a_good_ask_is_answered_with_the_value_and_a_receipt_of_its_entry(door: Door) -> None:
    response = await door.ask({**GOOD, "fields": ["customer.email", "customer.name"]})
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    told = response.json()
    assert told["fields"] == {
        "customer.email": {"value": "ada1@mail.example"},
        "customer.name": {"value": "Ada Number1"},
    }
    assert (told["decision"], told["reason"], told["subject"]) == ("allow", "purpose.verified", "customer:C-1")
    assert "would" not in told
    (entry,) = await payloads(door.company)
    assert (entry["ask"], entry["door"], entry["kind"]) == (told["ask"], "http", "disclosure")
    receipt = decode_receipt(told["receipt"])
    salt, payload = await sealed(door.company, receipt.index)
    check_receipt(receipt, door.company.keys.receipt.verifier, entry_leaf(salt, payload.encode()))


async def test_a_masked_value_says_so_and_which_rule_masked_it(door: Door) -> None:
    told = (await door.ask({"subject": "customer:C-1", "fields": ["customer.email"]})).json()
    assert told["decision"] == "mask"
    assert told["fields"]["customer.email"] == {
        "isMasked": True,
        "maskedPresentation": "a•••@•••.example",
        "rule": "masked.without_reason",
    }


async def test_fields_of_one_ask_may_end_differently(door: Door) -> None:
    body = {"subject": "customer:C-1", "fields": ["customer.email", "customer.address"], "purpose": "review_care:M-1"}
    told = (await door.ask(body, actor="E-2")).json()
    assert told["decision"] == "allow"
    assert told["would"] == "deny"  # review care looks at no addresses; observe mode lets it for now
    assert told["fields"]["customer.address"]["value"].startswith("Street 1")


DENIALS: tuple[tuple[str, dict[str, object], str], ...] = (
    ("E-1", {"purpose": "ticket:T-2"}, "purpose.other_subject"),
    ("E-2", {}, "purpose.not_assigned"),
    ("E-3", {"purpose": None}, "actor.ended"),
    ("E-4", {"purpose": None}, "purpose.missing"),
    ("E-1", {"subject": "customer:C-999"}, "subject.unknown"),
    ("E-1", {"purpose": "ticket:none"}, "purpose.not_found"),
)


async def test_a_denial_says_why_how_to_get_in_and_carries_its_receipt(door: Door) -> None:
    for actor, change, reason in DENIALS:
        told = is_problem(await door.ask({**GOOD, **change}, actor), 403, "denied")
        assert told["reason"] == reason
        assert told["hint"]
        check_receipt(decode_receipt(told["receipt"]), door.company.keys.receipt.verifier)
        entry = (await payloads(door.company))[-1]
        assert (entry["kind"], entry["reason"], entry["ask"]) == ("denial", reason, told["ask"])


async def test_an_action_is_allowed_or_denied_and_recorded_either_way(door: Door) -> None:
    body = {"action": "review.delete", "object": "R-1", "purpose": "review_care:M-1"}
    allowed = await door.ask(body, "E-2", "/v1/actions")
    assert (allowed.status_code, allowed.json()["decision"]) == (200, "allow")
    assert allowed.headers["cache-control"] == "no-store"
    check_receipt(decode_receipt(allowed.json()["receipt"]), door.company.keys.receipt.verifier)
    is_problem(await door.ask({"action": "review.delete", "object": "R-1"}, "E-1", "/v1/actions"), 403, "denied")
    assert [entry["kind"] for entry in await payloads(door.company)] == ["action", "denial"]


FORGED = "ws_" + "0" * 16 + "_" + "0" * 64


HEADERS = (
    None,
    "",
    "Bearer",
    "Bearer E-1",
    f"Bearer {FORGED}",
    "Basic RS0xOnBhc3N3b3Jk",
    "Negotiate YII=",
    "Bearer \xe4\xf6",
    "Bearer ' or 1=1 --",
)


async def test_without_a_good_token_nobody_is_answered_and_nothing_is_recorded(door: Door) -> None:
    for header in HEADERS:
        headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
        for method, path in (("POST", "/v1/disclosures"), ("POST", "/v1/actions"), ("GET", "/v1/me")):
            response = await door.http.request(method, path, headers=headers, json=GOOD if method == "POST" else None)
            assert response.headers["www-authenticate"] == "Bearer"
            assert "whosaw user add" in is_problem(response, 401, "gate.token_refused")["hint"]
    assert await payloads(door.company) == []


async def test_a_token_of_another_scheme_counts_for_nothing(door: Door) -> None:
    for scheme in ("Basic", "Token", "Digest"):
        headers = {"Authorization": f"{scheme} {door.tokens['E-1']}"}
        is_problem(await door.http.post("/v1/disclosures", json=GOOD, headers=headers), 401, "gate.token_refused")
    token = door.tokens["E-1"]
    in_the_address = await door.http.post("/v1/disclosures", json=GOOD, params={"token": token, "access_token": token})
    in_a_cookie = await door.http.post("/v1/disclosures", json=GOOD, headers={"Cookie": f"Authorization={token}"})
    for response in (in_the_address, in_a_cookie):
        is_problem(response, 401, "gate.token_refused")


async def test_a_revoked_token_is_refused_at_the_latest_after_half_a_second(door: Door) -> None:
    assert (await door.ask()).status_code == 200
    await revoke_tokens(door.company.db, "E-1", door.company.clock.now())
    await asyncio.sleep(0.55)
    is_problem(await door.ask(), 401, "gate.token_refused")


async def test_a_header_that_merely_names_an_actor_never_counts(door: Door) -> None:
    for name in ("X-Actor", "X-Whosaw-Actor", "X-Forwarded-User", "Remote-User", "X-Remote-User", "From"):
        named = {name: "E-1"}
        is_problem(await door.http.post("/v1/disclosures", json=GOOD, headers=named), 401, "gate.token_refused")
        as_other = door.as_actor("E-2") | named
        assert (await door.http.get("/v1/me", headers=as_other)).json()["actor"] == "E-2"
        asked = await door.http.post("/v1/disclosures", json=GOOD, headers=as_other)
        assert is_problem(asked, 403, "denied")["reason"] == "purpose.not_assigned"
        in_the_query = await door.http.post("/v1/disclosures", json=GOOD, headers=as_other, params={"actor": "E-1"})
        is_problem(in_the_query, 400, "http.query_unfit")


NO_ASKS: tuple[object, ...] = (
    {**GOOD, "actor": "E-2"},
    {**GOOD, "at": "2020-01-01"},
    {**GOOD, "Subject": "customer:C-1"},
    {"fields": ["customer.email"]},
    {"subject": "customer:C-1"},
    {**GOOD, "fields": []},
    {**GOOD, "fields": ["customer.email"] * 2},
    {**GOOD, "fields": ["customer.shoe_size"]},
    {**GOOD, "subject": "supplier:C-1"},
    {**GOOD, "purpose": "whim:1"},
    {**GOOD, "purpose": 7},
    {**GOOD, "subject": "customer:C\x00-1"},
    {**GOOD, "fields": ["customer.email\x00"]},
    {**GOOD, "purpose": "ticket:T-1\x00"},
    {**GOOD, "subject": "customer:\ud800"},
    {**GOOD, "\ud800": 1},
    {**GOOD, "\x00": 1},
    [GOOD],
    "customer:C-1",
    None,
    7,
)


async def test_a_body_that_is_not_exactly_an_ask_is_refused_with_a_hint(door: Door) -> None:
    for body in NO_ASKS:
        raw = json.dumps(body).encode()
        response = await door.http.post("/v1/disclosures", content=raw, headers=door.as_actor("E-1"))
        assert is_problem(response, 422, "ask.invalid")["hint"], body
    assert await payloads(door.company) == []


NO_JSON = (
    b"",
    b"subject=customer:C-1",
    b"{",
    b'{"subject": "customer:C-1"',
    json.dumps(GOOD).encode("utf-16"),
    json.dumps(GOOD).encode("utf-8-sig"),
    b'{"subject": "customer:\xff"}',
    b'{"subject": NaN}',
    b'{"subject": -Infinity}',
    b"[" * 16_000,
    b'{"a":' * 3_000,
    b"9" * 10_000,
    b"\x00" * 100,
)


async def test_a_body_that_is_not_json_in_utf8_is_refused(door: Door) -> None:
    for raw in NO_JSON:
        response = await door.http.post("/v1/disclosures", content=raw, headers=door.as_actor("E-1"))
        assert is_problem(response, 400, "http.not_json")["hint"], raw[:40]


async def raw_exchange(door: Door, head: str, send: Callable[[asyncio.StreamWriter], Any]) -> bytes:
    host, _, port = door.server.address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        token = door.tokens["E-1"]
        writer.write(
            f"POST /v1/disclosures HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{head}\r\n".encode()
        )
        await send(writer)
        return await asyncio.wait_for(reader.read(65_536), 10)
    finally:
        writer.transport.abort()  # what is not sent yet would keep the socket open beyond the loop
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_a_body_of_ten_megabytes_is_refused_before_it_is_read(door: Door) -> None:
    async def announce(writer: asyncio.StreamWriter) -> None:
        await writer.drain()  # not one byte of the body

    answer = await raw_exchange(door, "Content-Length: 10000000\r\n", announce)
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert b"http.body_too_large" in answer


async def test_a_body_of_ten_megabytes_in_pieces_is_refused_when_it_grows_too_large(door: Door) -> None:
    async def pieces(writer: asyncio.StreamWriter) -> None:
        for _ in range(10):
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    answer = await raw_exchange(door, "Transfer-Encoding: chunked\r\n", pieces)
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert (await door.ask()).status_code == 200


async def test_a_client_that_sends_ten_megabytes_reads_its_refusal(door: Door) -> None:
    response = await door.http.post("/v1/disclosures", content=b"x" * 10_000_000, headers=door.as_actor("E-1"))
    assert is_problem(response, 413, "http.body_too_large")["hint"]


async def test_a_client_that_leaves_in_the_middle_hurts_nobody(door: Door) -> None:
    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"subject": ')
        await writer.drain()
        writer.write_eof()

    await raw_exchange(door, "Content-Length: 100\r\n", half)
    assert (await door.ask()).status_code == 200
    assert len(await payloads(door.company)) == 1


async def test_what_is_not_there_is_a_problem_too(door: Door) -> None:
    for path in ("/", "/v1", "/v2/disclosures", "/docs", "/redoc", "/v1/..%2f..%2fetc/passwd"):
        assert is_problem(await door.http.get(path), 404, "http.no_route")["hint"]
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        response = await door.http.request(method, "/v1/disclosures", headers=door.as_actor("E-1"))
        is_problem(response, 405, "http.method")
        assert response.headers["allow"] == "POST"
    assert (await door.http.get("/healthz")).json() == {"status": "ok"}


SQL = (
    "C-1' or '1'='1",
    "C-1'; drop table company.customers; --",
    'C-1"; delete from trail_entry; --',
    "C-1' union select email from company.customers --",
    "%",
    "_-1",
    ":keys",
    "%(keys)s",
    "$1",
    "\\' or 1=1 --",
    "C-1/**/",
)


async def test_sql_in_any_text_is_just_a_text(door: Door) -> None:
    for text in SQL:
        subject = await door.ask({**GOOD, "subject": f"customer:{text}"})
        assert is_problem(subject, 403, "denied")["reason"] == "subject.unknown"
        purpose = await door.ask({**GOOD, "purpose": f"ticket:{text}"})
        assert is_problem(purpose, 403, "denied")["reason"] == "purpose.not_found"
        is_problem(await door.ask({**GOOD, "fields": [text]}), 422, "ask.invalid")
        is_problem(await door.ask({**GOOD, "subject": f"{text}:C-1"}), 422, "ask.invalid")
        deed = {"action": "review.delete", "object": text, "purpose": "review_care:M-1"}
        assert is_problem(await door.ask(deed, "E-2", "/v1/actions"), 403, "denied")["reason"] == "subject.unknown"
        assert (await door.ask()).json()["fields"]["customer.email"] == {"value": "ada1@mail.example"}
    assert len(await payloads(door.company)) == 4 * len(SQL)


async def test_asks_at_once_each_get_their_own_values_entry_and_receipt(door: Door) -> None:
    bodies = [{**GOOD, "subject": f"customer:C-{i}", "purpose": f"ticket:T-{i}"} for i in range(1, 41)] * 3
    responses = await asyncio.gather(*(door.ask(body) for body in bodies))
    by_ask = {entry["ask"]: entry for entry in await payloads(door.company)}
    for body, response in zip(bodies, responses, strict=True):
        told = response.json()
        number = str(body["subject"]).rpartition("-")[2]
        assert told["subject"] == body["subject"]
        assert told["fields"]["customer.email"] == {"value": f"ada{number}@mail.example"}
        receipt = decode_receipt(told["receipt"])
        salt, payload = await sealed(door.company, receipt.index)
        check_receipt(receipt, door.company.keys.receipt.verifier, entry_leaf(salt, payload.encode()))
        assert json.loads(payload)["ask"] == told["ask"]
    assert len(by_ask) == len(bodies)


async def test_a_suspension_in_the_middle_of_the_work_ends_it_within_a_second(door: Door) -> None:
    outcomes: list[tuple[float, int]] = []
    loop = asyncio.get_running_loop()

    async def worker() -> None:
        while not outcomes or outcomes[-1][1] != 403:
            began = loop.time()
            response = await door.ask()
            outcomes.append((began, response.status_code))

    workers = [asyncio.create_task(worker()) for _ in range(4)]
    await asyncio.sleep(0.2)
    ordered = loop.time()
    await door.company.suspensions.suspend("E-1", reason="case", by="officer")
    in_force = loop.time()
    await asyncio.wait_for(asyncio.gather(*workers), 5)
    assert {status for began, status in outcomes if began >= in_force} <= {403}
    assert in_force - ordered < 1
    told = is_problem(await door.ask(), 403, "denied")
    assert told["reason"] == "actor.suspended"
    assert is_problem(
        await door.ask(path="/v1/actions", body={"action": "review.delete", "object": "R-1"}), 403, "denied"
    )


async def cut_off(database_url: str, *, allow: bool) -> None:
    """Refuse every connection to the database of `database_url` and end those there are, or let them in again."""
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    async with await psycopg.AsyncConnection.connect(
        psycopg.conninfo.make_conninfo(database_url, dbname="postgres"), autocommit=True
    ) as connection:
        await connection.execute(f"alter database {name} allow_connections {'true' if allow else 'false'}")
        if not allow:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
            )


async def test_where_the_database_goes_away_nothing_is_revealed_and_it_may_come_back(
    door: Door, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await door.ask()).status_code == 200
    await cut_off(database_url, allow=False)
    try:
        answers = await asyncio.gather(*(door.ask() for _ in range(5)))
    finally:
        await cut_off(database_url, allow=True)
    for response in answers:
        told = is_problem(response, 503, response.json()["title"])
        assert told["detail"] == "nothing was revealed: the request could not be recorded"
        assert not any(
            word in response.text.lower() for word in ("postgres", "psycopg", "connection", "select", "/tmp")
        )
    for _ in range(20):
        back = await door.ask()
        if back.status_code == 200:
            break
        await asyncio.sleep(0.2)
    assert back.json()["fields"]["customer.email"] == {"value": "ada1@mail.example"}
    assert not any(value in caplog.text for value in VALUES)


@pytest.mark.parametrize(
    "damage",
    [
        "drop function log_append(text[], bytea[], bytea[]),"
        " log_append_numbered(text[], text[], text[], bytea[], int[], int[], int[])",
        "drop table gate_suspension",
        "drop table gate_token",
        "alter table company.customers rename column email to mail",
    ],
)
async def test_whatever_part_is_broken_nothing_is_revealed_and_nothing_inner_is_told(
    door: Door, database_url: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(damage)
    response = await door.ask()
    is_problem(response, 503, response.json()["title"])
    assert not any(word in response.text for word in ("log_append", "gate_", "company", "email", "psycopg", "SELECT"))
    assert "Traceback" not in caplog.text


async def test_the_client_hands_back_what_was_shown_masked_refused_or_denied(door: Door) -> None:
    address = door.server.address
    async with AsyncClient(address, door.tokens["E-1"]) as client:
        shown = await client.disclose("customer:C-1", ["customer.email"], "ticket:T-1")
        assert isinstance(shown, Answer)
        assert shown.fields == {"customer.email": "ada1@mail.example"}
        check_receipt(decode_receipt(dict(shown.receipt)), door.company.keys.receipt.verifier)
        masked = await client.disclose("customer:C-1", ["customer.email"])
        assert isinstance(masked, Answer)
        assert masked.fields == {"customer.email": Masked("a•••@•••.example", "masked.without_reason")}
        denied = await client.disclose("customer:C-2", ["customer.email"], "ticket:T-1")
        assert isinstance(denied, Denied)
        assert denied.reason == "purpose.other_subject"
        refused = await client.act("review.delete", "R-1")
        assert isinstance(refused, Denied)
    async with AsyncClient(address, door.tokens["E-2"]) as client:
        allowed = await client.act("review.delete", "R-1", "review_care:M-1")
        assert isinstance(allowed, Allowed)
        assert allowed.receipt == allowed.receipts[0]


async def test_the_client_tells_a_refused_field_from_a_shown_one(door: Door, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update company.staff set roles = 'quality' where id = 'E-1'")
    async with AsyncClient(door.server.address, door.tokens["E-1"]) as client:
        answer = await client.disclose("customer:C-1", ["customer.email", "customer.address"], "ticket:T-1")
    assert isinstance(answer, Answer)
    assert answer.decision == "deny"
    assert answer.fields == {"customer.email": "ada1@mail.example", "customer.address": Refused("purpose.verified")}


async def test_the_client_says_that_the_door_did_not_answer(door: Door) -> None:
    for token in ("", FORGED, "nonsense"):
        async with AsyncClient(door.server.address, token) as client:
            with pytest.raises(DoorError) as refused:
                await client.disclose("customer:C-1", ["customer.email"])
        assert "whosaw user add" in refused.value.hint


async def test_the_client_says_where_it_looked_when_nobody_is_there() -> None:
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()
    async with AsyncClient(f"http://127.0.0.1:{port}", "t") as client:
        with pytest.raises(DoorError, match="does not answer") as lost:
            await client.disclose("customer:C-1", ["customer.email"])
    assert str(port) in lost.value.hint


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"7", b"{}", b'{"fields": {}}'])
@pytest.mark.parametrize("status", [200, 403, 502])
async def test_an_answer_that_is_not_a_doors_is_an_error_and_never_a_disclosure(status: int, body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(DoorError):
            await AsyncClient("http://127.0.0.1:1", "t", http=http).disclose("customer:C-1", ["customer.email"])


async def test_a_token_of_somebody_the_directory_does_not_list_opens_nothing(door: Door) -> None:
    token = await add_token(door.company.db, "E-gone", door.company.clock.now())
    response = await door.http.post("/v1/disclosures", json=GOOD, headers={"Authorization": f"Bearer {token}"})
    is_problem(response, 403, "denied")
