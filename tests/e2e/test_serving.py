"""One whosaw for real: served under the machine's clock, asked, looked into, stopped."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from whosaw.__main__ import main

if TYPE_CHECKING:
    from tests.e2e.conftest import Commands, Process

BODY = {"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1"}


def address_of(process: Process) -> tuple[str, str]:
    """Return where the server listens, and the one-time login link."""
    assert process.popen.stdout is not None
    listens = re.search(r"whosaw listens on (http://127\.0\.0\.1:\d+)", process.popen.stdout.readline())
    assert listens, process.popen.stderr
    link = re.search(r"console login, once: (http://\S+)", process.popen.stdout.readline())
    assert link
    return listens[1], link[1]


@pytest.fixture
def served(
    whosaw: Commands, company_state: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Process]:
    whosaw.state = company_state
    whosaw.environment = {"WHOSAW_DATABASE": database_url}
    monkeypatch.setenv("WHOSAW_STATE", str(company_state))
    monkeypatch.setenv("WHOSAW_DATABASE", database_url)
    process = whosaw.start("serve", "--port", "0", "--viewer", "E-1")
    yield process
    process.popen.kill()
    process.popen.communicate()


def test_served_asked_looked_into_and_stopped(served: Process, capsys: pytest.CaptureFixture[str]) -> None:
    address, link = address_of(served)
    assert main(["user", "add", "E-1"]) == 0
    token = capsys.readouterr().out.splitlines()[-1]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=address, trust_env=False, timeout=20, follow_redirects=True) as http:
        shown = http.post("/v1/disclosures", json=BODY, headers=headers)
        assert shown.json()["fields"]["customer.email"] == {"value": "ada1@mail.example"}
        assert http.get("/console/").status_code == 401
        assert "Who saw this customer?" in http.get(link).text
        assert "E-1" in http.get("/console/who", params={"subject": "C-1"}).text
        http.cookies.clear()
        assert http.get(link).status_code in {401, 403, 410}, "the link opens once"
        ordered = time.perf_counter()
        assert main(["user", "suspend", "E-1", "--reason", "case 1"]) == 0
        assert http.post("/v1/disclosures", json=BODY, headers=headers).json()["reason"] == "actor.suspended"
        assert time.perf_counter() - ordered < 10
        assert main(["user", "restore", "E-1", "--reason", "cleared"]) == 0
        assert http.post("/v1/disclosures", json=BODY, headers=headers).status_code == 200
    capsys.readouterr()
    assert main(["who", "C-1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    accesses = [(each["kind"], each["actor"], each["door"]) for each in told["accesses"]]
    assert [access for access in accesses if access[0] != "case_work"] == [
        ("disclosure", "E-1", "http"),
        ("denial", "E-1", "http"),
        ("disclosure", "E-1", "http"),
    ]
    assert ("case_work", "E-1", "console") in accesses, "to look into the record is recorded too"
    assert any(access[0] == "case_work" and access[1].startswith("operator:") for access in accesses), "this look too"
    assert told["counts"]["shown"] == 2
    time.sleep(1.1)  # the integrator signs at least every second
    assert main(["fsck"]) == 0
    served.popen.send_signal(signal.SIGTERM)
    _, said = served.popen.communicate(timeout=20)
    assert (served.popen.returncode, said) == (0, "")
    assert served.left() == []


def test_altered_entries_are_named_by_fsck_which_then_ends_with_one(
    served: Process, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address, _ = address_of(served)
    assert main(["user", "add", "E-2"]) == 0
    headers = {"Authorization": f"Bearer {capsys.readouterr().out.splitlines()[-1]}"}
    with httpx.Client(base_url=address, trust_env=False, timeout=20) as http:
        for number in (1, 2, 3):
            http.post("/v1/disclosures", json=BODY | {"subject": f"customer:C-{number}"}, headers=headers)
    time.sleep(1.1)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        # the server's own entries may stand before, between or behind the three, so the entry is found by its kind
        altered = connection.execute(
            "update trail_entry set payload = replace(payload, 'denial', 'import')"
            " where index = (select min(index) from trail_entry where payload like '%denial%') returning index"
        ).fetchall()
    assert len(altered) == 1
    capsys.readouterr()
    assert main(["fsck", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert {finding["index"] for finding in report["findings"]} == {altered[0][0]}, report


def test_a_token_is_made_only_for_somebody_the_directory_lists(
    served: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    address_of(served)
    assert main(["user", "add", "E-nobody"]) == 1
    assert "[app.unknown_actor]\nhint: " in capsys.readouterr().err
    assert main(["user", "suspend", "E-nobody", "--reason", "x"]) == 0
    assert "the directory does not list `E-nobody`" in capsys.readouterr().out


def test_the_catalog_is_tried_against_the_living_tables(
    company_state: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = str(company_state / "whosaw.toml")
    assert main(["check", "--catalog", catalog]) == 0
    assert "customer.email" in capsys.readouterr().out
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table company.customers rename column email to mail")
    assert main(["check", "--catalog", catalog]) == 1
    assert "REFUSED" in capsys.readouterr().out
