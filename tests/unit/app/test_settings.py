from __future__ import annotations

from pathlib import Path

import pytest

from whosaw.app.settings import Settings, SettingsInvalid


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATE", "DATABASE", "CATALOG", "HOST", "PORT"):
        monkeypatch.delenv(f"WHOSAW_{name}", raising=False)


def test_without_variables_everything_has_a_default() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.database) == ("127.0.0.1", 8484, None)
    assert settings.state.is_absolute()
    assert settings.catalog_path == settings.state / "whosaw.toml"
    assert {settings.keys_folder.parent, settings.trail_folder.parent} == {settings.state}


def test_as_an_ordinary_user_the_state_lies_in_his_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/ada/state")
    assert Settings().state == Path("/home/ada/state/whosaw")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert Settings().state == Path("/home/ada/.local/state/whosaw")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert Settings().state == Path("/var/lib/whosaw")


def test_variables_are_read_and_an_empty_one_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHOSAW_STATE", "/srv/whosaw")
    monkeypatch.setenv("WHOSAW_CATALOG", "")
    monkeypatch.setenv("WHOSAW_PORT", "0")
    settings = Settings()
    assert (settings.state, settings.port) == (Path("/srv/whosaw"), 0)
    assert settings.catalog_path == Path("/srv/whosaw/whosaw.toml")


@pytest.mark.parametrize("port", ["http", "-1", "65536", "80.5"])
def test_a_port_that_is_none_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("WHOSAW_PORT", port)
    with pytest.raises(SettingsInvalid, match="`WHOSAW_PORT`") as refused:
        Settings()
    assert port not in str(refused.value).replace("65535", "")
    assert refused.value.hint


def test_a_password_in_the_address_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHOSAW_DATABASE", "postgresql://u:topsecret@h/d")
    settings = Settings()
    assert "topsecret" not in repr(settings) + str(settings) + settings.model_dump_json()
