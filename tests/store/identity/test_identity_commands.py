"""``whosaw user password``, ``whosaw passkey`` and ``whosaw scim``, as an operator calls them; and what then opens."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.store.identity.softkey import SoftKey
from tests.store.identity.test_wired import CATALOG, USER, listed

from whosaw.__main__ import main
from whosaw.app.commands.opened import with_services
from whosaw.app.identity import open_identity
from whosaw.app.server import Server, bind, build_app
from whosaw.app.services import Services
from whosaw.doors.console import LoginLinks
from whosaw.record import entries_from

Said = tuple[int, str, str]
Speak = Callable[..., Said]
PASSWORD = "four words of nonsense"


@pytest.fixture
def speak(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Speak:
    """Call a command; what is typed comes from a pipe. Returns exit code, output and errors."""
    (tmp_path / "whosaw.toml").write_text(CATALOG)
    monkeypatch.setenv("WHOSAW_STATE", str(tmp_path))
    monkeypatch.setenv("WHOSAW_DATABASE", database_url)
    monkeypatch.setenv("WHOSAW_SCIM_ROLES", "auditor=auditor")
    monkeypatch.delenv("WHOSAW_TOKEN", raising=False)

    def call(*arguments: str, typed: str = "") -> Said:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = main(list(arguments))
        out, errors = capsys.readouterr()
        return code, out, errors

    return call


def served(work: Callable[[Services, httpx.AsyncClient], Any]) -> Any:
    """Do something while identity is served as on one machine, its embedded database being ours."""

    async def go(services: Services) -> Any:
        listener = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        local = services.settings.model_copy(update={"database": None})
        object.__setattr__(services, "settings", local)
        async with open_identity(services, LoginLinks().issue, port=port) as identity:
            server = Server(build_app(*identity.routers), listener)
            serving = asyncio.create_task(server.run())
            await server.started()
            headers = {"Origin": f"http://localhost:{port}", "Host": f"localhost:{port}"}
            try:
                async with httpx.AsyncClient(
                    base_url=server.address, headers=headers, trust_env=False, timeout=30
                ) as browser:
                    return await work(services, browser)
            finally:
                server.stop()
                await serving

    return with_services(go)


def changes() -> list[tuple[str, str]]:
    async def read(services: Services) -> list[tuple[str, str]]:
        found = [each.payload async for each in entries_from(services.db)]
        return [(str(each["means"]), str(each["change"])) for each in found if each["kind"] == "credential"]

    return with_services(read)


def staff() -> None:
    async def put(services: Services) -> None:
        await listed(services, "E-1", "auditor")

    with_services(put)


def sign_in(password: str) -> int:
    async def post(_: Services, browser: httpx.AsyncClient) -> int:
        form = {"actor": "E-1", "password": password}
        return (await browser.post("/identity/password", data=form)).status_code

    status: int = served(post)
    return status


def test_a_password_given_at_the_terminal_signs_in_until_it_is_removed(speak: Speak) -> None:
    staff()
    assert speak("user", "password", "E-1", typed=f"{PASSWORD}\n") == (0, "E-1 has a new password\n", "")
    assert sign_in(PASSWORD) == 303
    assert sign_in("another") == 403
    assert speak("user", "password", "E-1", "--remove")[:2] == (0, "E-1 has no password any more\n")
    assert speak("user", "password", "E-1", "--remove")[:2] == (0, "E-1 had no password\n")
    assert sign_in(PASSWORD) == 403
    assert changes() == [("password", "made"), ("password", "removed"), ("password", "removed")]


def test_nobody_the_directory_does_not_list_gets_a_password(speak: Speak) -> None:
    code, _, errors = speak("user", "password", "E-none", typed=f"{PASSWORD}\n")
    assert code == 1
    assert "app.unknown_actor" in errors
    assert changes() == []


def test_an_unfit_password_is_refused_and_leaves_no_entry(speak: Speak) -> None:
    for typed in ("short\n", "\n", ""):
        code, _, errors = speak("user", "password", "E-1", typed=typed)
        assert (code, "identity.password_unfit" in errors) == (1, True)
    assert changes() == []


def test_a_passkey_from_the_link_to_its_end(speak: Speak) -> None:
    staff()
    code, out, _ = speak("passkey", "invite", "E-1")
    link = out.split()[-1]
    assert (code, link.partition("#")[0]) == (0, "http://localhost:8484/identity/passkey/enrol")

    async def enrol(_: Services, browser: httpx.AsyncClient) -> tuple[int, SoftKey]:
        key, once = SoftKey(origin=browser.headers["Origin"]), link.partition("#")[2]
        begun = (await browser.post("/identity/passkey/enrol/begin", json={"once": once})).json()
        sent = {"state": begun["state"], "once": once, "name": "laptop", "credential": key.make(begun["options"])}
        return (await browser.post("/identity/passkey/enrol", json=sent)).status_code, key

    status, key = served(enrol)
    assert status == 200
    (told,) = json.loads(speak("passkey", "list", "E-1", "--json")[1])
    assert (told["actor"], told["name"], told["used_at"], told["id"]) == ("E-1", "laptop", None, key.id.hex())
    assert "laptop" in speak("passkey", "list")[1]
    assert "there is no passkey" in speak("passkey", "list", "E-2")[1]

    async def enter(_: Services, browser: httpx.AsyncClient) -> int:
        key.origin = browser.headers["Origin"]
        begun = (await browser.post("/identity/passkey/begin", json={})).json()
        sent = {"state": begun["state"], "credential": key.sign(begun["options"])}
        return (await browser.post("/identity/passkey", json=sent)).status_code

    assert served(enter) == 200
    assert speak("passkey", "remove", told["id"])[:2] == (0, "the passkey of E-1 is removed\n")
    assert served(enter) == 403
    for identifier in (told["id"], "nonsense", ""):
        code, _, errors = speak("passkey", "remove", identifier)
        assert (code, "app.no_such_passkey" in errors) == (1, True)
    assert changes() == [("passkey", "invited"), ("passkey", "made"), ("passkey", "removed")]


def test_nobody_outside_the_directory_is_invited(speak: Speak) -> None:
    code, _, errors = speak("passkey", "invite", "Z-nobody")
    assert (code, "app.unknown_actor" in errors) == (1, True)
    assert changes() == []


def test_a_providers_credential_opens_scim_until_it_is_revoked(speak: Speak) -> None:
    code, out, _ = speak("scim", "add", "okta")
    credential = out.split()[-1]
    assert code == 0
    assert re.fullmatch(r"scim_[0-9a-f]{16}_[0-9a-f]{64}", credential)

    async def send(_: Services, browser: httpx.AsyncClient) -> int:
        headers = {"Authorization": f"Bearer {credential}"}
        body = {"schemas": [USER], "userName": "ada"}
        return (await browser.post("/scim/v2/Users", json=body, headers=headers)).status_code

    assert served(send) == 201
    (told,) = json.loads(speak("scim", "list", "--json")[1])
    assert (told["name"], told["revoked_at"]) == ("okta", None)
    assert credential not in speak("scim", "list")[1]
    assert speak("scim", "revoke", told["id"])[:2] == (0, f"{told['id']} is revoked\n")
    assert served(send) == 401
    assert "revoked" in speak("scim", "list")[1]
    code, _, errors = speak("scim", "revoke", told["id"])
    assert (code, "app.no_such_credential" in errors) == (1, True)


def test_a_password_is_asked_for_twice_at_a_terminal(speak: Speak, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter([PASSWORD, "something else entirely"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    monkeypatch.setattr("io.StringIO", Terminal)
    code, _, errors = speak("user", "password", "E-1")
    assert (code, "app.passwords_differ" in errors) == (1, True)
