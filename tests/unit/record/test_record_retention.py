"""A retention policy is read strictly: what is misspelled must not keep payloads for ever or end them at once."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.record.erasure import digest_of
from whosaw.record.retention import Retention, RetentionInvalid
from whosaw.terms import SimulatedClock, to_us

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "version"),
        ('version = "1"', "keep_payloads_days"),
        ('version = ""\nkeep_payloads_days = 1', "version"),
        ('version = "1"\nkeep_payloads_days = 0', "1 to 36500"),
        ('version = "1"\nkeep_payloads_days = true', "1 to 36500"),
        ('version = "1"\nkeep_payloads_days = 1.5', "1 to 36500"),
        ('version = "1"\nkeep_payload_days = 1', "unknown key `keep_payload_days`"),
        ('version = "1"\nkeep_payloads_days = 1\nkinds = 3', "a table"),
        ('version = "1"\nkeep_payloads_days = 1\n[kinds]\ndenial = -1', "`denial`"),
        ('version = "1"\nkeep_payloads_days = 1\n[kinds]\nerasure = 10', "never pruned"),
        ("version = ", "TOML"),
    ],
)
def test_what_is_no_policy_is_refused_by_name(text, said):
    with pytest.raises(RetentionInvalid, match=said):
        Retention.parse(text)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RetentionInvalid, match="cannot read"):
        Retention.load(tmp_path / "retention.toml")


@given(st.integers(1, 36_500), st.dictionaries(st.sampled_from(["denial", "action"]), st.integers(1, 36_500)))
def test_each_kind_has_its_own_time(days, kinds):
    clock = SimulatedClock(datetime(2126, 3, 2, tzinfo=UTC))
    lines = "".join(f"{kind} = {each}\n" for kind, each in kinds.items())
    policy = Retention.parse(f'version = "1"\nkeep_payloads_days = {days}\n[kinds]\n{lines}')
    limits = policy.limits_us(clock)
    assert set(limits) == {"*", *kinds}
    for kind, each in {"*": days, **kinds}.items():
        assert limits[kind] == to_us(clock.now() - timedelta(days=each))


@given(st.sets(st.integers(0, 1 << 62)))
def test_the_digest_of_indices_depends_on_each_and_not_on_their_order(indices):
    assert digest_of(sorted(indices)) == digest_of(sorted(indices, reverse=True))
    for index in list(indices)[:3]:
        assert digest_of(sorted(indices - {index})) != digest_of(sorted(indices))
