"""Rules about who may know what, read from the sources themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import whosaw

SOURCE = Path(whosaw.__file__).parent
ROOT = SOURCE.parents[1]
MODULES = sorted(SOURCE.rglob("*.py"))


def imported(path: Path, *, at_once: bool = False) -> set[str]:
    """Return the packages that a file imports; with `at_once`, those it needs to be imported itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in tree.body if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_the_checker_of_the_demo_knows_nothing_of_whosaw() -> None:
    assert "whosaw" not in imported(ROOT / "demo" / "check.py")


@pytest.mark.parametrize("stage", ["terms", "prove"])
def test_what_a_stranger_runs_needs_the_standard_library_and_cryptography(stage: str) -> None:
    for path in (SOURCE / stage).rglob("*.py"):
        assert imported(path, at_once=True) <= set(sys.stdlib_module_names) | {"cryptography", "whosaw"}, path


def test_the_client_needs_httpx_and_no_stage() -> None:
    program = (
        "import sys, whosaw.client;"
        "print(sorted({n.split('.')[1] for n in sys.modules if n.startswith('whosaw.')} - {'client', 'terms'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_trace_over_a_lake_needs_no_server_and_no_mail() -> None:
    """It is installed with the extra `lake` alone."""
    program = (
        "import sys, whosaw.app.tracing, whosaw.app.commands.traces;"
        "print(sorted({'alembic', 'babel', 'dkim', 'fastapi', 'jinja2', 'psycopg', 'sqlalchemy'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("stage", ["ask", "decide", "reveal", "trace"])
def test_a_pure_stage_opens_no_socket_and_no_database(stage: str) -> None:
    forbidden = {"psycopg", "socket", "httpx", "asyncio", "subprocess", "sqlite3", "duckdb"}
    for path in (SOURCE / stage).rglob("*.py"):
        # PostgreSQL's own grammar can end its process, so it has one of its own: this file starts it, and no other may
        own = {"subprocess"} if path == SOURCE / "ask" / "sqlreader.py" else set()
        assert not imported(path) & (forbidden - own), path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_what_tells_the_time_reads_the_machines_clock(path: Path) -> None:
    """Times come from the injected clock; a command that a person runs, and the clock itself, ask the machine."""
    if path.name == "clock.py" or "commands" in path.parts:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}:
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            assert owner not in {"datetime", "date"}, f"line {node.lineno}"
