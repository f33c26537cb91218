"""The employees' form: somebody was offered money for data. Nothing about who writes is asked, kept or logged.

No session, no cookie, no script, no look at any database while a report is taken: it waits as a file that says the hour
and no more, and is taken in with all others of its hour. Who comes back reads the desk's answer by a code. Who runs the
machine can read the minute off the file system: nothing here can hide that.

Anybody may write to it, so its work is done by two threads of its own: it can be slow, but nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from whosaw.doors.complaint.bodies import Bodies, BodyLate, NoPlace, Place, announced_bytes
from whosaw.doors.complaint.marks import from_here
from whosaw.doors.complaint.pace import FormPace
from whosaw.doors.complaint.pages import Pages
from whosaw.doors.complaint.parts import FormUnfit, read_parts
from whosaw.doors.complaint.pictures import PICTURE_MOST, PictureUnfit, bare
from whosaw.terms import Clock

APPROACH_PATH = "/approach"
TEXT_MOST = 4_000
_TEXTS_BYTES = 128 * 1024  # of a body; the texts stand before the picture
_BODY_BYTES_MOST = PICTURE_MOST + _TEXTS_BYTES
_FIELD_BYTES_MOST = 8 * TEXT_MOST  # longer ones are refused at any rate
_DRAINED_BYTES_MOST = 8 * _BODY_BYTES_MOST  # let go by, for a browser shows no answer before its body is read
_THREADS = 2
_TEXTS_AT_ONCE = 256  # bodies without a picture: 32 MB at most
_PICTURES_GRACE_S = 10.0
_PICTURES_AT_ONCE = 16  # bodies that may hold one: 82 MB at most
# what no text of a form holds; tab and newline are none of it
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_T = TypeVar("_T")
_BUSY = "Reports cannot be taken just now. Please send it again later."
_NO_PLACE = (
    "Many are sending at once. Nothing was read, so nothing stands below: go back, and send it again in two minutes."
)
_LATE = "This came too slowly to be taken. Nothing was kept: go back, and send it again, without a picture if need be."

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


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the form may be used, by all together: addresses are not counted, for they would have to be kept.

    Attributes:
        pace: how often it may be sent.
        asks: how often answers may be asked for. A code has 80 random bits, too many to be tried out; this keeps the
            database from being asked too much, and has nothing to do with how many reports are taken.
        texts: places for bodies too short to hold a picture.
        pictures: places for all others, apart: whoever fills them keeps nobody from sending words.
    """

    pace: FormPace = field(default_factory=lambda: FormPace(each_most=120, all_most=120))
    asks: FormPace = field(default_factory=lambda: FormPace(each_most=600, all_most=600, within_s=60.0))
    texts: Bodies = field(default_factory=lambda: Bodies(at_once=_TEXTS_AT_ONCE))
    pictures: Bodies = field(default_factory=lambda: Bodies(at_once=_PICTURES_AT_ONCE, grace_s=_PICTURES_GRACE_S))


