from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files

import pytest

from whosaw.doors.console.words import KNOWN_CODES, counted, magnitude, moment, percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "< 0.1 %"),
        (0.0004, "< 0.1 %"),
        (0.5, "50.0 %"),
        (0.9991, "> 99.9 %"),
        (1.0, "> 99.9 %"),
        (0.952, "95.2 %"),
    ],
)
def test_a_share_is_never_rounded_to_certainty(share: float, text: str) -> None:
    assert percent(share).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (0.62, "0.62"), (1.9, "1.9"), (1234.0, "1,234"), (1.6e5, "1.6 × 10⁵"), (3e-7, "3.0 × 10⁻⁷")],
)
def test_a_magnitude_is_short_whatever_its_size(number: float, text: str) -> None:
    assert magnitude(number).replace("\u00a0", " ") == text


def test_what_is_not_a_number_is_said_in_words() -> None:
    assert magnitude(float("inf")) == "unbounded"
    assert magnitude(float("nan")) == percent(float("nan")) == "unknown"


def test_times_are_told_in_utc() -> None:
    at = datetime(2026, 3, 1, 8, 0, 5, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert moment(at) == moment(at.astimezone(UTC)) == "2026-03-01 00:00:05"


def test_a_count_agrees_with_its_noun() -> None:
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(61_234, "entry", "entries") == "61,234 entries"


def test_every_colour_of_a_badge_belongs_to_a_code_that_the_pages_know() -> None:
    sheet = files("whosaw.doors.console").joinpath("style.css").read_text()
    coloured = {name.replace("-", "_") for name in re.findall(r"\.is-([a-z-]+)", sheet)}
    assert coloured <= KNOWN_CODES


def test_the_stylesheet_loads_nothing() -> None:
    sheet = files("whosaw.doors.console").joinpath("style.css").read_text()
    assert "url(" not in sheet
    assert "@import" not in sheet


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_stands_out_from_what_is_behind_it_in_both_schemes(scheme: int) -> None:
    sheet = files("whosaw.doors.console").joinpath("style.css").read_text()
    block = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[scheme]
    colour = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block))
    pairs = [("text", "page"), ("text", "card"), ("soft", "page"), ("soft", "card"), ("accent", "page")]
    pairs += [("accent", "card"), ("accent-text", "accent"), ("text", "plain-back")]
    pairs += [(name, f"{name}-back") for name in ("good", "mild", "hard", "calm")]
    pairs += [(name, "card") for name in ("outside", "c0", "c1", "c2", "c3")]
    assert {pair: c for pair in pairs if (c := contrast(colour[pair[0]], colour[pair[1]])) < 4.5} == {}
