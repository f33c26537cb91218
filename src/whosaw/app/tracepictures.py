"""Two pictures of an answer, as SVG that needs nothing else: who had opened whom, and the evidence over time."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from whosaw.terms import chance

_CELL = 16
_LEFT = 150
_ROWS = 12
_WIDE, _HIGH = 560, 220


def write_pictures(told: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write `overlap.svg` and `evidence.svg`; none where nobody was ranked.

    Args:
        told: what `trace_lake` returned.
        folder: made where it is missing.
    """
    if not told["candidates"]:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, picture in (("overlap.svg", overlap(told)), ("evidence.svg", evidence(told))):
        path = folder / name
        path.write_text(picture, encoding="utf-8")
        written.append(path)
    return written


def overlap(told: Mapping[str, Any]) -> str:
    """Return who had opened which complainer before the contact: dark where without a reason, hollow where not."""
    rows = [c for c in told["candidates"][:_ROWS] if c["hits"]]
    columns = max((len(c["hits"]) for c in rows), default=0)
    parts = []
    for y, candidate in enumerate(rows):
        top = 30 + y * _CELL
        name = escape("/".join(candidate["actors"]))[:40]
        parts.append(f'<text x="4" y="{top + 12}">{name} {escape(chance(candidate["probability"], 3))}</text>')
        for x, hit in enumerate(candidate["hits"]):
            opened = hit["opened_at"] is not None
            colour = "#b3261e" if hit["irregular"] and opened else "#4a6fa5" if opened else "none"
            parts.append(
                f'<rect x="{_LEFT + x * _CELL}" y="{top}" width="{_CELL - 2}" height="{_CELL - 2}" '
                f'fill="{colour}" stroke="#999"><title>{escape(hit["contacted_at"])}</title></rect>'
            )
    head = '<text x="4" y="18">complainers by time of contact: opened (blue), without a reason that holds (red)</text>'
    return _svg(_LEFT + max(columns * _CELL, 420), 40 + len(rows) * _CELL, head + "".join(parts))


def evidence(told: Mapping[str, Any]) -> str:
    """Return the probability of the most probable candidate and of nobody inside, complaint by complaint."""
    steps = told.get("history", [])
    last = max((step["complaints"] for step in steps), default=1)

    def line(key: str, colour: str) -> str:
        points = " ".join(
            f"{40 + (_WIDE - 60) * step['complaints'] / last:.1f},{_HIGH - 30 - (_HIGH - 60) * step[key]:.1f}"
            for step in steps
        )
        return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'

    scale = "".join(
        f'<text x="4" y="{_HIGH - 26 - (_HIGH - 60) * p:.0f}">{p:g}</text>'
        f'<line x1="40" x2="{_WIDE - 20}" y1="{_HIGH - 30 - (_HIGH - 60) * p:.1f}" '
        f'y2="{_HIGH - 30 - (_HIGH - 60) * p:.1f}" stroke="#ddd"/>'
        for p in (0, 0.5, 0.95)
    )
    words = '<text x="40" y="18">most probable candidate (red), nobody inside (blue), over complaints</text>'
    count = f'<text x="{_WIDE - 40}" y="{_HIGH - 10}">{last}</text>'
    return _svg(_WIDE, _HIGH, words + scale + line("probability", "#b3261e") + line("outside", "#4a6fa5") + count)


def _svg(width: int, height: int, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">{body}</svg>\n'
    )
