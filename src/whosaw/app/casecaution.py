"""What a verdict of a case may not say because not all that may clear somebody was weighed, and that it must say so."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from whosaw.app.lacks import Lack, Sentence
from whosaw.app.tracedeclared import NAMES, from_csv
from whosaw.app.tracedetail import verdict_in_words
from whosaw.trace import Rung, Verdict
from whosaw.trace.explained import ACCOUNT, ASKED, HAND_OVER

ALONE = "computed without a person: it says lead at most, for not all that may clear somebody was weighed"
ON_RUNG = (Rung.LEAD, Rung.FINDING)

_LIST = "a list that turned up"
_KNOWN = "sources outside"
_QUESTION = "a question in one go"
_RANKED = "complaints enough to rank somebody"
_RECORD = {ACCOUNT: "managers", HAND_OVER: "handovers"}
_TOLD_AT = 0.01
"""A duty less probable than this cleared nobody."""
_SAME = 1e-9


def strongest(verdict: Mapping[str, Any]) -> list[str]:
    """Return whoever stands on a rung of a verdict, the strongest first."""
    return [actor for each in verdict["candidates"] if each["rung"] in ON_RUNG for actor in each["actors"]]


def cap(told: dict[str, Any]) -> None:
    """Take back what a verdict may not say that nobody asked for: a finding, a bound, and that nothing else leaked.

    Args:
        told: the verdict, which is changed.
    """
    if told["verdict"] == Rung.FINDING:
        told["verdict"] = str(Rung.LEAD)
    for each in told["candidates"]:
        if each["rung"] == Rung.FINDING:
            each |= {"rung": str(Rung.LEAD), "robust": False}
    if told["nothing_else"]["holds"]:
        sentence = "Whether anything else leaked cannot be said: not all that may explain it was weighed."
        told["nothing_else"] = {"holds": False, "sentence": sentence, "because": [ALONE]}
    scope = told["scope"]  # no bound either: a duty that is probable would take it away
    scope |= {"bounded": False, "bound": None, "most": None, "alone": None, "confidence": None}
    for part in scope["by_class"].values():
        part |= {"bound": None, "confidence": None}
    told["missing"].append(ALONE)
    told["verdict_in_words"] = verdict_in_words(told)


def heed(told: dict[str, Any], cleared: Mapping[str, Collection[str]], *, alone: bool) -> None:
    """Say of candidates that an answer of the case clears one of them; what nobody asked for leaves them on no rung.

    Args:
        told: the verdict, which is changed.
        cleared: by actor, the questions whose latest answer clears him.
        alone: whether nobody asked for it.
    """
    count = 0
    for each in told["candidates"]:
        items = sorted({item for actor in each["actors"] for item in cleared.get(actor, ())})
        if items:
            each["cleared"] = items
            count += each["rung"] in ON_RUNG
        if items and alone and each["rung"] in ON_RUNG:
            each |= {"rung": str(Rung.NO_SIGNAL), "robust": False}
    if not count:
        return
    left = "; here it stands on none" if alone else ""
    told["missing"].append(
        f"an answer of the case clears {many(count, 'candidate')} whom the record puts on a rung{left}"
    )
    rungs = {each["rung"] for each in told["candidates"]}
    if alone and told["verdict"] in ON_RUNG and told["verdict"] not in rungs:
        told["verdict"] = str(Rung.LEAD if Rung.LEAD in rungs else Verdict.UNDECIDED)
    told["verdict_in_words"] = verdict_in_words(told)


def heeded(verdict: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return whom answers of the case cleared when a verdict was computed, as `heed` takes it."""
    return {actor: each["cleared"] for each in verdict["candidates"] if "cleared" in each for actor in each["actors"]}


def silent_about(told: Mapping[str, Any], files: Mapping[str, str]) -> list[Sentence]:
    """Return a sentence for each of presence and accounts that has no row about somebody on a rung.

    Args:
        told: the verdict.
        files: what was read, by name; one that was not read is said elsewhere.
    """
    said = []
    for name in ("presence", "accounts"):
        if f"{name}.csv" not in files:
            continue
        known = {row["actor"] for row in from_csv(files[f"{name}.csv"])[1]}
        count = len(set(strongest(told)) - known)
        if count:
            said.append(Sentence.of(Lack.NO_ROW_ABOUT, records=NAMES[name], accounts=many(count, "account")))
    return said


