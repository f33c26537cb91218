"""whosaw: who saw this person's data, why, and who passed it on.

The flow is ``ask → decide → record → reveal → watch → trace → answer → prove``; each stage is one package here, and a
later stage may import an earlier one, never the reverse (``docs/architecture.md``).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whosaw.client import AsyncClient, Client

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Client", "__version__"]


def __getattr__(name: str) -> object:
    """Import the SDK when it is asked for: the base install has no HTTP library."""
    if name in {"AsyncClient", "Client"}:
        import whosaw.client

        return getattr(whosaw.client, name)
    raise AttributeError(f"module `whosaw` has no attribute `{name}`")
