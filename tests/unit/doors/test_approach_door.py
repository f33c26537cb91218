"""The employees' form as a program sees it: what is no form is refused, what was typed is kept, nothing else waits."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from starlette.testclient import TestClient

from whosaw.app.approachspool import ApproachSpool
from whosaw.doors.complaint import APPROACH_PATH, ApproachDoor
from whosaw.doors.complaint.approach import TEXT_MOST, Limits
from whosaw.doors.complaint.pace import FormPace
from whosaw.doors.complaint.parts import FormUnfit, read_parts
from whosaw.terms import SimulatedClock

AT = datetime(2026, 4, 2, 8, 41, tzinfo=UTC)
GOOD = {"offer": "80 dollars for an address", "channel": "telegram", "handle": "", "payout": ""}
ANSWER = f"{APPROACH_PATH}/answer"
CODE = "0123-4567-89ab-cdef-0123"
JPEG = b"\xff\xd8\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\x34\xff\xd9"
LINE = b"--edge"
END = LINE + b"--\r\n"
LETTERS = b"abcdefghijklmnopqrstuvwxyz"
KIND = {"content-type": "multipart/form-data; boundary=edge"}


class Form:
    """The form over a real folder, and what was asked of the desk's answers."""

    def __init__(self, folder: Path, *, limits: Limits | None = None) -> None:
        self.folder, self.clock = folder / "approaches", SimulatedClock(AT)
        self.asked: list[tuple[str, str]] = []

        async def answers(code: str, text: str) -> Sequence[tuple[datetime, bool, str]] | None:
            self.asked.append((code, text))
            return [(AT, True, "thank you")] if code == CODE else None

        self.app = FastAPI()
        spool = ApproachSpool(self.folder)
        self.app.include_router(ApproachDoor(spool, answers, self.clock, company="Shop", limits=limits).router)
        self.client = TestClient(self.app)

    def mark(self) -> str:
        return marked(self.client.get(APPROACH_PATH).text)

    def send(self, path: str = APPROACH_PATH, *, shot: bytes = b"", **more: str) -> Response:
        fields = (GOOD if path == APPROACH_PATH else {"code": CODE, "text": ""}) | {"mark": self.mark()} | more
        return self.client.post(path, data=fields, files={"screenshot": ("IMG.jpg", shot)})

    def waiting(self) -> list[dict[str, str]]:
        return [json.loads(each.read_text())["told"] for each in sorted(self.folder.glob("*"))]


