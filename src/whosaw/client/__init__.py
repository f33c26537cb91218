"""The SDK that staff tools install: asks the HTTP door and hands back what it showed, masked or refused.

Stands alone beside the stages; needs only ``httpx``.
"""

from whosaw.client.client import Answer, Client, Denied, DoorError, Masked, Refused

__all__ = ["Answer", "Client", "Denied", "DoorError", "Masked", "Refused"]
