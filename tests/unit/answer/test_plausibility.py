"""How far a sighting can be believed: a word from its marks alone, each mark with its reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from whosaw.answer import Sighting
from whosaw.answer.plausibility import FABRICATED_WEIGHT, plausibility
from whosaw.answer.signature import Verdict
from whosaw.app.tracesightings import as_csv

AT = datetime(2026, 4, 2, 8, tzinfo=UTC)


def sighting(*marks: str, form: str = "mail") -> Sighting:
    return Sighting(
        *(1, "CASE-1", 5, "seller:S-1", "mail", AT, True, AT, "lotus.example", not marks, {}, marks, "0" * 64, form)
    )


@pytest.mark.parametrize(
    ("marks", "word"),
    [
        ((), "sound"),
        (("inline", "date.unsigned"), "doubtful"),
        (("dkim.none",), "doubtful"),
        (("lookalike",), "doubtful"),
        (("date.future",), "doubtful"),
        (("dkim.fail", "date.unsigned"), "doubtful"),
        (("dkim.fail", "date.future"), "likely_fabricated"),
        (("recipient.differs", "spf.fail", "dkim.none"), "likely_fabricated"),
    ],
)
def test_what_honest_mail_hardly_has_at_once_is_likely_fabricated(marks: tuple[str, ...], word: str) -> None:
    judged = plausibility(sighting(*marks))
    assert judged.word == word and len(judged.reasons) == len(marks)
    assert judged.weight == (FABRICATED_WEIGHT if word == "likely_fabricated" else 1.0)


def test_a_row_is_somebody_s_word_and_a_hit_at_our_own_door_is_sound() -> None:
    assert plausibility(sighting(form="row")).reasons == ("somebody wrote it down; the message itself is not there",)
    assert plausibility(sighting("row", form="row")) == plausibility(sighting(form="row"))
    assert plausibility(sighting(form="canary")).word == "sound"


def test_every_mark_that_intake_knows_has_words_and_one_that_it_does_not_know_is_not_left_out() -> None:
    for verdict in Verdict.__args__:  # type: ignore[attr-defined]
        if verdict != "pass":
            assert plausibility(sighting(f"dkim.{verdict}")).reasons != (f"dkim.{verdict}",), verdict
    for mark in ("inline", "date.missing", "date.future", "date.old", "date.unsigned", "recipient.differs", "spf.fail"):
        assert plausibility(sighting(mark)).reasons != (mark,)
    assert plausibility(sighting("new.mark")).reasons == ("new.mark",)


def test_a_trace_believes_a_likely_fake_a_little_and_everything_else_in_full() -> None:
    rows = as_csv([sighting(), sighting("inline"), sighting("dkim.fail", "date.future")], {5: "customer:C-5"})
    head, *lines = rows.splitlines()
    place = head.split(",").index("weight")
    assert [line.split(",")[place] for line in lines] == ["", "", "0.1"]
