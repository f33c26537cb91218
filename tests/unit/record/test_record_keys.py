"""Key files: made once, kept strictly, never taken for another trail's."""

import stat
from datetime import UTC, datetime

import pytest

from whosaw.record import KeyRefused, load_or_create
from whosaw.record.keys import read_keyring
from whosaw.terms import SimulatedClock, SystemClock

SIMULATED = SimulatedClock(datetime(2024, 1, 1, tzinfo=UTC))


def test_keys_are_made_once_and_readable_by_their_owner_alone(tmp_path):
    keys = load_or_create(tmp_path / "keys", SystemClock(), "example.com")
    again = load_or_create(tmp_path / "keys", SystemClock(), "example.com")
    assert again.trail.verifier == keys.trail.verifier
    assert again.receipt.verifier == keys.receipt.verifier
    assert (keys.origin, keys.receipt.name) == ("example.com/trail", "example.com/receipt")
    for name in ("trail.key", "receipt.key"):
        assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["keyring", "receipt.key", "trail.key"]


def test_a_simulated_clock_is_in_the_origin_and_cannot_be_swapped(tmp_path):
    assert load_or_create(tmp_path, SIMULATED, "whosaw.demo").origin == "whosaw.demo.simulated/trail"
    with pytest.raises(KeyRefused, match=r"whosaw\.demo\.simulated/trail"):
        load_or_create(tmp_path, SystemClock(), "whosaw.demo")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_key_file_open_to_others_is_refused(tmp_path, mode):
    load_or_create(tmp_path, SystemClock())
    (tmp_path / "trail.key").chmod(mode)
    with pytest.raises(KeyRefused) as refused:
        load_or_create(tmp_path, SystemClock())
    assert "chmod 600" in refused.value.hint


def test_a_damaged_key_file_is_refused_without_showing_it(tmp_path):
    load_or_create(tmp_path, SystemClock())
    secret = (tmp_path / "trail.key").read_text()
    (tmp_path / "trail.key").write_text(secret[:-6] + "AAAA\n")
    with pytest.raises(KeyRefused) as refused:
        load_or_create(tmp_path, SystemClock())
    assert secret.rsplit("+", 1)[1][:20] not in str(refused.value)


def test_a_link_and_a_file_in_place_of_the_folder_are_refused(tmp_path):
    load_or_create(tmp_path / "a", SystemClock())
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "trail.key").symlink_to(tmp_path / "a" / "trail.key")
    with pytest.raises(KeyRefused):
        load_or_create(tmp_path / "b", SystemClock())
    (tmp_path / "c").write_text("")
    with pytest.raises(KeyRefused):
        load_or_create(tmp_path / "c", SystemClock())


@pytest.mark.parametrize("role", ["trail", "receipt"])
def test_a_key_that_is_gone_is_not_quietly_replaced(tmp_path, role):
    load_or_create(tmp_path, SystemClock())
    (tmp_path / f"{role}.key").unlink()
    with pytest.raises(KeyRefused, match="is gone") as refused:
        load_or_create(tmp_path, SystemClock())
    assert "key rotate" in refused.value.hint


def test_a_key_of_the_right_name_that_is_not_the_trails_is_refused(tmp_path):
    load_or_create(tmp_path / "a", SystemClock())
    load_or_create(tmp_path / "b", SystemClock())
    (tmp_path / "b" / "trail.key").rename(tmp_path / "a" / "trail.key")
    with pytest.raises(KeyRefused, match="not the key that signs this trail now"):
        load_or_create(tmp_path / "a", SystemClock())


def test_a_folder_from_before_the_keyring_gets_one(tmp_path):
    keys = load_or_create(tmp_path, SystemClock())
    (tmp_path / "keyring").unlink()
    assert load_or_create(tmp_path, SystemClock()).trail.verifier == keys.trail.verifier
    assert [each.key for each in read_keyring(tmp_path)] == [keys.trail.verifier, keys.receipt.verifier]


@pytest.mark.parametrize("line", ["trail", "witness x+00000000+AA==", "trail x+00000000+AA==", "{}  lost"])
def test_a_keyring_that_cannot_be_read_is_refused(tmp_path, line):
    keys = load_or_create(tmp_path, SystemClock())
    (tmp_path / "keyring").write_text(f"trail {keys.trail.verifier}\n{line}\n")
    with pytest.raises(KeyRefused, match="line 2"):
        load_or_create(tmp_path, SystemClock())
