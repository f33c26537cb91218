"""The open forms over real sockets: bodies that come slowly or are too many keep nobody else from writing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter

from whosaw.app import bounded
from whosaw.app.approachspool import ApproachSpool
from whosaw.app.server import Server, bind, build_app
from whosaw.doors.complaint import APPROACH_PATH, COMPLAINT_PATH, ApproachDoor, ComplaintDoor, Spool
from whosaw.doors.complaint.approach import Limits
from whosaw.doors.complaint.bodies import Bodies
from whosaw.terms import SimulatedClock

AT = datetime(2026, 4, 2, 8, 41, tzinfo=UTC)
BOTH = pytest.mark.parametrize("path", [APPROACH_PATH, COMPLAINT_PATH])
GOOD = {
    APPROACH_PATH: {"offer": "80 dollars for an address"},
    COMPLAINT_PATH: {"email": "ann@home.example", "text": "Please change your review."},
}
LONG_S = 60.0  # longer than a test takes


async def _no_answers(_code: str, _text: str) -> Sequence[tuple[datetime, bool, str]] | None:
    return None


def routes(folder: Path, texts: Bodies, pictures: Bodies) -> tuple[APIRouter, APIRouter]:
    """Both forms with these places; short bodies of both share `texts`."""
    clock = SimulatedClock(AT)
    approach = ApproachDoor(
        ApproachSpool(folder / "approaches"),
        _no_answers,
        clock,
        company="Shop",
        limits=Limits(texts=texts, pictures=pictures),
    )
    complaint = ComplaintDoor(Spool(folder / "form"), clock, company="Shop", bodies=texts)
    return approach.router, complaint.router


@asynccontextmanager
async def serving(*routers: APIRouter) -> AsyncIterator[str]:
    """The forms behind the product's own server; yields its address."""
    server = Server(build_app(*routers), bind("127.0.0.1", 0))
    task = asyncio.create_task(server.run())
    await server.started()
    try:
        yield server.address
    finally:
        server.stop()
        await task


async def send(address: str, path: str) -> httpx.Response:
    """Fill the form in and send it, as a browser does."""
    async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
        page = (await http.get(path)).text
        found = re.search(r'name="mark" value="([^"]+)"', page)
        assert found is not None
        fields = GOOD[path] | {"mark": found.group(1)}
        if path == APPROACH_PATH:
            return await http.post(path, data=fields, files={"screenshot": ("", b"")})
        return await http.post(path, data=fields)


class Slow:
    """A connection that has sent the head of a form, and of its body what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def begin(cls, address: str, path: str, *, length: str = "Content-Length: 1000") -> Slow:
        port = int(address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        kind = "application/x-www-form-urlencoded"
        writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{length}\r\n\r\n".encode())
        await writer.drain()
        return cls(reader, writer)

    async def answer(self) -> str:
        """The head and the page that come back."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head)
        assert length is not None
        return head + (await self.reader.readexactly(int(length.group(1)))).decode()

    async def trickle(self) -> None:
        """Send a byte now and then until the other side is gone."""
        try:
            while True:
                self.writer.write(b"x")
                await self.writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            return


@BOTH
async def test_a_body_that_trickles_is_given_up_and_its_place_is_free_again(path: str, tmp_path: Path) -> None:
    bodies = Bodies(at_once=1, whole_s=LONG_S, grace_s=0.2, least_bytes_per_s=10_000)
    async with serving(*routes(tmp_path, bodies, bodies)) as address:
        slow = await Slow.begin(address, path)
        trickling = asyncio.create_task(slow.trickle())
        answer = await slow.answer()
        assert answer.startswith("HTTP/1.1 408") and "retry-after: 5\r\n" in answer.lower()
        assert "too slowly" in answer
        assert (await send(address, path)).status_code == 200
        trickling.cancel()
        slow.writer.close()


@BOTH
async def test_a_body_that_comes_fast_enough_and_never_ends_is_given_up_too(path: str, tmp_path: Path) -> None:
    bodies = Bodies(at_once=1, whole_s=0.3, grace_s=LONG_S)
    async with serving(*routes(tmp_path, bodies, bodies)) as address:
        slow = await Slow.begin(address, path)
        assert (await slow.answer()).startswith("HTTP/1.1 408")
        slow.writer.close()


