"""A lake opened for questions: an import that ends meanwhile is no error, a lost file is."""

from __future__ import annotations

from pathlib import Path

import pytest

from whosaw.lake import opened as opening
from whosaw.lake.errors import LakeDamaged, NotALake
from whosaw.lake.manifest import Manifest, read_manifest
from whosaw.lake.opened import opened
from whosaw.lake.trail import Order, export_orders


def test_a_number_map_replaced_meanwhile_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_orders([Order("s", 1, "S-1")], tmp_path)
    stale = [read_manifest(tmp_path)]
    export_orders([Order("t", 1, "S-1")], tmp_path)

    def read(folder: Path) -> Manifest:
        return stale.pop() if stale else read_manifest(folder)

    monkeypatch.setattr(opening, "read_manifest", read)
    with opened(tmp_path) as lake:
        assert lake.keys("subject") == {1: "s", 2: "t"}


def test_a_lost_number_map_or_part_is_damage(tmp_path: Path) -> None:
    export_orders([Order("s", 1, "S-1")], tmp_path)
    part, numbers = next(tmp_path.glob("orders-*")), next(tmp_path.glob("numbers-*"))
    aside = tmp_path / "aside"
    for path in (part, numbers):
        path.rename(aside)
        with pytest.raises(LakeDamaged, match="missing or cannot be read"), opened(tmp_path) as lake:
            lake.rows("SELECT subject FROM orders")
        aside.rename(path)


@pytest.mark.parametrize(
    ("text", "error"),
    [("", LakeDamaged), ("[]", LakeDamaged), ("{}", LakeDamaged), ('{"schema": 99, "sources": []}', NotALake)],
)
def test_a_manifest_that_cannot_be_read_is_said(tmp_path: Path, text: str, error: type[Exception]) -> None:
    (tmp_path / "LAKE.json").write_text(text, encoding="utf-8")
    with pytest.raises(error), opened(tmp_path):
        pass
