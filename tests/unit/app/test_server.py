from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from whosaw.app.server import PortInUse, Server, bind, build_app
from whosaw.terms import WhosawError


class Clumsy(WhosawError, ValueError):
    """Not among the errors that a door translates."""

    code = "test.clumsy"
    hint = "ada@mail.example"


@pytest.fixture
def routes() -> APIRouter:
    router = APIRouter()

    @router.get("/ours")
    async def ours() -> None:
        raise Clumsy("ada@mail.example")

    @router.get("/theirs")
    async def theirs() -> None:
        raise KeyError("ada@mail.example")

    @router.get("/midway")
    async def midway() -> StreamingResponse:
        async def body() -> object:
            yield b"begun"
            raise KeyError("ada@mail.example")

        return StreamingResponse(body())  # type: ignore[arg-type]

    return router


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_it_serves_on_a_bound_socket_until_it_is_stopped(routes: APIRouter, host: str) -> None:
    try:
        listener = bind(host, 0)
    except PortInUse:
        pytest.skip("this machine has no IPv6 loopback")
    server = Server(build_app(routes), listener)
    serving = asyncio.create_task(server.run())
    await asyncio.wait_for(server.started(), 5)
    async with httpx.AsyncClient(base_url=server.address, trust_env=False) as http:
        response = await http.get("/healthz")
        assert response.json() == {"status": "ok"}
        assert "server" not in response.headers
        assert (await http.head("/healthz")).status_code == 200
    server.stop()
    await asyncio.wait_for(serving, 10)


async def test_without_witnesses_it_says_so_to_whoever_asks_for_its_health(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(app=build_app(trail=tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://whosaw.example") as http:
        assert (await http.get("/healthz")).json() == {"status": "ok", "witnesses": "unwitnessed"}


@pytest.mark.parametrize("path", ["/ours", "/theirs"])
async def test_what_was_not_foreseen_is_told_and_logged_without_its_text(
    routes: APIRouter, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    transport = httpx.ASGITransport(app=build_app(routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as http:
        response = await http.get(path)
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert "ada@" not in response.text + caplog.text
    if path == "/theirs":
        assert "KeyError at" in caplog.text


async def test_a_direct_route_answers_posts_alone_and_goes_wrong_in_the_same_words(
    routes: APIRouter, caplog: pytest.LogCaptureFixture
) -> None:
    async def ours(_: Request) -> Response:
        raise Clumsy("ada@mail.example")

    async def theirs(_: Request) -> Response:
        raise KeyError("ada@mail.example")

    async def echo(request: Request) -> Response:
        return Response(await request.body(), headers={"Cache-Control": "no-store"})

    direct = {"/ours": ours, "/theirs": theirs, "/echo": echo}
    transport = httpx.ASGITransport(app=build_app(routes, direct=direct))
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as http:
        for path in ("/ours", "/theirs"):
            by_router, past_it = await http.get(path), await http.post(path)
            assert past_it.status_code == 503
            assert past_it.json() == by_router.json()
            assert set(past_it.headers) == set(by_router.headers)
        assert "ada@" not in past_it.text + caplog.text
        assert caplog.text.count("KeyError at") == 2
        named = await http.post("/echo", content=b"said", headers={"X-Request-Id": "mine-1"})
        assert (named.status_code, named.content, named.headers["x-request-id"]) == (200, b"said", "mine-1")
        unfit = await http.post("/echo", headers={"X-Request-Id": "a b"})
        assert len(unfit.headers["x-request-id"]) == 32
        assert (await http.get("/echo")).status_code == 404


async def test_an_answer_that_breaks_midway_is_cut_and_its_text_is_not_logged(
    routes: APIRouter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = Server(build_app(routes), bind("127.0.0.1", 0))
    serving = asyncio.create_task(server.run())
    await server.started()
    async with httpx.AsyncClient(base_url=server.address, trust_env=False) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("/midway")
    server.stop()
    await serving
    assert "ada@" not in caplog.text


def test_a_taken_port_is_said_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortInUse, match="Address already in use") as refused:
            bind("127.0.0.1", taken.getsockname()[1])
    assert "--port" in refused.value.hint


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65_536), ("127.0.0.1", -1), ("a" * 70 + ".x", 0), ("", -5)])
def test_what_is_no_address_is_refused(host: str, port: int) -> None:
    with pytest.raises(PortInUse, match="cannot listen"):
        bind(host, port)
