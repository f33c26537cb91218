from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from whosaw.doors.console import ConsoleDoor, LoginLinks
from whosaw.doors.console.reads import CorrectionLine
from whosaw.doors.console.recordreads import (
    CheckpointLine,
    Completeness,
    FieldEffect,
    TrailState,
    WhoQuestion,
    WitnessLine,
)
from whosaw.terms import PurposeRef, SubjectRef, SystemClock, WhosawError

PAGES = ["/console/", "/console/who?subject=C-000017", "/console/cases/CASE-0002", "/console/trail"]
NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def text_of(response: httpx.Response) -> str:
    """Return what a person reads: no tags, single spaces, entities of ours resolved."""
    body = re.sub(r"<[^>]*>", " ", response.text)
    for entity, character in (("&#34;", '"'), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        body = body.replace(entity, character)
    return re.sub(r"[\s\u00a0]+", " ", body)


@pytest.mark.parametrize("page", PAGES)
async def test_a_signed_in_viewer_gets_every_page(signed_in: httpx.AsyncClient, page: str) -> None:
    response = await signed_in.get(page)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text.count("<h1") == 1
    assert "<script" not in response.text
    assert " style=" not in response.text


async def test_the_door_passes_on_who_looks(signed_in: httpx.AsyncClient, readings: Any) -> None:
    for page in PAGES:
        await signed_in.get(page)
    assert [asked[-1] for asked in readings.asked] == ["E-0005"] * 4


@pytest.mark.parametrize("page", [*PAGES, "/console/nothing", "/console/cases/%00", "/console/who"])
async def test_every_answer_forbids_keeping_framing_loading_and_referring(
    browser: httpx.AsyncClient, links: LoginLinks, page: str
) -> None:
    responses = [await browser.get(page)]
    responses.append(await browser.get(links.issue("E-0005")))
    responses.append(await browser.get(page))
    responses.append(await browser.get("/console/style.css"))
    for response in responses:
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["x-content-type-options"] == "nosniff"
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "script-src" not in policy


async def test_the_start_offers_who_saw_this_customer_first(signed_in: httpx.AsyncClient) -> None:
    response = await signed_in.get("/console/")
    shown = text_of(response)
    assert shown.index("Who saw this customer?") < shown.index("CASE-0002") < shown.index("The trail")
    assert 'action="/console/who"' in response.text
    assert "61,234 entries" in shown
    assert "unwitnessed: roll-back by the operator cannot be excluded" in shown


async def test_an_empty_house_says_so(signed_in: httpx.AsyncClient, readings: Any) -> None:
    readings.cases, readings.state = (), TrailState(0, None)
    readings.completeness = Completeness(0, None, None, ())
    assert "There is no case that you may see" in text_of(await signed_in.get("/console/"))
    assert "No checkpoint has been signed yet" in text_of(await signed_in.get("/console/trail"))
    assert "can say nothing about anybody" in text_of(await signed_in.get("/console/who?subject=C-9"))


async def test_what_fell_of_what_one_was_shown_stands_on_the_first_page_until_it_is_read(
    signed_in: httpx.AsyncClient, readings: Any
) -> None:
    readings.fallen = (
        CorrectionLine(
            "CASE-0002", "actor #17", "a <fourth> complaint speaks against it", datetime(2026, 3, 31, tzinfo=UTC)
        ),
    )
    page = await signed_in.get("/console/")
    text = text_of(page)
    assert "actor #17" in text and "a <fourth> complaint" in text
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert (await signed_in.post("/console/corrections", headers=elsewhere)).status_code == 403
    assert (await signed_in.post("/console/corrections", data={"until": "soon"})).status_code == 400
    assert readings.fallen
    said = dict(re.findall(r'name="(until)" value="(\d+)"', page.text))
    (first,) = readings.fallen
    since = replace(first, actor="actor #18", made_at=first.made_at + timedelta(microseconds=1))
    readings.fallen = (first, since)  # it came while he read the page
    assert (await signed_in.post("/console/corrections", data=said)).status_code == 303
    assert readings.fallen == (since,)
    assert "actor #18" in text_of(await signed_in.get("/console/"))
    assert (await signed_in.post("/console/corrections", data={"until": "9" * 18})).status_code == 303
    assert readings.fallen == () and "What you were shown" not in text_of(await signed_in.get("/console/"))


async def test_who_tells_when_who_what_why_and_by_which_door(signed_in: httpx.AsyncClient, readings: Any) -> None:
    response = await signed_in.get("/console/who?subject=C-000017&since=2026-02-01&field=customer.email&before=99")
    assert readings.asked[-1][0] == WhoQuestion(
        SubjectRef("customer", "C-000017"), datetime(2026, 2, 1, tzinfo=UTC), "customer.email", 99
    )
    shown = text_of(response)
    for words in (
        "2026-03-24 14:03:11",
        "E-0311",
        "customer.email shown",
        "review care M-004410 : the work item was assigned to somebody else",
        "would deny",
        "did review.delete on review:R-001207",
        "customer.address denied",
        "no reason was given",
        "5 entries, newest first",
        "3 people or services were shown something",
        "It says nothing about looks that went past them, or before it began.",
    ):
        assert words in shown, words


async def test_an_unknown_subject_is_not_called_unseen(signed_in: httpx.AsyncClient) -> None:
    shown = text_of(await signed_in.get("/console/who?subject=C-999999"))
    assert "The record does not know this subject." in shown
    assert "That is not the same as “nobody looked”" in shown
    assert "The record holds 61,234 entries" in shown


async def test_a_known_subject_without_entries_is_not_called_unseen_either(signed_in: httpx.AsyncClient) -> None:
    shown = text_of(await signed_in.get("/console/who?subject=C-000018&since=2026-03-01"))
    assert "holds no entry about it since then" in shown
    assert "not the same as “nobody looked”" in shown


async def test_gaps_in_the_record_are_told(signed_in: httpx.AsyncClient, readings: Any) -> None:
    readings.completeness = replace(readings.completeness, gaps=("the bulk export of 2026-02-14 went past the doors",))
    readings.page = replace(readings.page, completeness=readings.completeness)
    for page in ("/console/who?subject=C-000017", "/console/cases/CASE-0002"):
        shown = text_of(await signed_in.get(page))
        assert "the bulk export of 2026-02-14 went past the doors" in shown
        assert "does not mean that nobody looked" in shown


async def test_older_entries_keep_the_question(signed_in: httpx.AsyncClient, readings: Any) -> None:
    readings.older = 3_310
    address = "/console/who?subject=customer:C-000017&since=2026-02-01T00:00%2B02:00&field=customer.email"
    link = re.search(r'href="(/console/who\?[^"]*before=3310)"', (await signed_in.get(address)).text)
    assert link is not None
    await signed_in.get(link[1].replace("&amp;", "&"))
    first, second = (asked[0] for asked in readings.asked[-2:])
    assert second == replace(first, before=3_310)


async def test_a_case_tells_its_verdict_candidates_scope_steps_notices_and_bundle(signed_in: httpx.AsyncClient) -> None:
    response = await signed_in.get("/console/cases/CASE-0002")
    shown = text_of(response)
    for words in (
        "Finding The record singles out a candidate",
        "actor #17 finding > 99.9 % 7 of 7 (0.62 expected) 1.6 × 10⁵",
        "Computed by a server; no person asked for it. 30 of 32 rows of the found list say something.",
        "actor #50 or actor #51",
        "Nobody inside (a breach outside, own orders, a public dump)",
        "7 certain 23 probable 118 possible",
        "At most 148 subjects in all",
        "suspend_actor actor #17",
        "Aware since 2026-03-26 20:15:00",
        "2 alerts nobody has read, the oldest since 2026-03-24 20:15:00",
        "actor #33 is no longer under suspicion. 2 people know of it and must be told",
        "Still in force against him: CASE-0002/1",
        "terminate a seller Regulation (EU) 2019/1150 art. 4(2) 2026-04-28 20:15:00 not yet allowed",
        "E-0009, 2026-03-30 20:15:00 E-0021, 2026-03-30 20:19:00",
        "planned E-0005 2026-03-30 20:15:00 nobody",
        "undone 2026-03-30 21:15:00",
        "probable 22 0 1 0",
        "whosaw verify /var/lib/whosaw/bundles/CASE-0002.zip",
    ):
        assert words in shown, words
    assert response.text.count("<polyline") == 4
    assert 'role="img"' in response.text


async def test_a_scope_without_bound_and_a_case_without_anything_say_so(
    signed_in: httpx.AsyncClient, readings: Any
) -> None:
    readings.page = replace(readings.page, scope=replace(readings.page.scope, bound=None))
    assert "No bound: more may have got out" in text_of(await signed_in.get("/console/cases/CASE-0002"))
    summary = replace(readings.page.summary, verdict="", outside_probability=None, complaints=1)
    readings.page = replace(
        readings.page, summary=summary, looks=(), scope=None, steps=(), notices=(), bundle="", method="", missing=()
    )
    shown = text_of(await signed_in.get("/console/cases/CASE-0002"))
    assert "There are not enough complaints yet" in shown
    assert "Nothing was done in this case." in shown
    assert "No notice was sent." in shown


async def test_what_a_question_in_one_go_explains_stands_beside_nobody_inside(
    signed_in: httpx.AsyncClient, readings: Any
) -> None:
    assert "xplained by" not in text_of(await signed_in.get("/console/")).replace("Explained by people", "")
    told = {"explained": 0.499, "explained_by": "a question in one go"}
    page = readings.page
    readings.cases = (replace(page.summary, outside_probability=0.03, **told),)
    assert "3.0 % explained by a question in one go 49.9 %" in text_of(await signed_in.get("/console/"))
    last = replace(page.looks[-1], outside_probability=0.03, explained=0.499)
    readings.page = replace(
        page,
        summary=readings.cases[0],
        looks=(*page.looks[:-1], last),
        explained="Explained by what actor #17 asked for in one go: probability 0.499.",
    )
    shown = text_of(await signed_in.get("/console/cases/CASE-0002"))
    assert "Nobody inside 3.0 % Explained by a question in one go 49.9 %" in shown
    assert "Explained by what actor #17 asked for in one go: probability 0.499." in shown
    assert "Explained by a question in one go – 49.9 %" in shown


async def test_rivals_are_marked_and_the_rest_counted(signed_in: httpx.AsyncClient, readings: Any) -> None:
    look = readings.page.looks[0]
    many = look.candidates + tuple(
        replace(look.candidates[1], actors=(f"E-1{n:03d}",), probability=0.002) for n in range(9)
    )
    readings.page = replace(readings.page, looks=(replace(look, candidates=many),))
    shown = text_of(await signed_in.get("/console/cases/CASE-0002"))
    assert "actor #4 rival" in shown
    assert "4 more candidates, none above 0.2 %" in shown


@pytest.mark.parametrize("verdict", ["finding", "lead", "group", "undecided", "outside", "", "something_new"])
async def test_no_page_speaks_of_guilt(signed_in: httpx.AsyncClient, readings: Any, verdict: str) -> None:
    readings.page = replace(readings.page, summary=replace(readings.page.summary, verdict=verdict))
    readings.cases = (readings.page.summary,)
    for page in PAGES:
        response = await signed_in.get(page)
        assert response.status_code == 200
        assert not re.search(r"culprit|guilt|perpetrator|offender|suspect\b", response.text, re.IGNORECASE)


async def test_the_trail_shows_numbers_only_and_pages_back(signed_in: httpx.AsyncClient, readings: Any) -> None:
    response = await signed_in.get("/console/trail")
    shown = text_of(response)
    assert "marketplace.example.simulated/trail" in shown
    assert "n0v1hdy7QuoJ2mvqXo8pO0PN5kQ4m0cZ3cTq0kKk1bA=" in shown
    assert "4 entries are newer than this checkpoint" in shown
    assert "61233 2026-03-31 16:59:20 disclosure 231 36029 masked purpose.missing bulk" in shown
    assert "C-0" not in shown
    assert 'href="/console/trail?before=61134"' in response.text
    await signed_in.get("/console/trail?before=61134")
    assert readings.asked[-1] == (61_134, 100, "E-0005")
    assert "No entries here." in text_of(await signed_in.get("/console/trail?before=0"))


async def test_witnesses_are_named_instead_of_the_warning(signed_in: httpx.AsyncClient, readings: Any) -> None:
    at = datetime(2026, 3, 30, 21, 58, 43, tzinfo=UTC)
    readings.state = replace(readings.state, witnesses=(WitnessLine("witness.example/w1", at),))
    shown = text_of(await signed_in.get("/console/trail"))
    assert "Witnessed by: witness.example/w1" in shown
    assert "unwitnessed" not in shown


async def test_simulated_time_is_said_on_every_page_and_real_time_is_not(
    signed_in: httpx.AsyncClient, readings: Any, links: LoginLinks
) -> None:
    for page in [*PAGES, "/console/nothing", "/console/who"]:
        assert "simulated time: a demonstration" in (await signed_in.get(page)).text
    real = FastAPI()
    real.include_router(ConsoleDoor(readings, links, SystemClock()).router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(real), base_url="http://127.0.0.1") as client:
        assert (await client.get(links.issue("E-0005"), follow_redirects=True)).status_code == 200
        assert "simulated" not in (await client.get("/console/who?subject=C-000017")).text


async def test_pages_claim_to_record_looks_only_where_they_are_recorded(readings: Any, links: LoginLinks) -> None:
    readings.records_looks = False
    app = FastAPI()
    app.include_router(ConsoleDoor(readings, links, SystemClock()).router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        assert "itself recorded" not in (await client.get(links.issue("E-0005"), follow_redirects=True)).text


async def test_markup_in_any_value_stays_text(signed_in: httpx.AsyncClient, readings: Any) -> None:
    def spoil(value: Any) -> Any:
        if isinstance(value, str):
            return NASTY
        if isinstance(value, tuple):
            return tuple(spoil(one) for one in value)
        if hasattr(value, "__dataclass_fields__"):
            return replace(value, **{name: spoil(getattr(value, name)) for name in value.__dataclass_fields__})
        return value

    readings.fields = (NASTY,)
    readings.cases = spoil(readings.cases)
    readings.rows = spoil(readings.rows)
    readings.state = spoil(
        TrailState(9, CheckpointLine("o", 3, "r", datetime(2026, 1, 1, tzinfo=UTC)), readings.state.witnesses)
    )
    readings.completeness = replace(spoil(readings.completeness), gaps=(NASTY,))
    answered = spoil(readings.page)
    readings.page = replace(answered, summary=replace(answered.summary, id="CASE-0002"))
    for page in PAGES:
        response = await signed_in.get(page)
        assert response.status_code == 200
        assert "<script" not in response.text
        assert "<img" not in response.text
        if page != "/console/trail":
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in response.text
        for attribute in re.findall(r'="([^"]*)"', response.text):
            assert "<" not in attribute


async def test_markup_in_a_question_stays_text(signed_in: httpx.AsyncClient) -> None:
    for address in (
        {"subject": NASTY},
        {"subject": f"customer:{NASTY}"},
        {"subject": "C-1", "since": NASTY},
        {"subject": "C-1", "field": NASTY},
        {"subject": "C-1", "before": NASTY},
    ):
        response = await signed_in.get("/console/who", params=address)
        assert response.status_code in (200, 400)
        assert "<script" not in response.text
        assert "<img" not in response.text
    assert "<script" not in (await signed_in.get(f"/console/cases/{NASTY}")).text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/console/who", 400),
        ("/console/who?subject=C-1%00", 400),
        ("/console/who?subject=%ff%fe", 400),
        ("/console/who?subject=" + "C" * 5_000, 400),
        ("/console/who?subject=C-1&since=31.03.2026", 400),
        ("/console/who?subject=C-1&field=" + "x" * 5_000, 400),
        ("/console/trail?before=minus", 400),
        ("/console/trail?before=99999999999999999999", 400),
        ("/console/cases/CASE-9999", 404),
        ("/console/cases/%00", 404),
        ("/console/cases/" + "A" * 5_000, 404),
        ("/console/nothing", 404),
        ("/console/cases/", 404),
        ("/console/..%2f..%2fetc/passwd", 404),
    ],
)
async def test_a_bad_address_gets_a_page_that_says_so(signed_in: httpx.AsyncClient, address: str, status: int) -> None:
    response = await signed_in.get(address)
    assert response.status_code == status
    assert "<h1" in response.text
    assert "Traceback" not in response.text
    assert len(response.text) < 10_000


