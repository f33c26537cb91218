"""The chart of a case: probability of each candidate, of nobody inside, and of what duties or questions explain.

Only geometry is computed here; the template draws it as SVG, and the table beside it says the same in numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from whosaw.doors.console.casereads import Look

LINES_MOST = 4
_WIDTH, _HEIGHT = 460, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 92, 14, 40
_LABEL_GAP = 15
_TICKS_MOST = 12
_LABEL_CHARS = 11
_KEY_CHARS = 24


@dataclass(frozen=True, slots=True)
class Line:
    """One hypothesis over the looks.

    Args:
        names: staff keys, ``outside`` or ``explained``; cut where they are too long for a table's head.
        style: ``outside``, ``explained``, or ``c0`` … for the stylesheet.
        values: one probability per look, None where the hypothesis did not exist yet.
        points: x,y pairs as SVG writes them; empty where there is nothing to join.
        dots: x and y of every value.
        label: the names cut to what fits beside the line.
        label_y: where the label stands.
    """

    names: tuple[str, ...]
    style: str
    values: tuple[float | None, ...]
    points: str
    dots: tuple[tuple[float, float], ...]
    label: str
    label_y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """All that the template draws; lengths in SVG units."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    label_x: int
    x_ticks: tuple[tuple[float, int], ...]
    y_ticks: tuple[tuple[float, str], ...]
    finding_y: float | None
    lines: tuple[Line, ...]


def draw(looks: Sequence[Look], finding_at: float | None) -> Chart | None:
    """Return the chart of the candidates that lead at the last look, or None where there is no look.

    Args:
        looks: one or more, rising in complaints.
        finding_at: probability to mark, or None.
    """
    if not looks:
        return None
    x = _horizontal(looks)
    ends = _label_places(looks)
    lines = tuple(_line(place, x, label_y) for place, label_y in ends)
    step = max(1, -(-len(looks) // _TICKS_MOST))
    return Chart(
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        top=_TOP,
        bottom=_HEIGHT - _BOTTOM,
        label_x=_WIDTH - _RIGHT + 9,
        x_ticks=tuple((x[i], looks[i].complaints) for i in range(0, len(looks), step)),
        y_ticks=tuple((_vertical(share), f"{100 * share:.0f} %") for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
        finding_y=None if finding_at is None else _vertical(finding_at),
        lines=lines,
    )


def short(text: str, most: int = _KEY_CHARS) -> str:
    """Return `text`, cut to `most` characters where it is longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    names: tuple[str, ...]
    style: str
    values: tuple[float | None, ...]


def _hypotheses(looks: Sequence[Look]) -> list[_Hypothesis]:
    series = [_Hypothesis(("outside",), "outside", tuple(look.outside_probability for look in looks))]
    if any(look.explained is not None for look in looks):
        series.append(_Hypothesis(("explained",), "explained", tuple(look.explained for look in looks)))
    for rank, candidate in enumerate(looks[-1].candidates[:LINES_MOST]):
        at_look = [
            next((one.probability for one in look.candidates if one.actors == candidate.actors), None) for look in looks
        ]
        series.append(_Hypothesis(candidate.actors, f"c{rank}", tuple(at_look)))
    return series


def _line(hypothesis: _Hypothesis, x: Sequence[float], label_y: float) -> Line:
    dots = tuple(
        (place, _vertical(value)) for place, value in zip(x, hypothesis.values, strict=True) if value is not None
    )
    return Line(
        names=tuple(short(name) for name in hypothesis.names),
        style=hypothesis.style,
        values=hypothesis.values,
        points=" ".join(f"{px:.1f},{py:.1f}" for px, py in dots) if len(dots) > 1 else "",
        dots=dots,
        label=short(" or ".join(hypothesis.names), _LABEL_CHARS),
        label_y=label_y,
    )


def _label_places(looks: Sequence[Look]) -> list[tuple[_Hypothesis, float]]:
    """Return each hypothesis with the height of its label: beside its last value, but never over another label."""
    series = sorted(_hypotheses(looks), key=lambda one: -(one.values[-1] or 0.0))
    wanted = [_vertical(one.values[-1] or 0.0) for one in series]
    lowest = float(_HEIGHT - _BOTTOM)
    for place in range(1, len(wanted)):
        wanted[place] = max(wanted[place], wanted[place - 1] + _LABEL_GAP)
    for place in reversed(range(len(wanted))):
        wanted[place] = min(wanted[place], lowest)
        lowest = wanted[place] - _LABEL_GAP
    return list(zip(series, wanted, strict=True))


def _horizontal(looks: Sequence[Look]) -> list[float]:
    first, last = looks[0].complaints, looks[-1].complaints
    width = _WIDTH - _LEFT - _RIGHT
    if last <= first:
        return [_LEFT + width * (i + 1) / (len(looks) + 1) for i in range(len(looks))]
    return [_LEFT + 8 + (width - 16) * (look.complaints - first) / (last - first) for look in looks]


def _vertical(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return _TOP + (1.0 - share) * (_HEIGHT - _TOP - _BOTTOM)
