"""A verdict as a bundle may hold it: staff as numbers, customers as counts, and nobody by a key.

What trace says names people by the company's own keys all over: candidates, rivals, who was first after each complaint,
each complaint's customer. Two persons of different functions must agree before a staff key is seen (`unmasking`), and a
bundle is handed to strangers, so no key leaves in it. What may leave is listed, key by key (`_VERDICT`); whatever a
verdict holds beside that stays behind, so that something new in it is left out and not passed on. Left out with intent:
`beneficiary` (the case names it), `verdict_in_words`, `duties[].from` of a duty, `groups[].group`, `explained[].source`
and `found.holders[].reference`, which are an investigator's free words. The line of a duty or of a found list, which
quotes them, is written anew of what leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, cast

from whosaw.store import Database
from whosaw.store.numbers import find_all
from whosaw.trace import Rung, Settings, Verdict
from whosaw.trace.explained import ACCOUNT, ALL, ASKED, HAND_OVER, line_of
from whosaw.trace.person import Clue
from whosaw.trace.told import found_line


@dataclass(frozen=True, slots=True)
class _Reader:
    """For whom a verdict is turned: how staff stand in it, and how a sentence does."""

    staff: Callable[[str], Any]
    sentence: Callable[[str], str]


_Turn = Callable[[Any, _Reader], Any]
"""Returns a value as it may leave, or `_NOTHING`."""

UNNUMBERED = "an actor without a number"
"""How a member of staff stands who was erased since: nothing leads from a number to him, and he gets no new one."""

_NOTHING = object()
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+([+-]\d\d:\d\d|Z)?)?")
_VERSION = re.compile(r"\d+(\.\d+)*")


async def numbers_in(db: Database, keys: Iterable[str]) -> dict[str, int | str]:
    """Return the number of every member of staff, and `UNNUMBERED` of whoever has none; nobody gets a new one.

    Args:
        db: where the map is.
        keys: staff keys out of what a case keeps.
    """
    wanted = sorted(set(keys))
    return dict.fromkeys(wanted, UNNUMBERED) | await find_all(db, "actor", wanted)


def staff_in(verdict: Mapping[str, Any]) -> set[str]:
    """Return every staff key that stands in a verdict where a number may stand for it."""
    found: set[str] = set()
    _VERDICT(verdict, _Reader(found.add, str))
    return found


def customers_in(verdict: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of customers that a verdict holds, so that no sentence about it can."""
    scope = verdict.get("scope")
    scopes = [scope, *(scope.get("by_class") or {}).values()] if isinstance(scope, Mapping) else []
    for each in scopes:
        for tier in _TIERS:
            yield from each.get(tier) or ()
    yield from verdict.get("explained") or ()
    for candidate in verdict.get("candidates") or ():
        yield from (hit["subject"] for hit in candidate.get("hits") or () if "subject" in hit)


def by_number(verdict: Mapping[str, Any], numbers: Mapping[str, int | str]) -> dict[str, Any]:
    """Return what may leave of a verdict: numbers for staff, counts for customers, figures, times and known words.

    Args:
        verdict: as a case keeps it.
        numbers: of members of staff, by key (`staff_in`); or whatever else is to stand for one. Whoever is not among
            them stands as `UNNUMBERED`.
    """
    customers = set(customers_in(verdict))
    known = dict.fromkeys(staff_in(verdict), UNNUMBERED) | dict(numbers)
    reader = _Reader(known.__getitem__, lambda text: unnamed(text, known, customers))
    return cast(dict[str, Any], _VERDICT(verdict, reader))


