"""The console in a real browser: what a person sees, and that the browser is led nowhere else."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser
from tests.browser import IN_A_BROWSER, serving, watch

from whosaw.doors.console import ConsoleDoor, LoginLinks
from whosaw.terms import SimulatedClock

FLAG = "/console/watch/flags/170523db6f4ec4fd"
HEADINGS = {
    "/console/": "Who saw this customer?",
    "/console/who?subject=C-000017": "Who saw customer:C-000017",
    "/console/who?subject=C-999999": "Who saw customer:C-999999",
    "/console/cases/CASE-0002": "Case CASE-0002",
    "/console/cases/CASE-0002/unmaskings": "Who is behind a number Unmaskings of case CASE-0002",
    "/console/unmaskings": "Unmaskings Every one, of cases and by grant, newest first",
    "/console/trail": "The trail",
    "/console/watch": "Watch",
    FLAG: "A flag about actor #17 Flag 170523db6f4ec4fd, tier case, weighed until 2026-03-30",
    "/console/prompts": "Questions to me",
}

pytestmark = IN_A_BROWSER


def load_readings() -> ModuleType:
    """Return the readings that the unit tests of the door use."""
    path = Path(__file__).parents[1] / "unit" / "console" / "conftest.py"
    spec = importlib.util.spec_from_file_location("console_readings", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Served:
    port: int
    links: LoginLinks

    def at(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    told = load_readings()
    links, app = LoginLinks(), FastAPI()
    app.include_router(ConsoleDoor(told.Readings(), links, SimulatedClock(told.NOW)).router)

    @app.get("/elsewhere")
    async def elsewhere(target: str) -> HTMLResponse:
        return HTMLResponse(f'<title>a chat</title><a id="link" href="{target}">the link</a>')

    async with serving(app) as port:
        yield Served(port, links)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "light"), (1280, "dark")])
async def test_the_pages_read_well_in_a_browser_and_lead_nowhere_else(
    served: Served, chromium: Browser, width: int, scheme: str
) -> None:
    context = await chromium.new_context(
        viewport={"width": width, "height": 860}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = await context.new_page()
    complaints, hosts = watch(page)
    await page.goto(served.at(served.links.issue("E-0005")))
    assert page.url == served.at("/console/")
    for address, heading in HEADINGS.items():
        await page.goto(served.at(address))
        assert re.sub(r"\s+", " ", await page.inner_text("h1")) == heading
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(overflow) == 0, address
        nameless = (
            "[...document.querySelectorAll('input:not([type=hidden]),select')].filter(e => !e.labels.length).length"
        )
        assert await page.evaluate(nameless) == 0, address
        assert await page.locator("main").count() == 1
        if "WHOSAW_SCREENSHOTS" in os.environ:
            name = f"console-{width}-{scheme}-{re.sub(r'[^a-z0-9]+', '-', address.lower()).strip('-')}.png"
            await page.screenshot(path=Path(os.environ["WHOSAW_SCREENSHOTS"]) / name, full_page=True)
    assert complaints == []
    assert set(hosts) == {"127.0.0.1"}
    assert await context.storage_state() | {"cookies": []} == {"cookies": [], "origins": []}


async def test_a_person_asks_who_saw_a_customer_by_keyboard_alone(served: Served, chromium: Browser) -> None:
    page = await (await chromium.new_context()).new_page()
    await page.goto(served.at(served.links.issue("E-0005")))
    # the browser gives the first box its focus once it has drawn the page
    await page.wait_for_function("document.activeElement.id === 'subject'")
    await page.keyboard.type("C-000017")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/who?*")
    assert "E-0311" in await page.inner_text("table")
    await page.get_by_role("link", name="Start").click()
    await page.get_by_role("link", name="CASE-0002").click()
    assert await page.get_by_role("img", name="Probability by number of complaints").is_visible()
    await page.get_by_role("button", name="Leave").click()
    assert "You have left" in await page.inner_text("h1")
    response = await page.goto(served.at("/console/"))
    assert response is not None
    assert response.status == 401


async def test_an_employee_answers_a_question_and_a_reviewer_reads_flags(served: Served, chromium: Browser) -> None:
    page = await (await chromium.new_context()).new_page()
    await page.goto(served.at(served.links.issue("E-0005")))
    await page.get_by_role("link", name="My questions").click()
    await page.get_by_label("Why?").fill("she rang about her parcel")
    await page.get_by_role("button", name="Answer").click()
    await page.wait_for_url("**/console/prompts")
    assert await page.inner_text("h1") == "Questions to me"
    await page.goto(served.at("/console/watch"))
    text = await page.inner_text("main")
    assert "#17" in text and "no probability of guilt" in text and "switched off" in text


async def test_an_unmasking_is_asked_for_and_approved_by_keyboard_alone(served: Served, chromium: Browser) -> None:
    page = await (await chromium.new_context(viewport={"width": 1280, "height": 860})).new_page()
    complaints, _ = watch(page)
    await page.goto(served.at(served.links.issue("E-0005")))
    await page.goto(served.at("/console/cases/CASE-0002"))
    await page.get_by_role("link", name="Who is behind a number").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/unmaskings")
    await page.get_by_label("Who", exact=True).focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await page.keyboard.type("his access must be cut today")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Delete")
    await page.keyboard.type("3")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.innerText") == "Ask"
    await page.keyboard.press("Enter")
    own = page.get_by_role("row", name=re.compile("his access must be cut today"))
    await own.wait_for()
    assert "waits for another function" in await own.inner_text() and "3 days" in await own.inner_text()
    assert await own.get_by_role("button").count() == 0, "nobody approves what he asked for"
    await page.keyboard.press("Tab")
    buttons = page.get_by_role("button", name="Approve that E-0007 learns who actor #17 is, for 7 days")
    assert await buttons.count() == 1
    await buttons.focus()
    await page.keyboard.press("Enter")
    named = page.get_by_role("row", name=re.compile("E-0042"))
    await named.wait_for()
    assert "known by name now" in await named.inner_text()
    await page.goto(served.at("/console/"))
    await page.get_by_role("link", name="See all of them").click()
    text = await page.inner_text("main")
    assert "actor #311" in text and "E-0311" not in text and "by grant 5" in text and "refused" in text
    assert complaints == []


async def test_a_reviewer_releases_somebody_and_no_neighbouring_page_can(served: Served, chromium: Browser) -> None:
    page = await (await chromium.new_context(viewport={"width": 1280, "height": 860})).new_page()
    complaints, _ = watch(page)
    await page.goto(served.at(served.links.issue("E-0005")))
    form = f'<form method="post" action="{served.at("/console/watch/release")}"><input name="held" value="12">'
    form += '<input name="because" value="somebody else wants this"><button>a game</button></form>'
    async with neighbour(form) as port:  # the same host at another port: the strict cookie does come along
        await page.goto(f"http://127.0.0.1:{port}/")
        async with page.expect_response("**/console/watch/release") as posted:
            await page.get_by_role("button", name="a game").click()
    answer = await posted.value
    assert answer.status == 403 and "whosaw_console" in (await answer.request.all_headers()).get("cookie", "")
    assert await page.inner_text("h1") == "Not from there"
    complaints.clear()  # the browser tells of the 403

    await page.goto(served.at("/console/watch"))
    held = page.get_by_role("table", name="Held up at this moment")
    assert "#21" in await held.inner_text() and "this is you" in await held.inner_text()
    await page.get_by_label("Why may #21 go on?").fill("short")
    await page.get_by_role("button", name="Release").first.click()
    assert page.url == served.at("/console/watch") and "#21" in await held.inner_text()  # the browser asks for more
    await page.get_by_label("Why may #21 go on?").fill("the auditor had him read these out")
    if "WHOSAW_SCREENSHOTS" in os.environ:
        await page.screenshot(path=Path(os.environ["WHOSAW_SCREENSHOTS"]) / "console-release.png", full_page=True)
    await page.keyboard.press("Enter")
    await page.wait_for_function("!document.body.innerText.includes('#21')")
    assert page.url == served.at("/console/watch") and "#33" in await held.inner_text()
    assert complaints == []


async def test_a_reviewer_decides_about_a_flag_by_keyboard_alone(served: Served, chromium: Browser) -> None:
    page = await (await chromium.new_context(viewport={"width": 1280, "height": 860})).new_page()
    complaints, _ = watch(page)
    await page.goto(served.at(served.links.issue("E-0005")))
    await page.goto(served.at("/console/watch"))
    await page.get_by_role("link", name="170523db6f4ec4fd").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/flags/170523db6f4ec4fd")
    address = page.url
    await page.get_by_label("Why, in a sentence").fill("all ten had rung him")
    await page.get_by_role("button", name="Decide").click()
    assert page.url == address and "a second reviewer decides" in await page.inner_text("main")  # no verdict is chosen
    await page.get_by_label("Your verdict").focus()
    await page.keyboard.type("confirmed")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "because"
    await page.keyboard.press("Enter")
    await page.get_by_text("You have decided about this flag").wait_for()
    text = await page.inner_text("main")
    assert page.url == address and "confirmed" in text and "all ten had rung him" in text and "E-0005" in text
    assert await page.get_by_label("Your verdict").count() == 0
    assert complaints == []


@asynccontextmanager
async def neighbour(html: str) -> AsyncIterator[int]:
    """Serve one page of somebody else's at another port of the same host; yield the port."""
    app = FastAPI()

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(html)

    async with serving(app) as port:
        yield port


