"""What is decided again: known to nobody while he decides, the same for whoever draws again, and no day left out."""

from __future__ import annotations

from datetime import UTC, date, datetime

from whosaw.app.watchday import drawn_from_us
from whosaw.terms import to_us
from whosaw.watch.drawing import is_drawn, night_seed, second_of, stands_for


def test_the_seed_and_the_entry_alone_tell_neither_what_is_drawn_nor_who_decides_again() -> None:
    nights = [night_seed(20260101, b"run %d" % night) for night in range(400)]
    assert night_seed(20260101, b"run 0") == nights[0] != night_seed(1, b"run 0")
    drawn = [is_drawn(seed, 7, b"said", 0.25) for seed in nights]
    assert 60 < sum(drawn) < 140, "the same decision is drawn in a quarter of the nights"
    assert len({second_of(seed, 7, range(5)) for seed in nights}) == 5
    assert len({stands_for(seed, range(5)) for seed in nights}) == 5
    assert second_of(nights[0], 7, []) is None


def test_decisions_of_days_on_which_no_server_ran_are_drawn_with_the_next_run() -> None:
    day = date(2026, 3, 9)
    assert drawn_from_us(None, day) == drawn_from_us(date(2026, 3, 8), day) == to_us(datetime(2026, 3, 9, tzinfo=UTC))
    assert drawn_from_us(date(2026, 3, 4), day) == to_us(datetime(2026, 3, 5, tzinfo=UTC))
