"""The whole API as its OpenAPI document states it, asked by a generator of requests that knows nothing of us."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from whosaw.doors.http.openapi import OPERATIONS, document

if TYPE_CHECKING:
    from tests.store.http.conftest import Office

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
needs_schemathesis = pytest.mark.skipif(
    importlib.util.find_spec("schemathesis") is None,
    reason="schemathesis is not here: `uv pip install --group contract` installs it",
)


def test_every_form_of_ours_is_strict_and_named_once() -> None:
    schemas = document()["components"]["schemas"]
    ours = {each.asks for each in OPERATIONS if each.asks and each.path.startswith("/v1/")}
    for model in ours:
        assert schemas[model.__name__]["additionalProperties"] is False, model
    assert len({(each.path, each.method) for each in OPERATIONS}) == len(OPERATIONS)


async def test_every_route_is_stated_and_every_statement_has_its_route(office: Office) -> None:
    stated = (await office.http.get("/openapi.json")).json()["paths"]
    for path, methods in stated.items():
        real = path.replace("{number}", "1").replace("{actor}", "E-1")
        allowed = {each.upper() for each in methods}
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            status = (await office.http.request(method, real)).status_code
            assert (status == 405) == (method not in allowed), (method, path, status)


# Whatever stands in a path is a text, and any text may be somebody's key: a list that the generator writes there as
# `null,null` breaks the form in its eyes and in nobody else's. Bad bodies of this route are tried in test_abuse.py.
KEYS_IN_PATH = tuple(check for check in CHECKS if check != "negative_data_rejection")


@needs_schemathesis
@pytest.mark.parametrize(
    ("actor", "paths", "checks"),
    [
        ("E-1", "^/v1/(disclosures|lookups|actions)", CHECKS),
        ("P-1", "^/v1/(grants|break-glass)", CHECKS),
        ("IN-1", "^/v1/(me|conduct|sightings)|^/healthz", CHECKS),
        ("S-1", "^/v1/suspensions", KEYS_IN_PATH),
        ("PEP-1", "^/access/v1/evaluation|well-known", CHECKS),
        ("A-1", "^/access/v1/search", CHECKS),
    ],
)
async def test_no_request_meets_a_fault_or_an_answer_that_is_not_stated(
    office: Office, actor: str, paths: str, checks: tuple[str, ...], tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "schemathesis.cli", "run", f"{office.address}/openapi.json"]
    words += ["--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--seed", "7", "--workers", "1"]
    words += ["--checks", ",".join(checks), "--continue-on-failure", "--suppress-health-check", "all"]
    words += ["--header", f"Authorization: Bearer {office.tokens[actor]}", "--generation-database", "none"]
    words += ["--include-path-regex", paths]
    told = tmp_path / "told.txt"
    with told.open("wb") as out:
        process = await asyncio.create_subprocess_exec(*words, cwd=tmp_path, stdout=out, stderr=out)
        await process.wait()
    assert process.returncode == 0, told.read_text()[-6_000:]
