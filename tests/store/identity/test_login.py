"""Signing in with a real OpenID Connect provider (npm's oidc-provider), as a browser does it, and as others try to."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
import pytest

from whosaw.app.server import Server, bind, build_app
from whosaw.doors.console import LoginLinks
from whosaw.doors.identity import Authenticator, BearerRules, Expected, Provider
from whosaw.doors.identity.entrance import Entrance
from whosaw.doors.identity.login import ID_TOKEN_TYPES, LoginDoor, OidcClient
from whosaw.gate import TokenRefused, Tokens
from whosaw.gate.identity import SignIns
from whosaw.store import Database
from whosaw.terms import SystemClock

HERE = Path(__file__).parents[2] / "oidc"
AUDIENCE = "https://whosaw.company.example"
ALGORITHMS = ("RS256",)


@pytest.fixture(scope="session")
def provider_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The provider, installed as the lock file says; skips where npm or its registry cannot be had."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("oidc")
    for name in ("package.json", "package-lock.json", "provider.js"):
        shutil.copy(HERE / name, folder / name)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"npm cannot install the provider: {done.stderr.strip().splitlines()[-1:]}")
    return folder


@dataclass
class Trial:
    """A running provider and a running whosaw, and a browser with its own cookies."""

    issuer: str
    whosaw: str
    browser: httpx.AsyncClient
    links: LoginLinks
    sign_ins: SignIns
    clock: SystemClock
    provider: Provider
    http: httpx.AsyncClient
    db: Database

    async def lever(self, name: str, value: str = "") -> None:
        """Move one of the provider's levers."""
        await self.http.get(f"{self.issuer}/lever/{name}/{value}")

    async def follow(self, url: str, browser: httpx.AsyncClient | None = None) -> httpx.Response:
        """Follow redirects by hand up to whosaw's callback, and return its answer."""
        for _ in range(12):
            answer = await (browser or self.browser).get(url)
            if not answer.is_redirect or urlsplit(url).path == "/identity/callback":
                return answer
            url = urljoin(url, answer.headers["location"])
        raise AssertionError("redirected too often")

    async def to_callback(self) -> str:
        """Begin a login and return the address that the provider sends the browser back to."""
        url = f"{self.whosaw}/identity/login"
        for _ in range(12):
            answer = await self.browser.get(url)
            url = urljoin(url, answer.headers["location"])
            if urlsplit(url).path == "/identity/callback":
                return url
        raise AssertionError("redirected too often")


@pytest.fixture
async def trial(provider_folder: Path, database: Database) -> AsyncIterator[Trial]:
    listener = bind("127.0.0.1", 0)
    whosaw = f"http://127.0.0.1:{listener.getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(
        "node",
        "provider.js",
        f"{whosaw}/identity/callback",
        AUDIENCE,
        cwd=provider_folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"]},
    )
    assert process.stdout is not None and process.stdin is not None
    issuer = (await process.stdout.readline()).decode().split()[1]
    clock = SystemClock()
    links = LoginLinks()
    sign_ins = SignIns(database, clock)
    async with (
        httpx.AsyncClient(trust_env=False, timeout=30) as http,
        httpx.AsyncClient(trust_env=False, timeout=30) as browser,
    ):
        provider = Provider(issuer, http)
        client = OidcClient(
            "whosaw",
            "a secret: with & signs",
            whosaw,
            "sub",
            Expected("whosaw", ID_TOKEN_TYPES, ALGORITHMS, 30, 86_400),
        )
        door = LoginDoor(provider, client, sign_ins, clock, Entrance(admits, links.issue), http=http)
        server = Server(build_app(door.router), listener)
        serving = asyncio.create_task(server.run())
        await server.started()
        yield Trial(issuer, whosaw, browser, links, sign_ins, clock, provider, http, database)
        server.stop()
        await serving
    process.stdin.close()
    await process.wait()


async def admits(actor: str) -> bool:
    """Say that everybody but the gardener may come in."""
    return actor != "E-gardener"


