"""What a stranger needs to verify a bundle: Python, the package, and `cryptography`; nothing else is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import whosaw
from whosaw.prove import BundleEntry, Checkpoint, SigningKey, canonical, entry_leaf, sign_checkpoint, write_bundle
from whosaw.prove.merkle import LeafTree, inclusion_proof

# no site-packages and no current folder: the standard library, and what is linked into the one folder given
BARE = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import runpy
runpy.run_module("whosaw", run_name="__main__", alter_sys=True)
"""
SERVER_ONLY = (
    "psycopg",
    "sqlalchemy",
    "fastapi",
    "starlette",
    "uvicorn",
    "cedarpy",
    "alembic",
    "pydantic",
    "pyroaring",
)
WITH_THE_BASE = ("cryptography", "cffi", "_cffi_backend", "pycparser")


@pytest.fixture(scope="module")
def base_install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with links to what `pip install whosaw` brings, and to nothing that an extra brings."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "whosaw").symlink_to(Path(whosaw.__file__).parent)
    for name in WITH_THE_BASE:
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            place = Path(found.origin)
            target = place.parent if place.name == "__init__.py" else place
            (folder / target.name).symlink_to(target)
    return folder


def bare(base_install: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", BARE, str(base_install), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = SigningKey.generate("example.org/trail")
    payloads = [canonical({"kind": "disclosure", "subject": number}) for number in range(3)]
    tree = LeafTree([entry_leaf(bytes(32), raw) for raw in payloads])
    path = tmp_path_factory.mktemp("bundle") / "evidence.zip"
    entries = [BundleEntry(i, bytes(32), payloads[i].decode(), tuple(inclusion_proof(i, 3, tree))) for i in range(3)]
    note = sign_checkpoint(Checkpoint(key.name, 3, tree.root()), key)
    write_bundle(path, checkpoint=note, entries=entries, files={"facts.json": b"{}"}, seal=key)
    (path.parent / "policy").write_text(f"log {key.verifier}\nquorum none\n")
    return path


def test_only_the_base_is_there(base_install: Path) -> None:
    program = "import sys; sys.path.insert(0, sys.argv[1])\nimport cryptography, importlib.util as u\n"
    program += "print([name for name in ('psycopg', 'cyclopts', 'rich', 'numpy', 'httpx') if u.find_spec(name)])"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(base_install)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_bundle_is_verified_with_the_base_alone(base_install: Path, bundle: Path) -> None:
    done = bare(base_install, "verify", str(bundle), "--policy", str(bundle.parent / "policy"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "verified: 3 entries and 1 files" in done.stdout
    assert "the signer is in your policy" in done.stdout
    told = json.loads(bare(base_install, "verify", str(bundle), "--json").stdout)
    assert (told["verified"], told["trusted"], told["indices"]) == (True, False, [0, 1, 2])


def test_an_altered_bundle_is_refused_with_the_base_alone(base_install: Path, bundle: Path, tmp_path: Path) -> None:
    altered = tmp_path / "evidence.zip"
    altered.write_bytes(bundle.read_bytes()[:-1])
    done = bare(base_install, "verify", str(altered))
    assert (done.returncode, done.stdout) == (1, "")
    assert "[prove.bundle_invalid]\nhint: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("who", "C-1"), "all"),
        (("who", "C-1", "--lake", "lake"), "lake"),
        (("serve",), "all"),
        (("demo",), "all"),
        (("import", "log.csv"), "lake"),
        (("trace",), "lake"),
    ],
)
def test_every_other_command_names_the_extra_it_needs(
    base_install: Path, arguments: tuple[str, ...], extra: str
) -> None:
    done = bare(base_install, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "[app.missing_extra]" in done.stderr
    assert f"hint: pip install 'whosaw[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_one_extra_a_command_of_another_names_what_it_needs(base_install: Path, tmp_path: Path) -> None:
    site = Path(importlib.import_module("cyclopts").__file__ or "").parents[1]
    for place in [*base_install.iterdir(), *site.iterdir()]:
        if not place.name.startswith(SERVER_ONLY) and not (tmp_path / place.name).exists():
            (tmp_path / place.name).symlink_to(place.resolve())
    for command in ("serve", "who", "fsck"):
        done = bare(tmp_path, command, *(["C-1"] if command == "who" else []))
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "[app.missing_extra]\nhint: pip install 'whosaw[all]'" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_lake_is_asked_who_saw_somebody_without_what_the_server_needs(base_install: Path, tmp_path: Path) -> None:
    site, folder = Path(importlib.import_module("cyclopts").__file__ or "").parents[1], tmp_path / "lake-extra"
    folder.mkdir()
    for place in [*base_install.iterdir(), *site.iterdir()]:
        if not place.name.startswith(SERVER_ONLY) and not (folder / place.name).exists():
            (folder / place.name).symlink_to(place.resolve())
    log, mapping = tmp_path / "log.csv", tmp_path / "mapping.toml"
    log.write_text("when,agent,client\n2026-03-02T10:00:00Z,E-1,C-7\n")
    mapping.write_text('kind = "accesses"\n[columns]\nat = "when"\nactor = "agent"\nsubject = "client"\n')
    lake = str(tmp_path / "lake")
    made = bare(folder, "import", str(log), "--mapping", str(mapping), "--lake", lake)
    assert made.returncode == 0, made.stderr
    told = bare(folder, "who", "C-7", "--lake", lake, "--json")
    assert told.returncode == 0, told.stderr
    assert [each["actor"] for each in json.loads(told.stdout)["accesses"]] == ["E-1"]


def test_help_and_version_need_no_extra(base_install: Path) -> None:
    for arguments in (("--help",), ("-h",), ()):
        done = bare(base_install, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert "whosaw verify BUNDLE" in done.stdout
    assert bare(base_install, "--version").stdout == f"{whosaw.__version__}\n"
