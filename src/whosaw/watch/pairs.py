"""Ties between people of two sides: does one agent settle one customer's cases too often?

Honest ties are common: a customer's next ticket goes to who knows him. The chance of each case going to each agent is
therefore predicted from its month, week, group and product, from who settled the customer's cases before, and from who
settled the last one; the bets are made against that prediction. An urn with memory keeps an honest tie from counting
again and again. What is learned within the stretch under test makes a tie at most ten times as likely as without it,
so that a long bribe cannot become normal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.watch.evidence import RATIOS, log_mean
from whosaw.watch.nulls import Strata, shrunk_shares
from whosaw.watch.rows import DAY_US, Float, Int64, same_length

_STICKY_DAYS = (1.0, 7.0)


@dataclass(frozen=True, slots=True)
class Habit:
    """How strongly work sticks to people.

    Args:
        memory: cases that the strata's prediction counts for beside the customer's own history.
        half_life_days: after which a past case counts half.
        before: how much a case of the time before the stretch counts beside one within it.
        same_day, same_week: the chance that the last agent gets the next case, beyond all else.
        most: how many times likelier than the strata say what was learned within the stretch may make a tie.
        grown: how many times likelier than before the stretch it may make a tie that was known.
    """

    memory: float = 12.0
    half_life_days: float = 253.0
    before: float = 0.5
    same_day: float = 0.2
    same_week: float = 0.05
    most: float = 10.0
    grown: float = 2.0


@dataclass(frozen=True, slots=True)
class Settled:
    """Cases in order of time.

    Args:
        agent, customer, at_us: of n cases.
        busy: strata of when (month, week), widest first.
        skill: strata of what (group, product), widest first.
    """

    agent: Int64
    customer: Int64
    at_us: Int64
    busy: Strata
    skill: Strata

    def __post_init__(self) -> None:
        same_length("cases", self.agent, self.customer, self.at_us)


def predict(settled: Settled, agents: int, *, pseudo: float = 10.0) -> Float:
    """Return n × agents chances from the strata alone: who is at work then, times who does such work."""
    leave, chosen = settled.customer, settled.agent
    busy = shrunk_shares(chosen, agents, settled.busy, leave, [pseudo] * len(settled.busy.levels))
    skill = shrunk_shares(chosen, agents, settled.skill, leave, [pseudo] * len(settled.skill.levels))
    base = (np.bincount(chosen, minlength=agents) + 0.5) / (chosen.size + 0.5 * agents)
    both = busy * skill / base
    both /= both.sum(axis=1, keepdims=True)
    first = {settled.busy.names[0]: settled.busy.levels[0]}
    together = Strata(first | dict(zip(settled.skill.names, settled.skill.levels, strict=True)))
    return shrunk_shares(chosen, agents, _finest(together), leave, [pseudo], both)


def _finest(strata: Strata) -> Strata:
    """Return the strata's deepest cells as one level."""
    cell, _ = strata.cells()[-1]
    return Strata({"kind": cell})


def remember(settled: Settled, chances: Float, habit: Habit, earlier: Settled | None = None) -> Float:
    """Return n × agents chances that know the customer's history, each case seeing only those before it.

    Args:
        settled: the stretch under test.
        chances: n × agents, from the strata alone.
        habit: how strongly work sticks.
        earlier: cases before the stretch.
    """
    customers = int(settled.customer.max(initial=-1)) + 1
    start = int(settled.at_us.min(initial=0))
    old = _history(earlier, customers, chances.shape[1], start, habit)
    history, last, when = np.zeros_like(old), np.full(customers, -1), np.full(customers, start, np.int64)
    found = np.empty_like(chances)
    for row in range(settled.agent.size):
        customer, agent, at = int(settled.customer[row]), int(settled.agent[row]), int(settled.at_us[row])
        base, days = chances[row], (at - int(when[customer])) / DAY_US
        history[customer] *= 0.5 ** (days / habit.half_life_days)
        before = old[customer] * 0.5 ** ((at - start) / DAY_US / habit.half_life_days)
        past = before + history[customer]
        chance = (habit.memory * base + past) / (habit.memory + past.sum())
        if last[customer] >= 0:
            sticky = habit.same_day if days <= _STICKY_DAYS[0] else habit.same_week if days <= _STICKY_DAYS[1] else 0.0
            chance *= 1.0 - sticky
            chance[last[customer]] += sticky
        usual = (habit.memory * base + before) / (habit.memory + before.sum())
        found[row] = np.minimum(chance, np.maximum(habit.most * base, habit.grown * usual))
        history[customer, agent] += 1.0
        last[customer], when[customer] = agent, at
    return found


def _history(earlier: Settled | None, customers: int, agents: int, start_us: int, habit: Habit) -> Float:
    table = np.zeros((customers, agents))
    if earlier is not None:
        known = earlier.customer < customers
        days = (start_us - earlier.at_us[known]) / DAY_US
        weight = habit.before * 0.5 ** (days / habit.half_life_days)
        np.add.at(table, (earlier.customer[known], earlier.agent[known]), weight)
    return table


def weigh_pairs(
    settled: Settled, agents: int, customers: int, habit: Habit | None = None, earlier: Settled | None = None
) -> Float:
    """Return customers × agents log e: the agent settles the customer's cases oftener than predicted."""
    chances = remember(settled, predict(settled, agents), habit or Habit(), earlier)
    bets = []
    for ratio in RATIOS:
        table = np.zeros((customers, agents))
        np.add.at(table, settled.customer, -np.log1p((ratio - 1.0) * chances))
        np.add.at(table, (settled.customer, settled.agent), np.log(ratio))
        bets.append(table)
    return log_mean(np.stack(bets))
