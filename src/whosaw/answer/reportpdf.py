"""The report of a bundle as PDF/A-3b, made by typst from the same files that stand beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any, ClassVar

from whosaw.answer.bundletexts import LIMITS, Background, Story
from whosaw.answer.case import Snapshot
from whosaw.answer.errors import AnswerError
from whosaw.answer.exculpatory import ITEMS
from whosaw.answer.facts import Facts


class ReportImpossible(AnswerError, RuntimeError):
    """The report cannot be set: typst is not installed, or refuses."""

    code: ClassVar[str] = "answer.report_impossible"
    hint = "pip install 'whosaw[evidence]'; the bundle can be built without the report"


def write_report(story: Story, background: Background, files: Mapping[str, bytes]) -> bytes:
    """Return the report; the same case at the same time gives the same bytes.

    Raises:
        ReportImpossible: typst is missing or refuses.
    """
    try:
        import typst
    except ModuleNotFoundError as cause:
        raise ReportImpossible("typst is not installed") from cause
    at = background.built_at or story.case.opened_at
    told = _told(story, background, at, sorted(files))
    source = resources.files("whosaw.answer").joinpath("templates/report.typ").read_bytes()
    inputs = {"told": json.dumps(told), "method": files["method.json"].decode()}
    try:
        made: Any = typst.compile(
            source,
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=["a-3b"],
            timestamp=int(at.timestamp()),
            ignore_system_fonts=True,  # the same report on every machine
        )
    except RuntimeError as cause:
        raise ReportImpossible(f"the report cannot be set: {str(cause)[:300]}") from cause
    return bytes(made)


def _told(story: Story, background: Background, at: datetime, names: Sequence[str]) -> dict[str, Any]:
    case, history = story.case, story.history
    last: Mapping[str, Any] = history[-1].verdict if history else {}
    return {
        "title": f"Evidence of {case.id}",
        "subtitle": f"Built {at:%Y-%m-%d %H:%M} UTC. People stand here as numbers. The case is {case.state}.",
        "known": _known(last, story.facts),
        "looks": [_look(each) for each in history],
        "outside": last.get("outside_probability", 1.0),
        "exculpatory": _exculpatory(last, background),
        "steps": [
            {
                "id": each.id,
                "kind": each.kind,
                "state": each.state,
                "approvals": str(len(each.approved_by)),
                "entry": str(each.entry) if each.entry is not None else "-",
            }
            for each in story.steps
        ],
        "limits": list(LIMITS),
        "contents": list(names),
    }


def _known(last: Mapping[str, Any], facts: Facts | None) -> list[str]:
    lines = [f"Verdict: {last.get('verdict', 'none')}."]
    if facts is not None:
        lines += [
            f"{facts.complaints} complaints, {facts.verified_complaints} of them signed by the sender's domain.",
            f"{facts.certain} people certainly and {facts.probable} probably affected; {facts.possible} more possibly.",
            f"Fields opened: {', '.join(facts.fields_leaked)}, {facts.first_on} to {facts.last_on}.",
            f"The record of the window is {'' if facts.record_complete else 'not '}proven complete.",
        ]
    return lines


def _look(snapshot: Snapshot) -> dict[str, Any]:
    candidates = snapshot.verdict.get("candidates") or [{"probability": 0.0, "rung": "no_signal"}]
    best = candidates[0]
    return {
        "complaints": str(snapshot.complaints),
        "best": float(best.get("probability", 0.0)),
        "rung": str(best.get("rung", "no_signal")),
    }


def _exculpatory(last: Mapping[str, Any], background: Background) -> list[str]:
    lines = [f"Nobody inside explains it with probability {last.get('outside_probability', 1.0):.4f}."]
    for actor, answers in background.cleared.items():
        found = {each.item: each for each in answers}
        lines += [
            f"actor {actor}, {item}: {found[item].finding if item in found else 'nobody asked'}" for item in ITEMS
        ]
    kinds = sorted({each.kind for each in background.alternatives})
    lines += [
        f"{sum(each.kind == kind for each in background.alternatives)} sightings may be explained by {kind}."
        for kind in kinds
    ]
    return lines
