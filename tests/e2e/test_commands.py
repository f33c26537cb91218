"""The commands as a user meets them when something is wrong: a message, a hint, the right exit code, no traceback."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from whosaw.__main__ import main

if TYPE_CHECKING:
    from tests.e2e.conftest import Commands

Check = Callable[[subprocess.CompletedProcess[str], str], str]
Run = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ("--customers", "2000", "--staff", "40", "--days", "14", "--no-serve")
BANK = str(Path(__file__).parents[2] / "examples" / "bank_worklog.toml")
COMMANDS = ("who", "import", "trace", "serve", "check", "fsck", "demo", "user", "verify")


@pytest.fixture
def here(whosaw: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, which is many times faster than starting one."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the test run keeps its own way to end
    monkeypatch.setenv("WHOSAW_STATE", str(whosaw.state))

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        exit_code = main(arguments)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, exit_code, said.out, said.err)

    return run


def nothing_made(whosaw: Commands) -> bool:
    return not whosaw.state.exists()


def test_help_names_every_command_with_a_line_on_it(whosaw: Commands) -> None:
    done = whosaw.run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    lines = {
        line.strip("│ ").partition(" ")[0]: line.strip("│ ").partition(" ")[2].strip()
        for line in done.stdout.splitlines()
    }
    assert all(lines[command] for command in COMMANDS)
    assert "\x1b" not in done.stdout
    assert nothing_made(whosaw)


def test_the_version_is_the_packages(whosaw: Commands) -> None:
    done = whosaw.run("--version")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "0.1.0", "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("nosuch",), "nosuch"),
        (("who", "C-1", "--nope"), "--nope"),
        (("who",), "CUSTOMER"),
        (("demo", "--customers", "many"), "--customers"),
        (("demo", "--seed", "-1"), "--seed"),
        (("user", "suspend", "E-1"), "--reason"),
    ],
)
def test_wrong_usage_is_named_and_ends_with_two(
    whosaw: Commands, here: Run, arguments: tuple[str, ...], named: str
) -> None:
    done = here(*arguments)
    assert done.returncode == 2
    assert named.lower() in done.stderr.lower()
    assert "[app.usage]\nhint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert nothing_made(whosaw)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("who", "C-1"), "app.no_trail_key"),
        (("fsck",), "app.no_trail_key"),
        (("who", ":"), "terms.bad_reference"),
        (("import", "log.csv"), "app.import_options"),
        (("who", "C-1", "--since", "yesterday"), "app.bad_time"),
        (("check",), "catalog.invalid"),
        (("check", "--catalog", "/nonexistent/whosaw.toml"), "catalog.invalid"),
        (("verify", "/nonexistent.zip"), "prove.bundle_invalid"),
        (("serve", "--port", "99999"), "app.port_in_use"),
        (("serve", "--port", "-1"), "app.port_in_use"),
        (("demo", "--customers", "3"), "market.bad_size"),
        (("demo", "--staff", "0"), "market.bad_size"),
        (("demo", "--days", "100000"), "market.bad_size"),
        (("demo", *SMALL, "--json", "/nonexistent/summary.json"), "app.summary_unwritable"),
        (("demo", *SMALL, "--check", "/nonexistent/check.py"), "app.check_missing"),
        (("demo", *SMALL, "--folder", "/proc/nonexistent"), "app.not_a_demo"),
        (("import", "/nonexistent.csv", "--mapping", BANK, "--lake", "{tmp}/lake"), "lake.log_missing"),
        (("import", BANK, "--mapping", "/nonexistent.toml", "--lake", "{tmp}/lake"), "lake.mapping_missing"),
        (("import", BANK, "--mapping", BANK, "--lake", "{tmp}/lake"), "lake.column_missing"),
        (("trace", "--lake", "{tmp}/lake", "--sightings", "/nonexistent.csv"), "lake.sightings_invalid"),
    ],
)
def test_what_is_not_there_or_cannot_be_is_said_and_nothing_is_made(
    whosaw: Commands, here: Run, clear_error: Check, tmp_path: Path, arguments: tuple[str, ...], code: str
) -> None:
    clear_error(here(*(argument.format(tmp=tmp_path) for argument in arguments)), code)
    assert nothing_made(whosaw)


def test_a_lake_that_is_not_there_is_said(whosaw: Commands, here: Run, clear_error: Check, tmp_path: Path) -> None:
    sightings = tmp_path / "sightings.csv"
    sightings.write_text("subject,contacted_at\nC-1,2026-03-01T12:00:00+01:00\n")
    done = here("trace", "--lake", str(tmp_path / "nowhere"), "--sightings", str(sightings))
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "\nhint: " in done.stderr
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[company", "not TOML"),
        ("[company]\nname = 'x'\ncontact = 'y'\n", "actors"),
        ("[company]\nname = 'x'\ncontact = 'y'\n[surces.shop]\nurl = 'sqlite://'\n", "did you mean `sources`?"),
        ("\xff", "UTF-8"),
    ],
)
def test_a_bad_catalog_is_named_with_what_is_wrong(
    whosaw: Commands, here: Run, clear_error: Check, tmp_path: Path, text: str, told: str
) -> None:
    catalog = tmp_path / "whosaw.toml"
    catalog.write_bytes(text.encode("latin-1"))
    assert told in clear_error(here("check", WHOSAW_CATALOG=str(catalog)), "catalog.invalid")


def test_a_bad_mapping_is_named_with_what_is_wrong(
    whosaw: Commands, here: Run, clear_error: Check, tmp_path: Path
) -> None:
    mapping, log = tmp_path / "mapping.toml", tmp_path / "log.csv"
    log.write_text("who,whom,when\na,b,2026-01-01 10:00\n")
    mapping.write_text('kind = "accesses"\n[columns]\nactor = "who"\nsubjct = "whom"\nat = "when"\n')
    done = here("import", str(log), "--mapping", str(mapping), "--lake", str(tmp_path / "lake"))
    assert "subjct" in clear_error(done, "lake.mapping_invalid")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("postgresql://u:topsecret@127.0.0.1:1/x", "store.unreachable"),
        ("garbage topsecret", "store.address_invalid"),
        ("postgresql://u:topsecret@[::1/x", "store.address_invalid"),
    ],
)
def test_a_database_that_does_not_answer_is_said_without_its_password(
    here: Run, clear_error: Check, company_state: Path, address: str, code: str
) -> None:
    done = here("user", "suspend", "E-1", "--reason", "x", WHOSAW_STATE=str(company_state), WHOSAW_DATABASE=address)
    assert "topsecret" not in clear_error(done, code)


def test_a_setting_that_cannot_be_used_is_named(whosaw: Commands, here: Run, clear_error: Check) -> None:
    assert "WHOSAW_PORT" in clear_error(here("serve", WHOSAW_PORT="http"), "app.settings_invalid")


def test_a_taken_port_is_said_before_anything_is_made(whosaw: Commands, here: Run, clear_error: Check) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for command in (("serve",), ("demo", "--customers", "2000", "--staff", "40", "--days", "14")):
            assert port in clear_error(here(*command, "--port", port), "app.port_in_use")
    assert nothing_made(whosaw)


def test_a_demo_never_clears_a_folder_that_is_not_a_demonstrations(
    here: Run, clear_error: Check, tmp_path: Path
) -> None:
    folder, file = tmp_path / "thesis", tmp_path / "thesis.txt"
    folder.mkdir()
    (folder / "chapter.txt").write_text("years of work")
    file.write_text("more of it")
    for place in (folder, file):
        clear_error(here("demo", *SMALL, "--folder", str(place)), "app.not_a_demo")
    assert (folder / "chapter.txt").read_text() == "years of work"
    assert sorted(path.name for path in folder.iterdir()) == ["chapter.txt"]
    assert file.read_text() == "more of it"


def test_a_misspelled_command_is_told_without_importing_any() -> None:
    program = (
        "import sys; from whosaw.__main__ import main; code = main(['trcae']);"
        "print(code, *(name for name in sys.modules if name.startswith('whosaw.app.commands')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "2"
    assert 'Did you mean "trace"?' in done.stderr


def test_in_a_process_of_its_own_a_command_ends_the_same_way(whosaw: Commands, clear_error: Check) -> None:
    clear_error(whosaw.run("who", "C-1"), "app.no_trail_key")
    assert whosaw.run("nosuch").returncode == 2
    assert nothing_made(whosaw)
