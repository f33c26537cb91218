"""A Dovecot of its own in a temporary folder, on high ports of loopback, started and ended by its process id."""

from __future__ import annotations

import os
import pwd
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.store.mail.private_postfix import free_port

USER, PASSWORD = "complaints", "a_long_word"


def why_not() -> str:
    """Return why no Dovecot can be had here; empty where one can."""
    if shutil.which("dovecot", path="/usr/sbin:/usr/bin") is None:
        return "needs the system package dovecot-imapd (scripts/system-packages)"
    if os.geteuid() != 0:
        return "Dovecot's login process changes its user, which takes root"
    return ""


@dataclass(frozen=True)
class PrivateDovecot:
    """A running Dovecot: its ports without and with TLS, and who trusts its certificate."""

    port: int
    tls_port: int
    context: ssl.SSLContext


@contextmanager
def private_dovecot() -> Iterator[PrivateDovecot]:
    """Run one whose only user is `USER`."""
    # its sockets stand in this folder, and their names may have a hundred bytes
    folder = Path(tempfile.mkdtemp(prefix="dc-"))
    folder.chmod(0o755)
    port, tls_port, owner = free_port(), free_port(), pwd.getpwnam("nobody")
    home = folder / "home"
    home.mkdir()
    os.chown(home, owner.pw_uid, owner.pw_gid)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "dovecot.conf").write_text(f"""
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
first_valid_uid = 1
mail_location = maildir:~/Maildir
passdb {{
  driver = static
  args = password={PASSWORD} user={USER}
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={home}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
""")
    server = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(folder / "dovecot.conf")])
    try:
        _wait(folder, server, port)
        yield PrivateDovecot(port, tls_port, ssl.create_default_context(cafile=str(folder / "cert.pem")))
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path, server: subprocess.Popen[bytes], port: int) -> None:
    import socket

    deadline = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError as cause:
            if server.poll() is not None or time.monotonic() > deadline:
                log = folder / "log"
                raise AssertionError(log.read_text() if log.exists() else "dovecot did not start") from cause
        time.sleep(0.05)
