"""What is killed and how it comes back. Every kill is SIGKILL; only processes of this campaign are touched."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import psycopg
from workers import start

from whosaw.store import EmbeddedPostgres

Struck = Callable[[], None]  # called as the blow falls

RECOVERY_S = 60.0
"""So long everything may take to come back by itself; a machine that does other work as well takes seconds."""
_SET_CHILD_SUBREAPER = 36


class Company:
    """The running processes of one campaign: PostgreSQL, doors and integrators over one state folder."""

    def __init__(self, made: ForkServerContext, server: EmbeddedPostgres, state: Path, url: str) -> None:
        self._made = made
        self._server = server
        self._state = state
        self._url = url
        self.doors: list[ForkServerProcess] = []
        self.integrators: list[ForkServerProcess] = []

    def open(self, doors: int, integrators: int) -> None:
        """Start everything but PostgreSQL."""
        self.doors = [self._start("door", number) for number in range(doors)]
        self.integrators = [self._start("integrator", number) for number in range(integrators)]

    def close(self) -> None:
        """End every process that was started here, but not PostgreSQL."""
        for process in (*self.doors, *self.integrators):
            process.kill()
            process.join()

    def kill_door(self, chance: random.Random, struck: Struck) -> int:
        """Kill one door and start it again; return which."""
        number = chance.randrange(len(self.doors))
        self._replace(self.doors, number, "door", struck)
        return number

    def kill_integrator(self, chance: random.Random, struck: Struck) -> None:
        """Kill one integrator, leading or standing by, and start it again."""
        self._replace(self.integrators, chance.randrange(len(self.integrators)), "integrator", struck)

    def kill_backend(self, chance: random.Random, struck: Struck) -> None:
        """Kill one of the backends that append, busy ones first; PostgreSQL then recovers by itself."""
        until = time.monotonic() + RECOVERY_S
        while time.monotonic() < until:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self._url, connect_timeout=5) as asking:
                rows = asking.execute(
                    "select pid, state = 'active' from pg_stat_activity where query like 'select log_append%'"
                ).fetchall()
                if rows:
                    busy = [pid for pid, active in rows if active] or [pid for pid, _ in rows]
                    os.kill(chance.choice(busy), signal.SIGKILL)
                    struck()
                    return
            time.sleep(0.05)
        raise TimeoutError("PostgreSQL does not come back, or nobody appends")

    def kill_postgres(self, chance: random.Random, struck: Struck) -> None:
        """Kill the whole PostgreSQL, in any order, and start it again on the same folder."""
        postmaster = int((self._server.folder / "data" / "postmaster.pid").read_text().split()[0])
        pids = [*_children(postmaster), postmaster]
        chance.shuffle(pids)
        struck()
        while pids:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pid in pids:
                _wait_gone(pid)
            pids = _orphaned_servers()  # born between the look and the blow
        self._server.start()

    def _start(self, work: str, number: int) -> ForkServerProcess:
        return start(self._made, work, str(number), self._url, str(self._state))

    def _replace(self, processes: list[ForkServerProcess], number: int, work: str, struck: Struck) -> None:
        processes[number].kill()
        struck()
        processes[number].join()
        processes[number] = self._start(work, number)


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def _orphaned_servers() -> list[int]:
    """Return server processes that became this process's children because their postmaster is gone."""
    found = []
    for pid in _children(os.getpid()):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "postgres":
                found.append(pid)
    return found


def _wait_gone(pid: int) -> None:
    """Wait until a killed process is gone; orphans became this process's children and are reaped here."""
    for _ in range(2_000):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.005)
    raise TimeoutError(f"process {pid} does not end")


def adopt_orphans() -> None:
    """Become the parent of what is started here and left by its own parent: a server whose pg_ctl has ended."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
