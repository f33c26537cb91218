"""A MariaDB of the test's own in a folder, reached by its socket alone, whose clock hangs five hours ahead."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

SERVER = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
MAKER = shutil.which("mariadb-install-db")
MISSING = "needs mariadb-server (scripts/system-packages)"
_START_S = 60


@contextmanager
def mariadb() -> Iterator[str]:
    """Run a server; yield the address of its database ``shop``."""
    assert SERVER and MAKER, MISSING
    folder = Path(tempfile.mkdtemp(prefix="whosaw-maria-"))
    account = "mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, account)
    common = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={account}"]
    subprocess.run(
        [MAKER, *common, "--auth-root-authentication-method=normal", "--skip-test-db"], check=True, capture_output=True
    )
    socket = folder / "s"
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(SERVER, *common, f"--socket={socket}", f"--pid-file={folder / 'pid'}", "--skip-networking"),
                *("--default-time-zone=+05:00", "--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4"),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _answering(socket, server, folder / "server.log")
        run_mariadb(socket, "", "create database shop")
        yield f"mysql+asyncmy://root@localhost/shop?unix_socket={quote(str(socket), safe='')}"
    finally:
        server.terminate()
        server.wait(timeout=_START_S)
        shutil.rmtree(folder)


def run_mariadb(socket: Path, database: str, script: str) -> None:
    """Run a script as the server's owner."""
    words = [
        "mariadb",
        "--no-defaults",
        f"--socket={socket}",
        "--user=root",
        "--default-character-set=utf8mb4",
        database,
    ]
    subprocess.run([word for word in words if word], input=script.encode(), check=True, capture_output=True)


def _answering(socket: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text(errors='replace')[-2000:]}")
        try:
            run_mariadb(socket, "", "select 1")
        except subprocess.CalledProcessError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"the server does not answer: {log.read_text(errors='replace')[-2000:]}")
