"""Settings, from the environment: every name begins with ``WHOSAW_``."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from whosaw.app.errors import AppError

_PREFIX = "WHOSAW_"


class SettingsInvalid(AppError, ValueError):
    """A variable of the environment holds what cannot be used."""

    code: ClassVar[str] = "app.settings_invalid"
    hint = "correct the variable, or unset it for the default"


def _state_folder() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/whosaw")
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "whosaw"


def words(text: str) -> frozenset[str]:
    """Return the words of a list that is separated by commas."""
    return frozenset(word.strip() for word in text.split(",") if word.strip())


class Settings(BaseSettings):
    """Where things are and where to listen.

    Attributes:
        state: folder for the embedded database, keys, the trail's tiles and receipts.
        database: address of whosaw's own PostgreSQL; none means the embedded one under `state`.
        catalog: the catalog file; none means ``whosaw.toml`` under `state`.
        host: address to listen on.
        port: port to listen on; 0 lets the system choose.
        trusted_proxies: addresses or networks of reverse proxies, separated by commas, whose word about the client's
            address and scheme is taken; none means that nobody's is.
        public_url: whosaw's address as browsers, providers and tools write it, ``https://whosaw.company.example``; none
            takes it from each request.
        suspenders: functions of the staff directory that may suspend somebody over the HTTP door, separated by commas.
        evaluators: roles of services that may ask what others would be answered, separated by commas.
        searchers: roles that may ask who could see somebody, separated by commas.
        requests_per_s: requests a second of one actor that one process answers in the long run.
        witnesses: a policy file that names the witnesses to ask, with their addresses, and the quorum; none means
            that nobody outside is asked.
        witness_grace_s: how long the last checkpoint may lack its quorum before the trail counts as unwitnessed.
        trail_readers: roles of the staff directory that may read single entries of the trail, separated by commas.
        stamps: addresses of time-stamp authorities (RFC 3161) that stamp the checkpoint, separated by spaces.
        stamp_roots: a PEM file of the certificates that those authorities' stamps must lead to.
        stamp_interval_s: seconds between stamps.
        smtp: the mail server that takes alerts, as ``smtp://HOST:PORT`` or ``smtps://USER:PASSWORD@HOST``; none lets
            them wait.
        mail_from: the address that alerts come from.
        token: the personal token of whoever speaks through a command; none means the operator of the machine.
        console_readers: roles of the staff directory that may sign in to the console, separated by commas.
        oidc_issuer: the identity provider, exactly as its tokens say; none means that only local accounts and personal
            tokens count.
        oidc_client_id: what whosaw is to the provider where people sign in; none means that nobody signs in there.
        oidc_client_secret: its secret; none means a public client.
        oidc_scope: what is asked of the provider at a sign-in.
        oidc_audience: what bearer tokens must be for; none means that no signed token counts.
        oidc_algorithms: signatures that count, separated by commas.
        oidc_claim: the claim that holds the actor's key.
        oidc_token_types: the ``typ`` of bearer tokens that count, separated by commas.
        oidc_skew_s: how much the clocks of provider and whosaw may differ.
        oidc_one_use: whether a bearer token is good for one request only, by its ``jti``.
        oidc_auth_time: whether a signed token must say when its person signed in (``auth_time``).
        events_issuer: who sends security events; none means the identity provider.
        events_audience: what security events must be for; none means that none are heard.
        events_keys: address of the keys that sign them; none means that the provider's metadata say.
        door_accounts: database accounts that the doors log in with, as ROLE or ROLE@ADDRESS, separated by commas; none
            takes those of the catalog's sources.
        metrics_token: opens ``/metrics`` to others than this machine.
        otlp_endpoint: where spans are sent (OTLP over HTTP), as ``http://127.0.0.1:4318/v1/traces``; none sends none.
        scim_key: which attribute of a person is the actor's key.
        scim_roles: what groups give, as ``GROUP=ROLE,ROLE; GROUP=ROLE``.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore")

    state: Path = Field(default_factory=_state_folder)
    database: SecretStr | None = None
    catalog: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8484, ge=0, le=65_535)
    trusted_proxies: str = ""
    public_url: str = ""
    suspenders: str = "security"
    evaluators: str = "pep"
    searchers: str = "auditor"
    requests_per_s: float = Field(default=200.0, gt=0)
    witnesses: Path | None = None
    witness_grace_s: float = Field(default=60.0, gt=0)
    trail_readers: str = "auditor"
    stamps: str = ""
    stamp_roots: Path | None = None
    stamp_interval_s: float = Field(default=3_600.0, gt=0)
    smtp: SecretStr | None = None
    mail_from: str = "whosaw@localhost"
    token: SecretStr | None = None
    console_readers: str = "auditor"
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_scope: str = "openid"
    oidc_audience: str = ""
    oidc_algorithms: str = "RS256,PS256,ES256,EdDSA"
    oidc_claim: str = "sub"
    oidc_token_types: str = "at+jwt"  # noqa: S105 - a media type, no password
    oidc_skew_s: float = Field(default=30.0, ge=0, le=300)
    oidc_one_use: bool = False
    oidc_auth_time: bool = False
    events_issuer: str = ""
    events_audience: str = ""
    events_keys: str = ""
    door_accounts: str = ""
    metrics_token: SecretStr | None = None
    otlp_endpoint: str = ""
    scim_key: Literal["userName", "externalId", "employeeNumber"] = "userName"
    scim_roles: str = ""

    @field_validator("public_url", "oidc_issuer", "events_issuer", "events_keys")
    @classmethod
    def _secret_way(cls, url: str) -> str:
        """Refuse an address that anybody on the way could answer for; this machine itself is no way."""
        parts = urlsplit(url)
        near = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
        if url and not (parts.hostname and (parts.scheme == "https" or near)):
            raise ValueError("write an address that begins with https://")
        return url

    def __init__(self, **given: Any) -> None:
        """Read the environment; what is `given` goes before it.

        Raises:
            SettingsInvalid: a variable cannot be used; its value is not repeated, for it may be a password.
        """
        try:
            super().__init__(**given)
        except ValidationError as cause:
            first = cause.errors(include_input=False, include_url=False)[0]
            name = _PREFIX + "_".join(str(part) for part in first["loc"]).upper()
            raise SettingsInvalid(f"`{name}` cannot be used: {first['msg'].lower()}") from None

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        for name in words(text):
            ip_network(name, strict=False)
        return text

    @field_validator("public_url")
    @classmethod
    def _plain_address(cls, text: str) -> str:
        if urlsplit(text).query:
            raise ValueError("must be an address without a query")
        return text.rstrip("/")

    @property
    def policy_folder(self) -> Path:
        """Return where the text of every set of policies lies that was in force."""
        return self.state / "policies"

    @property
    def catalog_path(self) -> Path:
        """Return where the catalog is."""
        return self.catalog or self.state / "whosaw.toml"

    @property
    def keys_folder(self) -> Path:
        """Return where the trail and receipt keys are."""
        return self.state / "keys"

    @property
    def trail_folder(self) -> Path:
        """Return where checkpoint and tiles are published."""
        return self.state / "trail"

    @property
    def evidence_folder(self) -> Path:
        """Return where the bundles of cases lie, as ``CASE-1.zip``."""
        return self.state / "evidence"
