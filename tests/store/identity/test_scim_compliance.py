"""A SCIM compliance tester by other people, run against the running server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from scim2_models import ScimProvider

from whosaw.doors.identity import scimmodels as models

tester = pytest.importorskip("scim2_tester", reason="the compliance tester is not installed")
httpx2 = pytest.importorskip("httpx2", reason="the compliance tester's HTTP client is not installed")

if TYPE_CHECKING:
    from tests.store.identity.conftest import Scim


def described(address: str) -> ScimProvider:
    """Return what the server publishes, without its own extension: the tester cannot make up the times in it."""
    types = models.resource_types(address)
    for kind in types:
        kind.schema_extensions = [each for each in kind.schema_extensions or [] if str(each.schema_) != models.STAFF]
    schemas = [each for each in models.schemas(address) if each.id != models.STAFF]
    return ScimProvider.from_discovery(schemas, types, models.provider_config(address))


async def test_a_compliance_tester_finds_nothing_to_object_to(scim: Scim) -> None:
    from scim2_client.engines.httpx2 import SyncSCIMClient

    def check() -> list[tester.CheckResult]:
        headers = {"Authorization": f"Bearer {scim.credential}"}
        with httpx2.Client(base_url=scim.address, headers=headers, trust_env=False, timeout=60) as http:
            client = SyncSCIMClient(http, provider=described(scim.address))
            found: list[tester.CheckResult] = tester.check_server(client)
            return found

    results = await asyncio.to_thread(check)
    good = {tester.Status.SUCCESS, tester.Status.COMPLIANT, tester.Status.ACCEPTABLE, tester.Status.SKIPPED}
    objections = [each for each in results if each.status not in good]
    assert not objections, "\n".join(f"{each.title} {each.resource_type} {each.reason}"[:600] for each in objections)
    done = [each for each in results if each.status is not tester.Status.SKIPPED]
    assert {"User", "Group"} <= {each.resource_type for each in done}
    assert len(done) > 40
