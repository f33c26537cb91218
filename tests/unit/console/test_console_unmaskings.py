"""The pages of unmasking as a program sees them: forms of the console alone, for whom the readings let in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

ASK = "/console/cases/CASE-0002/unmaskings"
APPROVE = f"{ASK}/approve"
GOOD = {"actor": "17", "because": "his access must be cut today", "days": "3"}


async def test_a_question_and_an_approval_reach_the_readings_as_they_were_sent(
    signed_in: httpx.AsyncClient, readings: Any
) -> None:
    assert (await signed_in.post(ASK, data=GOOD)).headers["location"] == ASK
    assert (await signed_in.post(APPROVE, data={"unmasking": "3"})).status_code == 303
    assert readings.asked[-2:] == [
        ("ask", "CASE-0002", (17, GOOD["because"], 3), "E-0005"),
        ("approve", "CASE-0002", 3, "E-0005"),
    ]
    refused = await signed_in.post(ASK, data=GOOD | {"because": "why not"})
    assert refused.status_code == 400 and "say in a sentence" in refused.text


@pytest.mark.parametrize("path", [ASK, APPROVE])
async def test_no_other_page_sends_these_forms(signed_in: httpx.AsyncClient, readings: Any, path: str) -> None:
    for headers in ({"sec-fetch-site": "same-site"}, {"origin": "http://127.0.0.1:9000"}):
        answer = await signed_in.post(path, data=GOOD | {"unmasking": "3"}, headers=headers)
        assert answer.status_code == 403
    assert not [each for each in readings.asked if each[0] in ("ask", "approve")]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        (ASK, GOOD | {"actor": "E-0311"}),
        (ASK, GOOD | {"days": "-3"}),
        (ASK, {"actor": "17", "because": GOOD["because"]}),
        (APPROVE, {}),
        (APPROVE, {"unmasking": "9" * 40}),
    ],
)
async def test_what_is_no_number_is_refused(signed_in: httpx.AsyncClient, path: str, sent: dict[str, str]) -> None:
    assert (await signed_in.post(path, data=sent)).status_code == 400


async def test_a_case_that_one_may_not_see_and_the_list_answer_alike(
    signed_in: httpx.AsyncClient, readings: Any
) -> None:
    other = "/console/cases/CASE-0009/unmaskings"
    answers = [await signed_in.get(other), await signed_in.post(other, data=GOOD)]
    answers.append(await signed_in.post(f"{other}/approve", data={"unmasking": "3"}))
    assert [each.status_code for each in answers] == [404] * 3
    assert all("there is no case <" in each.text for each in answers)
    readings.function = ""
    page = (await signed_in.get(ASK)).text
    assert "You have no function in this case" in page and "Approve for" not in page


async def test_nothing_that_was_written_becomes_markup_and_one_s_own_function_approves_nothing(
    signed_in: httpx.AsyncClient, readings: Any
) -> None:
    page = (await signed_in.get(ASK)).text
    assert "&lt;Friday&gt;" in page and page.count(">Approve for") == 1
    readings.function = "security"
    assert ">Approve for" not in (await signed_in.get(ASK)).text
