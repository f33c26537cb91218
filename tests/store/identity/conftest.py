"""An identity provider over a real socket, whose keys and tokens the tests make; and a SCIM server over one trail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from joserfc import jwk, jws
from starlette.responses import Response

from whosaw.app.server import Server, bind, build_app
from whosaw.doors.identity import Authenticator, BearerRules, Expected, Provider
from whosaw.doors.identity.scim import ScimDoor
from whosaw.gate import Suspensions, Tokens
from whosaw.gate.identity import SignIns
from whosaw.gate.identitycredentials import Credentials
from whosaw.gate.identitystaff import Powers, Staff, group_roles
from whosaw.record import Appender, entries_from, load_or_create
from whosaw.store import Database
from whosaw.terms import SimulatedClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOW = int(NOON.timestamp())
AUDIENCE = "https://whosaw.company.example"
EXPECTED = Expected(AUDIENCE, frozenset({"at+jwt"}), ("RS256", "ES256", "EdDSA"), 30.0, 86_400.0)


KEY = jwk.generate_key("RSA", 2048, {"kid": "k1"})


class Issuer:
    """The provider: its key set can be changed, its answers broken, and it counts what it is asked."""

    def __init__(self) -> None:
        self.url = ""
        self.named = ""
        self.keys: dict[str, jwk.Key] = {"k1": KEY}
        self.published: list[dict[str, Any]] | None = None
        self.broken: bytes | None = None
        self.asked = 0
        self.router = APIRouter()
        self.router.add_route("/.well-known/openid-configuration", self._metadata, methods=["GET"])
        self.router.add_route("/jwks", self._jwks, methods=["GET"])

    async def _metadata(self, _: object) -> Response:
        return Response(json.dumps({"issuer": self.named or self.url, "jwks_uri": f"{self.url}/jwks"}))

    async def _jwks(self, _: object) -> Response:
        self.asked += 1
        if self.broken is not None:
            return Response(self.broken)
        public = [key.as_dict(private=False) for key in self.keys.values()]
        return Response(json.dumps({"keys": public if self.published is None else self.published}))

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return the claims of a good token; None takes one away."""
        good = {"iss": self.url, "sub": "E-1", "aud": AUDIENCE, "iat": NOW - 5, "exp": NOW + 300}
        return {name: value for name, value in (good | changed).items() if value is not None}

    def token(self, claims: dict[str, Any] | None = None, *, kid: str = "k1", **header: Any) -> str:
        """Return a signed token."""
        members = {"alg": "RS256", "kid": kid, "typ": "at+jwt"} | header
        members = {name: value for name, value in members.items() if value is not None}
        payload = json.dumps(self.claims() if claims is None else claims)
        return jws.serialize_compact(members, payload, self.keys[kid], algorithms=[members["alg"]])


class Ticks:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    made = Issuer()
    server = Server(build_app(made.router), bind("127.0.0.1", 0))
    made.url = server.address
    serving = asyncio.create_task(server.run())
    await server.started()
    yield made
    server.stop()
    await serving


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(NOON)


@pytest.fixture
def provider(issuer: Issuer, http: httpx.AsyncClient, ticks: Ticks) -> Provider:
    return Provider(issuer.url, http, monotonic=ticks)


@pytest.fixture
def sign_ins(database: Database, clock: SimulatedClock) -> SignIns:
    return SignIns(database, clock)


@pytest.fixture
def authenticator(database: Database, sign_ins: SignIns, provider: Provider, clock: SimulatedClock) -> Authenticator:
    return Authenticator(Tokens(database), sign_ins, clock, BearerRules(provider, EXPECTED))


ROLES = group_roles("Customer Support=support; Review Care = review_care, auditor")


@dataclass(frozen=True)
class Scim:
    """A running SCIM server, a client with a good credential, and what lies behind."""

    http: httpx.AsyncClient
    address: str
    credential: str
    db: Database
    clock: SimulatedClock
    staff: Staff
    suspensions: Suspensions
    sign_ins: SignIns
    credentials: Credentials

    async def entries(self, kind: str) -> list[dict[str, Any]]:
        """Return the payloads of one kind, in order."""
        return [dict(each.payload) async for each in entries_from(self.db) if each.payload["kind"] == kind]

    async def user(self, name: str = "ada", **more: Any) -> dict[str, Any]:
        """Make somebody and return him as the server shows him."""
        sent = {"schemas": [USER], "userName": name, **more}
        answer = await self.http.post("/Users", json=sent)
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def group(self, name: str, *members: str) -> dict[str, Any]:
        """Make a group and return it as the server shows it."""
        sent = {"schemas": [GROUP], "displayName": name, "members": [{"value": each} for each in members]}
        answer = await self.http.post("/Groups", json=sent)
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@pytest.fixture
async def scim(database: Database, clock: SimulatedClock, sign_ins: SignIns, tmp_path: Path) -> AsyncIterator[Scim]:
    keys = load_or_create(tmp_path / "keys", clock)
    async with Appender(database, keys, clock) as appender:
        suspensions = Suspensions(database, appender, clock)
        staff = Staff(database, clock, Powers(appender, suspensions, sign_ins, ROLES))
        credentials = Credentials(database)
        credential = await credentials.add("idp", clock.now())
        server = Server(build_app(ScimDoor(staff, credentials).router), bind("127.0.0.1", 0))
        serving = asyncio.create_task(server.run())
        await server.started()
        headers = {"Authorization": f"Bearer {credential}"}
        base = f"{server.address}/scim/v2"
        async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=60) as http:
            yield Scim(http, base, credential, database, clock, staff, suspensions, sign_ins, credentials)
        server.stop()
        await serving
