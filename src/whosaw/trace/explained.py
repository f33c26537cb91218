"""Of a verdict as plain values: what duties and questions in one go explain, in words for whoever reads it.

Candidates, *nobody inside* and what these explain come to one together; where the first two stand, so must the third,
or a reader takes what is missing for the candidate's. A verdict may have come as a file, so no part of a row is relied
on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from whosaw.terms import chance

ACCOUNT = "account management"
HAND_OVER = "hand-over"
ALL = "all duties"
"""What several duties of one actor brought together."""

ASKED = "asked in one go"
"""A question that showed several complainers: a source outside may hold just what it asked for."""

_TOLD_AT = 0.01
"""A duty less probable than this is worth no sentence."""

_Rows = Sequence[Mapping[str, Any]]


def rows_of(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what duties and questions explain in a verdict; empty where none were posed."""
    rows = told.get("duties")
    return [each for each in rows if isinstance(each, Mapping)] if isinstance(rows, list | tuple) else []


def line_of(what: object, actor: object, of: str = "") -> str:
    """Return a duty or question in words.

    Args:
        what: its kind.
        actor: whose: by key, as he may be written, or his number.
        of: whose account he manages, who had the customers before, or when he first asked; empty: not told.
    """
    who = f"#{actor}" if isinstance(actor, int) else actor or "somebody"
    if what == ALL:
        return f"all duties of {who} together"
    if what == ASKED:
        on = f", from {of} on" if of else ""
        return f"what {who} asked for in one go{on}, should a source outside hold the same"
    if what == ACCOUNT:
        return f"account management of {of} by {who}" if of else f"account management by {who}"
    if what == HAND_OVER:
        return f"hand-over from {of} to {who}" if of else f"hand-over to {who}"
    return f"a duty of {who}"


def explained_chance(rows: _Rows) -> float:
    """Return how probable it is that duties or questions explain the complaints, given rows of a verdict."""
    return min(1.0, sum(map(_probability, rows)))


def by_what(rows: _Rows) -> str:
    """Return what explains, in a word or three: duties, questions in one go, or both."""
    asked = [row.get("what") == ASKED for row in rows]
    if all(asked):
        return "a question in one go"
    return "duties and questions in one go" if any(asked) else "duties"


def in_words(rows: _Rows, *, spoken: bool = False) -> str:
    """Return what the likeliest duty or question explains as one sentence; empty where none is worth one.

    Args:
        rows: of a verdict.
        spoken: *more than* and *less than* in place of signs.
    """
    row = max(rows, key=_probability, default=None)
    if row is None or _probability(row) < _TOLD_AT:
        return ""
    likely = f"probability {chance(_probability(row), 3, spoken=spoken)}"
    if sum(_probability(each) >= _TOLD_AT for each in rows) > 1:
        whole = "all duties" if by_what(rows) == "duties" else "all together"
        likely += f", {whole} {chance(explained_chance(rows), 3, spoken=spoken)}"
    asked = row.get("what") == ASKED
    line = row.get("line") or line_of(row.get("what"), row.get("actor"))
    beside = [f"it had {'shown' if asked else 'brought'} {brought}"] if (brought := _brought(row)) else []
    beside += ["one question is one coincidence"] if asked else []
    passed_on = "" if asked else ", whoever passed them on"
    return f"Explained by {line}{passed_on}: {likely}" + (f" ({'; '.join(beside)})." if beside else ".")


def _brought(row: Mapping[str, Any]) -> str:
    expected = row.get("expected")
    if row.get("seen") is None or row.get("of") is None or not isinstance(expected, int | float):
        return ""
    return f"{row['seen']} of {row['of']} complainers, where matched customers make one expect {expected:.1f}"


def _probability(row: Mapping[str, Any]) -> float:
    found = row.get("probability")
    return float(found) if isinstance(found, int | float) else 0.0
