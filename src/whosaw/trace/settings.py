"""Every number the method fixes in advance, in one frozen value, so that a result can say how it was made."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.trace.errors import SettingRefused

DAY_US = 86_400_000_000

LAMBDAS = (0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97)
"""Share of the complaints that one actor explains: the grid bets are placed on."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The method's constants; the defaults are the measured ones.

    Args:
        alpha: the stated rate of naming somebody although nobody inside leaked, in (0, 0.5].
        outside_prior: probability, before any evidence, that it was nobody inside, in (0, 1).
        pair_share: part of the rest that two leakers together get.
        trio_share: part of the rest that three leakers together get.
        lambda_prior: one weight per value of `LAMBDAS`, summing to 1. Any prior fixed in advance keeps the guarantee.
            This one expects few stray complaints: against (.1 .1 .15 .2 .2 .15 .1) it finds more leakers at 3 to 5
            complaints (bank log, K = 3: 54 % instead of 45 %) and loses up to 3 % at 20 of which 30 % are stray.
        looks: complaint counts at which the permutation test looks; by k complaints `alpha` (k - 2) / (k + 2) is spent.
            Empty where the analyst looks exactly once, now, with the whole `alpha`.
        draws: redraws of the permutation test.
        first_draws: redraws made first; the others follow only where the first p-value is at most 0.1.
        seed: of the redraws and of the sampling of large risk sets.
        min_controls: controls wanted before a finer match is preferred to a coarser one.
        max_controls: larger risk sets are sampled down to this many.
        calipers_days: distances of the entry dates, tried in this order, where work items are known.
        calipers_alone_days: the same where the entry date is the only thing to match on.
        pair_pool: how many of the strongest actors are combined with one another.
        trio_seeds: how many of the strongest pairs are tried with a third.
        floor_share: part of the prior weight spread evenly over every actor who is no service, so that somebody who
            opened nothing before the first complaint can still be found.
        later_starts: complaints after which bets start anew with weights of that moment, for those who began later.
        later_share: part of the prior of single actors that the later starts share.
        ring_later_share: the same of pairs and trios, whose members seldom begin together.
        min_complaints: complaints below which nothing is ranked, and complainers an actor must have opened to be named.
        unmatched_share: largest share of complainers without a match that still allows a ranking.
        rival_share: part of the inside probability that an actor needs to be named alone.
        beside_share: the same for a further actor beside a finding, and after the probability was shared out.
        beyond_share: probability that a further actor, rather than nobody else, passed on what those named leave over.
        complete: the caller vouches that the log misses no access; without it no scope is called a bound.
    """

    alpha: float = 0.05
    outside_prior: float = 0.5
    pair_share: float = 0.1
    trio_share: float = 0.03
    lambda_prior: tuple[float, ...] = (0.05, 0.05, 0.1, 0.15, 0.2, 0.2, 0.25)
    looks: tuple[int, ...] = (3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128)
    draws: int = 999
    first_draws: int = 499
    seed: int = 20_240_501
    min_controls: int = 30
    max_controls: int = 20_000
    calipers_days: tuple[int, ...] = (2, 4, 7, 14, 28)
    calipers_alone_days: tuple[int, ...] = (28,)
    pair_pool: int = 25
    trio_seeds: int = 30
    floor_share: float = 0.05
    later_starts: tuple[int, ...] = (3, 6, 12, 24)
    later_share: float = 0.1
    ring_later_share: float = 0.6
    min_complaints: int = 3
    unmatched_share: float = 0.2
    rival_share: float = 0.95
    beside_share: float = 0.8
    beyond_share: float = 0.7
    complete: bool = False

    def __post_init__(self) -> None:
        """Refuse values that would make a stated guarantee untrue.

        Raises:
            SettingRefused: a value lies outside its range.
        """
        allowed = {
            "alpha": 0 < self.alpha <= 0.5,
            "outside_prior": 0 < self.outside_prior < 1,
            "pair_share": self.pair_share >= 0,
            "trio_share": self.trio_share >= 0 and self.pair_share + self.trio_share < 1,
            "lambda_prior": len(self.lambda_prior) == len(LAMBDAS)
            and min(self.lambda_prior) > 0
            and abs(sum(self.lambda_prior) - 1) < 1e-9,
            "looks": all(a < b for a, b in zip((2, *self.looks), self.looks, strict=False)),
            "draws": self.draws >= self.first_draws >= 19,
            "min_controls": self.min_controls >= 1,
            "max_controls": self.max_controls > self.min_controls,
            "later_starts": all(a < b for a, b in zip((0, *self.later_starts), self.later_starts, strict=False)),
            "later_share": 0 <= self.later_share < 1,
            "ring_later_share": 0 <= self.ring_later_share < 1,
            "floor_share": 0 <= self.floor_share <= 1,
            "min_complaints": self.min_complaints >= 3,
            "unmatched_share": 0 <= self.unmatched_share < 1,
            "rival_share": 0.5 < self.rival_share <= 1,
            "beside_share": 0.5 < self.beside_share <= 1,
            "beyond_share": 0.5 <= self.beyond_share <= 1,
        }
        for name, fine in allowed.items():
            if not fine:
                raise SettingRefused(f"setting `{name}` cannot be `{getattr(self, name)}`")

    @property
    def finding_at(self) -> float:
        """Probability from which a candidate is a finding: 1 / (1 + alpha), and more where the prior favours it.

        It needs evidence of 1 / alpha for *somebody inside*, whatever was believed before: a prior that expects a
        leaker must not make a finding out of less.
        """
        return 1.0 / (1.0 + self.alpha * min(1.0, self.outside_prior / (1.0 - self.outside_prior)))

    @property
    def outside_excluded_at(self) -> float:
        """Outside probability at which the evidence for *somebody inside* has reached 1 / alpha."""
        return self.outside_prior / (self.outside_prior + (1.0 - self.outside_prior) / self.alpha)

    def looks_due(self, complaints: int) -> tuple[int, ...]:
        """Return the complaint counts of all looks that were due after `complaints`."""
        if not self.looks:
            return (complaints,)
        return tuple(look for look in self.looks if look <= complaints)

    def spent_by(self, complaints: int) -> float:
        """Return the level spent by a look: little early, all of `alpha` in the limit."""
        return self.alpha * (complaints - 2) / (complaints + 2) if self.looks else self.alpha
