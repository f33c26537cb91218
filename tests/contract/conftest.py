"""The Go program of `tests/contract/go`, built once a run and asked over a pipe."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parent / "go" / "main.go"
GOPATH = Path("/usr/share/gocode")  # where Debian's golang-*-dev packages put their sources


class Sumdb:
    """A running program that answers with golang.org/x/mod/sumdb; bytes travel as base64."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def ask(self, what: str, **fields: object) -> dict[str, Any]:
        """Return the answer to one ask."""
        said = self.try_ask(what, **fields)
        assert "error" not in said, said
        return said

    def try_ask(self, what: str, **fields: object) -> dict[str, Any]:
        """Return the answer to one ask, or ``{"error": why}``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"ask": what, **fields}, default=encode).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def encode(raw: object) -> str:
    assert isinstance(raw, bytes)
    return base64.b64encode(raw).decode()


@pytest.fixture(scope="session")
def sumdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sumdb]:
    if shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("needs Debian's golang-go and golang-golang-x-mod-dev (scripts/system-packages)")
    folder = tmp_path_factory.mktemp("sumdb")
    binary = folder / "sumdb"
    settings = {
        "GO111MODULE": "off",  # Debian's sources are a GOPATH, and nothing is downloaded
        "GOPATH": str(GOPATH),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
        "GOPROXY": "off",
        "CGO_ENABLED": "0",
    }
    built = subprocess.run(
        ["go", "build", "-o", str(binary), str(SOURCE)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert built.returncode == 0, built.stderr
    with subprocess.Popen([str(binary)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Sumdb(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=10) == 0
