"""A MySQL of the test's own in a folder, reached by its socket alone, whose clock hangs five hours ahead.

It runs with the libraries that came with it: `scripts/mysql-server` unpacks both and installs neither.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).parents[2] / ".tools" / "mysql"
MISSING = "needs MySQL (scripts/mysql-server)"
_LIBRARIES = ROOT / "usr" / "lib" / "x86_64-linux-gnu"
_START_S = 60
INSTALLED = (ROOT / "usr" / "sbin" / "mysqld").exists()


@contextmanager
def mysql() -> Iterator[str]:
    """Run a server; yield the address of its database ``shop``."""
    assert INSTALLED, MISSING
    folder = Path(tempfile.mkdtemp(prefix="whosaw-mysql-"))
    share = ROOT / "usr" / "share" / "mysql"
    common = [
        *("--no-defaults", f"--datadir={folder / 'data'}", f"--user={getpass.getuser()}"),
        *(f"--lc-messages-dir={share}", f"--character-sets-dir={share / 'charsets'}"),
        *(f"--plugin-dir={ROOT / 'usr' / 'lib' / 'mysql' / 'plugin'}", "--secure-file-priv=NULL"),
    ]
    subprocess.run([*_program("usr/sbin/mysqld"), *common, "--initialize-insecure"], check=True, capture_output=True)
    socket = folder / "s"
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(*_program("usr/sbin/mysqld"), *common, f"--socket={socket}", f"--pid-file={folder / 'pid'}"),
                *("--skip-networking", "--mysqlx=OFF", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0"),
                *("--default-time-zone=+05:00", "--character-set-server=utf8mb4"),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _answering(socket, server, folder / "server.log")
        run_mysql(socket, "", "create database shop")
        yield f"mysql+asyncmy://root@localhost/shop?unix_socket={quote(str(socket), safe='')}"
    finally:
        server.terminate()
        server.wait(timeout=_START_S)
        shutil.rmtree(folder)


def run_mysql(socket: Path, database: str, script: str) -> None:
    """Run a script as the server's owner."""
    words = [*_program("usr/bin/mysql"), "--no-defaults", f"--socket={socket}", "--user=root"]
    words += ["--default-character-set=utf8mb4", database]
    subprocess.run([word for word in words if word], input=script.encode(), check=True, capture_output=True)


def version() -> str:
    """Return what the server says it is."""
    words = [*_program("usr/sbin/mysqld"), "--version"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def _program(path: str) -> list[str]:
    loader = ROOT / "usr" / "lib64" / "ld-linux-x86-64.so.2"
    libraries = f"{_LIBRARIES}:{ROOT / 'usr' / 'lib' / 'mysql' / 'private'}"
    return [str(loader.resolve()), "--library-path", libraries, str(ROOT / path)]


def _answering(socket: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text(errors='replace')[-2000:]}")
        try:
            run_mysql(socket, "", "select 1")
        except subprocess.CalledProcessError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"the server does not answer: {log.read_text(errors='replace')[-2000:]}")