class ApproachDoor:
    """The form; `router` holds its routes."""

    def __init__(
        self,
        waiting: Waiting,
        answers: Answers,
        clock: Clock,
        *,
        company: str,
        limits: Limits | None = None,
    ) -> None:
        """Make the door.

        Args:
            waiting: where reports wait.
            answers: what was written about a report.
            clock: tells the hour.
            company: whose employees it asks.
            limits: how much of it may be used.
        """
        self._waiting = waiting
        self._answers = answers
        self._clock = clock
        self._limits = limits or Limits()
        self._pages = Pages(APPROACH_PATH, clock, company=company)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="whosaw-approach")
        self.router = APIRouter()
        add = self.router.add_route
        add(APPROACH_PATH, self._form, methods=["GET"])
        add(APPROACH_PATH, self._take, methods=["POST"])
        add(f"{APPROACH_PATH}/answer", self._ask, methods=["GET"])
        add(f"{APPROACH_PATH}/answer", self._read, methods=["POST"])
        add(f"{APPROACH_PATH}/style.css", self._pages.css, methods=["GET"])

    async def _form(self, _request: Request) -> Response:
        return self._report(200, Told())

    async def _take(self, request: Request) -> Response:
        try:
            with self._bodies(request).place() as place:
                return await self._report_of(request, place)
        except NoPlace:
            return self._report(503, Told(), problem=_NO_PLACE)
        except BodyLate:
            return self._report(408, Told(), problem=_LATE)

    async def _report_of(self, request: Request, place: Place) -> Response:
        spent = self._limits.pace.spent  # asked first: then only what was typed is read, to be given back
        given = await self._given(request, place, _TEXTS_BYTES if spent else _BODY_BYTES_MOST)
        told = Told(*(given.texts.get(name, "") for name in ("offer", "channel", "handle", "payout")))
        if spent and given.status in (200, 413):
            return self._report(503, told, problem=_BUSY)
        if given.status != 200:
            return self._report(given.status, told, problem=given.problem)
        wrong, picture = told.wrong(), None
        if given.shot:
            try:
                picture = await self._aside(bare, given.shot)
            except PictureUnfit as cause:
                wrong["screenshot"] = str(cause)
        if wrong:
            return self._report(422, told, wrong=wrong)
        if not self._limits.pace.take("") or await self._aside(lambda: self._waiting.full):
            return self._report(503, told, problem=_BUSY)
        code = await self._aside(self._waiting.put, told, picture, self._clock.now())
        return self._pages.show("approach_thanks", code=code)

    async def _ask(self, _request: Request) -> Response:
        return self._answer(200)

    async def _read(self, request: Request) -> Response:
        try:
            with self._bodies(request).place() as place:
                return await self._answer_of(request, place)
        except NoPlace:
            return self._answer(503, problem=_NO_PLACE)
        except BodyLate:
            return self._answer(408, problem=_LATE)

    async def _answer_of(self, request: Request, place: Place) -> Response:
        given = await self._given(request, place, _TEXTS_BYTES)
        code, text = given.texts.get("code", "").strip()[:100], given.texts.get("text", "").strip()
        if given.status != 200:
            return self._answer(given.status, code, text, problem=given.problem)
        if len(text) > TEXT_MOST:
            problem = f"Nothing was sent: write at most {TEXT_MOST:,} characters."
            return self._answer(422, code, text, problem=problem)
        if not self._limits.asks.take(""):
            problem = "The answer cannot be read just now. Please try again in a few minutes."
            return self._answer(503, code, text, problem=problem)
        lines = await self._answers(code, text)
        if lines is None:
            problem = "No report has this code, or it was not taken in yet: try again in an hour."
            return self._answer(404, code, text, problem=problem)
        return self._answer(200, code, lines=lines)

    def _report(
        self, status: int, told: Told, *, wrong: Mapping[str, str] | None = None, problem: str = ""
    ) -> Response:
        return self._pages.show("approach", status, told=told, wrong=wrong or {}, problem=problem)

    def _answer(
        self,
        status: int,
        code: str = "",
        text: str = "",
        *,
        problem: str = "",
        lines: Sequence[tuple[datetime, bool, str]] | None = None,
    ) -> Response:
        return self._pages.show("approach_answer", status, problem=problem, lines=lines, code=code, text=text)

    async def _given(self, request: Request, place: Place, most: int) -> _Given:
        if not from_here(request):
            return _Given(403, "Fill in the form on this page. What was sent was not read, so nothing stands below.")
        body, whole = await _body(place.arriving(request), most)
        kind = request.headers.get("content-type", "")
        try:
            given = await self._aside(_read, kind, body, whole)
        except FormUnfit:
            return _Given(400, "This was not sent by the form on this page. It was not read, so nothing stands below.")
        if not whole:
            problem = "This is too long to be taken. What you wrote stands below, as far as it was read."
            return _Given(413, problem, given.texts)
        if not self._pages.marks.holds(given.texts.get("mark", "")):
            problem = "The page was open for long. What you wrote stands below: please send it once more."
            return _Given(400, problem, given.texts)
        return given

    def _bodies(self, request: Request) -> Bodies:
        announced = announced_bytes(request)
        short = announced is not None and announced <= _TEXTS_BYTES
        return self._limits.texts if short else self._limits.pictures

    async def _aside(self, work: Callable[..., _T], *given: object) -> _T:
        """Do work in the form's own threads; those of the process keep the receipts."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *given))


@dataclass(frozen=True, slots=True)
class _Given:
    """What a form holds, and the status and problem where it cannot be taken."""

    status: int
    problem: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    shot: bytes = b""


async def _body(chunks: AsyncIterator[bytes], most: int) -> tuple[bytes, bool]:
    """Return a body and True; of one longer than `most` bytes only the beginning, and False."""
    gathered, length, kept = bytearray(), 0, most
    async for chunk in chunks:
        length += len(chunk)
        gathered += chunk[: max(0, kept - len(gathered))]
        if length > most and kept > _TEXTS_BYTES:
            kept = _TEXTS_BYTES
            del gathered[kept:]
        if length > _DRAINED_BYTES_MOST:
            break
    return bytes(gathered), length <= most


def _read(kind: str, body: bytes, whole: bool) -> _Given:
    given = read_parts(kind, body, whole=whole)
    shot = given.pop("screenshot", b"")
    return _Given(200, "", {name: _text(value) for name, value in given.items()}, shot)


def _text(value: bytes) -> str:
    text = value[:_FIELD_BYTES_MOST].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text)
