"""Everything joined as the server joins it: settings in, doors out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from whosaw.app.identity import Identity, open_identity
from whosaw.app.server import Server, bind, build_app
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings, SettingsInvalid
from whosaw.app.webreads import WebReads
from whosaw.doors.console import ConsoleDoor, LoginLinks
from whosaw.doors.console.logins import Sessions
from whosaw.doors.identity.passwords import Passwords
from whosaw.gate import TokenRefused, add_token
from whosaw.gate.identity import SignIns
from whosaw.gate.identitycredentials import Credentials
from whosaw.gate.identitydirectory import directory_rows
from whosaw.terms import SystemClock

if TYPE_CHECKING:
    from tests.store.identity.conftest import Issuer

CATALOG = """
[company]
name = "Company"
contact = "privacy@company.example"
[actors]
source = "scim"
"""
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@asynccontextmanager
async def served(tmp_path: Path, url: str, **given: Any) -> AsyncIterator[tuple[Services, Identity, httpx.AsyncClient]]:
    """Serve identity and console over the database at `url`, and yield a browser."""
    state = tmp_path / "state"
    state.mkdir(exist_ok=True)
    (state / "whosaw.toml").write_text(CATALOG)
    links = LoginLinks()
    async with (
        open_services(Settings(state=state, **given), SystemClock(), url, door="test") as services,
        open_identity(services, links.issue) as identity,
    ):
        sessions = Sessions(still=identity.sign_ins.holds)
        console = ConsoleDoor(WebReads(services), links, services.clock, sessions=sessions)
        server = Server(build_app(console.router, *identity.routers), bind("127.0.0.1", 0))
        serving = asyncio.create_task(server.run())
        await server.started()
        async with httpx.AsyncClient(base_url=server.address, trust_env=False, timeout=60) as browser:
            yield services, identity, browser
        server.stop()
        await serving


async def listed(services: Services, actor: str, role: str) -> None:
    """Put somebody with one role into the directory."""
    async with services.db.connection() as connection:
        await connection.execute(
            "with p as (insert into person (id, key, user_name, active, resource, made_at, changed_at, rights_at) "
            "values (gen_random_uuid(), %(key)s, %(key)s, true, '{}', now(), now(), now()) returning id), "
            "g as (insert into person_group (id, name, roles, made_at, changed_at) "
            "values (gen_random_uuid(), %(role)s, array[%(role)s], now(), now()) returning id) "
            "insert into person_member select g.id, p.id from g, p",
            {"key": actor, "role": role},
        )


async def test_a_local_account_comes_into_the_console_and_an_ended_session_is_over(
    tmp_path: Path, database_url: str
) -> None:
    async with served(tmp_path, database_url) as (services, identity, browser):
        assert identity.way_in == "/identity/password"
        await listed(services, "E-1", "auditor")
        await listed(services, "E-2", "support")
        await Passwords(services.db, services.clock).set("E-1", "four words of nonsense")
        await Passwords(services.db, services.clock).set("E-2", "four words of nonsense")
        for actor in ("E-2", "E-3"):
            outside = {"actor": actor, "password": "four words of nonsense"}
            assert (await browser.post("/identity/password", data=outside)).status_code == 403
        form = {"actor": "E-1", "password": "four words of nonsense"}
        entered = await browser.post("/identity/password", data=form, follow_redirects=True)
        assert (entered.status_code, entered.url.path) == (200, "/console/")
        assert (await browser.get("/console/")).status_code == 200
        await SignIns(services.db, services.clock).end("E-1", services.clock.now())
        assert (await browser.get("/console/")).status_code == 401
        assert (await browser.get("/console/")).status_code == 401


async def test_what_scim_sends_is_read_by_the_doors_own_role(tmp_path: Path, database_url: str) -> None:
    roles = "Customer Support=support"
    async with served(tmp_path, database_url, scim_roles=roles, scim_key="externalId") as (services, _, browser):
        credential = await Credentials(services.db).add("idp", services.clock.now())
        headers = {"Authorization": f"Bearer {credential}"}
        sent = {"schemas": [USER], "userName": "ada", "externalId": "E-1"}
        ada = (await browser.post("/scim/v2/Users", json=sent, headers=headers)).json()
        group = {"displayName": "Customer Support", "members": [{"value": ada["id"]}]}
        group["schemas"] = ["urn:ietf:params:scim:schemas:core:2.0:Group"]
        assert (await browser.post("/scim/v2/Groups", json=group, headers=headers)).status_code == 201
        assert (await directory_rows(services.door_db, ["E-1"]))["E-1"]["roles"] == ["support"]
        assert ada["meta"]["location"].startswith(f"{str(browser.base_url).rstrip('/')}/scim/v2/Users/")


async def test_with_a_provider_there_are_no_local_accounts_and_tokens_of_both_kinds_count(
    tmp_path: Path, database_url: str, issuer: Issuer
) -> None:
    given = {
        "oidc_issuer": issuer.url,
        "oidc_audience": "https://whosaw.company.example",
        "oidc_client_id": "whosaw",
        "public_url": "https://whosaw.company.example",
        "events_audience": "events",
    }
    async with served(tmp_path, database_url, **given) as (services, identity, browser):
        assert identity.way_in == "/identity/login"
        assert (await browser.get("/identity/password")).status_code == 404
        assert (await browser.post("/identity/events", content="x")).status_code == 400
        now = int(services.clock.now().timestamp())
        token = issuer.token(issuer.claims(iat=now, exp=now + 60))
        assert await identity.authenticator.actor(f"Bearer {token}") == "E-1"
        personal = await add_token(services.db, "E-2", services.clock.now())
        assert await identity.authenticator.actor(f"Bearer {personal}") == "E-2"
        await services.suspensions.suspend("E-1", reason="x", by="officer")
        with pytest.raises(TokenRefused):
            await identity.authenticator.actor(f"Bearer {token}")


async def test_without_settings_nothing_signed_is_heard(tmp_path: Path, database_url: str, issuer: Issuer) -> None:
    async with served(tmp_path, database_url, database="postgresql://elsewhere/x") as (_, identity, browser):
        assert identity.way_in == ""
        for path in ("/identity/login", "/identity/password", "/identity/callback"):
            assert (await browser.get(path)).status_code == 404
        assert (await browser.post("/identity/events", content="x")).status_code == 404
        with pytest.raises(TokenRefused):
            await identity.authenticator.actor(f"Bearer {issuer.token()}")


WRONG: tuple[dict[str, Any], ...] = (
    {"oidc_algorithms": "HS256"},
    {"oidc_algorithms": "none"},
    {"oidc_algorithms": "RS256,HS256"},
    {"oidc_algorithms": " , "},
    {"oidc_client_id": "whosaw"},
    {"oidc_client_id": "whosaw", "oidc_issuer": "https://login.example"},
    {"oidc_audience": "whosaw"},
    {"events_audience": "whosaw"},
    {"scim_roles": "Support"},
    {"scim_key": "name"},
    {"oidc_issuer": "http://login.example"},
    {"oidc_issuer": "login.example"},
    {"public_url": "http://whosaw.example"},
    {"events_keys": "file:///etc/passwd"},
    {"oidc_skew_s": 301},
)


@pytest.mark.parametrize("given", WRONG, ids=str)
def test_settings_that_would_weaken_it_or_do_not_fit_are_refused(given: dict[str, Any]) -> None:
    from whosaw.app.identity import check_settings

    with pytest.raises(SettingsInvalid) as caught:
        check_settings(Settings(**given))
    assert caught.value.hint


def test_the_clients_secret_is_not_printed() -> None:
    settings = Settings(oidc_client_secret="topsecret")
    assert "topsecret" not in repr(settings) + settings.model_dump_json()