def viewer(trial: Trial, answer: httpx.Response) -> str | None:
    """Return whom the one-time link in the answer lets in."""
    assert answer.status_code == 303, answer.text
    path = urlsplit(answer.headers["location"])
    assert path.path == "/console/login"
    return trial.links.redeem(parse_qs(path.query)["once"][0])


async def test_a_person_signs_in_once_and_the_answer_is_good_for_one_use(trial: Trial) -> None:
    callback = await trial.to_callback()
    answer = await trial.follow(callback)
    assert viewer(trial, answer) == "E-1"
    assert answer.headers["cache-control"] == "no-store"
    assert (await trial.follow(callback)).status_code == 403


async def test_the_request_binds_code_nonce_and_browser(trial: Trial) -> None:
    answer = await trial.browser.get(f"{trial.whosaw}/identity/login")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert len(asked["state"][0]) >= 43 and len(asked["nonce"][0]) >= 43
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/identity" in cookie
    other = await trial.browser.get(f"{trial.whosaw}/identity/login")
    again = parse_qs(urlsplit(other.headers["location"]).query)
    assert all(asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))
    async with trial.db.connection() as connection:
        rows = await connection.execute("select state_sha256, browser_sha256 from identity_login")
        kept = await rows.fetchall()
    assert len(kept) == 2
    assert all(asked["state"][0].encode() not in cell for row in kept for cell in row)


async def test_an_answer_in_another_browser_signs_nobody_in(trial: Trial) -> None:
    callback = await trial.to_callback()
    async with httpx.AsyncClient(trust_env=False, timeout=30) as victim:
        assert (await trial.follow(callback, victim)).status_code == 403  # no login of its own
        await victim.get(f"{trial.whosaw}/identity/login")
        assert (await trial.follow(callback, victim)).status_code == 403  # one of its own, and another state
    assert viewer(trial, await trial.follow(callback)) == "E-1"


async def test_what_comes_back_must_be_what_the_provider_answered(trial: Trial) -> None:
    for changed in (
        {"state": "x"},
        {"state": ""},
        {"state": "y" * 5_000},
        {"code": "stolen"},
        {"code": ""},
        {"iss": "https://other.example"},
        {"error": "access_denied"},
        {"state": "' or 1=1 --\x00"},
    ):
        callback = urlsplit(await trial.to_callback())
        given = {name: values[0] for name, values in parse_qs(callback.query).items()} | changed
        answer = await trial.browser.get(f"{trial.whosaw}/identity/callback?{urlencode(given)}")
        assert answer.status_code == 403, changed
        assert "once=" not in answer.headers.get("location", "")
        assert all(value not in answer.text for value in given.values() if len(value) > 10)
    assert (await trial.browser.get(f"{trial.whosaw}/identity/callback")).status_code == 403


async def test_a_code_of_another_login_is_not_taken(trial: Trial) -> None:
    first = parse_qs(urlsplit(await trial.to_callback()).query)
    second = parse_qs(urlsplit(await trial.to_callback()).query)
    mixed = urlencode({"state": second["state"][0], "code": first["code"][0], "iss": trial.issuer})
    assert (await trial.browser.get(f"{trial.whosaw}/identity/callback?{mixed}")).status_code == 403


async def test_a_login_that_took_too_long_has_ended(trial: Trial) -> None:
    callback = await trial.to_callback()
    async with trial.db.connection() as connection:
        await connection.execute("update identity_login set until_at = now() - interval '1 second'")
    assert (await trial.follow(callback)).status_code == 403


async def test_a_colleague_without_a_role_that_opens_the_console_stays_outside(trial: Trial) -> None:
    await trial.lever("account", "E-gardener")
    assert (await trial.follow(f"{trial.whosaw}/identity/login")).status_code == 403


async def test_whom_the_provider_refuses_is_not_signed_in(trial: Trial) -> None:
    await trial.lever("account", "")
    assert (await trial.follow(f"{trial.whosaw}/identity/login")).status_code == 403


