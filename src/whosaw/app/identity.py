"""Wiring of identity: who asks, for every door; and the routes by which people and their provider come in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from fastapi import APIRouter

from whosaw.app.services import Services
from whosaw.app.settings import Settings, SettingsInvalid
from whosaw.doors.identity import Authenticator, BearerRules, Expected, Provider
from whosaw.doors.identity.ceremony import site_of
from whosaw.doors.identity.entrance import Entrance
from whosaw.doors.identity.events import TYPES as EVENT_TYPES
from whosaw.doors.identity.events import Effects, EventDoor, Transmitter
from whosaw.doors.identity.jwt import ALGORITHMS
from whosaw.doors.identity.login import ID_TOKEN_TYPES, LoginDoor, OidcClient
from whosaw.doors.identity.passkeys import PATH as PASSKEY_PATH
from whosaw.doors.identity.passkeys import Doorkeeper, PasskeyDoor
from whosaw.doors.identity.passwords import Offer, PasswordDoor, Passwords
from whosaw.doors.identity.scim import ScimDoor
from whosaw.gate.approvalpeople import is_there, roles_of
from whosaw.gate.identity import SignIns
from whosaw.gate.identityattempts import Attempts
from whosaw.gate.identitycredentials import Credentials
from whosaw.gate.identitypasskeys import Passkeys
from whosaw.gate.identitystaff import Order, Powers, Staff, group_roles

_LIFE_MOST_S = 86_400.0
_TIMEOUT_S = 3.0
_SETTINGS = "scim:settings"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the server mounts and hands to its doors.

    Attributes:
        authenticator: says who asks; for every door that reads an ``Authorization`` header.
        sign_ins: says whether a console session still holds (`SignIns.holds`).
        routers: of signing in, provisioning and security events.
        way_in: where people sign in, as a path; empty where they cannot.
    """

    authenticator: Authenticator
    sign_ins: SignIns
    routers: tuple[APIRouter, ...]
    way_in: str


@asynccontextmanager
async def open_identity(
    services: Services, way_in: Callable[[str], str], *, port: int | None = None
) -> AsyncIterator[Identity]:
    """Open identity as the settings say.

    Args:
        services: everything opened.
        way_in: makes a one-time path into the console for somebody who signed in: `LoginLinks.issue`.
        port: where this machine's browsers reach the server, for passkeys where no public address is set.

    Raises:
        SettingsInvalid: settings that belong together do not fit.
    """
    settings = services.settings
    check_settings(settings)
    async with httpx.AsyncClient(timeout=_TIMEOUT_S, headers={"User-Agent": "whosaw"}) as http:
        provider = Provider(settings.oidc_issuer, http) if settings.oidc_issuer else None
        seen = SignIns(services.door_db, services.clock)
        owned = SignIns(services.db, services.clock)
        entrance = Entrance(_admission(services), way_in)
        powers = Powers(services.appender, services.suspensions, owned, roles_of_groups(settings))
        staff = Staff(services.db, services.clock, powers)
        await staff.give_roles_anew(Order(_SETTINGS))
        scim = ScimDoor(staff, Credentials(services.db), key=settings.scim_key, public_url=settings.public_url)
        routers = [scim.router]
        path = ""
        if provider is not None and settings.oidc_client_id:
            login = LoginDoor(provider, _client(settings), seen, services.clock, entrance, http=http)
            routers.append(login.router)
            path = "/identity/login"
        elif provider is None and settings.database is None:  # local accounts are for one machine without a provider
            routers += _local_accounts(services, entrance, seen, port)
            path = "/identity/password"
        if settings.events_audience:
            effects = Effects(services.db, services.appender, services.suspensions, owned)
            routers.append(EventDoor(_transmitter(settings, http), effects, services.clock).router)
        bearer = None
        if provider is not None and settings.oidc_audience:
            types = frozenset(_listed(settings.oidc_token_types.lower()))
            expected = _expected(settings, settings.oidc_audience, types, _LIFE_MOST_S)
            bearer = BearerRules(
                provider, expected, settings.oidc_claim, settings.oidc_one_use, settings.oidc_auth_time
            )
        authenticator = Authenticator(services.tokens, seen, services.clock, bearer)
        yield Identity(authenticator, seen, tuple(routers), path)


