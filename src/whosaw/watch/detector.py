"""Weeks combined: a detector that may be looked at for ever, with a stated mean time between false alarms.

M_t = (M_{t-1} + 1) · e_t, the e-detector of Shin, Ramdas and Rinaldo (2023): under innocence E[M_t] ≤ t, so the mean
time to a false alarm at threshold B is at least B weeks. With N people and f allowed false cases a month,
B = 4.3 · N / f, a month having 4.3 weeks. A plain product would lose the evidence of a change that comes late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.watch.errors import WatchSettingRefused
from whosaw.watch.rows import Float

WEEKS_PER_MONTH = 4.3
_CAP = 600.0  # log; far beyond every threshold, and exp of it is still finite


def threshold(people: int, false_cases_a_month: float) -> float:
    """Return B: at most `false_cases_a_month` false cases a month among `people` innocent ones.

    Raises:
        WatchSettingRefused: nobody is watched, or none is allowed to be wrong.
    """
    if people < 1 or not 0 < false_cases_a_month <= people:
        raise WatchSettingRefused("a threshold needs people, and more than 0 allowed false cases a month")
    return WEEKS_PER_MONTH * people / false_cases_a_month


def detect(log_e: Float) -> Float:
    """Return log M_t of weeks × people (or bets) from the log e-values of each week."""
    state = np.full(log_e.shape[1:], -np.inf)
    found = np.empty_like(log_e)
    for week in range(log_e.shape[0]):
        state = np.minimum(np.logaddexp(state, 0.0) + log_e[week], _CAP)
        found[week] = state
    return found


@dataclass(frozen=True, slots=True)
class Tiers:
    """From which evidence on somebody sees something.

    Args:
        people: how many are watched.
        false_cases_a_month: f, for the whole firm.
        review_e: one-month evidence for the review queue, names masked.
        escalate_families: independent signal families, or a canary, that an escalation needs.
    """

    people: int
    false_cases_a_month: float = 0.2
    review_e: float = 100.0
    escalate_families: int = 2

    @property
    def case_detector(self) -> float:
        """B for the detector's value."""
        return threshold(self.people, self.false_cases_a_month)

    @property
    def case_month_e(self) -> float:
        """N / f for the evidence of one month: by Markov at most f false cases a month."""
        return self.people / self.false_cases_a_month

    def tier(self, log_month: float, log_detector: float, families: int, *, canary: bool = False) -> str:
        """Return `none`, `review`, `case` or `escalate`.

        Args:
            log_month: log e of the month, all signals averaged.
            log_detector: log of the detector's value.
            families: signal families that alone reach the review tier.
            canary: whether he touched one.
        """
        if log_detector >= np.log(self.case_detector) or log_month >= np.log(self.case_month_e):
            return "escalate" if families >= self.escalate_families or canary else "case"
        return "review" if log_month >= np.log(self.review_e) else "none"
