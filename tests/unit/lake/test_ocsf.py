"""OCSF events: valid under the published schema of version 1.8.0, whose definitions come with `ocsf-json-schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from whosaw.lake.ocsf import EXTENSION, OCSF, export_ocsf

CLASSES = {6005: "datastore_activity", 6003: "api_activity", 2004: "detection_finding", 3005: "user_access"}


@pytest.fixture(scope="module")
def published() -> dict[int, Any]:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(OCSF))
    return {uid: jsonschema.Draft202012Validator(schema.get_class_schema(name)) for uid, name in CLASSES.items()}


@pytest.fixture(scope="module")
def events(made: Any, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("ocsf")
    counts = export_ocsf(made.folder, folder)
    lines = [line for name in counts for line in (folder / name).read_text().splitlines()]
    assert len(lines) == sum(counts.values())
    assert all((folder / name).stat().st_mode & 0o777 == 0o600 for name in counts)
    return [json.loads(line) for line in lines]


def test_every_event_is_valid_under_the_published_schema(events: list[dict], published: dict[int, Any]) -> None:
    ours = jsonschema.Draft202012Validator(EXTENSION)
    assert {event["class_uid"] for event in events} >= {6005, 6003, 2004}
    for event in events:
        extension = event.pop("whosaw")
        published[event["class_uid"]].validate(event)
        ours.validate(extension)
        event["whosaw"] = extension


def test_the_schema_refuses_what_lacks_a_required_attribute(events: list[dict], published: dict[int, Any]) -> None:
    for name in ("metadata", "time", "actor", "activity_id"):
        event = {key: value for key, value in next(e for e in events if e["class_uid"] == 6005).items() if key != name}
        event.pop("whosaw")
        with pytest.raises(jsonschema.ValidationError):
            published[6005].validate(event)


def test_there_is_one_event_per_entry_and_it_counts_its_subjects(events: list[dict], made: Any) -> None:
    plain = [event for event in events if event["class_uid"] != 2004]
    assert len(plain) == len(made.entries)
    sizes = {(e["whosaw"]["trail"], e["whosaw"]["entry"]): e["whosaw"]["subject_count"] for e in plain}
    for key, numbers in made.sets.items():
        assert sizes[key] == len(numbers)
    denied = [event for event in plain if event["class_uid"] == 6005 and event["status_id"] == 2]
    assert len(denied) == sum(said["kind"] == "denial" for _, _, said in made.entries)


def test_a_suspension_is_user_access_management(published: dict[int, Any], tmp_path: Path) -> None:
    from whosaw.lake.ocsf import event_of

    row: dict[str, Any] = dict.fromkeys(
        ("purpose", "decision", "verified", "fields", "beneficiary", "action", "subjects"), None
    )
    row |= {"trail": "t.example/x", "entry": 4, "at_us": 5_000, "kind": "suspension", "actor": 7, "door": "console"}
    event = event_of(row | {"grade": "trail", "subject_count": 0}, {})
    event.pop("whosaw")
    published[3005].validate(event)