def _local_accounts(services: Services, entrance: Entrance, seen: SignIns, port: int | None) -> list[APIRouter]:
    """Return the routes of local accounts: passwords, and passkeys where browsers make any."""
    clock, attempts = services.clock, Attempts(services.door_db, services.clock)
    passwords = Passwords(services.door_db, clock)
    site = site_of(services.settings.public_url or (f"http://localhost:{port}" if port else ""))
    if site is None:
        return [PasswordDoor(passwords, attempts, seen, clock, entrance).router]
    passkeys = Passkeys(services.db, services.appender, clock)
    by_passkey = PasskeyDoor(site, passkeys, Doorkeeper(seen, attempts, entrance, clock))
    offer = Offer(site.origin + PASSKEY_PATH, by_passkey.link)
    return [PasswordDoor(passwords, attempts, seen, clock, entrance, passkeys=offer).router, by_passkey.router]


def _admission(services: Services) -> Callable[[str], Awaitable[bool]]:
    """Return what says whether somebody may sign in to the console: by his roles in the directory, read afresh."""
    opens = frozenset(_listed(services.settings.console_readers))

    directory = services.directory

    async def admits(actor: str) -> bool:
        row = (await directory([actor])).get(actor)
        return is_there(row, services.clock.now()) and bool(roles_of(row) & opens)

    return admits


def check_settings(settings: Settings) -> None:
    """Raise `SettingsInvalid` where settings of identity do not fit each other."""
    unknown = [each for each in _listed(settings.oidc_algorithms) if each not in ALGORITHMS]
    if unknown or not _listed(settings.oidc_algorithms):
        raise SettingsInvalid(
            f"`WHOSAW_OIDC_ALGORITHMS` cannot be used: `{', '.join(unknown)}`", hint=f"known: {', '.join(ALGORITHMS)}"
        )
    for name, given, needs, missing in (
        ("WHOSAW_OIDC_CLIENT_ID", settings.oidc_client_id, "WHOSAW_OIDC_ISSUER", not settings.oidc_issuer),
        ("WHOSAW_OIDC_CLIENT_ID", settings.oidc_client_id, "WHOSAW_PUBLIC_URL", not settings.public_url),
        ("WHOSAW_OIDC_AUDIENCE", settings.oidc_audience, "WHOSAW_OIDC_ISSUER", not settings.oidc_issuer),
        (
            "WHOSAW_EVENTS_AUDIENCE",
            settings.events_audience,
            "WHOSAW_EVENTS_ISSUER",
            not (settings.events_issuer or settings.oidc_issuer),
        ),
    ):
        if given and missing:
            raise SettingsInvalid(f"`{name}` cannot be used without `{needs}`", hint=f"set {needs} too")
    roles_of_groups(settings)


def roles_of_groups(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """Return what groups give.

    Raises:
        SettingsInvalid: it is not written as it must be.
    """
    try:
        return group_roles(settings.scim_roles)
    except ValueError as cause:
        raise SettingsInvalid(f"`WHOSAW_SCIM_ROLES` cannot be used: {cause}") from None


def _client(settings: Settings) -> OidcClient:
    secret = settings.oidc_client_secret
    return OidcClient(
        id=settings.oidc_client_id,
        secret=secret.get_secret_value() if secret is not None else "",
        public_url=settings.public_url,
        claim=settings.oidc_claim,
        expected=_expected(settings, settings.oidc_client_id, ID_TOKEN_TYPES, _LIFE_MOST_S),
        scope=settings.oidc_scope,
        auth_time=settings.oidc_auth_time,
    )


def _transmitter(settings: Settings, http: httpx.AsyncClient) -> Transmitter:
    issuer = settings.events_issuer or settings.oidc_issuer
    return Transmitter(
        provider=Provider(issuer, http, keys_url=settings.events_keys),
        expected=_expected(settings, settings.events_audience, EVENT_TYPES, None),
        people=settings.oidc_issuer or issuer,
        direct=settings.oidc_claim == "sub",
    )


def _expected(settings: Settings, audience: str, types: frozenset[str], life_most_s: float | None) -> Expected:
    algorithms = tuple(_listed(settings.oidc_algorithms))
    return Expected(audience, types, algorithms, settings.oidc_skew_s, life_most_s)


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