def marked(page: str) -> str:
    found = re.search(r'name="mark" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def part(head: bytes, body: bytes = b"x") -> bytes:
    return LINE + b"\r\n" + head + b"\r\n\r\n" + body + b"\r\n"


def named(name: bytes, body: bytes = b"x") -> bytes:
    return part(b'Content-Disposition: form-data; name="' + name + b'"', body)


@pytest.fixture
def form(tmp_path: Path) -> Form:
    return Form(tmp_path)


def test_a_form_as_a_browser_sends_it_is_taken(form: Form) -> None:
    mark = form.mark().encode()
    shot = part(
        b'Content-Disposition: form-data; name="screenshot"; filename="a b.jpg"\r\nContent-Type: image/jpeg', JPEG
    )
    fields = named(b"mark", mark) + named(b"offer", b"80 dollars\r\nf\xc3\xbcr") + named(b"channel", b"")
    assert form.client.post(APPROACH_PATH, content=fields + shot + END, headers=KIND).status_code == 200
    assert form.waiting() == [{"offer": "80 dollars\nfür", "channel": "", "handle": "", "payout": ""}]


def test_the_page_says_who_can_still_see_the_minute(form: Form) -> None:
    page = form.client.get(APPROACH_PATH).text
    assert "Who runs the server or the network can still see the minute" in page


def test_control_characters_are_taken_out_of_every_field_and_of_the_code(form: Form) -> None:
    dirty = {name: f"a\0b\x1b[31m\x7f\x85\tc\r\nd{name}" for name in GOOD}
    assert form.send(**dirty).status_code == 200
    assert form.waiting() == [{name: f"ab[31m\tc\nd{name}" for name in GOOD}]
    assert form.send(offer="\0\x01").status_code == 422
    assert form.send(ANSWER, code=f"{CODE}\0", text="he\0 wrote").status_code == 200
    assert form.asked == [(CODE, "he wrote")]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(part(b"X: " + b"a: b\r\n" * 200_000), KIND, id="a head of 1 MB"),
        pytest.param(LINE + b"\r\n" + b"a: b\r\n" * 200_000, KIND, id="a head without an end"),
        pytest.param(
            b"".join(named(bytes(LETTERS[n // d % 26] for d in (676, 26, 1)), b"") for n in range(10_000)) + END,
            KIND,
            id="10,000 parts",
        ),
        pytest.param(
            b"".join(named(b"n" + b"x" * n) for n in range(30)) + END,
            KIND,
            id="more parts than a form has",
        ),
        pytest.param(
            part(b'Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=b', b"--b") * 9,
            KIND,
            id="nested",
        ),
        pytest.param(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 50_000, KIND, id="nested deep"),
        pytest.param(b"\r\n--" * 1_000_000, {"content-type": "multipart/form-data"}, id="no boundary"),
        pytest.param(named(b"offer"), {"content-type": "multipart/form-data; boundary=" + "e" * 71}, id="a long one"),
        pytest.param(b"offer=x", {"content-type": "application/x-www-form-urlencoded"}, id="another form"),
        pytest.param(b"", {}, id="nothing"),
        pytest.param(named(b"offer"), KIND, id="cut short"),
        pytest.param(named(b"offer") * 2 + END, KIND, id="twice"),
        pytest.param(part(b"Content-Type: text/plain") + END, KIND, id="no name"),
        pytest.param(
            part(b'Content-Disposition: form-data; name="offer"\r\nContent-Transfer-Encoding: base64') + LINE + b"--",
            KIND,
            id="encoded",
        ),
    ],
)
@pytest.mark.parametrize("path", [APPROACH_PATH, ANSWER])
def test_what_no_browser_sends_is_refused(form: Form, body: bytes, headers: dict[str, str], path: str) -> None:
    mark = form.mark().encode()
    whole = body.replace(LINE, named(b"mark", mark) + named(b"code", CODE.encode()) + LINE, 1)
    answer = form.client.post(path, content=whole, headers=headers)
    assert answer.status_code == 400 and "nothing stands below" in answer.text
    assert form.waiting() == [] and form.asked == []


def test_of_a_beginning_the_fields_that_are_whole_in_it_are_read() -> None:
    fields = {"mark": b"m", "offer": b"80 dollars\r\n--edg\r\n", "screenshot": JPEG * 500}
    body = b"".join(named(name.encode(), value) for name, value in fields.items()) + END
    kind = KIND["content-type"]
    assert read_parts(kind, body) == fields
    met = set()
    for length in range(len(LINE), len(body)):
        given = read_parts(kind, body[:length], whole=False)
        assert given.items() <= fields.items()
        met.add(len(given))
        with pytest.raises(FormUnfit):
            read_parts(kind, body[: min(length, len(body) - 4)])
    assert met == {0, 1, 2, 3}


def test_what_was_typed_is_given_back_where_it_is_too_long_or_too_much(tmp_path: Path) -> None:
    form = Form(tmp_path, limits=Limits(pace=FormPace(each_most=1, all_most=1)))
    large = form.send(shot=JPEG + bytes(6 * 1024 * 1024))
    assert large.status_code == 413 and GOOD["offer"] in large.text and "Choose it again" in large.text
    long = form.send(offer="x" * (TEXT_MOST + 1))
    assert long.status_code == 422 and "x" * (TEXT_MOST + 1) in long.text
    assert form.send().status_code == 200, "what was refused counts nothing"
    for shot in (JPEG, JPEG + bytes(4 * 1024 * 1024), JPEG + bytes(6 * 1024 * 1024)):
        busy = form.send(shot=shot)
        assert busy.status_code == 503 and GOOD["offer"] in busy.text and "telegram" in busy.text
    assert len(form.waiting()) == 1
    elsewhere = form.client.post(APPROACH_PATH, data=GOOD, headers={"sec-fetch-site": "cross-site"})
    assert elsewhere.status_code == 403 and "not read" in elsewhere.text


def test_made_up_codes_keep_nobody_from_reporting_and_a_good_code_is_not_called_none(tmp_path: Path) -> None:
    form = Form(tmp_path, limits=Limits(asks=FormPace(each_most=130, all_most=130)))
    for _ in range(130):
        assert form.send(ANSWER, code="0000-0000-0000-0000-0000").status_code == 404
    busy = form.send(ANSWER, text="he wrote again")
    assert busy.status_code == 503 and "cannot be read just now" in busy.text and "No report" not in busy.text
    assert "he wrote again" in busy.text and len(form.asked) == 130
    assert form.send().status_code == 200


def test_an_addition_that_is_too_long_is_refused_and_not_cut(form: Form) -> None:
    long = form.send(ANSWER, text="y" * (TEXT_MOST + 1))
    assert long.status_code == 422 and "y" * (TEXT_MOST + 1) in long.text and form.asked == []


async def test_the_form_needs_no_thread_of_the_process(form: Form) -> None:
    held, pool = threading.Event(), ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(pool)
    waiting = asyncio.get_running_loop().run_in_executor(None, held.wait)
    try:
        async with AsyncClient(transport=ASGITransport(form.app), base_url="http://testserver") as client:
            fields = GOOD | {"mark": marked((await client.get(APPROACH_PATH)).text)}
            sent = client.post(APPROACH_PATH, data=fields, files={"screenshot": ("a.jpg", JPEG)})
            assert (await asyncio.wait_for(sent, 30)).status_code == 200
    finally:
        held.set()
        await waiting
    assert len(form.waiting()) == 1


async def test_at_most_two_bodies_are_read_at_once(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    from whosaw.doors.complaint import approach

    names: set[str] = set()
    real = approach.read_parts

    def read(kind: str, body: bytes, *, whole: bool) -> dict[str, bytes]:
        names.add(threading.current_thread().name)
        return real(kind, body, whole=whole)

    monkeypatch.setattr(approach, "read_parts", read)
    async with AsyncClient(transport=ASGITransport(form.app), base_url="http://testserver") as client:
        fields = GOOD | {"mark": marked((await client.get(APPROACH_PATH)).text)}
        posts = [client.post(APPROACH_PATH, data=fields, files={"screenshot": ("a.jpg", JPEG)}) for _ in range(12)]
        assert {each.status_code for each in await asyncio.gather(*posts)} == {200}
    assert 1 <= len(names) <= 2 and all(each.startswith("whosaw-approach") for each in names)
