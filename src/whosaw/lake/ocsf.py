"""The lake's entries as OCSF 1.8 events, for the tools that a security team already has. Numbers only, as in the lake.

Disclosures and denials are Datastore Activity (6005), actions API Activity (6003), suspensions User Access Management
(3005), unusual exports Detection Finding (2004). What OCSF has no word for (subjects, purpose, completeness) stands in
an extension of our own, `whosaw`, described in `EXTENSION`.

Source: schema.ocsf.io, version 1.8.0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from whosaw import __version__
from whosaw.lake.duck import duck, duck_sql
from whosaw.lake.lookover import Lookover, look_over
from whosaw.lake.named import Asked, expression

OCSF = "1.8.0"
MOST_SUBJECTS = 1_000
EXTENSION = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "whosaw extension of OCSF",
    "type": "object",
    "properties": {
        "trail": {"type": "string", "description": "origin of the trail, or name of an imported log"},
        "entry": {"type": ["integer", "null"], "description": "index in the trail"},
        "subjects": {"type": "array", "items": {"type": "integer"}, "maxItems": MOST_SUBJECTS},
        "subject_count": {"type": "integer", "minimum": 0, "description": "how many, where the list is cut"},
        "fields": {"type": "array", "items": {"type": "string"}, "description": "field=effect"},
        "purpose": {"type": ["integer", "null"], "description": "number of the purpose"},
        "purpose_verified": {"type": ["boolean", "null"]},
        "beneficiary": {"type": ["string", "null"]},
        "completeness": {
            "type": "object",
            "properties": {
                "grade": {"enum": ["trail", "imported"]},
                "entries": {"type": "integer", "description": "entries of this trail in the lake"},
                "erased": {"type": "integer", "description": "of these erased since"},
            },
            "required": ["grade"],
            "additionalProperties": False,
        },
    },
    "required": ["trail", "subject_count", "completeness"],
    "additionalProperties": False,
}

_FILES = {
    6005: "datastore_activity.jsonl",
    6003: "api_activity.jsonl",
    3005: "user_access.jsonl",
    2004: "detection_finding.jsonl",
}
_BATCH = 4_096
ENTRIES = f"""
    SELECT trail, entry, min(at_us) AS at_us, min(kind) AS kind, min(actor) AS actor, min(purpose) AS purpose,
        min(door) AS door, min(decision) AS decision, bool_and(verified) AS verified, min(fields) AS fields,
        min(beneficiary) AS beneficiary, min(action) AS action, min(grade) AS grade, count(subject) AS subject_count,
        bool_or(shown AND in_set) AS shows_set,
        list(subject ORDER BY subject)[:{MOST_SUBJECTS}] AS subjects
    FROM entries WHERE kind IN ('disclosure', 'denial', 'action', 'suspension') AND entry IS NOT NULL
    GROUP BY trail, entry ORDER BY trail, entry
"""


def export_ocsf(where: str | Path, folder: Path, least: int = 100) -> dict[str, int]:
    """Write a lake's entries as OCSF events, one JSON object a line and a file per class, the owner's alone (0600).

    Args:
        where: the lake, a path or a URL.
        folder: made where it is not there; files in it are written over.
        least: subjects from which an entry can be an unusual export.

    Returns:
        File name → events in it.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    look = look_over(where)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    counts = dict.fromkeys(_FILES.values(), 0)
    with ExitStack() as stack:
        files = {name: stack.enter_context(os.fdopen(_private(folder / name), "w")) for name in counts}
        for event in _events(look, least):
            name = _FILES[event["class_uid"]]
            files[name].write(line_of(event))
            counts[name] += 1
    return counts


def line_of(event: dict[str, Any]) -> str:
    """Return an event as a line."""
    return json.dumps(event, separators=(",", ":"), sort_keys=True) + "\n"


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


