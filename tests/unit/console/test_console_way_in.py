from __future__ import annotations

import asyncio
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.browser import serving

from whosaw.doors.console import LoginLinks

PAGES = ["/console/", "/console/who?subject=C-000017", "/console/cases/CASE-0002", "/console/trail", "/console/nothing"]


def once(link: str) -> str:
    return link.partition("once=")[2]


@pytest.mark.parametrize("page", PAGES)
async def test_without_a_session_every_page_says_how_to_get_in(
    browser: httpx.AsyncClient, readings: Any, page: str
) -> None:
    for cookie in ({}, {"whosaw_console": "guess"}, {"whosaw_console": ""}):
        browser.cookies = httpx.Cookies(cookie)
        response = await browser.get(page)
        assert response.status_code == 401
        assert response.headers["www-authenticate"]
        assert "You are not signed in" in response.text
        assert "whosaw serve" in response.text
    assert readings.asked == []


async def test_a_link_opens_the_console_and_leaves_the_address_bar(
    browser: httpx.AsyncClient, links: LoginLinks
) -> None:
    response = await browser.get(links.issue("E-0005"))
    assert response.status_code == 303
    assert response.headers["location"] == "/console/"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert (await browser.get("/console/")).status_code == 200


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(
    browser: httpx.AsyncClient, app: FastAPI, links: LoginLinks
) -> None:
    cookie = SimpleCookie((await browser.get(links.issue("E-0005"))).headers["set-cookie"])["whosaw_console"]
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "strict"
    assert cookie["path"] == "/console"
    assert cookie["max-age"] == "3600"
    assert not cookie["domain"]
    assert len(cookie.value) == 43
    secure = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://whosaw.example")
    async with secure:
        assert "secure" in (await secure.get(links.issue("E-0005"))).headers["set-cookie"].lower()


async def test_a_used_an_ended_and_an_unknown_link_say_how_to_get_a_new_one(
    browser: httpx.AsyncClient, links: LoginLinks, seconds: Any
) -> None:
    used, ended = links.issue("E-0005"), links.issue("E-0005")
    assert (await browser.get(used)).status_code == 303
    browser.cookies.clear()
    seconds.now += 600
    for link in (
        used,
        ended,
        "/console/login?once=" + "A" * 43,
        "/console/login?once=" + "A" * 9_000,
        "/console/login",
    ):
        response = await browser.get(link)
        assert response.status_code == 401
        assert "This link does not open the console" in response.text
        assert "10 minutes" in response.text
        assert "somebody else did" in response.text
        assert "set-cookie" not in response.headers


async def test_going_back_to_a_used_link_with_a_session_leads_to_the_start(
    browser: httpx.AsyncClient, links: LoginLinks
) -> None:
    link = links.issue("E-0005")
    await browser.get(link)
    assert (await browser.get(link)).headers["location"] == "/console/"


async def test_a_new_link_ends_the_session_that_was_there(browser: httpx.AsyncClient, links: LoginLinks) -> None:
    await browser.get(links.issue("E-0005"))
    first = browser.cookies["whosaw_console"]
    await browser.get(links.issue("E-0009"))
    assert browser.cookies["whosaw_console"] != first
    browser.cookies = httpx.Cookies({"whosaw_console": first})
    assert (await browser.get("/console/")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x-moz": "prefetch"},
        {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
        {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
        {"user-agent": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5"},
        {"user-agent": "WhatsApp/2.23.20.0"},
    ],
)
async def test_a_preview_does_not_burn_the_link_and_a_button_still_opens_it(
    browser: httpx.AsyncClient, links: LoginLinks, headers: dict[str, str]
) -> None:
    link = links.issue("E-0005")
    preview = await browser.get(link, headers=headers)
    assert preview.status_code == 200
    assert "set-cookie" not in preview.headers
    assert 'method="post" action="/console/login"' in preview.text
    opened = await browser.post("/console/login", data={"once": once(link)})
    assert opened.status_code == 303
    assert (await browser.get("/console/")).status_code == 200


async def test_a_persons_browser_opens_the_link_at_once(browser: httpx.AsyncClient, links: LoginLinks) -> None:
    headers = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none"}
    assert (await browser.get(links.issue("E-0005"), headers=headers)).status_code == 303


async def test_from_another_site_the_strict_cookie_takes_one_step_more(
    browser: httpx.AsyncClient, links: LoginLinks
) -> None:
    headers = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "cross-site"}
    response = await browser.get(links.issue("E-0005"), headers=headers)
    assert response.status_code == 200
    assert 'http-equiv="refresh" content="0;url=/console/"' in response.text
    assert "set-cookie" in response.headers


async def test_a_page_opened_from_another_site_offers_itself_again(browser: httpx.AsyncClient) -> None:
    address = "/console/who?subject=%22%3E%3Cscript%3E"
    response = await browser.get(address, headers={"sec-fetch-site": "cross-site"})
    assert response.status_code == 401
    assert f'href="{address}"' in response.text
    assert "<script" not in response.text


async def test_a_form_that_is_no_form_opens_nothing(browser: httpx.AsyncClient, links: LoginLinks) -> None:
    link = links.issue("E-0005")
    for body in (b"", b"\xff\xfe", b"once=", b"once=" + b"A" * 5_000, b"&" * 1_000, b'{"once": 1}'):
        assert (await browser.post("/console/login", content=body)).status_code == 401
    assert (await browser.get(link)).status_code == 303


async def test_leaving_ends_the_session_for_every_copy_of_the_cookie(signed_in: httpx.AsyncClient) -> None:
    cookie = signed_in.cookies["whosaw_console"]
    response = await signed_in.post("/console/logout")
    assert "You have left the console" in response.text
    assert "whosaw_console" not in signed_in.cookies
    signed_in.cookies = httpx.Cookies({"whosaw_console": cookie})
    assert (await signed_in.get("/console/")).status_code == 401


async def test_a_session_ends_by_itself(signed_in: httpx.AsyncClient, seconds: Any) -> None:
    seconds.now += 3_600
    assert (await signed_in.get("/console/")).status_code == 401


@pytest.mark.parametrize("page", PAGES)
async def test_a_suspended_viewer_is_refused_at_once_and_let_in_again(
    signed_in: httpx.AsyncClient, readings: Any, page: str
) -> None:
    readings.suspended.add("E-0005")
    response = await signed_in.get(page)
    assert response.status_code == 403
    assert "Your access is suspended" in response.text
    assert readings.asked == []
    readings.suspended.clear()
    assert (await signed_in.get(page)).status_code in (200, 404)


async def test_over_a_real_socket_head_burns_nothing_and_bad_bytes_break_nothing(
    app: FastAPI, links: LoginLinks
) -> None:
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        link = links.issue("E-0005")
        assert (await client.head(link)).status_code == 200
        assert (await client.get("/console", follow_redirects=False)).headers["location"] == "/console/"
        assert (await client.get(link)).status_code == 303
        assert (await client.get("/console/trail")).status_code == 200
        assert (await client.head("/console/trail")).status_code == 200
        assert (await client.post("/console/trail")).status_code == 405
        assert (await client.get("/console/who?subject=" + "%00" * 20_000)).status_code == 400
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /console/cases/\xff\xfe?subject=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        first = await reader.readline()
        assert first.split()[1] in (b"400", b"401", b"404")
        writer.close()
        await writer.wait_closed()
        assert (await client.get("/console/")).status_code == 200
