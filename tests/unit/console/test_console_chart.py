from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from whosaw.doors.console.casereads import CandidateLine, Look
from whosaw.doors.console.chart import LINES_MOST, draw

AT = datetime(2026, 3, 26, 9, tzinfo=UTC)


def look(complaints: int, outside: float, *shares: float) -> Look:
    candidates = [
        CandidateLine((f"E-{rank:04d}",), share, "no_signal", 1.0, 1, 1, 1.0) for rank, share in enumerate(shares)
    ]
    return Look(complaints, AT, "undecided", outside, tuple(candidates))


def test_no_look_draws_no_chart() -> None:
    assert draw([], 0.95) is None


def test_a_higher_probability_stands_higher_and_more_complaints_further_right() -> None:
    chart = draw([look(3, 0.9, 0.1), look(4, 0.4, 0.6)], 1 / 1.05)
    assert chart is not None
    lines = {line.names[0]: line for line in chart.lines}
    (x0, y0), (x1, y1) = lines["E-0000"].dots
    assert x0 < x1
    assert y1 < y0
    assert chart.finding_y is not None
    assert chart.top < chart.finding_y < y1


def test_one_look_is_a_dot_without_a_line() -> None:
    chart = draw([look(3, 0.9, 0.1)], None)
    assert chart is not None
    assert chart.finding_y is None
    assert all(line.points == "" and len(line.dots) == 1 for line in chart.lines)


def test_a_candidate_who_came_up_late_starts_late() -> None:
    chart = draw([look(3, 0.9), look(4, 0.9, 0.1), look(5, 0.8, 0.2)], None)
    assert chart is not None
    late = next(line for line in chart.lines if line.names == ("E-0000",))
    assert late.values == (None, 0.1, 0.2)
    assert len(late.dots) == 2


@pytest.mark.parametrize("shares", [(0.0,) * 9, (1.0,) * 9, (0.5,) * 9])
def test_labels_never_cover_each_other_and_stay_in_the_picture(shares: tuple[float, ...]) -> None:
    chart = draw([look(3, shares[0], *shares), look(4, shares[0], *shares)], None)
    assert chart is not None
    assert len(chart.lines) == LINES_MOST + 1
    heights = sorted(line.label_y for line in chart.lines)
    assert all(later - earlier >= 14 for earlier, later in itertools.pairwise(heights))
    assert heights[0] >= 0
    assert heights[-1] <= chart.height


def test_what_duties_or_questions_explain_is_a_line_of_its_own_where_they_were_weighed() -> None:
    looks = [look(3, 0.9, 0.1), replace(look(4, 0.03, 0.471), explained=0.499)]
    chart = draw(looks, None)
    assert chart is not None
    line = next(each for each in chart.lines if each.style == "explained")
    assert line.names == ("explained",) and line.values == (None, 0.499)
    plain = draw(looks[:1], None)
    assert plain is not None and "explained" not in {each.style for each in plain.lines}


def test_many_complaints_do_not_crowd_the_axis() -> None:
    chart = draw([look(n, 0.5, 0.5) for n in range(3, 203)], None)
    assert chart is not None
    assert len(chart.x_ticks) <= 12


def test_the_same_number_of_complaints_twice_is_drawn() -> None:
    chart = draw([look(3, 0.9, 0.1), look(3, 0.8, 0.2)], None)
    assert chart is not None
    assert len({x for x, _ in chart.lines[0].dots}) == 2
