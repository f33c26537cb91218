"""A Postfix of its own in a temporary folder, on high ports of loopback, started and ended by its process id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SERVICES = """\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def why_not() -> str:
    """Return why no Postfix can be had here; empty where one can."""
    if shutil.which("postfix") is None or shutil.which("swaks") is None:
        return "needs the system packages postfix and swaks (scripts/system-packages)"
    if subprocess.run(["perl", "-MNet::SSLeay", "-e", "1"], check=False, capture_output=True).returncode:
        return "swaks speaks TLS with the system package libnet-ssleay-perl only (scripts/system-packages)"
    if os.geteuid() != 0:
        return "Postfix's master starts as root only"
    return ""


@dataclass(frozen=True)
class PrivatePostfix:
    """A running Postfix."""

    folder: Path
    port: int

    def flush(self) -> None:
        """Have everything that waits tried now."""
        subprocess.run(["postqueue", "-c", str(self.folder / "etc"), "-f"], check=True, capture_output=True)

    def waiting(self) -> str:
        """Return the queue as Postfix lists it."""
        asked = ["postqueue", "-c", str(self.folder / "etc"), "-p"]
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout

    def log(self) -> str:
        """Return what Postfix logged."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def private_postfix(folder: Path, main: str, master: str, world: int) -> Iterator[PrivatePostfix]:
    """Run one with these lines besides its own; whatever is for no transport goes to port `world` of loopback."""
    port = free_port()
    owner = pwd.getpwnam("postfix")
    etc, queue, data = (folder / name for name in ("etc", "queue", "data"))
    for each in (etc, queue, data):
        each.mkdir(parents=True)
    folder.chmod(0o755)
    os.chown(data, owner.pw_uid, owner.pw_gid)
    (etc / "main.cf").write_text(
        f"compatibility_level = 3.6\nqueue_directory = {queue}\ndata_directory = {data}\n"
        "command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\n"
        "setgid_group = postdrop\ninet_interfaces = loopback-only\ninet_protocols = ipv4\nmyhostname = mx.test\n"
        f"mydestination =\nalias_maps =\nmynetworks = 127.0.0.2/32\nrelayhost = [127.0.0.1]:{world}\n"
        f"disable_dns_lookups = yes\nsmtpd_peername_lookup = no\nmaillog_file = {folder}/log\n"
        f"maillog_file_prefixes = {folder}\nminimal_backoff_time = 2s\nmaximal_backoff_time = 2s\n"
        f"queue_run_delay = 2s\nsmtp_tls_security_level = none\n{main}"
    )
    (etc / "master.cf").write_text(f"127.0.0.1:{port} inet n - n - - smtpd\n{_SERVICES}{master}")
    master_process = subprocess.Popen(
        ["postfix", "-c", str(etc), "start-fg"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        running = PrivatePostfix(folder, port)
        deadline = time.monotonic() + 20
        while not _answers(port):
            if master_process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Postfix did not start: {running.log()[-2_000:]}")
            time.sleep(0.1)
        yield running
    finally:
        pid = queue / "pid" / "master.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)
        try:
            master_process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(master_process.pid, signal.SIGKILL)
            master_process.wait(10)
        assert master_process.stderr is not None
        master_process.stderr.close()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
            line.settimeout(5)
            return line.recv(3) == b"220"
    except OSError:
        return False


@contextmanager
def private_srs(folder: Path, domain: str, without: str) -> Iterator[tuple[int, int]]:
    """Run a postsrsd of its own; yield the ports that rewrite senders, and back."""
    forward, back, secret = free_port(), free_port(), folder / "srs.secret"
    secret.write_text("a secret of the tests\n")
    asked = ["postsrsd", "-4", "-d", domain, "-s", str(secret), f"-X{without}", "-f", str(forward), "-r", str(back)]
    process = subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not _listens(forward):
            assert process.poll() is None and time.monotonic() < deadline, "postsrsd did not start"
            time.sleep(0.05)
        yield forward, back
    finally:
        process.terminate()
        process.wait(10)


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Return a certificate signed by itself, and its key."""
    made, key = folder / "fullchain.pem", folder / "privkey.pem"
    asked = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(made), "-subj", f"/CN={name}"]
    subprocess.run([*asked, *files], check=True, capture_output=True)
    return made, key


def swaks(port: int, sender: str, recipient: str, mail: Path, *, tls: bool = False) -> int:
    """Send the mail in a file and return swaks's exit code."""
    asked = ["swaks", "--server", "127.0.0.1", "--port", str(port), "--from", sender, "--to", recipient]
    asked += ["--tls", "--tls-protocol", "tlsv1_2"] if tls else []
    return subprocess.run(
        [*asked, "--data", f"@{mail}", "--silent", "2"], check=False, capture_output=True, timeout=30
    ).returncode


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
