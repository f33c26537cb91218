"""The pages of a form: one template each, a mark in every form that is given out, and headers that allow no script."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from whosaw.doors.complaint.marks import Marks
from whosaw.terms import Clock

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_RETRY_AFTER_S = {408: 5, 429: 3_600, 503: 120}


class Pages:
    """The pages under one path, and the marks that their forms carry."""

    def __init__(self, path: str, clock: Clock, *, company: str) -> None:
        """Show pages of `company` whose forms are sent to `path`; `clock` dates their marks."""
        self.marks = Marks(clock)
        self._path = path
        self._company = company
        self._style = files("whosaw.doors.complaint").joinpath("style.css").read_bytes()
        self._environment = Environment(
            loader=PackageLoader("whosaw.doors.complaint"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def show(self, template: str, status: int = 200, /, **values: object) -> Response:
        """Return a page, which says when to try again where that may help."""
        text = self._environment.get_template(f"{template}.html").render(
            company=self._company, mark=self.marks.new(), path=self._path, **values
        )
        after = {"Retry-After": str(_RETRY_AFTER_S[status])} if status in _RETRY_AFTER_S else {}
        return HTMLResponse(text.encode("utf-8", "replace"), status, headers=_HEADERS | after)

    async def css(self, _request: Request) -> Response:
        """Answer with the style of all pages."""
        return Response(self._style, media_type="text/css; charset=utf-8", headers=_HEADERS)
