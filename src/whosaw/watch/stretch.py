"""One stretch of the record as it is counted: its weeks, its last month, and which accesses are events of their own."""

from __future__ import annotations

import numpy as np

from whosaw.watch.observed import Observed
from whosaw.watch.rows import DAY_US, Bool, Int64
from whosaw.watch.scan import Touches
from whosaw.watch.settings import WatchSettings
from whosaw.watch.visits import asks_of_one, first_of_each, one_of_each_ask

WEEK_US = 7 * DAY_US


class Stretch:
    """Week and month of every access, and which of them count.

    Attributes:
        observed, settings: what it was made of.
        start_us, end_us: of the first access, and just after the last.
        weeks: how many.
        week: n indices.
        month_from_us: when the last month began.
        lone: n flags: nothing explains it, not even by half.
    """

    def __init__(self, observed: Observed, settings: WatchSettings) -> None:
        """Divide `observed` as `settings` say."""
        self.observed, self.settings = observed, settings
        at = observed.accesses.at_us
        self.start_us = int(at.min()) if at.size else 0
        self.end_us = int(at.max()) + 1 if at.size else 0
        self.weeks = max(1, -(-(self.end_us - self.start_us) // WEEK_US))
        self.month_from_us = max(self.start_us, self.end_us - settings.month_days * DAY_US)
        self.week: Int64 = (at - self.start_us) // WEEK_US
        self.lone: Bool = observed.unexplained >= 1.0

    def counted(self, rows: Int64, kind: Int64 | None = None, again: Int64 | None = None) -> Int64:
        """Return which of `rows` count: of each person the first look at each subject, and of each ask one of these.

        Whom an ask showed without that he stands for it counts at the first later look at him alone: else whoever
        exports a list could look at everybody in it unseen.

        Args:
            rows: k rows, rising.
            kind: n values ≥ 0 whose rows are counted apart; absent: all together.
            again: n values ≥ 0: the same subject counts again where it differs, as in another week.
        """
        accesses = self.observed.accesses
        apart = () if kind is None else (kind,)
        anew = () if again is None else (again,)
        looks, whose = (accesses.at_us, accesses.subject), (accesses.actor, *apart)
        first = first_of_each(rows, *whose, accesses.subject, *anew)
        standing = one_of_each_ask(first, *looks, *whose)
        alone = asks_of_one(rows, *looks, *whose)
        return first_of_each(np.union1d(standing, alone), *whose, accesses.subject, *anew)

    def among(self, flags: Bool) -> Bool:
        """Return which accesses count among those that are flagged."""
        found = np.zeros(flags.size, np.bool_)
        found[self.counted(np.flatnonzero(flags))] = True
        return found

    def touches(self, flags: Bool) -> tuple[Touches, Int64]:
        """Return the unexplained accesses that count among those flagged, with whom they profit; and their rows."""
        observed = self.observed
        row = self.counted(np.flatnonzero(flags & self.lone))
        place = np.full(len(observed.accesses), -1, np.int64)
        place[row] = np.arange(row.size)
        links = place[observed.link_access] >= 0
        actor = observed.accesses.actor[row]
        pair = np.unique(np.stack([place[observed.link_access[links]], observed.link_beneficiary[links]]), axis=1)
        return Touches(actor, self.week[row], observed.role[actor], pair[0], pair[1]), row