def _events(look: Lookover, least: int) -> Iterator[dict[str, Any]]:
    reach = {each.origin: {"entries": each.end, "erased": each.erased} for each in look.trails}
    with duck(look) as connection:
        for row in fetched(connection.execute(ENTRIES)):
            yield event_of(row, reach.get(row["trail"], {}))
        for row in fetched(connection.execute(duck_sql(expression("unusual-exports", Asked(least=least))))):
            yield finding_of(row, reach.get(row["trail"], {}))


def fetched(done: Any) -> Iterator[dict[str, Any]]:
    """Return the rows of an executed query, a batch at a time."""
    names = [each[0] for each in done.description]
    while batch := done.fetchmany(_BATCH):
        for values in batch:
            yield dict(zip(names, values, strict=True))


def event_of(row: dict[str, Any], reach: dict[str, int]) -> dict[str, Any]:
    """Return the event of one row of `ENTRIES`; `reach` is what is said of completeness."""
    refused = row["kind"] == "denial" or row["decision"] == "deny"
    if row["kind"] == "action":
        event = _base(row, 6003, _action_id(row["action"] or ""))
        event |= {"api": {"operation": row["action"] or "unknown"}}
    elif row["kind"] == "suspension":
        event = _base(row, 3005, 99)
        event |= {"activity_name": "Suspend or restore", "user": event["actor"]["user"], "privileges": ["every door"]}
    else:
        event = _base(row, 6005, 1)
        event |= {"database": {"name": "protected fields", "type_id": 99, "type": "Catalog"}, "type_id": 99}
    event |= {"status_id": 2, "status": "Failure"} if refused else {"status_id": 1, "status": "Success"}
    return event | {"whosaw": _ours(row, reach)}


def finding_of(row: dict[str, Any], reach: dict[str, int]) -> dict[str, Any]:
    """Return the finding of one row of the question `unusual-exports`."""
    about = row | {"kind": "disclosure", "subject_count": row["subjects"], "subjects": [], "fields": None}
    about |= {"grade": "trail", "verified": not row["unverified"]}
    event = _base(about, 2004, 1)
    what = "without a verified reason" if row["unverified"] else "far more subjects than is usual"
    event |= {
        "severity_id": 3,
        "finding_info": {
            "uid": f"{row['trail']}#{row['entry']}",
            "title": "unusual export",
            "desc": f"one entry showed {row['subjects']} subjects: {what}",
        },
        "whosaw": _ours(about, reach),
    }
    return event


def _base(row: dict[str, Any], class_uid: int, activity: int) -> dict[str, Any]:
    event: dict[str, Any] = {
        "activity_id": activity,
        "category_uid": class_uid // 1000,
        "class_uid": class_uid,
        "type_uid": class_uid * 100 + activity,
        "time": row["at_us"] // 1000,
        "severity_id": 1,
        "metadata": {
            "version": OCSF,
            "product": {"name": "whosaw", "vendor_name": "whosaw", "version": __version__},
            "sequence": row["entry"],
            "uid": f"{row['trail']}#{row['entry']}",
            "log_name": row["trail"],
        },
    }
    if class_uid != 2004:
        event["actor"] = {"user": {"uid": f"{row['trail']}#{row['actor']}"}}
        event["src_endpoint"] = {"svc_name": f"whosaw {row['door'] or 'log'}"}
    return event


def _action_id(action: str) -> int:
    verb = action.rpartition(".")[2]
    return {"create": 1, "query": 2, "export": 2, "update": 3, "delete": 4}.get(verb, 99)


def _ours(row: dict[str, Any], reach: dict[str, int]) -> dict[str, Any]:
    return {
        "trail": row["trail"],
        "entry": row["entry"],
        "subjects": [each for each in row["subjects"] or [] if each is not None],
        "subject_count": row["subject_count"],
        "fields": row["fields"].split(",") if row["fields"] else [],
        "purpose": row["purpose"],
        "purpose_verified": row["verified"],
        "beneficiary": row["beneficiary"],
        "completeness": {"grade": row["grade"], **reach},
    }
