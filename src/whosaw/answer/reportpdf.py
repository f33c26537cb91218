"""The report of a bundle as PDF/A-3b, made by typst from the same files that stand beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, ClassVar

from whosaw.answer.bundletexts import Background, Story
from whosaw.answer.errors import AnswerError
from whosaw.answer.gatefile import gate_lines
from whosaw.answer.reporttold import tell


class ReportImpossible(AnswerError, RuntimeError):
    """The report cannot be set: typst is not installed, or refuses."""

    code: ClassVar[str] = "answer.report_impossible"
    hint = "pip install 'whosaw[evidence]'; the bundle can be built without the report"


def write_report(
    story: Story, background: Background, files: Mapping[str, bytes], numbers: Mapping[str, int | str]
) -> bytes:
    """Return the report; the same case at the same time gives the same bytes.

    Args:
        story: the case.
        background: how it went.
        files: of the bundle, by name.
        numbers: of every actor whom a verdict or step names.

    Raises:
        ReportImpossible: typst is missing or refuses.
    """
    try:
        import typst
    except ModuleNotFoundError as cause:
        raise ReportImpossible("typst is not installed") from cause
    at = background.built_at or story.case.opened_at
    told = tell(story, background, numbers, sorted(files))
    told["gate"] = gate_lines(json.loads(files["gate.json"]))
    source = resources.files("whosaw.answer").joinpath("templates/report.typ").read_bytes()
    try:
        made: Any = typst.compile(
            source,
            format="pdf",
            sys_inputs={"told": json.dumps(told), "method": files["method.json"].decode()},
            pdf_standards=["a-3b"],
            timestamp=int(at.timestamp()),
            ignore_system_fonts=True,  # the same report on every machine
        )
    except RuntimeError as cause:
        raise ReportImpossible(f"the report cannot be set: {str(cause)[:300]}") from cause
    return bytes(made)
