"""The way into the console for somebody who showed who he is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may come in, and how: knowing who somebody is lets nobody in by itself.

    Attributes:
        admits: says whether this actor may come into the console now.
        way_in: makes a one-time path into the console for him.
    """

    admits: Callable[[str], Awaitable[bool]]
    way_in: Callable[[str], str]
