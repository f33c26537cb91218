"""Things joined two by two, and which of them are one through any number of steps."""

from __future__ import annotations

from collections.abc import Iterator


class Joined:
    """Groups of whole numbers; the least of a group stands for it."""

    def __init__(self) -> None:
        """Begin with nothing joined."""
        self._root: dict[int, int] = {}

    def __iter__(self) -> Iterator[int]:
        """Yield all that was asked about or joined, rising."""
        return iter(sorted(self._root))

    def least(self, each: int) -> int:
        """Return who stands for the group of one."""
        root = self._root
        while root.setdefault(each, each) != each:
            root[each] = root[root[each]]
            each = root[each]
        return each

    def join(self, one: int, other: int) -> None:
        """Make the groups of two one."""
        first, second = sorted((self.least(one), self.least(other)))
        self._root[second] = first
