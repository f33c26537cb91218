"""Who works here at a moment, by his line in the directory: what cannot be read counts against him."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from whosaw.gate.approvalpeople import is_there

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ({}, True),
        ({"since": None, "ended": None}, True),
        ({"since": NOW}, True),
        ({"since": NOW + SECOND}, False),
        ({"since": (NOW + SECOND).replace(tzinfo=None)}, False),
        ({"since": date(2026, 3, 2)}, True),
        ({"since": date(2026, 3, 3)}, False),
        ({"since": "next spring"}, False),
        ({"since": 2027}, False),
        ({"ended": False}, True),
        ({"ended": True}, False),
        ({"ended": NOW}, False),
        ({"ended": NOW + SECOND}, True),
        ({"ended": date(2026, 3, 2)}, False),
        ({"ended": date(2026, 3, 3)}, True),
        ({"ended": "soon"}, False),
        ({"ended": 7}, False),
        ({"since": NOW - SECOND, "ended": NOW + SECOND}, True),
        ({"since": NOW + SECOND, "ended": NOW + 2 * SECOND}, False),
    ],
)
def test_who_is_there_has_begun_and_has_not_left(line: dict[str, Any], there: bool) -> None:
    assert is_there(line, NOW) is there


def test_whom_the_directory_does_not_list_is_not_there() -> None:
    assert not is_there(None, NOW)
