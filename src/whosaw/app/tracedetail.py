"""The fuller answer: the same numbers at other base rates, rivals, complaint by complaint, what would decide it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np

from whosaw.lake.exposure import Exposure
from whosaw.terms import chance, iso_seconds
from whosaw.trace import Attribution, Candidate, Hit, Rung, Step
from whosaw.trace.explained import by_what, explained_chance
from whosaw.trace.explained import in_words as duty_in_words
from whosaw.trace.told import told_first

BASE_RATES = (1e-4, 1e-3, 1e-2, 0.1, 0.5)
"""Priors of *somebody inside* at which every answer is shown beside the default."""

_SHOWN = 25
_GROUP_AT = 0.95
"""A site or employer is named from this probability on."""


def detail(found: Attribution, exposure: Exposure, steps: tuple[Step, ...], labels: tuple[str, ...]) -> dict[str, Any]:
    """Return what is printed beyond the verdict, as plain values.

    Args:
        found: the answer.
        exposure: for the references.
        steps: what was said after each complaint.
        labels: words for the groups.
    """
    return {
        "base_rates": [_at(found, exposure, inside) for inside in BASE_RATES],
        "not_excluded": None if found.not_excluded is None else [exposure.actors[a] for a in found.not_excluded],
        "several": found.several,
        "unreachable": [exposure.actors[actor] for actor in found.unreachable],
        "groups": [
            {"group": labels[g.label], "probability": g.probability, "prior": g.prior, "seen": g.seen}
            for g in found.groups
        ],
        "history": [
            {
                "complaints": step.complaints,
                "outside": step.outside,
                "first": exposure.actors[step.actor],
                "probability": step.probability,
            }
            for step in steps
        ],
    }


def candidate_detail(candidate: Candidate, found: Attribution, exposure: Exposure, at: int) -> dict[str, Any]:
    """Return what is known of one candidate: bans, rivals, every complaint, and what would decide it.

    Args:
        candidate: one of the answer.
        found: the answer.
        exposure: for the references.
        at: its place in the order; only the first ones carry every complaint.
    """
    outlook = candidate.outlook
    rivals = found.instead_of(candidate) if candidate.rung is not Rung.NO_SIGNAL else ()
    return {
        "bans": candidate.bans if candidate.e_value > 0 else None,
        "p_value": candidate.p_value,
        "marks": candidate.marks,
        "shared": candidate.shared,
        "to_finding": outlook.to_finding if outlook else None,
        "to_clear": outlook.to_clear if outlook else None,
        "reachable": outlook.reachable if outlook else True,
        "instead": [[exposure.actors[actor] for actor in rival.actors] for rival in rivals[:_SHOWN]],
        "hits": [_hit(hit, exposure) for hit in candidate.hits] if at < _SHOWN else [],
    }


def measured_rates() -> dict[str, Any]:
    """Return the error rates of the method, as measured on invented cases and packed with it."""
    text = resources.files("whosaw.app").joinpath("trace_rates.json").read_text(encoding="utf-8")
    rates: dict[str, Any] = json.loads(text)
    return rates


def verdict_in_words(told: Mapping[str, Any]) -> str:
    """Return the verdict as a sentence that says no more than the numbers do; a second says which duty explains it."""
    said = _verdict(told)
    return f"{said} {duty}" if (duty := duty_in_words(told.get("duties", ()))) else said


def _verdict(told: Mapping[str, Any]) -> str:
    if not told["candidates"]:
        return "Nobody was ranked: " + ("; ".join(told["missing"]) or "no complaint could be used") + "."
    best = told_first(told)
    who = "/".join(best["actors"])
    seen = f"{who} had opened {best['seen']} of {best['of']} complainers before their contact, where matched customers"
    seen += f" make one expect {best['expected']:.1f}"
    odds = f"probability {chance(best['probability'], 3)}, nobody inside {chance(told['outside_probability'], 3)}"
    if told.get("duties"):
        odds += f", explained by {by_what(told['duties'])} {chance(explained_chance(told['duties']), 3)}"
    if told["verdict"] in ("finding", "lead"):
        others = sum(len(other) for other in best["instead"])
        rivals = (
            f"{others} other{'s' * (others != 1)} could explain it"
            if others
            else "nobody else on record explains it nearly as well"
        )
        return f"{seen} ({odds}); {rivals}."
    if told["verdict"] == "group":
        return _group(told, f"{seen} ({odds})")
    if told["verdict"] == "outside":
        return f"The complaints look like a source outside; the strongest inside, {seen} ({odds})."
    return f"The record does not single anybody out; {seen} ({odds})."


def _group(told: Mapping[str, Any], strongest: str) -> str:
    """Return what a verdict of a group says: the site or employer where one is named, else who cannot be told apart."""
    groups: Sequence[Mapping[str, Any]] = told.get("groups", ())
    if groups and groups[0]["probability"] >= _GROUP_AT:
        first = groups[0]
        return (
            f"Somebody of {first['group']} stands out with probability {chance(first['probability'], 3)} (before "
            f"the complaints {chance(first['prior'], 3)}); the record does not say who of them: {strongest}."
        )
    return f"Somebody of a group stands out and the record cannot tell its members apart; {strongest}."


def _at(found: Attribution, exposure: Exposure, inside: float) -> dict[str, Any]:
    outside, probabilities = found.at_base_rate(inside)
    first = found.candidates[0] if found.candidates else None
    # what is not nobody inside keeps its proportions
    scale = (1.0 - outside) / max(1.0 - found.outside_probability, np.finfo(np.float64).tiny)
    return {
        "inside": inside,
        "outside_probability": outside,
        "explained": min(1.0, scale * sum(each.probability for each in found.explanations)),
        "first": [exposure.actors[actor] for actor in first.actors] if first else [],
        "probability": probabilities[0] if first else 0.0,
    }


def _hit(hit: Hit, exposure: Exposure) -> dict[str, Any]:
    return {
        "subject": exposure.subjects[hit.subject],
        "contacted_at": iso_seconds(hit.contacted_us),
        "opened_at": None if hit.opened_us is None else iso_seconds(hit.opened_us),
        "irregular": hit.irregular,
        "share": hit.share,
        "irregular_share": hit.irregular_share,
    }
