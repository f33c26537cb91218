"""The employees' form: somebody was offered money for data. Nothing about who writes is asked, kept or logged.

No session, no cookie, no script, no look at any database while a report is taken: it waits as a file that tells the
hour and no more, and is taken in with all others of its hour. Who comes back reads the desk's answer by a code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP
from importlib.resources import files
from typing import Protocol

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from whosaw.doors.complaint.marks import Marks, from_here
from whosaw.doors.complaint.pace import FormPace
from whosaw.doors.complaint.pictures import PICTURE_MOST, PictureUnfit, bare
from whosaw.doors.complaint.routes import HEADERS
from whosaw.terms import Clock

APPROACH_PATH = "/approach"
TEXT_MOST = 4_000
_BODY_BYTES_MOST = PICTURE_MOST + 128 * 1024

Answers = Callable[[str, str], Awaitable[Sequence[tuple[datetime, bool, str]] | None]]
"""Given a code and what to add, returns (hour, whether the desk wrote it, text); None where no report has this code."""


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody wrote: what was offered, where, by whom, for what."""

    offer: str = ""
    channel: str = ""
    handle: str = ""
    payout: str = ""

    def wrong(self) -> dict[str, str]:
        """Return what is wrong by field, in words; nothing where all is well."""
        found = {} if self.offer.strip() else {"offer": "Say in a few words what was offered."}
        for name in ("offer", "channel", "handle", "payout"):
            if len(getattr(self, name)) > TEXT_MOST:
                found[name] = f"Write at most {TEXT_MOST:,} characters."
        return found


class Waiting(Protocol):
    """Where reports wait."""

    @property
    def full(self) -> bool:
        """Whether no more reports are taken until some were read."""
        ...

    def put(self, told: Told, picture: bytes | None, at: datetime) -> str:
        """Write one report and return its code."""
        ...


class ApproachDoor:
    """The form; `router` holds its routes."""

    def __init__(
        self, waiting: Waiting, answers: Answers, clock: Clock, *, company: str, pace: FormPace | None = None
    ) -> None:
        """Make the door.

        Args:
            waiting: where reports wait.
            answers: what was written about a report.
            clock: tells the hour.
            company: whose employees it asks.
            pace: how often it may be sent altogether; addresses are not counted, for they would have to be kept.
        """
        self._waiting = waiting
        self._answers = answers
        self._clock = clock
        self._company = company
        self._pace = pace or FormPace(each_most=120, all_most=120)
        self._marks = Marks(clock)
        self._style = files("whosaw.doors.complaint").joinpath("style.css").read_bytes()
        self._environment = Environment(
            loader=PackageLoader("whosaw.doors.complaint"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.router = APIRouter()
        add = self.router.add_route
        add(APPROACH_PATH, self._form, methods=["GET"])
        add(APPROACH_PATH, self._take, methods=["POST"])
        add(f"{APPROACH_PATH}/answer", self._ask, methods=["GET"])
        add(f"{APPROACH_PATH}/answer", self._read, methods=["POST"])
        add(f"{APPROACH_PATH}/style.css", self._css, methods=["GET"])

    async def _css(self, _request: Request) -> Response:
        return Response(self._style, media_type="text/css; charset=utf-8", headers=HEADERS)

    async def _form(self, _request: Request) -> Response:
        return self._page("approach", told=Told(), wrong={}, problem="")

    async def _take(self, request: Request) -> Response:
        given, problem, status = await self._given(request)
        told = Told(*(_text(given, name) for name in ("offer", "channel", "handle", "payout")))
        if problem:
            return self._page("approach", status, told=told, wrong={}, problem=problem)
        wrong, picture = told.wrong(), None
        if shot := given.get("screenshot"):
            try:
                picture = await asyncio.to_thread(bare, shot)
            except PictureUnfit as cause:
                wrong["screenshot"] = str(cause)
        if wrong:
            return self._page("approach", 422, told=told, wrong=wrong, problem="")
        if not self._pace.take("") or await asyncio.to_thread(lambda: self._waiting.full):
            problem = "Reports cannot be taken just now. Please send it again later."
            return self._page("approach", 503, told=told, wrong={}, problem=problem)
        code = await asyncio.to_thread(self._waiting.put, told, picture, self._clock.now())
        return self._page("approach_thanks", code=code)

    async def _ask(self, _request: Request) -> Response:
        return self._page("approach_answer", problem="", lines=None, code="")

    async def _read(self, request: Request) -> Response:
        given, problem, status = await self._given(request)
        code = _text(given, "code").strip()
        if problem:
            return self._page("approach_answer", status, problem=problem, lines=None, code=code)
        lines = None
        if self._pace.take(""):  # so that codes cannot be tried out
            lines = await self._answers(code, _text(given, "text").strip()[:TEXT_MOST])
        if lines is None:
            problem = "No report has this code, or it was not taken in yet: try again in an hour."
            return self._page("approach_answer", 404, problem=problem, lines=None, code=code)
        return self._page("approach_answer", problem="", lines=lines, code=code)

    async def _given(self, request: Request) -> tuple[Mapping[str, bytes], str, int]:
        """Return the fields of the form, and a problem and status where it cannot be taken."""
        if not from_here(request):
            return {}, "Fill in the form on this page.", 403
        given = await _fields(request)
        if given is None:
            return {}, "This is too long to be taken.", 413
        if not self._marks.holds(_text(given, "mark")):
            return given, "The page was open for long. Nothing was lost: please send it once more.", 400
        return given, "", 200

    def _page(self, template: str, status: int = 200, /, **values: object) -> Response:
        text = self._environment.get_template(f"{template}.html").render(
            company=self._company, mark=self._marks.new(), path=APPROACH_PATH, **values
        )
        return HTMLResponse(text.encode("utf-8", "replace"), status, headers=HEADERS)


async def _fields(request: Request) -> Mapping[str, bytes] | None:
    """Return the fields of a form with files (RFC 7578); None where it is too long."""
    gathered = bytearray()
    async for chunk in request.stream():
        gathered += chunk
        if len(gathered) > _BODY_BYTES_MOST:
            return None
    kind = request.headers.get("content-type", "")[:300].encode("latin-1", "replace")
    head = b"MIME-Version: 1.0\r\nContent-Type: " + kind.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n\r\n"
    return await asyncio.to_thread(_parsed, head + bytes(gathered))


def _parsed(raw: bytes) -> Mapping[str, bytes]:
    message = BytesParser(policy=HTTP).parsebytes(raw)
    found: dict[str, bytes] = {}
    for part in list(message.iter_parts())[:20] if message.is_multipart() else []:
        name = part.get_param("name", header="content-disposition")
        body = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(body, bytes):
            found.setdefault(name, body)
    return found


def _text(given: Mapping[str, bytes], name: str) -> str:
    return given.get(name, b"").decode("utf-8", "replace").replace("\r\n", "\n")
