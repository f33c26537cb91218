"""A file is there whole or not at all, and on the disk before anybody is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from whosaw.terms.durable import UMASK, write_whole


def test_a_file_is_flushed_before_it_has_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, done, real = tmp_path / "it", list[tuple[str, bool]](), os.fsync
    path.write_text("old")

    def fsync(handle: int) -> None:
        real(handle)
        done.append((Path(f"/proc/self/fd/{handle}").readlink().name, path.read_text() == "new"))

    monkeypatch.setattr(os, "fsync", fsync)
    write_whole(path, "new")
    assert done == [("it.new", False), (tmp_path.name, True)]
    assert [each.name for each in tmp_path.iterdir()] == ["it"]


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_where_the_disk_refuses_the_older_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "it"
    path.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(28, "no space left")

    with monkeypatch.context() as disk:
        disk.setattr(os, call, refuse)
        with pytest.raises(OSError, match="no space"):
            write_whole(path, "new")
    assert path.read_text() == "old"
    write_whole(path, "new")
    assert path.read_text() == "new", "the draft that was left is taken over"


def test_it_is_its_owner_s_alone_unless_said_and_follows_no_link(tmp_path: Path) -> None:
    write_whole(tmp_path / "mine", b"x")
    write_whole(tmp_path / "all", b"x", mode=UMASK)
    before = os.umask(0o022)
    os.umask(before)
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "all").stat().st_mode & 0o777 == 0o666 & ~before
    (tmp_path / "other").write_text("of somebody else")
    (tmp_path / "mine.new").symlink_to(tmp_path / "other")
    with pytest.raises(OSError):
        write_whole(tmp_path / "mine", b"y")
    assert (tmp_path / "other").read_text() == "of somebody else"
