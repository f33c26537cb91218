"""The identity door: who somebody is, told by the company's identity provider or by a local password.

It checks signed tokens for the other doors, signs people in to the console (OpenID Connect), takes staff from the
provider (SCIM 2.0) and hears of ended sessions and disabled accounts (CAEP, RISC). It decides nothing about data.
"""

from whosaw.doors.identity.bearer import Authenticator, BearerRules
from whosaw.doors.identity.jwt import Expected
from whosaw.doors.identity.provider import Provider

__all__ = ["Authenticator", "BearerRules", "Expected", "Provider"]
