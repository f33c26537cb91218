"""The bundle in the terms of CASE and UCO, as its own validator reads it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from whosaw.answer.ontology import case_ontology
from whosaw.answer.step import Step

# of case-utils, which brings the ontology and its shapes along and asks no network; `make setup` installs it
PROGRAM = [sys.executable, "-c", "from case_utils.case_validate import main; main()"]
AT = datetime(2026, 4, 2, tzinfo=UTC)
STEP = Step(
    "CASE-1/1", "CASE-1", "withhold_funds", "seller:S", {}, "x", "done", "a", "b", 4, {}, None, None, ("a", "b")
)
FILES = {
    "case.json": b"{}",
    "mails/a.eml": b"From: a@b.example",
    "exhibits/001-Zo\u00eb & Co.txt": b"",
    "report.pdf": b"%PDF",
}


def validated(path: Path, text: bytes) -> tuple[int, str]:
    path.write_bytes(text)
    command = [*PROGRAM, "--built-version", "case-1.5.0", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_ontology_conforms_to_the_shapes_of_case(tmp_path: Path) -> None:
    steps = [
        STEP,
        replace(STEP, id="CASE-1/2", state="undone", entry=None),
        replace(STEP, id="CASE-1/3", state="planned"),
    ]
    written = case_ontology("CASE-1", FILES, steps, version="0.1.0", built_at=AT)
    status, said = validated(tmp_path / "good.jsonld", written)
    assert status == 0 and "Conforms: True" in said, said
    wrong = written.replace(b"uco-tool:version", b"uco-tool:colour").replace(b"xsd:hexBinary", b"xsd:integer")
    assert wrong.count(b"colour") == 1
    status, said = validated(tmp_path / "wrong.jsonld", wrong)
    assert status == 1 and "Conforms: False" in said and "tool/colour" in said, said


def test_the_same_case_gives_the_same_names() -> None:
    one, other = (case_ontology("CASE-1", FILES, [STEP], version="0.1.0", built_at=AT) for _ in range(2))
    assert one == other
