"""Who had to do with an object decides nothing about it a second time: whoever approved the first decision neither."""

from __future__ import annotations

from datetime import UTC, datetime

from whosaw.app.watchtookpart import TookPart
from whosaw.gate.grantsentries import Step, grant_entry

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOLDER, APPROVER, REFUSER, OTHER = 1, 2, 3, 4


def step(change: str, actor: int, grant: int) -> dict[str, object]:
    return dict(grant_entry(Step(change, actor, HOLDER, grant, "second_person", "http"), AT, {}))


def acted(actor: int, about: str) -> dict[str, object]:
    return {"kind": "action", "actor": actor, "action": "review.delete", "object": about, "at": 1}


def test_whoever_gave_or_refused_the_second_persons_word_took_part_in_what_used_it() -> None:
    took = TookPart()
    for said in (
        step("requested", HOLDER, 7),
        step("approved", APPROVER, 7),
        step("requested", HOLDER, 8),
        step("refused", REFUSER, 8),
        acted(HOLDER, "review:before"),
        step("used", HOLDER, 7),
        acted(HOLDER, "review:R-1"),
        acted(HOLDER, "review:R-2"),
        acted(OTHER, "review:R-3"),
        acted(HOLDER, "review:after"),
    ):
        took.see(said)
    assert took.of("review:R-1") == took.of("review:R-2") == {HOLDER, APPROVER}
    assert took.of("review:R-3") == {OTHER}
    assert took.of("review:before") == took.of("review:after") == {HOLDER}
    assert took.of("review:nobody") == set()
