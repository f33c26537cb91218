"""The customers' form as a program sees it: nothing leaks, nothing is forged, a flood is bounded."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from whosaw.answer import read_complaint
from whosaw.doors.complaint import COMPLAINT_PATH, ComplaintDoor, Spool
from whosaw.doors.complaint.pace import FormPace
from whosaw.doors.complaint.routes import TEXT_MOST, Filled
from whosaw.terms import SimulatedClock

AT = datetime(2026, 4, 2, 8, tzinfo=UTC)
GOOD = {"email": "ann@home.example", "sender": "service@lotus.example", "text": "Please change your review."}


class Form:
    def __init__(self, folder: Path, pace: FormPace | None = None, most: int = 1_000) -> None:
        self.folder, self.clock = folder, SimulatedClock(AT)
        app = FastAPI()
        door = ComplaintDoor(Spool(folder, waiting_most=most), self.clock, company="Shop", pace=pace)
        app.include_router(door.router)
        self.client = TestClient(app)

    def mark(self) -> str:
        found = re.search(r'name="mark" value="([^"]+)"', self.client.get(COMPLAINT_PATH).text)
        assert found is not None
        return found.group(1)

    def send(self, *, headers: dict[str, str] | None = None, mark: str | None = None, **more: str):  # type: ignore[no-untyped-def]
        fields = GOOD | more | {"mark": self.mark() if mark is None else mark}
        return self.client.post(COMPLAINT_PATH, data=fields, headers=headers or {})

    def waiting(self) -> list[bytes]:
        return [each.read_bytes() for each in sorted((self.folder / "new").iterdir())]


def test_a_report_is_read_by_intake_as_an_unverified_mail(tmp_path: Path) -> None:
    form = Form(tmp_path / "form")
    assert form.send().status_code == 200
    (raw,) = form.waiting()
    complaint = read_complaint(raw, dns=lambda name: None, received_at=AT)
    assert (complaint.customer, complaint.sender) == ("ann@home.example", "service@lotus.example")
    assert not complaint.verified and "inline" in complaint.marks
    (file,) = (tmp_path / "form" / "new").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_everybody_gets_the_same_answer(tmp_path: Path) -> None:
    form = Form(tmp_path / "form")
    one, other = form.send(email="ann@home.example"), form.send(email="nobody.at.all@elsewhere.example")
    assert one.text == other.text and one.status_code == other.status_code
    assert "home.example" not in one.text and "set-cookie" not in one.headers
    assert one.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_another_site_cannot_send_it(tmp_path: Path, headers: dict[str, str]) -> None:
    form = Form(tmp_path / "form")
    assert form.send(headers=headers).status_code == 403
    assert form.waiting() == []
    assert form.send(headers={"sec-fetch-site": "same-origin"}).status_code == 200
    assert form.send(headers={"origin": "http://testserver"}).status_code == 200


def test_a_forged_or_old_mark_is_not_taken_and_nothing_written_is_lost(tmp_path: Path) -> None:
    form = Form(tmp_path / "form")
    good = form.mark()
    for mark in ("", "x", "1.2.3", good[:-1] + ("0" if good[-1] != "0" else "1"), "9" * 5_000, "²." + good):
        answer = form.send(mark=mark)
        assert answer.status_code == 400 and GOOD["text"] in answer.text
    form.clock.advance_to(AT + timedelta(hours=5))
    assert form.send(mark=good).status_code == 400
    assert form.waiting() == []


def test_a_flood_is_bounded(tmp_path: Path) -> None:
    now_s = [0.0]
    form = Form(tmp_path / "form", FormPace(each_most=3, now_s=lambda: now_s[0]))
    assert [form.send().status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    now_s[0] = 3601.0
    assert form.send().status_code == 200
    full = Form(tmp_path / "full", FormPace(each_most=99), most=2)
    assert [full.send().status_code for _ in range(3)] == [200, 200, 503]
    assert len(full.waiting()) == 2
    several = FormPace(each_most=9, all_most=10, now_s=lambda: 0.0)
    assert sum(several.take(f"10.0.0.{n}") for n in range(50)) == 10


def test_what_is_too_long_or_empty_is_said_at_its_field(tmp_path: Path) -> None:
    form = Form(tmp_path / "form")
    wrong = form.send(email="no address", sender="also none", text="short")
    assert wrong.status_code == 422
    for name in ("email", "sender", "text"):
        assert f'id="{name}-wrong"' in wrong.text and f'{name}-hint {name}-wrong" aria-invalid="true"' in wrong.text
    assert form.send(text="x" * (TEXT_MOST + 1)).status_code == 422
    assert form.client.post(COMPLAINT_PATH, data={"text": "x" * 200_000}).status_code == 413
    marked = form.send(text='</textarea><script>alert("x")</script>', email="bad")
    assert "<script>" not in marked.text
    assert form.waiting() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.one_of(st.just("ann@home.example"), st.text(max_size=40)),
    st.one_of(st.just(""), st.text(max_size=40)),
    st.text(min_size=10, max_size=200),
)
def test_nothing_that_is_written_adds_a_header_or_another_original(
    tmp_path: Path, email: str, sender: str, text: str
) -> None:
    filled = Filled(email.strip(), sender.strip(), text)
    folder = tmp_path / f"f{abs(hash((email, sender, text)))}"
    form = Form(folder, FormPace(each_most=10**6))
    answer = form.send(email=email, sender=sender, text=text)
    assert answer.status_code == (422 if filled.wrong() else 200)
    for raw in form.waiting():
        head = raw.partition(b"\r\n\r\n")[0]
        names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
        wanted = {b"from", b"to", b"date", b"subject", b"content-type", b"content-transfer-encoding", b"mime-version"}
        assert set(names) <= wanted and len(names) == len(set(names))
        assert read_complaint(raw, dns=lambda name: None, received_at=AT).customer.lower() == filled.email.lower()
