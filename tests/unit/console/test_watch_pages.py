"""The pages about watch: flags for whose function reviews them, and everybody's own questions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from whosaw.doors.console import LoginLinks

if TYPE_CHECKING:
    from tests.unit.console.conftest import Readings


FLAG = "/console/watch/flags/170523db6f4ec4fd"


async def test_flags_are_shown_by_number_with_how_often_they_are_wrong(signed_in: httpx.AsyncClient) -> None:
    page = await signed_in.get("/console/watch")
    assert page.status_code == 200
    for said in (
        "#17",
        "At most 0.2 innocent people",
        "no probability of guilt",
        "0.31 %",
        "switched off",
        "explained",
    ):
        assert said in page.text


async def test_who_is_held_up_is_shown_with_step_and_end_and_how_to_release_him(
    signed_in: httpx.AsyncClient, readings: Readings
) -> None:
    page = (await signed_in.get("/console/watch")).text
    assert "whosaw watch release NUMBER --because" in page
    _, asked, recorded, own = page[page.index("held-heading") : page.index("flags-heading")].split('scope="row"')
    for said in (">12<", "#21", "somebody who does not exist", "waits for a reviewer", "17:40:00", "16:40:00"):
        assert said in asked
    for said in (">11<", "#33", "only recorded: reason"):
        assert said in recorded
    for number, row in ((12, asked), (11, recorded)):
        assert f'name="held" value="{number}"' in row and 'action="/console/watch/release"' in row
    assert "this is you" in own and "<form" not in own  # nobody releases himself
    readings.watched = replace(readings.watched, held=())
    assert "Nobody is held up" in (await signed_in.get("/console/watch")).text
    readings.watched = replace(readings.watched, held=None)
    assert "held-heading" not in (await signed_in.get("/console/watch")).text


async def test_what_was_erased_and_is_not_weighed_is_said(signed_in: httpx.AsyncClient, readings: Readings) -> None:
    assert "erased" not in (await signed_in.get("/console/watch")).text
    readings.watched = replace(readings.watched, erased=1_204)
    assert (
        "1,204 imported accesses of people erased since are not weighed" in (await signed_in.get("/console/watch")).text
    )


async def test_a_flag_has_a_page_with_its_parts_innocent_stories_and_accesses(
    signed_in: httpx.AsyncClient, readings: Readings
) -> None:
    assert f'href="{FLAG}"' in (await signed_in.get("/console/watch")).text
    page = (await signed_in.get(FLAG)).text
    parts = page[page.index("parts-heading") : page.index("stories-heading")]
    for said in ("beneficiary", "21,000 : 1", "1 : 1.3", "1.4 : 1"):
        assert said in parts
    for said in (
        "though nobody declared it",
        "12,000 times",
        "a list of managers",
        "2,300 : 1",
        "whosaw watch replay 170523db6f4ec4fd",
        "whosaw watch explain 170523db6f4ec4fd",
        readings.flagged.seal,
    ):
        assert said in page
    accesses = page[page.index("accesses-heading") :]
    assert accesses.index("#904") < accesses.index("#33")
    readings.flagged = replace(
        readings.flagged, flag=replace(readings.flagged.flag, beneficiary="", stories=()), accesses=(), verdicts=()
    )
    page = (await signed_in.get(FLAG)).text
    assert "whosaw watch explain" not in page and "Not decided" in page and "no single accesses" in page


async def test_a_reviewer_decides_about_a_flag_once_and_is_led_back(
    signed_in: httpx.AsyncClient, readings: Readings
) -> None:
    page = (await signed_in.get(FLAG)).text
    assert "three of them were &lt;rung&gt; by the seller" in page and "a second reviewer decides" in page
    assert f'action="{FLAG}/verdict"' in page and page.count('<option value="c') == 2
    done = await signed_in.post(f"{FLAG}/verdict", data=VERDICT, headers={"sec-fetch-site": "same-origin"})
    assert (done.status_code, done.headers["location"]) == (303, FLAG)
    said = (VERDICT["outcome"], VERDICT["record"], VERDICT["because"])
    assert readings.asked[-1] == ("judge", "170523db6f4ec4fd", said, "E-0005")
    page = (await signed_in.get(FLAG)).text
    assert "You have decided" in page and "<select" not in page and "explained by call" in page
    refused = await signed_in.post(f"{FLAG}/verdict", data=VERDICT | {"because": "no"})
    assert refused.status_code == 400 and "a verdict needs its why" in refused.text.lower()
    assert (await signed_in.post(f"{FLAG}/verdict", data={})).status_code == 400


async def test_a_colleagues_words_that_a_viewer_may_not_read_are_said_to_be_there(
    signed_in: httpx.AsyncClient, readings: Readings
) -> None:
    told = replace(readings.flagged.verdicts[0], record="", because="", by="")
    readings.flagged = replace(readings.flagged, verdicts=(told,))
    page = (await signed_in.get(FLAG)).text
    assert "not before your own verdict" in page and "a reviewer</td>" in page and "E-0009" not in page


async def test_who_does_not_review_sees_no_flag_and_decides_about_none(
    browser: httpx.AsyncClient, links: LoginLinks, readings: Readings
) -> None:
    assert (await browser.post(f"{FLAG}/verdict", data=VERDICT)).status_code == 401 and readings.asked == []
    await browser.get(links.issue("E-0311"))
    answers = [await browser.get(FLAG), await browser.post(f"{FLAG}/verdict", data=VERDICT)]
    answers += [await browser.get("/console/watch/flags/0000000000000000"), await browser.get(f"{FLAG}<script>")]
    assert [each.status_code for each in answers] == [404] * 4
    assert all("#17" not in each.text and "<script>" not in each.text for each in answers)
    assert len(readings.flagged.verdicts) == 1


async def test_the_page_tells_groups_and_teams(signed_in: httpx.AsyncClient, readings: Readings) -> None:
    page = (await signed_in.get("/console/watch")).text
    assert page.count("an earlier one:") == 1 and "an earlier one: cleared on 2026-03-12, flag 55aa" in page
    night, rest = page[page.index("groups-heading") :].split("part time yes")
    assert "above 1.5 times the stated rate" in night and "as stated" in rest and "above 1.5" not in rest[:400]
    teams = page[page.index("explained-heading") :]
    for said in ("98.7 % of the accesses", "ticket 91.9 %, call 6.9 %", "without a name", "no template is declared"):
        assert said in teams
    readings.watched = replace(readings.watched, teams=(), groups=(), sets_unread=3)
    page = (await signed_in.get("/console/watch")).text
    assert "groups-heading" not in page and "No team has a hundred accesses" in page
    assert "3 exports are not weighed" in page


async def test_what_nothing_explains_is_a_list_by_time_and_who_is_selected_is_said(
    signed_in: httpx.AsyncClient, readings: Readings
) -> None:
    assert "(e-BH)" not in (await signed_in.get("/console/watch")).text
    newest = ((datetime(2026, 11, 2, 9, tzinfo=UTC), 12, 904), (datetime(2026, 11, 1, 8, tzinfo=UTC), 17, 33))
    readings.watched = replace(readings.watched, unexplained=1_412, newest=newest, selected=(17,))
    page = (await signed_in.get("/console/watch")).text
    queue = page[page.index("queue-heading") :]
    assert "1,412 accesses" in queue and "no list of suspects" in queue
    assert queue.index("#904") < queue.index("#33") and "#12" in queue
    assert "#17 is selected (e-BH)" in page and "at most 10 % are expected to be innocent" in page
    readings.watched = replace(readings.watched, newest=(), selected=())
    page = (await signed_in.get("/console/watch")).text
    assert "nobody is selected (e-BH)" in page and "the newest below" not in page


async def test_what_was_explained_afterwards_is_told_with_who_said_so(
    signed_in: httpx.AsyncClient, readings: Readings
) -> None:
    page = (await signed_in.get("/console/watch")).text
    told = page[page.index("explanations-heading") : page.index("explained-heading")]
    assert "a recall of &lt;lamps&gt;" in told and "nobody yet: <span" in told and "whosaw watch agree 2" in told
    assert "withdrawn" in told and "whosaw watch agree 1" not in told
    readings.watched = replace(readings.watched, explanations=())
    assert "explanations-heading" not in (await signed_in.get("/console/watch")).text


async def test_what_a_better_answer_needs_is_said(signed_in: httpx.AsyncClient, readings: Readings) -> None:
    assert "What is missing" not in (await signed_in.get("/console/watch")).text
    readings.watched = replace(readings.watched, missing=("template `team` holds for no access",))
    assert 'template <span class="code">team</span> holds for no access' in (await signed_in.get("/console/watch")).text


async def test_the_first_page_leads_reviewers_to_the_flags(signed_in: httpx.AsyncClient) -> None:
    assert 'href="/console/watch"' in (await signed_in.get("/console/")).text


async def test_who_does_not_review_sees_no_flags_and_no_sign_of_them(
    browser: httpx.AsyncClient, links: LoginLinks
) -> None:
    await browser.get(links.issue("E-0311"))
    page = await browser.get("/console/watch")
    assert page.status_code == 404 and "170523db6f4ec4fd" not in page.text
    assert "/console/watch" not in (await browser.get("/console/")).text
    mine = await browser.get("/console/prompts")
    assert "Nobody asks you anything" in mine.text


async def test_nobody_without_a_session_answers(browser: httpx.AsyncClient, readings: Readings) -> None:
    done = await browser.post("/console/prompts", data={"prompt": "7", "because": "she rang"})
    assert done.status_code == 401 and readings.asked == []


async def test_an_answer_is_given_once_and_leads_back(signed_in: httpx.AsyncClient, readings: Readings) -> None:
    page = await signed_in.get("/console/prompts")
    assert "customer:C-000017" in page.text and "she rang about a parcel" in page.text
    assert "and 311 more in one ask; your answer is about all of them" in page.text and page.text.count("more in") == 1
    done = await signed_in.post("/console/prompts", data={"prompt": "7", "because": "she wrote & rang about ü"})
    assert (done.status_code, done.headers["location"]) == (303, "/console/prompts")
    assert readings.asked[-1] == ("answer", 7, "she wrote & rang about ü", "E-0005")


@pytest.mark.parametrize("prompt", ["8", "", "-1", "7x", "9" * 30, "²"])
async def test_what_is_no_question_of_his_is_refused(signed_in: httpx.AsyncClient, prompt: str) -> None:
    done = await signed_in.post("/console/prompts", data={"prompt": prompt, "because": "she rang about a parcel"})
    assert done.status_code == 400


async def test_an_endless_answer_is_not_read(signed_in: httpx.AsyncClient, readings: Readings) -> None:
    done = await signed_in.post("/console/prompts", data={"prompt": "7", "because": "x" * 20_000})
    assert done.status_code == 400
    assert not [each for each in readings.asked if isinstance(each, tuple) and each[0] == "answer"]


async def test_a_second_decision_is_made_blind_once_and_leads_back(
    signed_in: httpx.AsyncClient, readings: Readings
) -> None:
    page = (await signed_in.get("/console/second")).text
    assert "review:R-31" in page and "order:O-9" in page and page.count("<form") - page.count("logout") == 1
    form = {"second": "4", "because": "the review names a real defect"}
    for decision, favours in (("favour", True), ("decline", False)):
        done = await signed_in.post(f"/console/second/{decision}", data=form)
        assert (done.status_code, done.headers["location"]) == (303, "/console/second")
        assert readings.asked[-1] == ("second", 4, form["because"], "E-0005", favours)
    assert (await signed_in.post("/console/second/favour", data=form | {"second": "5"})).status_code == 400
    assert (await signed_in.post("/console/second/perhaps", data=form)).status_code == 404
    elsewhere = await signed_in.post("/console/second/favour", data=form, headers={"sec-fetch-site": "cross-site"})
    assert elsewhere.status_code == 403
    assert 'href="/console/second"' in (await signed_in.get("/console/prompts")).text


VERDICT = {"outcome": "explained", "record": "call", "because": "all ten had rung him that morning"}
RELEASE = {"held": "12", "because": "the auditor had him read these out"}


async def test_a_reviewer_lets_somebody_go_on_and_is_led_back(signed_in: httpx.AsyncClient, readings: Readings) -> None:
    done = await signed_in.post("/console/watch/release", data=RELEASE, headers={"sec-fetch-site": "same-origin"})
    assert (done.status_code, done.headers["location"]) == (303, "/console/watch")
    assert readings.asked[-1] == ("release", 12, RELEASE["because"], "E-0005")
    again = await signed_in.post("/console/watch/release", data=RELEASE | {"held": "13"})
    assert again.status_code == 400 and "nothing of number 13 holds anybody up" in again.text.lower()


async def test_who_does_not_review_releases_nobody(
    browser: httpx.AsyncClient, links: LoginLinks, readings: Readings
) -> None:
    assert (await browser.post("/console/watch/release", data=RELEASE)).status_code == 401
    assert readings.asked == []
    await browser.get(links.issue("E-0311"))
    refused = await browser.post("/console/watch/release", data=RELEASE)
    assert refused.status_code == 404 and "held-heading" not in refused.text


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/console/watch/release", "/console/prompts", f"{FLAG}/verdict"])
async def test_a_form_that_another_page_sends_does_nothing(
    signed_in: httpx.AsyncClient, readings: Readings, elsewhere: dict[str, str], path: str
) -> None:
    before = list(readings.asked)
    done = await signed_in.post(path, data=RELEASE | {"prompt": "7", "outcome": "cleared"}, headers=elsewhere)
    assert done.status_code == 403 and readings.asked == before
