"""The form's two pages: what to fill in, and thanks. No script, no cookie, no look at any database.

Against requests that another site makes a visitor send: there is no session that they could use, a POST must come from
this address's own page (Sec-Fetch-Site or Origin), and it must carry a mark that this process gave out with the form.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from whosaw.doors.complaint.bodies import Bodies, BodyLate, NoPlace, Place
from whosaw.doors.complaint.marks import from_here
from whosaw.doors.complaint.pace import FormPace
from whosaw.doors.complaint.pages import Pages
from whosaw.doors.complaint.spool import Spool
from whosaw.terms import Clock

COMPLAINT_PATH = "/complaint"
TEXT_MOST = 20_000
_BODY_BYTES_MOST = 128 * 1024
_BODIES_AT_ONCE = 256  # 32 MB at most
_ADDRESS = re.compile(r"[^\s<>@\"',;:\\()\[\]]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody wrote: his address, who wrote to him, the message."""

    email: str = ""
    sender: str = ""
    text: str = ""

    def wrong(self) -> dict[str, str]:
        """Return what is wrong by field, in words; nothing where all is well."""
        found = {}
        if len(self.email) > 254 or not _ADDRESS.fullmatch(self.email):
            found["email"] = "Write your e-mail address as name@example.com."
        if self.sender and (len(self.sender) > 254 or not _ADDRESS.fullmatch(self.sender)):
            found["sender"] = "Write the sender's address as name@example.com, or leave this empty."
        if len(self.text.strip()) < 10:
            found["text"] = "Copy the message here."
        elif len(self.text) > TEXT_MOST:
            found["text"] = f"Copy at most {TEXT_MOST:,} characters of the message."
        return found


class ComplaintDoor:
    """The form over a spool; `router` holds its routes."""

    def __init__(
        self, spool: Spool, clock: Clock, *, company: str, pace: FormPace | None = None, bodies: Bodies | None = None
    ) -> None:
        """Make the door.

        Args:
            spool: where reports wait.
            clock: dates them.
            company: whose customers it asks.
            pace: how often it may be sent.
            bodies: how many of them are read at once, and how slowly they may come.
        """
        self._spool = spool
        self._clock = clock
        self._pace = pace or FormPace()
        self._bodies = bodies or Bodies(at_once=_BODIES_AT_ONCE)
        self._pages = Pages(COMPLAINT_PATH, clock, company=company)
        self.router = APIRouter()
        self.router.add_route(COMPLAINT_PATH, self._form, methods=["GET"])
        self.router.add_route(COMPLAINT_PATH, self._take, methods=["POST"])
        self.router.add_route(f"{COMPLAINT_PATH}/style.css", self._pages.css, methods=["GET"])

    async def _form(self, _request: Request) -> Response:
        return self._pages.show("form", filled=Filled(), wrong={}, problem="")

    async def _take(self, request: Request) -> Response:
        try:
            with self._bodies.place() as place:
                return await self._report_of(request, place)
        except NoPlace:
            status, problem = 503, "Many are sending at once. Please go back, and send it again in two minutes."
        except BodyLate:
            status, problem = 408, "This came too slowly to be taken. Please go back, and send it again."
        return self._pages.show("form", status, filled=Filled(), wrong={}, problem=problem)

    async def _report_of(self, request: Request, place: Place) -> Response:
        if not from_here(request):
            return self._pages.show("form", 403, filled=Filled(), wrong={}, problem="Fill in the form on this page.")
        given = await _given(place.arriving(request))
        if given is None:
            return self._pages.show("form", 413, filled=Filled(), wrong={}, problem="This is too long to be taken.")
        filled = Filled(given.get("email", "").strip(), given.get("sender", "").strip(), given.get("text", ""))
        if not self._pages.marks.holds(given.get("mark", "")):
            problem = "The page was open for long. Nothing was lost: please send it once more."
            return self._pages.show("form", 400, filled=filled, wrong={}, problem=problem)
        if wrong := filled.wrong():
            return self._pages.show("form", 422, filled=filled, wrong=wrong, problem="")
        return await self._keep(request, filled)

    async def _keep(self, request: Request, filled: Filled) -> Response:
        if not self._pace.take(request.client.host if request.client else ""):
            problem = "There are many reports just now. Please send it again in an hour."
            return self._pages.show("form", 429, filled=filled, wrong={}, problem=problem)
        if await asyncio.to_thread(lambda: self._spool.full):
            problem = "Reports cannot be taken just now. Please send it again later."
            return self._pages.show("form", 503, filled=filled, wrong={}, problem=problem)
        now = self._clock.now()
        await asyncio.to_thread(self._spool.put, _parsed(filled.email), filled.sender, filled.text, now)
        return self._pages.show("thanks")


async def _given(chunks: AsyncIterator[bytes]) -> Mapping[str, str] | None:
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        if len(gathered) > _BODY_BYTES_MOST:
            return None
    try:
        fields = parse_qs(gathered.decode("ascii", "replace"), max_num_fields=10, errors="replace")
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _parsed(text: str) -> Address:
    user, _, domain = text.rpartition("@")
    return Address(username=user, domain=domain)
