"""The console's pages about watch: flags and verdicts for reviewers; one's own questions and second decisions."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from whosaw.doors.console.forms import number_in, read_form
from whosaw.doors.console.pages import HEADERS, Pages
from whosaw.doors.console.questions import NoSuchPage, QuestionUnreadable
from whosaw.doors.console.reads import Reads

Page = Callable[[Request, str], Awaitable[Response]]

_FOR_REVIEWERS = "flags are for people whose function reviews them"
_FLAG = re.compile(r"[0-9a-f]{8,64}")


def watch_pages(reads: Reads, pages: Pages) -> Sequence[tuple[str, str, Page]]:
    """Return address, method and endpoint of each page; whoever calls them has checked who asks.

    Args:
        reads: answers the pages' questions.
        pages: draws them.
    """
    made = _WatchPages(reads, pages)
    return (
        ("/console/watch", "GET", made.watch),
        ("/console/watch/flags/{flag}", "GET", made.flag),
        ("/console/watch/flags/{flag}/verdict", "POST", made.judge),
        ("/console/watch/release", "POST", made.release),
        ("/console/prompts", "GET", made.prompts),
        ("/console/prompts", "POST", made.answer),
        ("/console/second", "GET", made.seconds),
        ("/console/second/{decision}", "POST", made.decide_again),
    )


class _WatchPages:
    def __init__(self, reads: Reads, pages: Pages) -> None:
        self._reads = reads
        self._pages = pages

    async def watch(self, _request: Request, viewer: str) -> Response:
        page = await self._reads.watch(viewer)
        if page is None:
            raise NoSuchPage(_FOR_REVIEWERS)
        return self._pages.page("watch", viewer=viewer, page=page)

    async def flag(self, request: Request, viewer: str) -> Response:
        wanted = _flag_id(request)
        page = await self._reads.flag(wanted, viewer)
        if page is None:
            raise _no_flag(wanted)
        return self._pages.page("flag", viewer=viewer, page=page)

    async def judge(self, request: Request, viewer: str) -> Response:
        wanted, form = _flag_id(request), await read_form(request)
        outcome, record, because = (form.get(name, [""])[0] for name in ("outcome", "record", "because"))
        refused = await self._reads.judge(wanted, (outcome, record, because), viewer)
        if refused is None:
            raise _no_flag(wanted)
        if refused:
            raise QuestionUnreadable(refused, hint="go back to the page of the flag; nothing was recorded")
        return RedirectResponse(f"/console/watch/flags/{wanted}", 303, headers=HEADERS)

    async def prompts(self, _request: Request, viewer: str) -> Response:
        return self._pages.page("prompts", viewer=viewer, prompts=await self._reads.prompts(viewer))

    async def answer(self, request: Request, viewer: str) -> Response:
        said = await read_form(request)
        number = number_in(said, "prompt", "question")
        if refused := await self._reads.answer(number, said.get("because", [""])[0], viewer):
            raise QuestionUnreadable(refused)
        return RedirectResponse("/console/prompts", 303, headers=HEADERS)

    async def seconds(self, _request: Request, viewer: str) -> Response:
        return self._pages.page("second", viewer=viewer, rows=await self._reads.seconds(viewer))

    async def decide_again(self, request: Request, viewer: str) -> Response:
        decision = request.path_params["decision"]
        if decision not in ("favour", "decline"):
            raise NoSuchPage("there is no such page")
        said = await read_form(request)
        number = number_in(said, "second", "decision")
        text, favours = said.get("because", [""])[0], decision == "favour"
        if refused := await self._reads.decide_again(number, text, viewer, favours=favours):
            raise QuestionUnreadable(refused, hint="the page of second decisions lists one's own")
        return RedirectResponse("/console/second", 303, headers=HEADERS)

    async def release(self, request: Request, viewer: str) -> Response:
        said = await read_form(request)
        number = number_in(said, "held", "person who is held up")
        refused = await self._reads.release(number, said.get("because", [""])[0], viewer)
        if refused is None:
            raise NoSuchPage(_FOR_REVIEWERS)
        if refused:
            raise QuestionUnreadable(refused, hint="the page of watch shows who is held up at this moment")
        return RedirectResponse("/console/watch", 303, headers=HEADERS)


def _flag_id(request: Request) -> str:
    """Return the id that the address names; one that no flag can have is told as one that is not there."""
    text = str(request.path_params["flag"])
    if not _FLAG.fullmatch(text):
        raise NoSuchPage("there is no such flag")
    return text


def _no_flag(wanted: str) -> NoSuchPage:
    # the same words for one that is not there and one that he may not see
    return NoSuchPage(f"there is no flag `{wanted}` that you may see", hint=_FOR_REVIEWERS)