def without_customers(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return a verdict for the report, which numbers its staff itself: no sentence that it prints names a customer."""
    customers = set(customers_in(verdict))
    told = dict(verdict)
    if isinstance(verdict.get("missing"), list):
        told["missing"] = [unnamed(str(each), {}, customers) for each in verdict["missing"]]
    if isinstance(verdict.get("nothing_else"), Mapping):
        sentence = unnamed(str(verdict["nothing_else"].get("sentence", "")), {}, customers)
        told["nothing_else"] = {**verdict["nothing_else"], "sentence": sentence}
    return told


def unnamed(text: str, numbers: Mapping[str, int | str], customers: Collection[str] = ()) -> str:
    """Return a sentence with numbers in place of staff keys, and no customer's key.

    Keys of digits alone stay: in a sentence of trace, which counts and names nobody, a bare number is a count.
    """
    keys = [key for key in {*numbers, *customers} if key in text and not key.isdigit()]
    if not keys:
        return text
    longest_first = "|".join(re.escape(key) for key in sorted(keys, key=len, reverse=True))

    def said(found: re.Match[str]) -> str:
        number = numbers.get(found.group())
        return "a customer" if number is None else f"#{number}" if isinstance(number, int) else number

    return re.sub(rf"(?<![\w:@-])(?<!\w\.)(?:{longest_first})(?![\w:@-]|\.\w)", said, text)


def _of(known: Mapping[str, _Turn]) -> _Turn:
    """Of a mapping these keys alone leave."""

    def turn(value: Any, reader: _Reader) -> Any:
        if not isinstance(value, Mapping):
            return None if value is None else _NOTHING
        turned = {key: known[key](each, reader) for key, each in value.items() if key in known}
        return {key: each for key, each in turned.items() if each is not _NOTHING}

    return turn


def _each(inner: _Turn) -> _Turn:
    """Of a list what may leave of each member."""

    def turn(value: Any, reader: _Reader) -> Any:
        if not isinstance(value, list | tuple):
            return None if value is None else _NOTHING
        turned = [inner(each, reader) for each in value]
        return [each for each in turned if each is not _NOTHING]

    return turn


def _per_class(inner: _Turn) -> _Turn:
    """Of a mapping by class of fields what may leave of each; a class is a word of the catalog."""

    def turn(value: Any, reader: _Reader) -> Any:
        if not isinstance(value, Mapping):
            return _NOTHING
        return {reader.sentence(str(name)): inner(each, reader) for name, each in value.items()}

    return turn


def _words(*allowed: str) -> _Turn:
    """One of these words."""
    return lambda value, reader: value if isinstance(value, str) and value in allowed else _NOTHING


def _word_of(kind: type[StrEnum]) -> _Turn:
    return _words(*(str(each) for each in kind))


def _like(pattern: re.Pattern[str]) -> _Turn:
    def turn(value: Any, reader: _Reader) -> Any:
        del reader
        return value if value is None or (isinstance(value, str) and pattern.fullmatch(value)) else _NOTHING

    return turn


def _figure(value: Any, reader: _Reader) -> Any:
    """A number, yes or no, or nothing; or a list of them."""
    if isinstance(value, list | tuple):
        return [each for each in (_figure(each, reader) for each in value) if each is not _NOTHING]
    return value if value is None or isinstance(value, int | float) else _NOTHING


def _staff(value: Any, reader: _Reader) -> Any:
    return reader.staff(value) if isinstance(value, str) else None if value is None else _NOTHING


def _sentence(value: Any, reader: _Reader) -> Any:
    return reader.sentence(value) if isinstance(value, str) else _NOTHING


def _count(value: Any, reader: _Reader) -> Any:
    """How many stand in a list of customers."""
    del reader
    return len(value) if isinstance(value, list | tuple) else _NOTHING


def _explained(value: Any, reader: _Reader) -> Any:
    """Of each complaint that a source outside may explain, with which probability; not whose, nor in which words."""
    if not isinstance(value, Mapping):
        return _NOTHING
    return [_each(_of(_figures("probability")))(sources, reader) for _, sources in sorted(value.items())]


def _figures(*names: str) -> dict[str, _Turn]:
    return dict.fromkeys(names, _figure)


def _found(value: Any, reader: _Reader) -> Any:
    """Of a found list its figures and who held it, and the line that they come to: the one kept quotes free words."""
    told = _FOUND(value, reader)
    return told | {"line": found_line(told)} if isinstance(told, dict) else told


def _duty(value: Any, reader: _Reader) -> Any:
    """Of a duty or question its figures and whose it was; of a question when it was asked, too, which names nobody."""
    told = _DUTY(value, reader)
    if not isinstance(told, dict):
        return told
    if told.get("what") != ASKED or not isinstance(told.get("from"), str):
        told.pop("from", None)
    return told | {"line": line_of(told.get("what"), told.get("actor"), told.get("from", ""))}


_TIERS: dict[str, _Turn] = dict.fromkeys(("certain", "probable", "possible"), _count)
_HIT = _of(
    {
        **dict.fromkeys(("contacted_at", "opened_at"), _like(_TIME)),
        **_figures("irregular", "share", "irregular_share"),
    }
)
_CLUE = _of({**_figures("opening", "apart_s"), "clue": _word_of(Clue)})
_CANDIDATE = _of(
    {
        "actors": _each(_staff),
        "rung": _word_of(Rung),
        **_figures("probability", "e_value", "seen", "of", "expected", "robust", "bans", "p_value", "marks", "shared"),
        **_figures("to_finding", "to_clear", "reachable"),
        "instead": _each(_each(_staff)),
        "hits": _each(_HIT),
        "cleared": _each(_words("device", "presence", "shared_account", "session_elsewhere", "alternatives")),
        "person": _of({**_figures("owner", "himself", "for", "against", "unknown"), "clues": _each(_CLUE)}),
    }
)
_FOUND = _of(
    {
        **_figures("rows", "used", "complainers", "strangers", "later"),
        "found_at": _like(_TIME),
        "holders": _each(
            _of(
                {
                    "actor": _staff,
                    "how": _words("export", "query", "openings"),
                    "made_at": _like(_TIME),
                    **_figures("odds", "rows", "seeds", "in_order", "owner"),
                }
            )
        ),
    }
)
_DUTY = _of(
    {
        "what": _words(ACCOUNT, HAND_OVER, ALL, ASKED),
        "actor": _staff,
        "from": _like(_TIME),
        **_figures("probability", "seen", "of", "expected"),
    }
)
_RECORDS = ("managers", "handovers", "presence", "accounts", "orders", "routes")
_INPUTS = _of(
    {
        "asked": _words("nobody", "a person"),
        "until": _like(_TIME),
        **_figures("capped", "entries", "skew_s"),
        "weighed": _each(_words(*_RECORDS)),
        "not_weighed": _each(_sentence),
        "rows": _of(_figures(*_RECORDS)),
    }
)
_METHOD = _of(
    {
        "settings": _of(_figures(*(each.name for each in fields(Settings)))),
        **_figures("complaints", "matched", "look", "look_level", "redraws", "outside_mass", "has_reasons"),
        "name": _sentence,
        "version": _like(_VERSION),
        "entered_by": _words("orders", "first touch"),
        "matched_by": _each(_words("kind of work", "route")),
    }
)
_COMPLETENESS = _of(
    {
        "line": _sentence,
        "grades": _each(_words("trail", "imported")),
        **_figures("days", "empty_days", "hours", "empty_hours", "longest_gap_hours", "rejected"),
        **dict.fromkeys(("first", "last"), _like(_TIME)),
    }
)
_CALIBRATION = _of(
    {
        "scale": _of(_figures("intercept", "slope", "cases")),
        **_figures("error", "error_brier", "draws", "complaints", "probability"),
        "rates": _of(
            _figures(
                *("leak_first", "leak_finding", "leak_lead", "leak_innocent_finding", "leak_innocent_lead"),
                *("nobody_finding", "nobody_lead", "set_covers", "set_size"),
            )
        ),
    }
)
_VERDICT = _of(
    {
        "verdict": _words(*map(str, (*Verdict, *Rung))),
        "candidates": _each(_CANDIDATE),
        **_figures("outside_probability", "outside_excluded", "several", "skew_s", "from_index"),
        "scope": _of(
            {
                **_TIERS,
                **_figures("bound", "bounded", "most", "alone", "chance", "confidence"),
                "by_class": _per_class(_of({**_TIERS, **_figures("bound", "confidence")})),
            }
        ),
        "complaints": _of(
            _figures("used", "repeated", "other_beneficiary", "unknown_subject", "before_record", "after_record")
        ),
        "method": _METHOD,
        "completeness": _COMPLETENESS,
        "measured": _of(
            {
                "line": _sentence,
                "measured": _like(_TIME),
                "nobody": _of(_figures("cases", "findings", "leads")),
                "inside": _of(_figures("cases", "innocents_named")),
            }
        ),
        "missing": _each(_sentence),
        "base_rates": _each(
            _of({**_figures("inside", "outside_probability", "explained", "probability"), "first": _each(_staff)})
        ),
        "history": _each(_of({**_figures("complaints", "outside", "probability"), "first": _staff})),
        "not_excluded": _each(_staff),
        "unreachable": _each(_staff),
        "groups": _each(_of(_figures("probability", "prior", "seen"))),
        "duties": _each(_duty),
        "canaries": _of({"actor": _staff, **_figures("days", "power", "canaries", "opened", "alone")}),
        "explained": _explained,
        "inputs": _INPUTS,
        "found": _found,
        "nothing_else": _of({"holds": _figure, "sentence": _sentence, "because": _each(_sentence)}),
        "calibration": _CALIBRATION,
    }
)