async def test_somebody_suspended_is_not_signed_in_and_ended_ones_must_sign_in_again(trial: Trial) -> None:
    callback = await trial.to_callback()
    await trial.sign_ins.end("E-1", trial.clock.now())
    assert (await trial.follow(callback)).status_code == 403
    await trial.lever("account", "E-2")
    async with trial.db.connection() as connection:
        await connection.execute("insert into gate_suspension values ('E-2', now(), 'x', 'E-9')")
    async with httpx.AsyncClient(trust_env=False, timeout=30) as other:
        assert (await trial.follow(f"{trial.whosaw}/identity/login", other)).status_code == 403


async def test_sign_ins_and_services_go_on_over_a_rotation_of_the_providers_keys(trial: Trial) -> None:
    assert viewer(trial, await trial.follow(f"{trial.whosaw}/identity/login")) == "E-1"
    rules = BearerRules(trial.provider, Expected(AUDIENCE, frozenset({"at+jwt"}), ALGORITHMS, 30, 86_400))
    authenticator = Authenticator(Tokens(trial.db), trial.sign_ins, trial.clock, rules)
    before = await service_token(trial)
    assert await authenticator.actor(f"Bearer {before}") == "nightly-export"
    await trial.lever("rotate")
    after = await service_token(trial)
    trial.provider._tried_at = float("-inf")  # half a minute later
    assert await authenticator.actor(f"Bearer {after}") == "nightly-export"
    with pytest.raises(TokenRefused):
        await authenticator.actor(f"Bearer {before}")
    assert viewer(trial, await trial.follow(f"{trial.whosaw}/identity/login")) == "E-1"


async def test_a_token_that_signs_a_person_in_is_no_bearer_token(trial: Trial) -> None:
    expected = Expected(AUDIENCE, frozenset({"at+jwt"}), ALGORITHMS, 30, 86_400)
    wrong = Expected("another service", frozenset({"at+jwt"}), ALGORITHMS, 30, 86_400)
    token = await service_token(trial)
    for rules in (BearerRules(trial.provider, wrong), BearerRules(trial.provider, expected, claim="employee")):
        with pytest.raises(TokenRefused):
            await Authenticator(Tokens(trial.db), trial.sign_ins, trial.clock, rules).actor(f"Bearer {token}")
    as_id = Expected(AUDIENCE, ID_TOKEN_TYPES, ALGORITHMS, 30, 86_400)
    with pytest.raises(TokenRefused):
        await Authenticator(Tokens(trial.db), trial.sign_ins, trial.clock, BearerRules(trial.provider, as_id)).actor(
            f"Bearer {token}"
        )


async def test_while_the_provider_is_silent_nobody_is_signed_in_and_a_person_is_told(
    database: Database, http: httpx.AsyncClient
) -> None:
    listener = bind("127.0.0.1", 0)
    nobody = bind("127.0.0.1", 0)
    silent = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    nobody.close()
    expected = Expected("whosaw", ID_TOKEN_TYPES, ALGORITHMS, 30, 86_400)
    client = OidcClient("whosaw", "", "https://whosaw.example", "sub", expected)
    clock = SystemClock()
    entrance = Entrance(admits, LoginLinks().issue)
    door = LoginDoor(Provider(silent, http), client, SignIns(database, clock), clock, entrance, http=http)
    server = Server(build_app(door.router), listener)
    serving = asyncio.create_task(server.run())
    await server.started()
    answer = await http.get(f"{server.address}/identity/login")
    assert answer.status_code == 503
    assert "at the moment" in answer.text
    server.stop()
    await serving


async def service_token(trial: Trial) -> str:
    answer = await trial.http.post(
        f"{trial.issuer}/token",
        data={"grant_type": "client_credentials", "scope": "ask"},
        auth=("nightly-export", "service-secret"),
    )
    token: str = answer.json()["access_token"]
    return token
