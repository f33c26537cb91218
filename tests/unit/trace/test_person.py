"""Account versus person: clues move the odds of the owner, each opening by a bounded factor."""

import pytest

from whosaw.trace import InputRefused
from whosaw.trace.person import Clue, Clueing, weigh_owner


def test_without_clues_the_prior_stands() -> None:
    owner = weigh_owner([], openings=4, prior=0.9)
    assert owner.probability == pytest.approx(0.9)
    assert owner.unknown == 4


def test_badge_and_device_speak_for_and_against_the_owner() -> None:
    own = weigh_owner([Clueing(i, Clue.OWN_DEVICE) for i in range(3)], 3)
    away = weigh_owner([Clueing(i, Clue.BADGE_ELSEWHERE, 3600) for i in range(3)], 3)
    assert own.probability > 0.99 and own.for_owner == 3
    assert away.probability < 0.05 and away.against == 3


def test_clues_about_one_opening_do_not_multiply() -> None:
    one = weigh_owner([Clueing(0, Clue.SECOND_SESSION, 3600)], 1)
    many = weigh_owner([Clueing(0, Clue.SECOND_SESSION, 3600)] * 5 + [Clueing(0, Clue.BADGE_ELSEWHERE, 3600)], 1)
    assert one.probability == pytest.approx(many.probability)
    assert one.probability > 0.95 / (0.95 + 20 * 0.05) * 0.99


def test_a_clue_within_the_clock_skew_counts_half() -> None:
    near = weigh_owner([Clueing(0, Clue.BADGE_ELSEWHERE, 60)], 1)
    far = weigh_owner([Clueing(0, Clue.BADGE_ELSEWHERE, 6000)], 1)
    exact = weigh_owner([Clueing(0, Clue.BADGE_ELSEWHERE, 60)], 1, skew_s=0)
    assert far.probability == pytest.approx(exact.probability)
    assert far.probability < near.probability < 0.95


def test_impossible_input_is_refused() -> None:
    for call in (
        lambda: weigh_owner([], 1, prior=1.0),
        lambda: weigh_owner([], 1, skew_s=-1),
        lambda: weigh_owner([Clueing(2, Clue.OWN_DEVICE)], 1),
    ):
        with pytest.raises(InputRefused):
            call()
