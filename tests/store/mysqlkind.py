"""What MariaDB and MySQL have in common where a test starts one: a folder, a socket, a clock five hours ahead."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

_START_S = 60


@contextmanager
def served(folder: Path, server: Sequence[str], client: Sequence[str]) -> Iterator[str]:
    """Run a server over the data in `folder`; yield the address of its database ``shop``.

    Args:
        folder: where its socket and its log go.
        server: the program and what else it needs to be told.
        client: the program that runs a script as its owner.

    Raises:
        RuntimeError: it ended.
        TimeoutError: it does not answer.
    """
    socket, log = folder / "s", folder / "server.log"
    common = [f"--socket={socket}", f"--pid-file={folder / 'pid'}", "--skip-networking"]
    speed = ["--innodb-flush-log-at-trx-commit=0"]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*server, *common, *speed, "--default-time-zone=+05:00", "--character-set-server=utf8mb4"],
            stdout=written,
            stderr=written,
        )
    try:
        _answering(client, socket, process, log)
        run(client, socket, "create database shop")
        yield f"mysql+asyncmy://root@localhost/shop?unix_socket={quote(str(socket), safe='')}"
    finally:
        process.terminate()
        process.wait(timeout=_START_S)


def run(client: Sequence[str], socket: Path, script: str, *, database: str = "") -> None:
    """Run a script as the server's owner, in the database named if any."""
    words = [*client, "--no-defaults", f"--socket={socket}", "--user=root", "--default-character-set=utf8mb4"]
    words += [database] if database else []
    subprocess.run(words, input=script.encode(), check=True, capture_output=True)


def _answering(client: Sequence[str], socket: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text(errors='replace')[-2000:]}")
        try:
            run(client, socket, "select 1")
        except subprocess.CalledProcessError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"the server does not answer: {log.read_text(errors='replace')[-2000:]}")
