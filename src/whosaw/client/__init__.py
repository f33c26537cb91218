"""The SDK that staff tools install: asks the HTTP door and hands back what it showed, masked or refused.

Stands alone beside the stages; needs only ``httpx``. `guard` hides attributes of SQLAlchemy and Django models until the
door has shown them.
"""

from whosaw.client.aio import AsyncClient
from whosaw.client.guard import Guard, guard
from whosaw.client.hidden import GuardRefused, Hidden
from whosaw.client.standing import Glass, GlassTerms, Grant, GrantTerms
from whosaw.client.sync import Client
from whosaw.client.values import Alias, Allowed, Answer, Denied, DoorError, Found, Masked, Refused

__all__ = [
    "Alias",
    "Allowed",
    "Answer",
    "AsyncClient",
    "Client",
    "Denied",
    "DoorError",
    "Found",
    "Glass",
    "GlassTerms",
    "Grant",
    "GrantTerms",
    "Guard",
    "GuardRefused",
    "Hidden",
    "Masked",
    "Refused",
    "guard",
]
