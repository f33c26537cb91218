"""Who had to do with an object, so that he decides nothing about it a second time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class TookPart:
    """Collects, from entries in their order, who had to do with which object.

    Whoever appears in an entry about it, and whoever asked for, approved, refused or was denied the second person's
    word that an ask about it used: he knows what was decided, though no entry of his names the object.
    """

    def __init__(self) -> None:
        """Know of nobody."""
        self._about: dict[str, set[int]] = {}
        self._by_grant: dict[int, set[int]] = {}
        self._used: tuple[int, int] | None = None  # holder and grant, while entries of what it allowed follow

    def see(self, said: Mapping[str, Any]) -> None:
        """Take the next entry."""
        actor = said.get("actor")
        if said.get("kind") == "grant":
            self._by_grant.setdefault(int(said["grant"]), set()).add(int(said["actor"]))
            self._used = (int(said["holder"]), int(said["grant"])) if said.get("change") == "used" else None
            return
        if self._used is not None and (said.get("kind") != "action" or actor != self._used[0]):
            self._used = None
        if "object" in said:
            people = self._about.setdefault(str(said["object"]), set())
            people.add(int(said["actor"]))
            if self._used is not None:
                people |= self._by_grant[self._used[1]]

    def of(self, about: str) -> set[int]:
        """Return who had to do with an object."""
        return self._about.get(about, set())
