"""The employees' form in a real browser: an offer is reported, and nothing leads to who reported it."""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser
from tests.browser import IN_A_BROWSER, page_without_scripts, serving, watch

from whosaw.answer import RawMails
from whosaw.answer.approach import Approaches
from whosaw.answer.notes import Notes
from whosaw.app.approachspool import ApproachSpool, answers
from whosaw.doors.complaint import APPROACH_PATH, ApproachDoor
from whosaw.store import Database
from whosaw.terms import SimulatedClock

pytestmark = IN_A_BROWSER
AT = datetime(2026, 4, 2, 8, 41, 7, tzinfo=UTC)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0))
    + chunk(b"tEXt", b"Author\0Jane Roe, E-0417")
    + chunk(b"tIME", b"\x07\xea\x04\x02\x08\x29\x07")
    + chunk(b"IDAT", zlib.compress(b"\0\x0a\x0d\0\x0d\x0a"))
    + chunk(b"IEND", b"")
)


@dataclass
class Place:
    """The form over a database whose entries are noted."""

    address: str
    clock: SimulatedClock
    spool: ApproachSpool
    approaches: Approaches
    folder: Path
    entries: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
async def place(database: Database, tmp_path: Path) -> AsyncIterator[Place]:
    clock, entries = SimulatedClock(AT), []

    async def record(payload: dict[str, Any]) -> Any:
        entries.append(payload)

        class Receipt:
            index = len(entries) - 1

        return Receipt

    approaches = Approaches(database, clock, Notes(database, clock, record), RawMails(tmp_path / "complaints"))
    spool = ApproachSpool(tmp_path / "approaches")
    app = FastAPI()
    app.include_router(ApproachDoor(spool, partial(answers, approaches), clock, company="Shop").router)
    async with serving(app) as port:
        address = f"http://127.0.0.1:{port}{APPROACH_PATH}"
        yield Place(address, clock, spool, approaches, tmp_path, entries)


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
async def test_an_offer_is_reported_and_answered_and_nothing_leads_to_who_reported_it(
    place: Place, chromium: Browser, width: int, scheme: str
) -> None:
    page = await page_without_scripts(chromium, width, scheme)
    complaints, hosts = watch(page)

    async def shot(name: str) -> None:
        if "WHOSAW_SCREENSHOTS" in os.environ:
            path = Path(os.environ["WHOSAW_SCREENSHOTS"]) / f"approach-{width}-{name}.png"
            await page.screenshot(path=path, full_page=True)

    await page.goto(place.address)
    await page.get_by_label("Where").fill("telegram")
    await page.get_by_role("button", name="Send the report").click()
    await page.get_by_role("alert").wait_for()
    await shot("wrong")
    box = page.get_by_label("What was offered")
    assert await box.get_attribute("aria-invalid") == "true"
    assert await page.get_by_label("Where").input_value() == "telegram"
    await box.fill("80 dollars for an address; für eine Anschrift")
    await page.get_by_label("Who offered it").fill("@lotus_help")
    picture = {"name": "IMG_Jane.png", "mimeType": "image/png", "buffer": PNG}
    await page.get_by_label("A screenshot").set_input_files(files=[picture])  # type: ignore[list-item]
    await page.get_by_role("button", name="Send the report").click()
    await page.get_by_role("heading", level=1, name="Thank you. The report was received.").wait_for()
    await shot("thanks")
    code = re.search(r"\b(?:[0-9a-f]{4}-){4}[0-9a-f]{4}\b", await page.inner_text("main"))
    assert code is not None

    # it waits without a minute, a name, a code or an entry, until the hour is over
    (waiting,) = (place.folder / "approaches").iterdir()
    kept = waiting.read_bytes()
    assert waiting.stat().st_mtime == AT.replace(minute=0, second=0).timestamp() and waiting.stat().st_mode & 0o77 == 0
    assert code.group().encode() not in kept and b"08:41" not in kept
    assert await place.spool.take_in(place.approaches, place.clock.now()) == 0 and place.entries == []
    place.clock.advance_to(AT + timedelta(minutes=19))
    assert await place.spool.take_in(place.approaches, place.clock.now()) == 1
    waiting.write_bytes(kept)  # as after a crash before the file was taken away
    assert await place.spool.take_in(place.approaches, place.clock.now()) == 0 and not waiting.exists()
    (report,) = await place.approaches.list()
    assert (report.offer, report.channel) == ("80 dollars for an address; für eine Anschrift", "telegram")
    assert report.at == AT.replace(minute=0, second=0) and report.screenshot_sha256 is not None
    stored = RawMails(place.folder / "complaints").read(report.screenshot_sha256)
    assert b"Jane" not in stored and b"tIME" not in stored and stored.startswith(PNG[:33])
    assert zlib.compress(b"\0\x0a\x0d\0\x0d\x0a") in stored, "the picture itself came through byte by byte"
    (entry,) = place.entries
    assert entry["actor"] == 1 and "text_sha256" in entry and "telegram" not in str(entry)

    await place.approaches.answer(report.id, "thank you, nobody will know")
    await page.get_by_role("link", name="Read the answer to a report").click()
    await page.get_by_label("Your code").fill(code.group())
    await page.get_by_label("Something to add").fill("he wrote again")
    await page.get_by_role("button", name="Read, and send").click()
    text = await page.inner_text("main")
    assert "thank you, nobody will know" in text and "he wrote again" in text
    await shot("answer")
    await page.get_by_label("Your code").fill("0000-0000-0000-0000-0000")
    await page.get_by_role("button", name="Read, and send").click()
    assert "No report has this code" in await page.inner_text("main")
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) == 0
    assert [each for each in complaints if "422" not in each and "404" not in each] == []
    assert set(hosts) == {"127.0.0.1"} and await page.context.cookies() == []
