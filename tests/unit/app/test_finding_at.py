"""The console shows a finding's threshold as the method had it."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from whosaw.app.casereads import finding_at
from whosaw.trace import Settings


@pytest.mark.parametrize("base_rate", [0.001, 0.1, 0.5, 0.9])
def test_the_threshold_shown_is_that_of_the_base_rate(base_rate: float) -> None:
    settings = Settings(outside_prior=1.0 - base_rate)
    assert finding_at({"method": {"settings": asdict(settings)}}) == pytest.approx(settings.finding_at)


def test_a_verdict_without_a_method_has_none() -> None:
    assert finding_at({}) is None
