"""The routes of the console: the way in by a one-time link, pages, and the few forms that people send."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from whosaw.doors.console.chart import draw
from whosaw.doors.console.forms import FormFromElsewhere, check_own, number_in, read_form
from whosaw.doors.console.logins import LOGIN_PATH, LoginLinks, Sessions
from whosaw.doors.console.pages import HEADERS, Pages
from whosaw.doors.console.questions import (
    ConsoleError,
    NoSuchPage,
    QuestionUnreadable,
    before_index,
    case_id,
    who_question,
)
from whosaw.doors.console.reads import Reads
from whosaw.doors.console.recordreads import ROWS_MOST
from whosaw.doors.console.watchroutes import Page, watch_pages
from whosaw.terms import Clock, WhosawError, from_us, to_us

COOKIE = "whosaw_console"
START = "/console/"
WAY_IN = "Start `whosaw serve` again: it prints a new link."
_ONCE_CHARS_MOST = 200
_WHO_SEES = "a case is for those whom `whosaw case people` names in it, and for nobody with a conflict of interest"
_FOR_OVERSEERS = "the list of unmaskings is for people whose function oversees them"
# programs that fetch a link to draw a preview of it say so in their name
_PREVIEWERS = ("bot", "crawl", "embed", "facebookexternalhit", "preview", "slack", "spider", "whatsapp")

_log = logging.getLogger(__name__)


class ConsoleDoor:
    """Pages over what `Reads` answers. Who looks is who the session says; every page asks anew whether he still may."""

    def __init__(
        self,
        reads: Reads,
        logins: LoginLinks,
        clock: Clock,
        *,
        sessions: Sessions | None = None,
        subject_kind: str = "customer",
        way_in: str = WAY_IN,
    ) -> None:
        """Make the door; `router` holds its routes.

        Args:
            reads: answers the pages' questions.
            logins: one-time links.
            clock: for the banner and the time at the foot of a page; sessions end by a monotonic clock.
            sessions: browsers that came in; a set of its own if None.
            subject_kind: the kind meant where somebody writes only a key.
            way_in: one sentence that says how to get a new link.
        """
        self._reads = reads
        self._logins = logins
        self._sessions = sessions or Sessions()
        self._subject_kind = subject_kind
        self._way_in = way_in
        self._clock = clock
        self._pages = Pages(clock, looks_recorded=reads.records_looks)
        self.router = APIRouter()
        add = self.router.add_route
        add("/console", self._to_start, methods=["GET"])
        add(LOGIN_PATH, self._login, methods=["GET", "POST"])
        add("/console/logout", self._logout, methods=["POST"])
        add("/console/style.css", self._fixed, methods=["GET"])
        add("/console/icon.svg", self._fixed, methods=["GET"])
        add(START, self._guarded(self._start), methods=["GET"])
        add("/console/who", self._guarded(self._who), methods=["GET"])
        add("/console/cases/{case_id}", self._guarded(self._case), methods=["GET"])
        add("/console/cases/{case_id}/unmaskings", self._guarded(self._unmaskings), methods=["GET"])
        add("/console/cases/{case_id}/unmaskings", self._guarded(self._ask_unmasking), methods=["POST"])
        add("/console/cases/{case_id}/unmaskings/approve", self._guarded(self._approve_unmasking), methods=["POST"])
        add("/console/unmaskings", self._guarded(self._overseen), methods=["GET"])
        add("/console/corrections", self._guarded(self._read_corrections), methods=["POST"])
        add("/console/trail", self._guarded(self._trail), methods=["GET"])
        for path, method, page in watch_pages(reads, self._pages):
            add(path, self._guarded(page), methods=[method])
        add("/console/{rest:path}", self._guarded(self._nowhere), methods=["GET"])

    async def _start(self, _request: Request, viewer: str) -> Response:
        page = await self._reads.start(viewer)
        newest = max((to_us(each.made_at) for each in page.fallen), default=0)
        return self._pages.page("start", viewer=viewer, page=page, newest=newest, fields=self._reads.fields)

    async def _who(self, request: Request, viewer: str) -> Response:
        question = who_question(request.query_params, self._subject_kind)
        page = await self._reads.who(question, viewer)
        return self._pages.page("who", viewer=viewer, page=page, question=question, fields=self._reads.fields)

    async def _case(self, request: Request, viewer: str) -> Response:
        wanted = case_id(request.path_params["case_id"])
        page = await self._reads.case(wanted, viewer)
        if page is None:
            raise _no_case(wanted)
        return self._pages.page("case", viewer=viewer, page=page, chart=draw(page.looks, page.finding_at))

    async def _unmaskings(self, request: Request, viewer: str) -> Response:
        wanted = case_id(request.path_params["case_id"])
        page = await self._reads.unmaskings(wanted, viewer)
        if page is None:
            raise _no_case(wanted)
        return self._pages.page("unmaskings", viewer=viewer, page=page)

    async def _ask_unmasking(self, request: Request, viewer: str) -> Response:
        wanted, said = case_id(request.path_params["case_id"]), await read_form(request)
        asked = number_in(said, "actor", "person"), said.get("because", [""])[0], number_in(said, "days", "days")
        return self._unmasked(wanted, await self._reads.ask_unmasking(wanted, asked, viewer))

    async def _approve_unmasking(self, request: Request, viewer: str) -> Response:
        wanted, said = case_id(request.path_params["case_id"]), await read_form(request)
        number = number_in(said, "unmasking", "unmasking")
        return self._unmasked(wanted, await self._reads.approve_unmasking(wanted, number, viewer))

    def _unmasked(self, case: str, refused: str | None) -> Response:
        if refused is None:
            raise _no_case(case)
        if refused:
            raise QuestionUnreadable(refused, hint="go back to the page of the case's unmaskings")
        return RedirectResponse(f"/console/cases/{case}/unmaskings", 303, headers=HEADERS)

    async def _overseen(self, _request: Request, viewer: str) -> Response:
        lines = await self._reads.overseen(viewer)
        if lines is None:
            raise NoSuchPage(_FOR_OVERSEERS)
        return self._pages.page("overseen", viewer=viewer, lines=lines)

    async def _read_corrections(self, request: Request, viewer: str) -> Response:
        # those that the page showed, and none that came since
        until = number_in(await read_form(request), "until", "time of what was read")
        await self._reads.corrections_read(viewer, from_us(min(until, to_us(self._clock.now()))))
        return RedirectResponse(START, 303, headers=HEADERS)

    async def _trail(self, request: Request, viewer: str) -> Response:
        before = before_index(request.query_params)
        page = await self._reads.trail(before, ROWS_MOST, viewer)
        return self._pages.page("trail", viewer=viewer, page=page, before=before)

    async def _nowhere(self, _request: Request, _viewer: str) -> Response:
        raise NoSuchPage("there is no such page")

    async def _to_start(self, _request: Request) -> Response:
        return RedirectResponse(START, 303, headers=HEADERS)

    async def _fixed(self, request: Request) -> Response:
        return self._pages.fixed(request.url.path.rpartition("/")[2])

    async def _login(self, request: Request) -> Response:
        """Open the console by a link: at once for a person's browser, by a button where it may be something else."""
        if request.method == "POST":
            return self._enter(request, await _once_from_form(request))
        once = request.query_params.get("once", "")
        if once and not _opened_by_a_person(request):
            return self._pages.page("login", once=once[:_ONCE_CHARS_MOST])
        return self._enter(request, once)

    def _enter(self, request: Request, once: str) -> Response:
        present = request.cookies.get(COOKIE, "")
        viewer = self._logins.redeem(once) if len(once) <= _ONCE_CHARS_MOST else None
        if viewer is None:
            # whoever goes back to the link with a session that lasts is where he wants to be
            return self._back_in(present) or self._refused(401, "link")
        self._sessions.end(present)
        if request.headers.get("sec-fetch-site") == "cross-site":
            # a redirect would still count as the other site's, and the strict cookie would not come along
            response = self._pages.page("entered", start=START)
        else:
            response = RedirectResponse(START, 303, headers=HEADERS)
        response.set_cookie(
            COOKIE,
            self._sessions.begin(viewer, self._clock.now()),
            max_age=int(self._sessions.life_s),
            path="/console",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    def _back_in(self, present: str) -> Response | None:
        known = self._sessions.viewer(present) is not None
        return RedirectResponse(START, 303, headers=HEADERS) if known else None

    async def _logout(self, request: Request) -> Response:
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = self._refused(200, "left")
        response.delete_cookie(COOKIE, path="/console", httponly=True, samesite="strict")
        return response

    def _guarded(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a page: behind a session, and with an answer for everything that can go wrong."""

        async def endpoint(request: Request) -> Response:
            viewer: str | None = ""
            try:
                viewer = await self._sessions.lasting(request.cookies.get(COOKIE, ""))
                if viewer is None:
                    return self._refused(401, "session", again=_same_address(request))
                if not await self._reads.admits(viewer):
                    return self._refused(403, "suspended")
                if request.method == "POST":
                    check_own(request)
                return await page(request, viewer)
            except ConsoleError as problem:
                return self._wrong(problem, viewer or "")
            except WhosawError as problem:
                return self._failed(503, problem, viewer or "")
            except Exception as problem:
                return self._failed(500, problem, viewer or "")

        return endpoint

    def _refused(self, status: int, why: str, again: str = "") -> Response:
        minutes = max(1, round(self._logins.life_s / 60))
        response = self._pages.page("refused", status, why=why, again=again, way_in=self._way_in, minutes=minutes)
        if status == 401:
            response.headers["WWW-Authenticate"] = 'Login-Link realm="whosaw console"'
        return response

    def _wrong(self, problem: ConsoleError, viewer: str) -> Response:
        status = 403 if isinstance(problem, FormFromElsewhere) else 404
        status = 400 if isinstance(problem, QuestionUnreadable) else status
        return self._pages.page(
            "wrong", status, viewer=viewer, status=status, problem=problem, fields=self._reads.fields
        )

    def _failed(self, status: int, problem: Exception, viewer: str) -> Response:
        # the frames and the kind say where; a message could hold what was being read
        frames = "".join(traceback.format_tb(problem.__traceback__))
        _log.error("a console page failed: %s\n%s", type(problem).__name__, frames)
        code = problem.code if isinstance(problem, WhosawError) else ""
        return self._pages.page("failed", status, viewer=viewer, code=code)


def _no_case(wanted: str) -> NoSuchPage:
    # the same words for one that is not there and one that he may not see: neither tells that it is there
    return NoSuchPage(f"there is no case `{wanted}` that you may see", hint=_WHO_SEES)


def _opened_by_a_person(request: Request) -> bool:
    """Return whether a GET is somebody opening the link, not a prefetch, a link preview or an embedded load."""
    headers = request.headers
    if request.method == "HEAD":
        return False
    if any("prefetch" in headers.get(name, "").lower() for name in ("sec-purpose", "purpose", "x-moz")):
        return False
    mode = headers.get("sec-fetch-mode")
    if mode is not None:
        return mode == "navigate" and headers.get("sec-fetch-dest") == "document"
    agent = headers.get("user-agent", "").lower()
    return not any(name in agent for name in _PREVIEWERS)


async def _once_from_form(request: Request) -> str:
    return (await read_form(request)).get("once", [""])[0]


def _same_address(request: Request) -> str:
    """Return the address asked for if another site led here: the strict cookie stayed behind, one click brings it."""
    if request.headers.get("sec-fetch-site") != "cross-site":
        return ""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
