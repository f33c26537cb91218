"""Passkeys in a real browser, with the authenticator that Chromium itself brings for such tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import CDPSession, Page
from tests.browser import IN_A_BROWSER, browser
from tests.store.identity.test_wired import CATALOG, listed

from whosaw.app.identity import open_identity
from whosaw.app.server import Server, bind, build_app
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.webreads import WebReads
from whosaw.doors.console import ConsoleDoor, LoginLinks
from whosaw.doors.identity.passkeys import enrol_link
from whosaw.doors.identity.passwords import Passwords
from whosaw.gate.identitypasskeys import Passkeys
from whosaw.terms import SystemClock

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
PASSWORD = "four words of nonsense"

pytestmark = IN_A_BROWSER


@dataclass(frozen=True)
class Visit:
    """A browser with an authenticator in it, before a whosaw of one machine."""

    page: Page
    cdp: CDPSession
    authenticator: str
    services: Services
    address: str
    complaints: list[str]

    @property
    def passkeys(self) -> Passkeys:
        """Return what is kept."""
        return Passkeys(self.services.db, self.services.appender, self.services.clock)

    async def held(self) -> list[dict[str, Any]]:
        """Return what the authenticator holds."""
        found = await self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        credentials: list[dict[str, Any]] = found["credentials"]
        return credentials


@pytest.fixture
async def visit(tmp_path: Path, database_url: str) -> AsyncIterator[Visit]:
    (tmp_path / "whosaw.toml").write_text(CATALOG)
    links, listener = LoginLinks(), bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    async with (
        open_services(Settings(state=tmp_path), SystemClock(), database_url, door="test") as services,
        open_identity(services, links.issue, port=port) as identity,
    ):
        console = ConsoleDoor(WebReads(services), links, services.clock)
        server = Server(build_app(console.router, *identity.routers), listener)
        serving = asyncio.create_task(server.run())
        # as a server does: where nothing signs what was recorded, a slow browser outlasts the patience of the record
        signing = asyncio.create_task(services.integrator.run())
        await server.started()
        await listed(services, "E-1", "auditor")
        async with browser() as chromium:  # closed before the server, which waits for its connections
            page = await (await chromium.new_context()).new_page()
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(f"{message.text} {message.location}"))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            cdp = await page.context.new_cdp_session(page)
            await cdp.send("WebAuthn.enable")
            made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
            address = f"http://localhost:{port}"
            yield Visit(page, cdp, made["authenticatorId"], services, address, complaints)
        server.stop()
        await serving
        signing.cancel()
        await asyncio.wait([signing])


async def test_a_person_makes_a_passkey_by_a_link_and_comes_in_by_it(visit: Visit) -> None:
    link = enrol_link(visit.address, await visit.passkeys.invite("E-1", by="operator"))
    await visit.page.goto(link)
    await visit.page.fill("#n", "my laptop")
    await visit.page.click("#enrol")
    await visit.page.wait_for_url("**/identity/passkey")
    assert [each.name for each in await visit.passkeys.of("E-1")] == ["my laptop"]
    await visit.page.click("#enter")
    await visit.page.wait_for_url("**/console/")
    assert "Who saw this customer?" in await visit.page.content()
    (held,) = await visit.held()
    assert held["rpId"] == "localhost"
    ((kept),) = await visit.passkeys.of("E-1")
    assert kept.used_at is not None
    assert kept.signs == held["signCount"]
    assert [each for each in visit.complaints if "favicon" not in each] == []


async def test_who_signs_in_by_a_password_may_make_a_passkey_on_the_way(visit: Visit) -> None:
    await Passwords(visit.services.db, visit.services.clock).set("E-1", PASSWORD)
    # by the machine's number first: the browser is led to where passkeys are good
    await visit.page.goto(visit.address.replace("localhost", "127.0.0.1") + "/identity/password")
    await visit.page.fill("#a", "E-1")
    await visit.page.fill("#p", PASSWORD)
    await visit.page.check("[name=then]")
    await visit.page.click("button")
    await visit.page.wait_for_url(f"{visit.address}/identity/passkey/enrol*")
    await visit.page.click("#enrol")
    await visit.page.wait_for_url("**/identity/passkey")
    await visit.page.click("#another")
    await visit.page.wait_for_url("**/identity/passkey/enrol*")
    assert [each.name for each in await visit.passkeys.of("E-1")] == ["passkey"]
    assert [each for each in visit.complaints if "favicon" not in each] == []


async def test_a_copy_of_a_passkey_is_refused_in_words(visit: Visit) -> None:
    await visit.page.goto(enrol_link(visit.address, await visit.passkeys.invite("E-1", by="operator")))
    await visit.page.click("#enrol")
    await visit.page.wait_for_url("**/identity/passkey")
    (before,) = await visit.held()
    await visit.page.click("#enter")
    await visit.page.wait_for_url("**/console/")
    named = {"authenticatorId": visit.authenticator, "credentialId": before["credentialId"]}
    await visit.cdp.send("WebAuthn.removeCredential", named)
    copy = {"authenticatorId": visit.authenticator, "credential": before}
    await visit.cdp.send("WebAuthn.addCredential", copy)
    await visit.page.goto(f"{visit.address}/identity/passkey")
    await visit.page.click("#enter")
    await visit.page.wait_for_selector("#said:not(:empty)")
    assert "does not open this" in await visit.page.inner_text("#said"), visit.complaints


async def test_a_link_that_was_used_says_so_and_by_another_name_the_page_leads_to_the_right_one(visit: Visit) -> None:
    await visit.page.goto(enrol_link(visit.address, "used-before"))
    await visit.page.click("#enrol")
    await visit.page.wait_for_selector("#said:not(:empty)")
    await visit.page.goto(visit.address.replace("localhost", "127.0.0.1") + "/identity/passkey")
    await visit.page.click("#said a")
    await visit.page.wait_for_url(f"{visit.address}/identity/passkey")
