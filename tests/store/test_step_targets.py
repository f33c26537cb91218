"""About whom a step is where its command names nobody."""

from __future__ import annotations

import pytest
from tests.store.test_case_pages import SELLER, opened_case, services

from whosaw.answer import StepRefused
from whosaw.app.commands.casesteps import target_of
from whosaw.app.services import Services

__all__ = ["services"]  # the fixture of the same world


async def test_a_step_without_a_target_is_about_the_case_or_its_seller_and_never_about_some_person(
    services: Services,
) -> None:
    work, case = await opened_case(services)
    assert await target_of(work, case, "warn_seller", "") == SELLER
    assert await target_of(work, case, "preserve", "") == case
    assert await target_of(work, case, "warn_seller", "seller:S-8") == "seller:S-8"
    with pytest.raises(StepRefused) as refusal:
        await target_of(work, case, "suspend_actor", "")
    assert refusal.value.reason == "nobody" and refusal.value.hint and "#17" in refusal.value.hint
