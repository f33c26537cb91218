"""How often the form may be sent: from one address, and altogether. One process's memory; a restart forgets."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

_ADDRESSES_MOST = 20_000


class FormPace:
    """Counts reports within a sliding hour."""

    def __init__(
        self,
        *,
        each_most: int = 5,
        all_most: int = 600,
        within_s: float = 3600.0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Allow `each_most` from one address and `all_most` altogether, within `within_s` seconds."""
        self._each_most, self._all_most, self._within_s, self._now_s = each_most, all_most, within_s, now_s
        self._all: deque[float] = deque()
        self._by: OrderedDict[str, deque[float]] = OrderedDict()

    @property
    def spent(self) -> bool:
        """Whether nobody may send one more just now; asking counts nothing."""
        now_s = self._now_s()
        while self._all and self._all[0] <= now_s - self._within_s:
            self._all.popleft()
        return len(self._all) >= self._all_most

    def take(self, address: str) -> bool:
        """Count one report and return True, or return False where it is one too many; that one is not counted."""
        now_s = self._now_s()
        mine = self._by.setdefault(address, deque())
        self._by.move_to_end(address)
        for times in (self._all, mine):
            while times and times[0] <= now_s - self._within_s:
                times.popleft()
        if len(mine) >= self._each_most or len(self._all) >= self._all_most:
            return False
        mine.append(now_s)
        self._all.append(now_s)
        while len(self._by) > _ADDRESSES_MOST:
            self._by.popitem(last=False)
        return True
