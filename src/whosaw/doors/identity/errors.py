"""What can go wrong where people and services say who they are."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError


class IdentityError(WhosawError):
    """Base of what can go wrong where people and services say who they are."""

    code: ClassVar[str] = "identity.error"


class TokenInvalid(IdentityError, ValueError):
    """A signed token does not hold; which rule it broke is for the log, never for who sent it."""

    code: ClassVar[str] = "identity.token_invalid"


class ProviderUnreachable(IdentityError, ConnectionError):
    """The identity provider does not answer, or answers what cannot be used."""

    code: ClassVar[str] = "identity.provider_unreachable"
    hint = "check that the provider runs and that WHOSAW_OIDC_ISSUER is exactly its issuer"


class LoginRefused(IdentityError, PermissionError):
    """A login did not come to its end, or its person may not come in; the answer does not say which."""

    code: ClassVar[str] = "identity.login_refused"
    hint = "begin again at /identity/login; if it fails again, speak to the person who runs whosaw"


class LockedOut(IdentityError, PermissionError):
    """Too many failed logins of this account or from this address; wait, the delay grows with each further one."""

    code: ClassVar[str] = "identity.locked_out"
    hint = "wait as long as Retry-After says, then try once"

    def __init__(self, wait_s: int) -> None:
        super().__init__("too many failed logins")
        self.wait_s = wait_s
