"""What a lake's coverage was when it was last measured, so that every answer from the lake can say it.

The note holds counts and a sentence of them: no account, no address.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from pathlib import Path

from whosaw.lake.coverage import Coverage
from whosaw.terms.durable import write_whole

NAME = "COVERAGE.json"
NEVER = "coverage: never measured against a database's own audit log; what went around the doors is not known"


def note_measured(lake: Path, found: Coverage, at: datetime) -> None:
    """Keep what was measured, in place of the note before.

    Raises:
        OSError: the lake cannot be written to.
    """
    body = json.dumps({"at": at.isoformat(timespec="seconds"), "line": found.line, "share": found.share})
    write_whole(lake / NAME, body, draft=f".{secrets.token_hex(4)}.draft")  # two processes may measure at once


def coverage_line(lake: Path) -> str:
    """Return one sentence for a person about what was measured last, and when."""
    try:
        noted = json.loads((lake / NAME).read_text(encoding="utf-8"))
        return f"{noted['line']}; measured {datetime.fromisoformat(noted['at']):%Y-%m-%d}"
    except (OSError, ValueError, KeyError, TypeError):
        return NEVER
