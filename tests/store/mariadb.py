"""A MariaDB of the test's own in a folder, reached by its socket alone, whose clock hangs five hours ahead."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.store.mysqlkind import served

SERVER = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
MAKER = shutil.which("mariadb-install-db")
CLIENT = ["mariadb"]
MISSING = "needs mariadb-server (scripts/system-packages)"


@contextmanager
def mariadb() -> Iterator[str]:
    """Run a server; yield the address of its database ``shop``."""
    assert SERVER and MAKER, MISSING
    folder = Path(tempfile.mkdtemp(prefix="whosaw-maria-"))
    account = "mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, account)
    common = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={account}"]
    try:
        subprocess.run(
            [MAKER, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True,
            capture_output=True,
        )
        with served(folder, [SERVER, *common], CLIENT) as address:
            yield address
    finally:
        shutil.rmtree(folder)
