"""The bundle in the terms of CASE and UCO, as its own validator reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from whosaw.answer.ontology import case_ontology
from whosaw.answer.step import Step

PROGRAM = os.environ.get("CASE_VALIDATE") or shutil.which("case_validate")
AT = datetime(2026, 4, 2, tzinfo=UTC)
STEP = Step(
    "CASE-1/1", "CASE-1", "withhold_funds", "seller:S", {}, "x", "done", "a", "b", 4, {}, None, None, ("a", "b")
)
FILES = {"case.json": b"{}", "mails/a.eml": b"From: a@b.example"}


@pytest.mark.system
@pytest.mark.skipif(PROGRAM is None, reason="case_validate is not installed (group ontology)")
def test_the_ontology_conforms_and_an_unknown_term_does_not(tmp_path: Path) -> None:
    assert PROGRAM is not None
    written = case_ontology("CASE-1", FILES, [STEP], version="0.1.0", built_at=AT)
    for name, text, status in (
        ("good", written, 0),
        ("wrong", written.replace(b"uco-tool:version", b"uco-tool:colour"), 1),
    ):
        path = tmp_path / f"{name}.jsonld"
        path.write_bytes(text)
        done = subprocess.run(
            [PROGRAM, "--built-version", "case-1.5.0", str(path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert status or "Conforms: True" in done.stdout


def test_the_same_case_gives_the_same_names() -> None:
    one, other = (case_ontology("CASE-1", FILES, [STEP], version="0.1.0", built_at=AT) for _ in range(2))
    assert one == other