async def test_a_link_in_another_sites_page_opens_the_console(served: Served, chromium: Browser) -> None:
    page = await (await chromium.new_context()).new_page()
    link = served.at(served.links.issue("E-0005"))
    await page.goto(served.at(f"/elsewhere?target={link}", host="localhost"))
    await page.click("#link")
    await page.wait_for_url(served.at("/console/"))
    assert await page.inner_text("h1") == "Who saw this customer?"
    # and a page of the console linked from there asks for one click, not for a new login
    await page.goto(served.at(f"/elsewhere?target={served.at('/console/trail')}", host="localhost"))
    await page.click("#link")
    await page.get_by_role("link", name="open the page from here").click()
    await page.wait_for_url(served.at("/console/trail"))
    assert await page.inner_text("h1") == "The trail"


async def test_markup_in_the_address_runs_nothing(served: Served, chromium: Browser) -> None:
    page = await (await chromium.new_context()).new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await page.goto(served.at(served.links.issue("E-0005")))
    for attack in ("customer:%3Cscript%3Ealert(1)%3C/script%3E", "customer:%22%20autofocus%20onfocus=alert(1)%20x=%22"):
        await page.goto(served.at(f"/console/who?subject={attack}"))
        assert "Who saw" in await page.inner_text("h1")
    assert dialogs == []