@BOTH
async def test_no_more_bodies_are_held_than_there_are_places(path: str, tmp_path: Path) -> None:
    bodies = Bodies(at_once=2, whole_s=LONG_S, grace_s=LONG_S)
    async with serving(*routes(tmp_path, bodies, bodies)) as address:
        with bodies.place(), bodies.place():  # of bodies that are whole, and are being dealt with
            assert bodies.held == 2
            refused = await send(address, path)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "120")
            assert "at once" in refused.text and 'role="alert"' in refused.text
        assert bodies.held == 0
        held = await Slow.begin(address, path)
        while not bodies.held:
            await asyncio.sleep(0.01)
        held.writer.close()  # broken off: its place is free
        while bodies.held:
            await asyncio.sleep(0.01)
        assert (await send(address, path)).status_code == 200


@BOTH
async def test_heads_without_bodies_keep_nobody_from_writing_and_lose_their_own_places(
    path: str, tmp_path: Path
) -> None:
    bodies = Bodies(at_once=4, whole_s=LONG_S, grace_s=LONG_S, least_bytes_per_s=1)
    async with serving(*routes(tmp_path, bodies, bodies)) as address:
        busy = await Slow.begin(address, path)  # the oldest, and the only one of which something comes
        busy.writer.write(b"x" * 500)
        await busy.writer.drain()
        heads = []
        for _ in range(7):
            heads.append(await Slow.begin(address, path))
            await asyncio.sleep(0.05)
            assert bodies.held <= 4
        assert [(await each.answer()).split()[1] for each in heads[:4]] == ["408"] * 4
        for given_up in heads[4:]:
            assert (await send(address, path)).status_code == 200
            assert (await given_up.answer()).startswith("HTTP/1.1 408")
            heads.append(await Slow.begin(address, path))
            await asyncio.sleep(0.05)
        busy.writer.write(b"x" * 500)
        assert not (await busy.answer()).startswith("HTTP/1.1 408"), "what came kept its place"
        for each in (busy, *heads):
            each.writer.close()


@pytest.mark.parametrize("length", ["Content-Length: 5000000", "Transfer-Encoding: chunked"])
async def test_pictures_that_fill_their_places_keep_nobody_from_sending_words(tmp_path: Path, length: str) -> None:
    texts, pictures = (Bodies(at_once=1, whole_s=LONG_S, grace_s=LONG_S) for _ in range(2))
    async with serving(*routes(tmp_path, texts, pictures)) as address:
        slow = await Slow.begin(address, APPROACH_PATH, length=length)
        while not pictures.held:
            await asyncio.sleep(0.01)
        assert (await send(address, APPROACH_PATH)).status_code == 200
        newer = await Slow.begin(address, APPROACH_PATH, length="Content-Length: 200000")
        assert (await slow.answer()).startswith("HTTP/1.1 408")
        assert (await send(address, APPROACH_PATH)).status_code == 200
        for each in (slow, newer):
            each.writer.close()


async def test_the_rest_of_an_answered_body_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "_REST_S", 0.2)
    bodies = Bodies(at_once=0)
    async with serving(*routes(tmp_path, bodies, bodies)) as address:
        slow = await Slow.begin(address, COMPLAINT_PATH)
        trickling = asyncio.create_task(slow.trickle())
        assert (await slow.answer()).startswith("HTTP/1.1 503")
        await asyncio.wait_for(trickling, 10)  # the connection was closed
        slow.writer.close()


async def test_no_door_waits_without_end_for_a_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "_BODY_S", 0.2)
    bodies = Bodies(at_once=1, whole_s=LONG_S, grace_s=LONG_S)
    async with serving(*routes(tmp_path, bodies, bodies)) as address:
        slow = await Slow.begin(address, COMPLAINT_PATH)
        trickling = asyncio.create_task(slow.trickle())
        await asyncio.wait_for(trickling, 10)
        while bodies.held:  # nobody reads it any more
            await asyncio.sleep(0.01)
        assert (await send(address, COMPLAINT_PATH)).status_code == 200
        slow.writer.close()