def weighed_in(verdict: Mapping[str, Any]) -> set[str]:
    """Return which records of ``[trace]`` went into a verdict, however it came to its case."""
    inputs, method = verdict.get("inputs"), verdict.get("method")
    by_route = isinstance(method, Mapping) and "route" in (method.get("matched_by") or ())
    if isinstance(inputs, Mapping) and isinstance(inputs.get("weighed"), list):
        rows = dict(inputs.get("rows") or {})
        rows["routes"] = by_route  # that there were some is not enough: said too late, they count for nobody
        # presence is asked for about those alone who come into question: no row need not mean that rows are gone
        return {name for name in NAMES if name in inputs["weighed"] and (rows.get(name) or name == "presence")}
    candidates: Sequence[Mapping[str, Any]] = verdict.get("candidates") or ()
    duties = {each.get("what") for each in verdict.get("duties") or ()}
    there = {
        **{name: what in duties for what, name in _RECORD.items()},
        "presence": "skew_s" in verdict,
        "accounts": bool(verdict.get("groups")) or any(each.get("shared") for each in candidates),
        "routes": by_route,
    }
    return {name for name, found in there.items() if found}


def weighs_less(
    before: Iterable[Mapping[str, Any]], declared: Collection[str], now: Mapping[str, Any] | None = None
) -> list[str]:
    """Return what a verdict would not weigh that an earlier one did, in words; whom that cleared it may name again.

    All earlier ones count: what one of them weighed is not forgotten because a later one weighed less.

    Args:
        before: the verdicts so far.
        declared: the records of ``[trace]`` that the catalog declares; and those that may come from elsewhere.
        now: the verdict, where it was computed already.
    """
    have = set(declared) if now is None else set(declared) & weighed_in(now)
    less: set[str] = set()
    for then in before:
        less |= {NAMES[name] for name in weighed_in(then) - have}
        less |= {_LIST} if then.get("found") and not (now or {}).get("found") else set()
        less |= {_RANKED} if now is not None and _ranks_no_more(then, now) else set()
        if now is not None and "inputs" not in then:  # by hand: what stands in the case, and is declared, people change
            less |= {NAMES[_RECORD[what]] for what, _ in _duties(then) - _duties(now)}
            # one that is found and no longer probable was weighed; one that is not found clears nobody any more
            less |= {_QUESTION for _ in _askers(then, _TOLD_AT) - _askers(now, 0.0)}
            chance = _chances(now)
            less |= {_KNOWN for whom, given in _chances(then).items() if given > chance.get(whom, 0.0) + _SAME}
    return sorted(less)


def _ranks_no_more(then: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether a verdict that was computed here ranks nobody where one on no more complaints did.

    The record here may know less than what the other was computed from: who complained but was never opened, say. That
    clears nobody; that complaints fell away may.
    """
    used = [int((each.get("complaints") or {}).get("used", 0)) for each in (then, now)]
    return "inputs" in now and bool(then.get("candidates")) and not now.get("candidates") and used[1] >= used[0]


def _duties(verdict: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return which duties of whom may explain the complaints."""
    rows: Iterable[Mapping[str, Any]] = verdict.get("duties") or ()
    likely = (each for each in rows if float(each.get("probability", 1.0)) >= _TOLD_AT)
    return {(str(each.get("what")), str(each.get("actor"))) for each in likely if each.get("what") in _RECORD}


def _askers(verdict: Mapping[str, Any], least: float) -> set[str]:
    """Return whose questions in one go may explain the complaints, with at least this probability."""
    rows: Iterable[Mapping[str, Any]] = verdict.get("duties") or ()
    asked = (each for each in rows if each.get("what") == ASKED)
    return {str(each.get("actor")) for each in asked if float(each.get("probability", 1.0)) >= least}


def _chances(verdict: Mapping[str, Any]) -> dict[str, float]:
    """Return by subject how probable it is that a source outside explains the complaint."""
    explained: Mapping[str, Sequence[Mapping[str, Any]]] = verdict.get("explained") or {}
    return {
        whom: 1.0 - math.prod(1.0 - float(each.get("probability", 0.0)) for each in sources)
        for whom, sources in explained.items()
    }


def many(count: int, what: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {what}{'s' * (count != 1)}"
