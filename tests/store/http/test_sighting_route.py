"""Sightings that services report over the door: whose word counts, what is kept, and what is nobody's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from whosaw.answer import SightingBook
from whosaw.answer.reports import Reported
from whosaw.ask import AskInvalid
from whosaw.doors.http.models import SIGHTING_CHANNELS, SightingAsk
from whosaw.doors.http.sightings import read_sighting

if TYPE_CHECKING:
    from tests.store.http.conftest import Office

SEEN: dict[str, Any] = {"subject": "customer:C-1", "contacted_at": "2026-03-02T08:00:00+02:00", "channel": "phone"}
SEEN |= {"beneficiary": "seller:S-0088", "sender": "+358 40 000 0000", "note": "offered money for a review"}


async def test_a_sighting_is_kept_once_recorded_once_and_stays_the_services_word(office: Office) -> None:
    key = {"Idempotency-Key": "one-and-the-same-key"}
    first = await office.post("/v1/sightings", SEEN, "IN-1", **key)
    assert (first.status_code, first.json()["new"], first.json()["verified"]) == (200, True, False)
    assert first.json()["marks"] == ["row"]
    again = await office.post("/v1/sightings", SEEN, "IN-1", **key)
    # the same moment in another zone, and no key
    unkeyed = await office.post("/v1/sightings", SEEN | {"contacted_at": "2026-03-02T06:00:00Z"}, "IN-1")
    for repeat in (again, unkeyed):
        assert repeat.json() == first.json() | {"new": False}
    other = await office.post("/v1/sightings", SEEN | {"channel": "mail"}, "IN-1", **key)
    assert (other.status_code, other.json()["title"]) == (422, "http.key_reused")
    (kept,) = await SightingBook(office.company.db).list()
    assert (kept.id, kept.beneficiary, kept.channel, kept.form) == (
        first.json()["sighting"],
        "seller:S-0088",
        "phone",
        "row",
    )
    assert not kept.supports_measures
    (entry,) = [each for each in await office.entries("case_work") if each["action"] == "case.intake"]
    assert (entry["door"], entry["rows"], entry["beneficiary"]) == ("http", 1, "seller:S-0088")
    assert "phone" not in str(entry)


async def test_only_a_stated_role_reports_and_nothing_is_kept_of_a_refusal(office: Office) -> None:
    for actor in ("E-1", "S-1", "PEP-1", "A-1"):
        refused = await office.post("/v1/sightings", SEEN, actor)
        assert (refused.status_code, refused.json()["title"]) == (403, "http.not_allowed"), actor
    assert (await office.http.post("/v1/sightings", json=SEEN)).status_code == 401
    stranger = await office.post("/v1/sightings", SEEN | {"subject": "customer:C-404"}, "IN-1")
    assert (stranger.status_code, stranger.json()["title"]) == (404, "http.not_found")
    posing = await office.post("/v1/sightings", SEEN | {"channel": "canary"}, "IN-1")
    assert (posing.status_code, posing.json()["title"]) == (422, "ask.invalid")
    await office.post("/v1/suspensions", {"actor": "IN-1", "reason": "a stolen token"}, "S-1")
    stopped = await office.post("/v1/sightings", SEEN, "IN-1")
    assert (stopped.status_code, stopped.json()["title"]) == (403, "http.actor_stopped")
    assert list(await SightingBook(office.company.db).list()) == []
    assert [each for each in await office.entries("case_work") if each["action"] == "case.intake"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "C-1"},
        {"subject": None},
        {"contacted_at": "2026-03-02T08:00:00"},
        {"contacted_at": "2026-03-02 08:00:00+02:00"},
        {"contacted_at": "2026-02-30T08:00:00Z"},
        {"contacted_at": "0001-01-01T00:00:00+14:00"},
        {"contacted_at": "٢٠٢٦-03-02T08:00:00Z"},
        {"contacted_at": 1772431200},
        {"reported_at": "2026-03-01T08:00:00Z"},
        {"channel": "canary"},
        {"channel": "alias"},
        {"channel": "unique copy"},
        {"channel": ["phone"]},
        {"beneficiary": "Lotus"},
        {"sender": "x" * 201},
        {"sender": ""},
        {"note": "x" * 1_001},
        {"note": "two\nlines"},
        {"form": "canary"},
        {"verified": True},
    ],
)
def test_what_is_not_of_the_form_is_refused(wrong: dict[str, object]) -> None:
    read_sighting(SEEN)
    with pytest.raises(AskInvalid):
        read_sighting(SEEN | wrong)


def test_the_stated_channels_are_the_ones_that_are_read() -> None:
    stated = SightingAsk.model_json_schema()["properties"]["channel"]["enum"]
    assert tuple(stated) == SIGHTING_CHANNELS
    said, beneficiary = read_sighting(
        {"subject": "customer:C-1", **{k: SEEN[k] for k in ("contacted_at", "channel")}}
        | {"beneficiary": "seller:S-0088"}
    )
    assert isinstance(said, Reported)
    assert (said.sender, said.note, said.reported_at, beneficiary) == ("", "", None, "seller:S-0088")
