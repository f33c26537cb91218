"""The schema of what `whosaw trace --json` prints, as it is packed with the method."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def trace_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of an answer, and of the answers about several beneficiaries."""
    text = resources.files("whosaw.app").joinpath("trace_schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
