"""Which rows of shifts, badges, logins and devices are kept: those without which another clue would come out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from whosaw.app.presence import Opening, clues_of
from whosaw.app.tracedeclared import bearing_on
from whosaw.app.tracefiles import Presence
from whosaw.terms import to_us

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = st.lists(
    st.builds(
        lambda what, since, lasts, device: {
            "actor": "E-1",
            "what": what,
            "since": START + timedelta(hours=since),
            "until": START + timedelta(hours=since + lasts),
            "device": device,
        },
        st.sampled_from(["shift", "badge", "login", "device"]),
        st.integers(0, 60),
        st.integers(0, 9),
        st.sampled_from(["a", "b"]),
    ),
    max_size=12,
)


def as_read(row: Mapping[str, Any]) -> Presence:
    return Presence(row["actor"], row["what"], to_us(row["since"]), to_us(row["until"]), row["device"])


@given(ROWS, st.lists(st.integers(0, 70), min_size=1, max_size=4))
def test_the_rows_that_are_kept_give_the_same_clues_as_all(rows: list[dict[str, Any]], hours: list[int]) -> None:
    openings = [START + timedelta(hours=hour) for hour in hours]
    kept = bearing_on(openings, rows)
    for opening in openings:
        seen = Opening(to_us(opening), "a")
        some, every = (Counter(clues_of(0, seen, [as_read(row) for row in each])) for each in (kept, rows))
        assert some == every


def test_years_of_logins_are_left_out() -> None:
    days = [START + timedelta(days=day) for day in range(1000)]
    rows = [
        {"actor": "E-1", "what": "shift", "since": day, "until": day + timedelta(hours=8), "device": None}
        for day in days
    ]
    assert [row["since"] for row in bearing_on([days[500]], rows)] == [days[500], days[499], days[501]]
    assert len(bearing_on([], rows)) == 1, "he has shifts: none of them is no word about him"
