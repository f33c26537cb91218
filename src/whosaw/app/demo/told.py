"""What the demonstration says while it runs, and the summary at the end. Every number in it was counted or measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from whosaw.app.commands.output import table
from whosaw.app.demo.complaints import Step
from whosaw.app.demo.staff import Worked
from whosaw.terms import chance
from whosaw.trace.explained import by_what, explained_chance, rows_of

_REASONS = {
    "purpose.missing": "no reason given",
    "purpose.not_found": "no such work item",
    "purpose.not_assigned": "somebody else's work item",
    "purpose.other_subject": "a work item about another customer",
    "purpose.self_made": "a work item he made himself",
    "purpose.closed": "closed too long ago",
    "purpose.verified": "the role does not open that field",
    "actor.suspended": "suspended",
    "actor.ended": "no longer here",
    "subject.unknown": "no such customer",
}


class Teller:
    """Prints for a person: headings, lines, tables. Text from data is never read as markup."""

    def __init__(self, out: Console) -> None:
        self.out = out

    def heading(self, text: str) -> None:
        """Begin a scene."""
        self.out.print()
        self.out.print(Text(text, style="bold"))

    def line(self, text: str) -> None:
        """Say one thing."""
        self.out.print(Text(f"  {text}"))

    def worked(self, worked: Worked, share: float) -> None:
        """Tell how the asks ended, and why some were refused."""
        counts = worked.outcomes
        self.line(
            f"{worked.total:,} asks ({worked.live:,} live over sockets): {counts['allowed']:,} allowed, "
            f"{counts['masked']:,} masked, {counts['denied']:,} denied"
        )
        self.line(f"{worked.observed:,} of the allowed ones pass only because review care is still in observe mode")
        self.line(f"{share:.1%} of what was shown is explained by a work record")
        reasons = table("why not", "asks", "then")
        for (kind, reason), count in worked.reasons.most_common(6):
            reasons.add_row(_REASONS.get(reason, reason), f"{count:,}", kind)
        self.out.print(reasons)

    def step(self, step: Step) -> None:
        """Tell what the record says after one more complaint."""
        told = step.told
        best = told["candidates"][0] if told["candidates"] else None
        named = f"{'/'.join(best['actors'])} {chance(best['probability'])} ({best['rung']})" if best else "nobody"
        seen = f", opened {best['seen']} of {best['of']}, {best['expected']:.1f} expected" if best else ""
        rows = rows_of(told)
        explained = f", explained by {by_what(rows)} {chance(explained_chance(rows))}" if rows else ""
        self.line(
            f"{step.reported_at:%d %b}  {step.complaints:>2} complaints  {told['verdict']:<9}  first: {named}{seen}; "
            f"outside {chance(told['outside_probability'])}{explained}"
        )


def summary_table(summary: Mapping[str, Any]) -> Any:
    """Return the summary as a table for a person; the same facts as the JSON."""
    asks, notices, scope = summary["asks"], summary["notices"], summary["scope"]
    named = [c for c in summary["candidates"] if c["rung"] != "no_signal"]
    truth = summary["truth"]
    rows = table("what", "measured", title="The whole story")
    lines = [
        (
            "asks",
            f"{asks['total']:,} ({asks['live']:,} live): {asks['allowed']:,} allowed, {asks['masked']:,} masked, "
            f"{asks['denied']:,} denied",
        ),
        ("entries in the trail", f"{summary['entries']:,}"),
        ("complaints", f"{summary['complaints']}"),
        ("verdict", summary["verdict"]),
        (
            "named",
            ", ".join(f"{'/'.join(c['actors'])}, probability {chance(c['probability'])} ({c['rung']})" for c in named)
            or "nobody",
        ),
        ("nobody inside", f"probability {chance(summary['outside_probability'])}"),
        ("explained by duties or questions in one go", f"probability {chance(summary['explained'])}"),
        (
            "scope",
            f"{scope['certain']} certain, {scope['probable']} probable, {scope['possible']} possible; "
            + (f"at most {scope['bound']}" if scope["bounded"] else "no bound can be given"),
        ),
        ("notices", f"{notices['sent']} sent ({notices['certain']} certain, {notices['probable']} probable)"),
        ("access cut in", "-" if summary["suspension_ms"] is None else f"{summary['suspension_ms']:.0f} ms"),
        ("steps", ", ".join(summary["steps"]) or "none"),
        ("bundle", f"{summary['bundle']['path']} ({'verified' if summary['bundle']['verified'] else 'NOT VERIFIED'})"),
        ("tampering", f"{summary['tamper']['found']} of {summary['tamper']['altered']} altered entries named by fsck"),
        (
            "the truth (opened now)",
            f"{', '.join(truth['actors']) or 'nobody inside'}; {len(truth['subjects'])} customers sold; "
            f"{notices['missed']} missed, {notices['needless']} told needlessly",
        ),
        ("time", ", ".join(f"{name} {seconds:.1f} s" for name, seconds in summary["timings_s"].items())),
    ]
    for name, value in lines:
        rows.add_row(Text(name), Text(value))
    return rows
