"""A MySQL of the test's own in a folder, reached by its socket alone, whose clock hangs five hours ahead.

It runs with the libraries that came with it: `scripts/mysql-server` unpacks both and installs neither.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.store.mysqlkind import served

ROOT = Path(__file__).parents[2] / ".tools" / "mysql"
MISSING = "needs MySQL (scripts/mysql-server)"
_LIBRARIES = ROOT / "usr" / "lib" / "x86_64-linux-gnu"
INSTALLED = (ROOT / "usr" / "sbin" / "mysqld").exists()


def _program(path: str) -> list[str]:
    loader = ROOT / "usr" / "lib64" / "ld-linux-x86-64.so.2"
    libraries = f"{_LIBRARIES}:{ROOT / 'usr' / 'lib' / 'mysql' / 'private'}"
    return [str(loader.resolve()), "--library-path", libraries, str(ROOT / path)]


CLIENT = _program("usr/bin/mysql") if INSTALLED else []


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
    server = [*_program("usr/sbin/mysqld"), *common]
    try:
        subprocess.run([*server, "--initialize-insecure"], check=True, capture_output=True)
        with served(folder, [*server, "--mysqlx=OFF", "--skip-log-bin"], CLIENT) as address:
            yield address
    finally:
        shutil.rmtree(folder)


def version() -> str:
    """Return what the server says it is."""
    words = [*_program("usr/sbin/mysqld"), "--version"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
