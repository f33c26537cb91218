"""A found list beside complaints: what these say already of one who had its rows, the list does not say once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from whosaw.app.foundholders import less_by
from whosaw.app.foundlist import Weighed
from whosaw.trace import Attribution


def beside_complaints(weighed: Weighed, found: Attribution, actors: Sequence[str]) -> Weighed:
    """Return a list's worth without what the complaints say.

    Whoever asked for the region or the week that a source outside was about as well had opened the complainers, and
    had the rows: that is one coincidence. So the odds of everybody who had rows, but for a seeded one, are divided by
    the evidence of the complaints against the one of them against whom they speak most, down to 1.

    Args:
        weighed: the list, as `weigh_list` returns it.
        found: the answer without it.
        actors: references of the question's actors.
    """
    having = {each.actor for each in weighed.holders if not each.seeds}
    said = [c.e_value for c in found.candidates if any(actors[actor] in having for actor in c.actors)]
    already = max([1.0, *said])
    if already == 1.0:
        return weighed
    return replace(weighed, holders=tuple(each if each.seeds else less_by(each, already) for each in weighed.holders))
