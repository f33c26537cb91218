"""The customers' form in a real browser: without JavaScript, by keyboard alone, readable at any width."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser
from tests.browser import IN_A_BROWSER, page_without_scripts, serving, watch

from whosaw.answer import read_complaint
from whosaw.doors.complaint import COMPLAINT_PATH, ComplaintDoor, Spool
from whosaw.terms import SystemClock

pytestmark = IN_A_BROWSER


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    app = FastAPI()
    app.include_router(ComplaintDoor(Spool(tmp_path / "form"), SystemClock(), company="Shop").router)
    async with serving(app) as port:
        yield f"http://127.0.0.1:{port}{COMPLAINT_PATH}"


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
async def test_a_report_by_keyboard_without_javascript(
    address: str, chromium: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    page = await page_without_scripts(chromium, width, scheme)
    complaints, hosts = watch(page)
    await page.goto(address)
    assert await page.get_by_role("heading", level=1).count() == 1
    await page.keyboard.press("Tab")
    await page.keyboard.type("ann@home")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Please change your review, we pay thirty dollars.")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    # what is wrong is said at its field, and nothing that was written is lost
    await page.get_by_role("alert").wait_for()
    box = page.get_by_label("Your e-mail address")
    assert await box.get_attribute("aria-invalid") == "true"
    assert "thirty dollars" in await page.get_by_label("The message").input_value()
    await box.fill("ann@home.example")
    await page.get_by_role("button", name="Send the report").click()
    await page.get_by_role("heading", level=1, name="Thank you. The report was received.").wait_for()
    (mail,) = (tmp_path / "form" / "new").iterdir()
    complaint = read_complaint(mail.read_bytes(), dns=lambda name: None, received_at=SystemClock().now())
    assert complaint.customer == "ann@home.example"
    # the refused page's own status is the one line that the browser says
    assert [each for each in complaints if "422" not in each] == [] and set(hosts) == {"127.0.0.1"}
    assert await page.context.cookies() == []
    await page.context.close()
    measured = await chromium.new_context(viewport={"width": width, "height": 800})
    page = await measured.new_page()
    await page.goto(address)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("email", "sender", "text"):
        assert await page.evaluate(f"document.getElementById('{name}').labels.length") == 1
    assert await page.evaluate("document.querySelector('button').getBoundingClientRect().height") >= 44


async def test_another_site_cannot_make_a_visitor_send_it(address: str, chromium: Browser, tmp_path: Path) -> None:
    page = await (await chromium.new_context()).new_page()
    await page.goto(address)
    mark = await page.locator("input[name=mark]").get_attribute("value")
    # the same form on a page of another origin, with a mark that is good
    await page.goto("about:blank")
    await page.set_content(
        f'<form method="post" action="{address}"><input name="mark" value="{mark}"><input name="email" '
        'value="ann@home.example"><input name="text" value="something that is long enough"><button>go</button></form>'
    )
    await page.get_by_role("button").click()
    await page.wait_for_url(address)
    assert "Fill in the form on this page." in await page.content()
    assert list((tmp_path / "form" / "new").iterdir()) == []
