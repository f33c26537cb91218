"""The server: the doors joined into one ASGI application, served by uvicorn on one socket."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import socket
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whosaw import __version__
from whosaw.app.bounded import BoundedProtocol
from whosaw.app.errors import AppError
from whosaw.doors.http import problem_response
from whosaw.record.witness import read_state
from whosaw.terms import WhosawError

Endpoint = Callable[[Request], Awaitable[Response]]

_LOG = logging.getLogger(__name__)
_CONNECTIONS_MOST = 2_000
_LINGER_S = 5
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_KEEP_ALIVE_S = 75  # longer than any client's own, so that a client never writes into a closing connection


class PortInUse(AppError, OSError):
    """The address is taken, or may not be listened on."""

    code: ClassVar[str] = "app.port_in_use"
    hint = "choose another with --port, or WHOSAW_PORT; --port 0 lets the system choose"


class _NoSuchRoute(WhosawError, LookupError):
    """No door has a route of that path."""

    code: ClassVar[str] = "http.no_route"
    hint = "/openapi.json names the routes for tools; people go to /console/"


class _WrongMethod(WhosawError, ValueError):
    """The route is there and takes another method."""

    code: ClassVar[str] = "http.method"


class App(FastAPI):
    """FastAPI with a few posts that are answered directly, past its layers.

    Those layers look for parameters, exit stacks and errors that such a route does not have, and cost as much as a
    decision does.
    """

    direct: Mapping[str, Endpoint] = MappingProxyType({})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self.direct.get(scope["path"])
            if endpoint is not None:
                await _answer(endpoint, scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def build_app(
    *routers: APIRouter, trail: Path | None = None, direct: Mapping[str, Endpoint] = MappingProxyType({})
) -> App:
    """Return the application over the doors' routers.

    FastAPI's own OpenTelemetry is off: spans would carry paths and query strings, and those name customers.

    Args:
        routers: of the doors.
        trail: the folder of a trail, of which ``/healthz`` says how witnesses stand to it.
        direct: path → what answers a POST to it, of the routes that are asked most; they are among `routers` as well,
            for every other method.
    """
    app = App(
        title="whosaw",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(WhosawError, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_middleware(_Quiet)
    app.add_api_route("/healthz", _health_of(trail), methods=["GET", "HEAD"])
    app.direct = dict(direct)
    return app


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        PortInUse: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named because asyncio sets TCP_NODELAY only where it is: without, every answer waits 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1_024)
    except (OSError, OverflowError, UnicodeError) as cause:
        listener.close()
        why = getattr(cause, "strerror", None) or "not an address and a port from 0 to 65535"
        raise PortInUse(f"cannot listen on `{host}` port {port}: {why}") from cause
    return listener


class Server:
    """uvicorn on a socket that is bound already; leaves signals to who runs it."""

    def __init__(self, app: FastAPI, listener: socket.socket, *, trusted_proxies: Collection[str] = ()) -> None:
        """Serve `app` on `listener`.

        Args:
            app: the doors.
            listener: bound already.
            trusted_proxies: addresses or networks whose word about a client's address and scheme is taken.
        """
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=sorted(trusted_proxies),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=_CONNECTIONS_MOST,
            timeout_graceful_shutdown=_LINGER_S,
            timeout_keep_alive=_KEEP_ALIVE_S,
        )
        self._server = _QuietServer(config)
        self._listener = listener

    @property
    def address(self) -> str:
        """Return where it listens, as a URL."""
        host, port = self._listener.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def run(self) -> None:
        """Serve until `stop` is called."""
        await self._server.serve(sockets=[self._listener])

    async def started(self) -> None:
        """Return once it answers."""
        await self._server.ready.wait()

    def stop(self) -> None:
        """End after the requests under way."""
        self._server.should_exit = True


class _Quiet:
    """Answers 503 where something unexpected was raised, and logs what kind and where, never the text of it.

    The text of a driver's error may quote a value, and uvicorn would write it to the log. Every answer carries the
    request's own ``X-Request-Id``, or a new one where it has none that can be repeated; the log names it too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no door speaks anything else
        begun, identifier = False, _request_id(scope)

        async def watch(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message["headers"], (b"x-request-id", identifier)]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as problem:
            _log(problem, identifier)
            if begun:
                raise RuntimeError("a request failed after its answer had begun") from None
            await problem_response(WhosawError("unexpected"))(scope, receive, watch)


async def _answer(endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer by `endpoint` alone, with the same words for what goes wrong, and the same header, as `App` has."""
    identifier = _request_id(scope)
    try:
        response = await endpoint(Request(scope, receive, send))
    except WhosawError as problem:
        response = problem_response(problem)
    except Exception as problem:
        _log(problem, identifier)
        response = problem_response(WhosawError("unexpected"))
    response.raw_headers.append((b"x-request-id", identifier))
    await response(scope, receive, send)


def _log(problem: Exception, identifier: bytes) -> None:
    frame = traceback.extract_tb(problem.__traceback__)[-1]
    name, request = type(problem).__name__, identifier.decode()
    _LOG.error("request %s failed: %s at %s:%s", request, name, frame.filename, frame.lineno)


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(16).encode()


class _QuietServer(uvicorn.Server):
    """Leaves signals alone, for the command decides what an interrupt means, and says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _health_of(trail: Path | None) -> Callable[[], Awaitable[Response]]:
    async def health() -> Response:
        said = {"status": "ok"}
        if trail is not None:
            state = await asyncio.to_thread(read_state, trail)
            said["witnesses"] = "unwitnessed" if state.status == "none" else state.status
        return JSONResponse(said)

    return health


async def _answer_problem(_: Request, problem: Exception) -> Response:
    return problem_response(problem if isinstance(problem, WhosawError) else WhosawError("unexpected"))


async def _answer_http(_: Request, problem: Exception) -> Response:
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    if status == 405:
        allowed = problem.headers if isinstance(problem, HTTPException) else None
        return problem_response(_WrongMethod("this route does not take that method"), allowed)
    return problem_response(_NoSuchRoute("there is nothing here"))
