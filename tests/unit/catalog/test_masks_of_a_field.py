"""How the catalog asks for a mask: its form, its stability, and the key of stable ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.catalog.test_load import GOOD

from whosaw.catalog import CatalogInvalid, load, parse

FIELD = 'mask = "email"'


def with_key(tmp_path: Path, key: bytes, mode: int = 0o600, more: str = "stable = true") -> Path:
    (tmp_path / "mask.key").write_bytes(key)
    (tmp_path / "mask.key").chmod(mode)
    catalog = tmp_path / "whosaw.toml"
    catalog.write_text(GOOD.replace(FIELD, f"{FIELD}\n{more}") + '\n[masks]\nkey_file = "mask.key"\n')
    return catalog


def test_a_stable_mask_takes_its_key_from_a_file_beside_the_catalog(tmp_path: Path) -> None:
    catalog = load(with_key(tmp_path, bytes(range(32))))
    assert catalog.fields["customer.email"].stable
    assert catalog.mask_key == bytes(range(32))
    assert "mask_key" not in repr(catalog)


def test_the_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_MASK_KEY", "k" * 40)
    text = GOOD.replace(FIELD, f"{FIELD}\nstable = true") + '\n[masks]\nkey = "env:SHOP_MASK_KEY"\n'
    assert parse(text).mask_key == b"k" * 40


@pytest.mark.parametrize(("key", "mode", "said"), [(b"short", 0o600, "has 5 bytes"), (bytes(32), 0o644, "others may")])
def test_a_key_that_is_short_or_open_to_others_is_refused(tmp_path: Path, key: bytes, mode: int, said: str) -> None:
    with pytest.raises(CatalogInvalid, match=said) as refused:
        load(with_key(tmp_path, key, mode))
    assert refused.value.hint


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (FIELD, f"{FIELD}\nstable = true", "a stable mask needs a key"),
        (FIELD, 'mask = "number"\nstable = true', "cannot be stable"),
        (FIELD, 'mask = "text"\nkeep_format = true', "has no form to keep"),
        (FIELD, f'{FIELD}\nkeep_format = "yes"', "must be true or false"),
        ("[actors]", '[masks]\nkey = "in the open, for everybody to read"\n[actors]', "stands in the catalog itself"),
        ("[actors]", "[masks]\n[actors]", "either `key_file` or `key`"),
        ("[actors]", '[masks]\nkey_file = "absent.key"\n[actors]', "cannot read the key file"),
        ("[actors]", '[masks]\nkey_file = "a\\u0000b"\n[actors]', "cannot read the key file"),
    ],
)
def test_what_cannot_be_masked_so_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(CatalogInvalid, match=said.replace("`", ".")) as refused:
        parse(GOOD.replace(old, new, 1))
    assert refused.value.hint
