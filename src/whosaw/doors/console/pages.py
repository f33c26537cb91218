"""From values to HTML: one template environment, one set of headers for everything the console sends."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from whosaw.doors.console import words
from whosaw.doors.console.chart import short
from whosaw.terms import Clock

# nothing is loaded from elsewhere, no script runs, no other site may frame the pages, nothing is kept on disk, and no
# address (which holds a subject, or a login link) reaches anybody as a referrer
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
_MEDIA_TYPES = {"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


class Pages:
    """Draws pages and hands out the stylesheet and the icon."""

    def __init__(self, clock: Clock, *, looks_recorded: bool) -> None:
        self._clock = clock
        self._environment = Environment(
            loader=PackageLoader("whosaw.doors.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            count=words.count,
            magnitude=words.magnitude,
            machine_moment=words.machine_moment,
            moment=words.moment,
            percent=words.percent,
            short=short,
        )
        self._environment.globals.update(
            counted=words.counted,
            decisions=words.DECISIONS,
            effects=words.EFFECTS,
            holds=words.HOLDS,
            looks_recorded=looks_recorded,
            known_codes=words.KNOWN_CODES,
            no_verdict=words.NO_VERDICT,
            reasons=words.REASONS,
            rungs=words.RUNGS,
            signs=words.SIGNS,
            step_states=words.STEPS,
            unmasking_states=words.UNMASKINGS,
            verdicts=words.VERDICTS,
        )
        folder = files("whosaw.doors.console")
        self._fixed = {name: folder.joinpath(name).read_bytes() for name in _MEDIA_TYPES}

    def page(self, template: str, status: int = 200, /, viewer: str | None = None, **values: object) -> Response:
        """Return one page.

        Args:
            template: name of the template without its ending.
            status: HTTP status.
            viewer: who is signed in, or None.
            values: what the template shows.
        """
        text = self._environment.get_template(f"{template}.html").render(
            viewer=viewer, simulated=self._clock.simulated, now=self._clock.now(), **values
        )
        # a lone surrogate can stand in no address and no page
        return HTMLResponse(text.encode("utf-8", "replace"), status, headers=HEADERS)

    def fixed(self, name: str) -> Response:
        """Return ``style.css`` or ``icon.svg``."""
        return Response(self._fixed[name], headers={**HEADERS, "Content-Type": _MEDIA_TYPES[name]})
