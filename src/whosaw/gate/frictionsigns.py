"""Signs on the hot path: what one actor's asks of the last minutes look like, in this process's memory alone. Pure.

Each sign is counted, never scored: a budget half spent within minutes, keys asked in a row, look-ups of nobody, one
person at two places in turn. A sign that shows is forgotten, so that the next one takes as much again.
"""

from __future__ import annotations

import ipaddress
import re
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from itertools import pairwise

from whosaw.catalog.model import Live
from whosaw.terms import SubjectRef

CANARY, BURST, ENUMERATION, PLACES = "canary", "burst", "enumeration", "places"

_MINUTE_US = 60_000_000
_RUN_US = 30 * _MINUTE_US
_MISSES_US = 10 * _MINUTE_US
_PLACES_US = 5 * _MINUTE_US
_STEP_MOST = 10  # who leaves keys out on the way still goes through them
_ACTORS_MOST = 20_000
_FEWEST = 10
_PLACES_KEPT = 64
_SERIAL = re.compile(r"(.*?)([0-9]{1,18})\Z", re.DOTALL)


@dataclass(slots=True)
class _Lately:
    """What is remembered of one actor; every collection is bounded by a limit of the catalog."""

    keys: deque[tuple[int, str, int]] = field(default_factory=deque)
    misses: deque[int] = field(default_factory=deque)
    shown: dict[str, OrderedDict[str, int]] = field(default_factory=dict)
    places: dict[str, deque[tuple[int, str]]] = field(default_factory=dict)
    arrived: list[str] = field(default_factory=list)


class Signs:
    """The signs of all actors as this process sees them; use it from one event loop."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._one_place = [ipaddress.ip_network(each) for each in live.one_place]
        self._watches_places = live.first.get(PLACES) != "off"
        self._networks: dict[str, str] = {}  # address → network: to read an address costs more than all else here
        # bounded: whoever has asked nothing for the longest is forgotten first
        self._actors: OrderedDict[str, _Lately] = OrderedDict()

    def seen(self, actor: str, address: str) -> None:
        """Note from which address a request of an actor comes; `returned` judges it with the ask."""
        if not self._watches_places:
            return
        place = self._networks.get(address)
        if place is None:
            if len(self._networks) >= _ACTORS_MOST:
                self._networks.clear()
            place = self._networks[address] = self._place(address)
        if place:
            arrived = self._lately(actor).arrived
            if len(arrived) < _PLACES_KEPT:
                arrived.append(place)

    def returned(self, actor: str, at_us: int) -> bool:
        """Return whether an actor was at two places in turn oftener than one person can be."""
        lately = self._actors.get(actor)
        if lately is None or not lately.arrived:
            return False
        arrived, lately.arrived = lately.arrived, []
        for place in arrived:
            # one machine may come by both families, now so and now so: each is a row of its own
            turns = lately.places.setdefault(place[0], deque())
            if not turns or turns[-1][1] != place:  # only a change of place is remembered
                turns.append((at_us, place))
                _forget(turns, at_us - _PLACES_US, _PLACES_KEPT)
                back = sum(turns[at][1] == turns[at - 2][1] for at in range(2, len(turns)))
                if back >= self._live.returns:
                    lately.places.clear()
                    return True
        return False

    def spent(self, actor: str, counted: str, subject: str, at_us: int, hourly: float) -> bool:
        """Return whether this is one too many of a class for some minutes.

        Args:
            actor: who.
            counted: the class, ``action:NAME`` or ``lookup:NAME``.
            subject: who is shown; somebody shown before counts once.
            at_us: when.
            hourly: how many the budget allows in an hour.
        """
        most = max(_FEWEST, int(hourly * self._live.burst_share))
        shown = self._lately(actor).shown.setdefault(counted, OrderedDict())
        shown[subject] = at_us
        shown.move_to_end(subject)
        while shown and (
            next(iter(shown.values())) < at_us - self._live.burst_minutes * _MINUTE_US or len(shown) > most + 1
        ):
            shown.popitem(last=False)
        if len(shown) <= most:
            return False
        shown.clear()
        return True

    def asked(self, actor: str, subject: SubjectRef, at_us: int) -> bool:
        """Return whether somebody asked, without work that bears it out, for persons in the order of their keys."""
        found = _SERIAL.match(subject.key)
        if found is None:
            return False
        keys, here = self._lately(actor).keys, (f"{subject.kind}:{found[1]}", int(found[2]))
        if keys and keys[-1][1:] == here:
            return False  # the same person again
        keys.append((at_us, *here))
        _forget(keys, at_us - _RUN_US, self._live.run)
        if len(keys) < self._live.run or len({name for _, name, _ in keys}) > 1:
            return False
        steps = [second - first for (_, _, first), (_, _, second) in pairwise(keys)]
        near = all(0 < step <= _STEP_MOST for step in steps) or all(-_STEP_MOST <= step < 0 for step in steps)
        if not near and len(set(steps)) > 1:
            return False
        keys.clear()
        return True

    def missed(self, actor: str, at_us: int) -> bool:
        """Return whether somebody looked too often for persons who do not exist."""
        misses = self._lately(actor).misses
        misses.append(at_us)
        while misses and misses[0] < at_us - _MISSES_US:
            misses.popleft()
        if len(misses) < self._live.misses:
            return False
        misses.clear()
        return True

    def _lately(self, actor: str) -> _Lately:
        lately = self._actors.get(actor)
        if lately is None:
            lately = self._actors[actor] = _Lately()
            if len(self._actors) > _ACTORS_MOST:
                self._actors.popitem(last=False)
        else:
            self._actors.move_to_end(actor)
        return lately

    def _place(self, address: str) -> str:
        """Return the network of an address, or nothing where it is none."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return ""
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        if any(found in network for network in self._one_place):
            return f"{found.version}:one"
        wide = 24 if found.version == 4 else 48
        return f"{found.version}:{ipaddress.ip_network((found, wide), strict=False).network_address}"


def _forget(row: deque[tuple[int, str]] | deque[tuple[int, str, int]], before_us: int, most: int) -> None:
    while row and (row[0][0] < before_us or len(row) > most):
        row.popleft()
