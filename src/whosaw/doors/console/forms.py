"""What a browser posts: forms of the console's own pages, bounded, and from nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import parse_qs

from starlette.requests import Request

from whosaw.doors.console.questions import ConsoleError, QuestionUnreadable

_BODY_BYTES_MOST = 8_192
_NUMBER_DIGITS = 18
_OWN = ("same-origin", "none")

Form = Mapping[str, list[str]]


class FormFromElsewhere(ConsoleError, PermissionError):
    """A form was sent by a page that is not the console's."""

    code: ClassVar[str] = "console.form_from_elsewhere"
    hint = "open the page in the console, and send it from there"


async def read_form(request: Request) -> Form:
    """Return the fields of a form; none where it is too long to be one of the console's."""
    gathered = bytearray()
    async for chunk in request.stream():
        gathered += chunk
        if len(gathered) > _BODY_BYTES_MOST:
            return {}
    return parse_qs(gathered.decode("ascii", "replace"))


def number_in(form: Form, name: str, of_what: str) -> int:
    """Return the whole number that a form names.

    Raises:
        QuestionUnreadable: it names none.
    """
    number = form.get(name, [""])[0]
    if not number.isascii() or not number.isdigit() or len(number) > _NUMBER_DIGITS:
        raise QuestionUnreadable(f"the form names no {of_what}")
    return int(number)


def check_own(request: Request) -> None:
    """Let no form pass that another page sent: the strict cookie stays away from other sites, not from neighbours.

    Raises:
        FormFromElsewhere: the browser says that another origin sent it.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    here = f"{request.url.scheme}://{request.url.netloc}"
    # a browser says where a form comes from; only where it says neither does the cookie alone decide
    if (site is not None and site not in _OWN) or (site is None and origin is not None and origin != here):
        raise FormFromElsewhere("a page of another site sent this form")
