"""Settings, from the environment: every name begins with ``WHOSAW_``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, SecretStr, ValidationError
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


class Settings(BaseSettings):
    """Where things are and where to listen.

    Attributes:
        state: folder for the embedded database, keys, the trail's tiles and receipts.
        database: address of whosaw's own PostgreSQL; none means the embedded one under `state`.
        catalog: the catalog file; none means ``whosaw.toml`` under `state`.
        host: address to listen on.
        port: port to listen on; 0 lets the system choose.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore")

    state: Path = Field(default_factory=_state_folder)
    database: SecretStr | None = None
    catalog: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8484, ge=0, le=65_535)

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
