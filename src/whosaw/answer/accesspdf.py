"""An answer to a person as PDF/A-3b: the letter, with the signed JSON attached to it."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from importlib import resources
from typing import Any

from whosaw.answer.access import AccessAnswer, answer_text
from whosaw.answer.employeeaccess import EmployeeAnswer, employee_text
from whosaw.answer.erasureanswer import ErasureAnswer
from whosaw.answer.reportpdf import ReportImpossible


def write_access_pdf(answer: AccessAnswer | EmployeeAnswer | ErasureAnswer, text: str = "") -> bytes:
    """Return the letter; the same answer gives the same bytes.

    Args:
        answer: what is told, and attached.
        text: the letter; that of the answer itself where left out.

    Raises:
        ReportImpossible: typst is missing or refuses.
    """
    try:
        import typst
    except ModuleNotFoundError as cause:
        raise ReportImpossible("typst is not installed") from cause
    if isinstance(answer, AccessAnswer):
        text = text or answer_text(answer)
    elif isinstance(answer, EmployeeAnswer):
        text = text or employee_text(answer)
    company, title, *lines = text.splitlines()
    raw = answer.as_json()
    told = {
        "company": company,
        "title": title,
        "lines": [company, *(line for line in lines if line)],
        "sha256": sha256(raw).hexdigest(),
    }
    try:
        made: Any = typst.compile(
            resources.files("whosaw.answer").joinpath("templates/letter.typ").read_bytes(),
            format="pdf",
            sys_inputs={"told": json.dumps(told), "answer": raw.decode()},
            pdf_standards=["a-3b"],
            timestamp=int(datetime.fromisoformat(answer.made_at).timestamp()),
            ignore_system_fonts=True,  # the same letter on every machine
        )
    except RuntimeError as cause:
        raise ReportImpossible(f"the letter cannot be set: {str(cause)[:300]}") from cause
    return bytes(made)
