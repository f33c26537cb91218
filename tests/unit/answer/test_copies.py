"""Individually worded copies: they differ, and a leaked one is told from the others with an honest chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.answer.copies import CopyUnmarked, trace_copy, write_copy

SECRET = b"sixteen bytes or more"
PEOPLE = [f"person-{n}" for n in range(40)]
TEXT = " ".join(
    f"Point {word} of this report says that the record [[shows|reveals]] what was opened on day {word}, and that we "
    f"[[began|started]] to look at it {word} days [[later|afterwards]]."
    for word in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
)


def test_copies_mean_the_same_and_differ() -> None:
    copies = {person: write_copy(TEXT, person, SECRET) for person in PEOPLE}
    assert len(set(copies.values())) == len(PEOPLE)
    assert not any("[[" in copy or "|" in copy for copy in copies.values())
    assert write_copy(TEXT, "person-1", SECRET) == copies["person-1"]
    assert write_copy(TEXT, "person-1", b"another secret here") != copies["person-1"]


@given(st.sampled_from(PEOPLE), st.booleans())
def test_a_leaked_copy_is_found_also_in_capitals(person: str, loud: bool) -> None:
    leak = write_copy(TEXT, person, SECRET)
    best, second, *_ = trace_copy(leak.upper() if loud else leak, TEXT, PEOPLE, SECRET)
    assert (best.person, best.agree, best.of) == (person, 36, 36)
    assert best.chance < 1e-9 < second.chance


def test_a_strangers_text_accuses_nobody() -> None:
    stranger = write_copy(TEXT, "nobody of the list", SECRET)
    assert min(each.chance for each in trace_copy(stranger, TEXT, PEOPLE, SECRET)) > 1e-4
    empty = trace_copy("another text altogether", TEXT, PEOPLE, SECRET)
    assert all((each.of, each.chance) == (0, 1.0) for each in empty)


def test_too_few_choices_are_refused() -> None:
    with pytest.raises(CopyUnmarked, match="1 choices"):
        write_copy("a [[b|c]] d", "ann", SECRET)