async def test_an_unreadable_record_shows_nothing_and_names_the_code(
    signed_in: httpx.AsyncClient, readings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Unreachable(WhosawError, ConnectionError):
        code = "store.unreachable"

    readings.broken = Unreachable("no connection to C-000017's database")
    with caplog.at_level(logging.ERROR):
        response = await signed_in.get("/console/who?subject=C-000017")
    assert response.status_code == 503
    assert "store.unreachable" in response.text
    assert "C-000017" not in response.text + caplog.text
    readings.broken = RuntimeError("row of C-000017 has no column")
    with caplog.at_level(logging.ERROR):
        response = await signed_in.get("/console/who?subject=C-000017")
    assert response.status_code == 500
    assert "RuntimeError" not in response.text
    assert "RuntimeError" in caplog.text
    assert "C-000017" not in response.text + caplog.text


async def test_codes_without_words_are_shown_as_they_are(signed_in: httpx.AsyncClient, readings: Any) -> None:
    row = replace(
        readings.rows[0],
        reason="purpose.brand_new",
        purpose=PurposeRef("audit", "A-1"),
        decision="unheard",
        kind="import",
    )
    readings.rows = (replace(row, fields=()), replace(row, fields=(FieldEffect("customer.iban", "deny"),)))
    shown = text_of(await signed_in.get("/console/who?subject=C-000017"))
    assert "audit A-1 : purpose.brand_new" in shown
    assert "unheard import" in shown


async def test_each_sighting_stands_with_its_word_its_reasons_and_what_nobody_checked(
    signed_in: httpx.AsyncClient,
) -> None:
    page = await signed_in.get("/console/cases/CASE-0002")
    text = text_of(page)
    assert "likely fabricated it is dated after it arrived the message was written to somebody else" in text
    assert "a list that was public before (dump of 2019, 0.50) the customer's own earlier order" in text
    assert "<b>it</b>" not in page.text and "nothing that was found –" in text
