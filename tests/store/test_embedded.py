"""The embedded PostgreSQL as an administrator would want it: closed, private, durable, and it stops when it should."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from whosaw.store import Database, EmbeddedFailed, EmbeddedPostgres, UnsafeDurability
from whosaw.store.database import with_login
from whosaw.store.embedded import SERVICE_USER


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="whosaw-pg-"))
    folder.chmod(0o755)
    with EmbeddedPostgres(folder / "postgres") as started:
        yield started
    shutil.rmtree(folder)


def one(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def test_a_login_needs_the_password_and_it_is_kept_as_scram(server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(with_login(server.url(), "whosaw_owner", "wrong"))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(with_login(server.url(), "whosaw_owner", ""))
    assert str(one(server.url(), "select rolpassword from pg_authid where rolname = current_user")).startswith(
        "SCRAM-SHA-256$"
    )
    methods = one(server.url(), "select array_agg(distinct auth_method) from pg_hba_file_rules")
    assert methods == ["scram-sha-256"]


def test_no_tcp_port_is_open(server: EmbeddedPostgres) -> None:
    assert one(server.url(), "show listen_addresses") == ""
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    pid = (server.folder / "data" / "postmaster.pid").read_text().splitlines()[0]
    links = {os.readlink(place) for place in Path(f"/proc/{pid}/fd").iterdir()}  # noqa: PTH115 - not a real path
    assert not links & {f"socket:[{inode}]" for inode in inodes}


def test_folders_and_password_are_for_their_owner_alone(server: EmbeddedPostgres) -> None:
    for place in (server.folder, server.folder / "data", server.folder / "socket"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700, place
    assert stat.S_IMODE((server.folder / "password").stat().st_mode) == 0o600
    expected = pwd.getpwnam(SERVICE_USER).pw_uid if os.geteuid() == 0 else os.geteuid()
    assert (server.folder / "data").stat().st_uid == expected
    assert stat.S_IMODE(server.folder.parent.stat().st_mode) == 0o755, "a folder that was there keeps its mode"


def test_it_is_durable_and_checks_its_pages(server: EmbeddedPostgres) -> None:
    for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
        assert one(server.url(), f"show {name}") == "on", name


def test_a_second_start_attaches_and_leaves_it_running(server: EmbeddedPostgres) -> None:
    began = one(server.url(), "select pg_postmaster_start_time()")
    with EmbeddedPostgres(server.folder) as second:
        assert not second.started_here
        assert second.url() == server.url()
    assert one(server.url(), "select pg_postmaster_start_time()") == began


def test_a_path_too_long_for_a_socket_is_said_before_anything_is_made(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 90)
    with pytest.raises(EmbeddedFailed, match="too long") as refused:
        EmbeddedPostgres(folder).start()
    assert refused.value.hint
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_said() -> None:
    with pytest.raises(EmbeddedFailed, match="cannot use the folder"):
        EmbeddedPostgres(Path("/proc/whosaw")).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="under root alone the server runs as another user")
def test_under_root_a_folder_that_the_servers_user_cannot_reach_is_said() -> None:
    closed = Path(tempfile.mkdtemp(prefix="whosaw-pg-"))  # 0700, root's
    try:
        with pytest.raises(EmbeddedFailed, match="cannot reach") as refused:
            EmbeddedPostgres(closed / "postgres").start()
        assert "WHOSAW_STATE" in refused.value.hint
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(closed)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_server_that_may_lose_what_it_committed_is_refused(server: EmbeddedPostgres, setting: str) -> None:
    def change(statement: str) -> None:
        one(server.url(), "select 1")
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(statement)
            connection.execute("select pg_reload_conf()")
        while one(server.url(), f"show {setting}") != ("off" if "off" in statement else "on"):
            pass

    change(f"alter system set {setting} = off")
    try:
        with pytest.raises(UnsafeDurability, match=f"{setting} = off") as refused:
            async with Database(server.url()):
                pass
        assert setting in refused.value.hint
    finally:
        change(f"alter system reset {setting}")
    async with Database(server.url()):
        pass


def test_it_stops_keeps_its_data_and_starts_again(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create table kept as select 7 as n")
    server.stop()
    server.stop()  # nothing runs: nothing to do
    assert not (server.folder / "data" / "postmaster.pid").exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url())
    server.start()
    assert one(server.url(), "select n from kept") == 7


def test_an_initdb_that_was_cut_off_is_begun_anew() -> None:
    folder = Path(tempfile.mkdtemp(prefix="whosaw-pg-"))
    folder.chmod(0o755)
    try:
        half = folder / "postgres" / "data.new"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("16\n")
        with EmbeddedPostgres(folder / "postgres") as started:
            assert one(started.url(), "select 1") == 1
        assert not half.exists()
    finally:
        shutil.rmtree(folder)


def test_sockets_are_not_reachable_by_other_users(server: EmbeddedPostgres) -> None:
    path = next((server.folder / "socket").glob(".s.PGSQL.*[0-9]"))
    assert stat.S_ISSOCK(path.stat().st_mode)
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(path))  # whoever reaches the folder still needs the password


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")
def test_where_the_servers_user_cannot_reach_the_installed_binaries_they_are_copied_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reachable = EmbeddedPostgres._reachable

    def as_from_a_private_folder(self: EmbeddedPostgres, path: Path) -> bool:
        return "site-packages" not in path.parts and reachable(self, path)

    monkeypatch.setattr(EmbeddedPostgres, "_reachable", as_from_a_private_folder)
    folder = Path(tempfile.mkdtemp(prefix="whosaw-pg-"))
    folder.chmod(0o755)
    with EmbeddedPostgres(folder / "postgres") as started:
        assert one(started.url(), "select 1") == 1
        running = Path(f"/proc/{(folder / 'postgres' / 'data' / 'postmaster.pid').read_text().splitlines()[0]}/exe")
        assert str(running.readlink()).startswith(str(folder))
    shutil.rmtree(folder)
