"""Worlds with a known truth, written from the description of the study alone: they know neither `trace` nor `market`.

A world is one seller's customers as a large staff served them, with or without somebody who passed records on. Only
accesses to that seller's customers are made: nothing else enters an attribution. Times are days; `Case` turns them
into microseconds.
"""

from worlds.cases import INSIDER, OUTSIDE, Case, Spec, make_case

__all__ = ["INSIDER", "OUTSIDE", "Case", "Spec", "make_case"]
