"""A first import that died before its lake was one leaves a folder that the next import takes over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from whosaw.lake import manifest
from whosaw.lake.folder import writing


def test_an_import_that_died_before_its_first_file_had_its_name_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", die)
        with pytest.raises(KeyboardInterrupt), writing(lake):
            pass
    assert [each.name for each in lake.iterdir() if "draft" in each.name] and not (lake / manifest.NAME).exists()
    with writing(lake) as begun:
        assert len(begun.key) == 32
