"""A real server counts what it answers, and shows it to its own machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from whosaw.__main__ import main

if TYPE_CHECKING:
    from tests.e2e.conftest import Commands


def test_a_served_house_shows_its_metrics_and_no_customer(
    whosaw: Commands,
    company_state: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whosaw.state = company_state
    whosaw.environment = {"WHOSAW_DATABASE": database_url, "WHOSAW_METRICS_TOKEN": "m" * 40}
    monkeypatch.setenv("WHOSAW_STATE", str(company_state))
    monkeypatch.setenv("WHOSAW_DATABASE", database_url)
    process = whosaw.start("serve", "--port", "0")
    try:
        assert process.popen.stdout is not None
        listens = re.search(r"whosaw listens on (http://127\.0\.0\.1:\d+)", process.popen.stdout.readline())
        assert listens
        assert main(["user", "add", "E-1"]) == 0
        headers = {"Authorization": f"Bearer {capsys.readouterr().out.splitlines()[-1]}"}
        body = {"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1"}
        with httpx.Client(base_url=listens[1], trust_env=False, timeout=20) as http:
            assert http.post("/v1/disclosures", json=body, headers=headers).status_code == 200
            told = http.get("/metrics")
            assert told.status_code == 200
            assert 'whosaw_asks_total{kind="disclosure",outcome="allow"} 1.0' in told.text
            appended = re.search(r"^whosaw_trail_appended_total ([0-9.]+)$", told.text, re.MULTILINE)
            assert appended
            assert float(appended[1]) >= 1
            for value in ("C-1", "E-1", "T-1", "ada1", "customer.email"):
                assert value not in told.text
            assert http.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403
            proxied = {"X-Forwarded-For": "192.0.2.7", "Authorization": f"Bearer {'m' * 40}"}
            assert http.get("/metrics", headers=proxied).status_code == 200
    finally:
        process.popen.kill()
        process.popen.communicate()
