"""``whosaw trace``: who could have leaked, how probable each is, and what else may have got out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.commands.output import console, print_json, table
from whosaw.app.tracepictures import write_pictures
from whosaw.app.tracing import Beside, trace_lake
from whosaw.lake.coveragenote import coverage_line
from whosaw.lake.weakest import weakest_grade

_IN_WORDS = {
    "finding": "one candidate stands out; a person must add evidence of another kind before anything is done to him",
    "lead": "a reason to look closer and to keep logs; not yet a finding",
    "group": "somebody of a group stands out, but the record cannot tell the group apart",
    "undecided": "the record does not single out anyone; an outside source is not excluded",
    "outside": "the complaints look like an outside source: nobody inside stands out",
}


def trace(
    *,
    lake: Path,
    sightings: Path,
    beneficiary: str | None = None,
    known: Path | None = None,
    accounts: Path | None = None,
    calibrate: int = 0,
    pictures: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Say who could have leaked, given whose data turned up outside and when.

    Args:
        lake: folder of the lake, filled by `whosaw import`.
        sightings: CSV with subject,contacted_at and, where known, reported_at,beneficiary,channel.
        beneficiary: whom the complaints are about; needed where the file names several.
        known: CSV with subject,source,probability: outside sources that may explain single complaints.
        accounts: CSV with actor,shared,group: accounts of several people, and sites or employers.
        calibrate: invent so many leaks in this very log, and as many lists without an insider, and say what came of it.
        pictures: folder for two SVG pictures: who had opened whom, and the evidence over time.
        as_json: print JSON.
    """
    told = trace_lake(lake, sightings, beneficiary, beside=Beside(known, accounts, calibrate))
    told["grade"] = asdict(weakest := weakest_grade(lake)) | {"line": weakest.line}
    told["coverage"] = coverage_line(lake)
    if pictures is not None:
        write_pictures(told, pictures)
    if as_json:
        print_json(told)
        return 0
    _print(told)
    return 0


def _print(told: Mapping[str, Any]) -> None:
    out = console()
    out.print(Text(f"{told['verdict']}: {_IN_WORDS[told['verdict']]}", style="bold"))
    out.print(Text(told["verdict_in_words"]))
    if told["candidates"]:
        rows = table("candidate", "probability", "rung", "evidence", "opened", "expected")
        for each in told["candidates"][:10]:
            rows.add_row(
                Text("/".join(each["actors"])),
                f"{each['probability']:.4f}",
                each["rung"],
                f"{each['e_value']:,.3g} : 1",
                f"{each['seen']} of {each['of']}",
                f"{each['expected']:.2f}",
            )
        rows.add_row("nobody inside", f"{told['outside_probability']:.4f}", "", "", "", "")
        out.print(rows)
    scope = told["scope"]
    bound = f"at most {scope['bound']}" if scope["bounded"] else "no bound can be given"
    out.print(
        f"scope: {len(scope['certain'])} certain, {len(scope['probable'])} probable, "
        f"{len(scope['possible'])} possible; {bound}"
    )
    if scope["bounded"]:
        out.print(f"if at most two leaked, no more than {scope['most']} subjects got out through them")
    _print_beyond(told)
    for sentence in told["missing"]:
        out.print(Text(f"missing: {sentence}", style="dim"))
    out.print(Text(f"completeness: {told['completeness'].get('line', told['completeness'])}", style="dim"))
    out.print(Text(told["grade"]["line"], style="dim"))
    out.print(Text(told["coverage"], style="dim"))


def _print_beyond(told: Mapping[str, Any]) -> None:
    """Print base rates, what would decide it, groups, and the error rates of the method."""
    out = console()
    if told["candidates"]:
        best = told["candidates"][0]
        for row in told["base_rates"]:
            out.print(
                f"if {row['inside']:g} of such leaks came from inside: {'/'.join(row['first'])} "
                f"{row['probability']:.4f}, nobody inside {row['outside_probability']:.4f}"
            )
        if best["to_finding"] is not None and best["rung"] != "finding":
            out.print(f"would decide it: about {best['to_finding']} more complaints, or a canary that only one opened")
        if best["to_clear"]:
            out.print(f"would clear the first: {best['to_clear']} more complainers in a row whom he had not opened")
    for group in told.get("groups", ())[:3]:
        out.print(f"group {group['group']}: {group['probability']:.4f} (before the complaints {group['prior']:.4f})")
    out.print(Text(told["measured"]["line"], style="dim"))
    made = told.get("calibration")
    if made:
        rates = made["rates"]
        out.print(
            Text(
                f"on this log, {made['draws']} invented leaks and lists without an insider: finding although nobody "
                f"inside {rates['nobody_finding']:.3f}, lead {rates['nobody_lead']:.3f}; leaker first "
                f"{rates['leak_first']:.3f}, a finding {rates['leak_finding']:.3f}"
                + (f"; calibrated probability of the first {made['probability']:.3f}" if made["probability"] else ""),
                style="dim",
            )
        )
