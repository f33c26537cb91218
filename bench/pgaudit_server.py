"""Debian's PostgreSQL 15 with pgaudit in a folder of its own, for `trail.py --pgaudit`."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

import psycopg

BIN = Path("/usr/lib/postgresql/15/bin")
LIBRARY = Path("/usr/lib/postgresql/15/lib/pgaudit.so")


class PgauditServer:
    """One throw-away server; started and stopped as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"postgresql://bench@/postgres?host={folder}"

    def absent(self) -> str | None:
        """Return why it cannot run here, or None."""
        if not LIBRARY.exists():
            return "Debian's `postgresql-15-pgaudit` is not installed"
        return None

    def __enter__(self) -> Self:
        self._folder.mkdir()
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", str(self._folder / "data"), "-U", "bench", "--auth=trust", "-E", "UTF8", "--locale=C")
        options = f"-k {self._folder} -c listen_addresses='' -c shared_preload_libraries=pgaudit"
        log = str(self._folder / "server.log")
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-l", log, "-w", "-o", options, "start")
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("create extension pgaudit")
        return self

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "fast", "-w", "stop")
        shutil.rmtree(self._folder)

    def audit(self, classes: str) -> None:
        """Set which classes of statements pgaudit writes down: `none`, `write`, `read`…"""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"alter system set pgaudit.log = '{classes}'")
            connection.execute("select pg_reload_conf()")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(BIN / program), *arguments]
        who: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(
            command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd="/", **who,
        )  # fmt: skip
