"""Settings, from the environment: every name begins with ``WHOSAW_``."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _state_folder() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/whosaw")
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "whosaw"


class Settings(BaseSettings):
    """Where things are and where to listen.

    Attributes:
        state: folder for the embedded database, keys, the trail's tiles and receipts.
        database: address of whosaw's own PostgreSQL; none means the embedded one under `state`.
        catalog: the catalog file; none means ``whosaw.toml`` under `state`.
        host: address to listen on.
        port: port to listen on; 0 lets the system choose.
    """

    model_config = SettingsConfigDict(env_prefix="WHOSAW_", extra="ignore")

    state: Path = Field(default_factory=_state_folder)
    database: SecretStr | None = None
    catalog: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8484, ge=0, le=65_535)

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
