"""The story, small: what it says is true, its checker would notice if it were not, and it can be interrupted."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from whosaw.__main__ import main
from whosaw.store import EmbeddedPostgres

if TYPE_CHECKING:
    from tests.e2e.conftest import Commands

SMALL = ("--customers", "2000", "--staff", "40", "--days", "14")
CHECK = Path(__file__).parents[2] / "demo" / "check.py"
KEYS = {
    *("asks", "entries", "complaints", "verdict", "candidates", "outside_probability", "explained"),
    *("scope", "notices"),
    *("suspension_ms", "steps", "bundle", "tamper", "truth", "timings_s"),
}
FOR_THE_CHECKER = {"scope_subjects", "places"}
HANGS_S = 400
"""No story is still being told after so long; beside other work on two cores one takes a minute."""

# Runs while the demonstration's database still does: the true summary, and each of some untrue ones, to the checker.
SPOILER = """
import contextlib, io, json, runpy, sys
from pathlib import Path

given = json.load(sys.stdin)
checker = runpy.run_path(CHECK)["main"]

def check(summary):
    sys.stdin, said = io.StringIO(json.dumps(summary)), io.StringIO()
    with contextlib.redirect_stdout(said):
        return checker(), said.getvalue()

def spoiled(*path, to):
    copy = json.loads(json.dumps(given))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to(place[path[-1]])
    return copy

more = lambda n: n + 1
lies = {
    "asks.total": spoiled("asks", "total", to=more),
    "asks.allowed": spoiled("asks", "allowed", to=more),
    "asks.live": spoiled("asks", "live", to=lambda _: 0),
    "entries": spoiled("entries", to=lambda _: 1),
    "notices.sent": spoiled("notices", "sent", to=more),
    "notices.missed": spoiled("notices", "missed", to=more),
    "notices.needless": spoiled("notices", "needless", to=more),
    "bundle.verified": spoiled("bundle", "verified", to=lambda _: False),
    "tamper.found": spoiled("tamper", "found", to=lambda _: 1),
    "steps": spoiled("steps", to=lambda _: ["suspend_actor"]),
    "truth.actors": spoiled("truth", "actors", to=lambda _: ["E-9999"]),
    "candidates": spoiled("candidates", to=lambda _: [{"actors": ["E-9999"], "rung": "finding"}]),
    "scope": spoiled("scope_subjects", "certain", to=lambda keys: keys[1:] or ["customer:C-000001"]),
}
Path(TOLD).write_text(json.dumps({"true": check(given), "lies": {name: check(lie) for name, lie in lies.items()}}))
"""


@dataclass(frozen=True)
class Played:
    """One demonstration: what it printed, its summary, and what the checker said to the truth and to lies."""

    done: subprocess.CompletedProcess[str]
    folder: Path
    summary: dict[str, Any]
    checked: dict[str, Any]


def play(whosaw: Commands, *more: str) -> Played:
    told, program = whosaw.state / "told.json", whosaw.state / "spoiler.py"
    whosaw.state.mkdir(mode=0o755)
    program.write_text(SPOILER.replace("CHECK", repr(str(CHECK))).replace("TOLD", repr(str(told))))
    folder, summary = whosaw.state / "demo", whosaw.state / "summary.json"
    done = whosaw.run(
        *("demo", *SMALL, "--no-serve", "--folder", str(folder), "--json", str(summary), "--check", str(program)),
        *more,
        timeout=HANGS_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Played(done, folder, json.loads(summary.read_text()), json.loads(told.read_text()))


@pytest.fixture(scope="module")
def story(open_folder: Path, commands_over: Callable[[Path], Commands]) -> Played:
    return play(commands_over(open_folder / "story"))


@pytest.fixture(scope="module")
def quiet(open_folder: Path, commands_over: Callable[[Path], Commands]) -> Played:
    return play(commands_over(open_folder / "quiet"), "--no-insider", "--seed", "2")


def adds_up(summary: dict[str, Any]) -> bool:
    asks = summary["asks"]
    return bool(
        set(asks) == {"live", "total", "allowed", "masked", "denied"}
        and asks["total"] == asks["allowed"] + asks["masked"] + asks["denied"]
        and 0 < asks["live"] < asks["total"] <= summary["entries"]
        and asks["masked"]
        and asks["denied"]
    )


def test_the_summary_has_the_documented_facts_and_they_add_up(story: Played, quiet: Played) -> None:
    for summary in (story.summary, quiet.summary):
        assert set(summary) == KEYS | FOR_THE_CHECKER
        assert adds_up(summary)
        assert set(summary["scope"]) >= {"certain", "probable", "possible", "bound", "bounded"}
        assert set(summary["notices"]) == {"certain", "probable", "sent", "missed", "needless"}
        assert set(summary["bundle"]) == {"path", "verified"}
        assert summary["bundle"]["verified"] is True
        assert summary["tamper"] == {"altered": 5, "found": 5}
        assert set(summary["truth"]) == {"actors", "subjects"}
        assert set(summary["timings_s"]) >= {"work", "attribution", "answer", "total"}
        assert 0 <= summary["outside_probability"] <= 1 and 0 <= summary["explained"] <= 1
        assert summary["complaints"] >= 3


def test_the_bribed_employee_is_found_stopped_and_everyone_affected_told(story: Played) -> None:
    summary = story.summary
    assert summary["verdict"] == "finding"
    assert [each["actors"] for each in summary["candidates"] if each["rung"] == "finding"] == [
        summary["truth"]["actors"]
    ]
    assert summary["steps"] == [
        *("preserve", "suspend_actor", "notify_subjects", "suspend_seller", "withhold_funds", "restore_reviews")
    ]
    assert 0 <= summary["suspension_ms"] < 1_000
    notices = summary["notices"]
    assert notices["sent"] == notices["certain"] + notices["probable"] > 0


def test_where_nobody_inside_leaked_nobody_is_named_and_nothing_is_done(quiet: Played) -> None:
    summary = quiet.summary
    assert summary["verdict"] in {"outside", "undecided"}
    assert {each["rung"] for each in summary["candidates"]} <= {"no_signal"}
    assert summary["steps"] == []
    assert summary["suspension_ms"] is None
    assert summary["notices"]["sent"] == 0
    assert summary["truth"]["actors"] == []


def test_the_checker_believes_the_truth_and_none_of_thirteen_lies(story: Played) -> None:
    assert story.checked["true"][0] == 0, story.checked["true"][1]
    lies = story.checked["lies"]
    assert len(lies) == 13
    for name, (code, said) in lies.items():
        assert code == 1, f"{name}: {said}"
        assert "NOT TRUE" in said


def test_the_checker_notices_a_suspension_that_the_quiet_story_never_had(quiet: Played) -> None:
    assert quiet.checked["true"][0] == 0, quiet.checked["true"][1]
    for name in ("steps", "candidates", "truth.actors"):
        assert quiet.checked["lies"][name][0] == 1


def test_the_table_tells_what_the_json_says_and_a_pipe_gets_no_colours(story: Played) -> None:
    printed, summary = story.done.stdout, story.summary
    assert "\x1b" not in printed + story.done.stderr
    assert story.done.stderr == ""
    asks = summary["asks"]
    assert f"{asks['total']:,} ({asks['live']:,} live): {asks['allowed']:,} allowed" in printed
    assert f"{summary['notices']['sent']} sent" in printed
    assert "5 of 5 altered entries named by fsck" in printed


def test_a_canary_is_planted_touched_and_told_and_the_next_ask_is_held_up(story: Played, quiet: Played) -> None:
    for printed in (story.done.stdout, quiet.done.stdout):
        told = " ".join(printed.split())
        assert re.search(r"[0-9]+ of its 2,0[0-9]+ customers do not exist: who copies 100 takes one", told)
        assert "without work: answered like anybody else (purpose.missing)" in told
        assert "with a ticket: refused (friction.reason_needed), and shown once he says why" in told
        assert re.search(r"canary\.hit names entry [0-9]+ and nobody", told)


def test_nothing_of_the_truth_stands_where_a_stage_could_read_it(story: Played) -> None:
    """The folder holds the truth in one file that only its owner may read, and in the clear nowhere else."""
    assert (story.folder / "truth.json").stat().st_mode & 0o077 == 0
    assert (story.folder / "whosaw.toml").stat().st_mode & 0o077 == 0
    catalog = (story.folder / "whosaw.toml").read_text()
    assert "market_truth" not in catalog


def test_the_bundle_is_verified_anywhere_and_an_altered_one_is_refused(
    story: Played, whosaw: Commands, clear_error: Callable[..., str], tmp_path: Path
) -> None:
    bundle, policy = story.summary["bundle"]["path"], str(story.folder / "trail" / "policy")
    with zipfile.ZipFile(bundle) as files:
        letters = {name for name in files.namelist() if name.startswith("files/letters/")}
    assert {Path(name).stem for name in letters} <= {"certain", "probable"}
    assert bool(letters) is (story.summary["notices"]["sent"] > 0), "one letter of each wording that went out"
    good = whosaw.run("verify", bundle, "--policy", policy)
    assert (good.returncode, good.stderr) == (0, "")
    assert "a demonstration, not evidence" in good.stdout
    raw = bytearray(Path(bundle).read_bytes())
    raw[len(raw) // 2] ^= 1
    altered = tmp_path / "altered.zip"
    altered.write_bytes(raw)
    clear_error(whosaw.run("verify", str(altered)), "prove.bundle_invalid")
    other = tmp_path / "policy"
    other.write_text(Path(policy).read_text().replace("log ", "log x"))
    done = whosaw.run("verify", bundle, "--policy", str(other))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_who_saw_a_customer_is_answered_after_the_demo_and_a_closed_pipe_is_no_error(
    story: Played, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHOSAW_STATE", str(story.folder))

    def who(*arguments: str) -> Any:
        assert main(["who", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    with EmbeddedPostgres(story.folder / "postgres"):  # runs already, so that each command only attaches
        subject = story.summary["scope_subjects"]["certain"][0]
        told = who(subject)
        assert told["known"]
        assert told["counts"]["entries"] == len(told["accesses"]) > 0
        assert story.summary["truth"]["actors"][0] in {access["actor"] for access in told["accesses"]}
        assert told["completeness"]["entries"] >= story.summary["entries"]
        assert len(who(subject, "--field", "customer.address")["accesses"]) <= len(told["accesses"])
        assert who(subject, "--since", "2090-01-01")["accesses"] == []
        assert not who("C-999999")["known"]
        piped = subprocess.run(
            f"{sys.executable} -m whosaw who {subject} | head -1",
            shell=True,
            env={"PATH": "/usr/bin:/bin", "WHOSAW_STATE": str(story.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert piped.stderr == ""
        assert piped.stdout.startswith(subject)


def test_the_case_is_traced_again_by_itself_and_comes_to_the_same(
    story: Played, quiet: Played, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the case, the trail and the shop's orders: some of who complains was never opened, and is in these alone."""

    def rungs(verdict: dict[str, Any]) -> list[tuple[Any, str]]:
        return [(each["actors"], each["rung"]) for each in verdict["candidates"] if each["rung"] != "no_signal"]

    for played in (story, quiet):
        monkeypatch.setenv("WHOSAW_STATE", str(played.folder))
        monkeypatch.delenv("WHOSAW_TOKEN", raising=False)
        with EmbeddedPostgres(played.folder / "postgres"):
            assert main(["user", "add", "officer:privacy"]) == 0
            monkeypatch.setenv("WHOSAW_TOKEN", re.findall(r"ws_[\w-]+", capsys.readouterr().out)[0])
            assert main(["case", "show", "CASE-1", "--json"]) == 0
            then = json.loads(capsys.readouterr().out)["verdict"]
            assert main(["case", "trace", "CASE-1", "--json"]) == 0, capsys.readouterr().err
            now = json.loads(capsys.readouterr().out)["verdict"]
            assert now["candidates"], "it ranks"
            assert rungs(now) == rungs(then) and (now["verdict"] == "finding") is (then["verdict"] == "finding")
            assert bool(rungs(now)) is (played is story)


def wait_for_work(demo: Any) -> None:
    """Read what the demonstration prints until its staff are at work."""
    assert demo.popen.stdout is not None
    for line in demo.popen.stdout:
        if line.startswith("Staff work"):
            return
    pytest.fail(f"the demonstration ended before any work: {demo.popen.stderr.read()}")


def ended(demo: Any) -> bool:
    for _ in range(100):
        if not demo.left():
            return True
        time.sleep(0.1)
    return False


def test_an_interrupted_demo_says_so_leaves_no_process_and_can_be_started_again(
    open_folder: Path, commands_over: Callable[[Path], Commands]
) -> None:
    whosaw = commands_over(open_folder / "interrupted")
    folder = whosaw.state / "demo"
    start = ("demo", *SMALL, "--no-serve", "--folder", str(folder))
    killed = whosaw.start(*start)
    wait_for_work(killed)
    second = whosaw.run(*start)
    assert (second.returncode, "[app.demo_running]\nhint: " in second.stderr) == (1, True)
    killed.popen.kill()
    killed.popen.communicate()
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the background of a script
    demo = whosaw.start(*start)
    signal.signal(signal.SIGINT, ours)
    wait_for_work(demo)
    demo.popen.terminate()
    _, said = demo.popen.communicate(timeout=30)
    assert demo.popen.returncode == 130
    assert said.strip() == "interrupted: nothing is left half-written, and the command can be run again"
    assert ended(demo), demo.left()
    assert not (folder / "postgres" / "data" / "postmaster.pid").exists()
    assert ended(killed), killed.left()
    shutil.rmtree(folder)


def test_an_interrupt_while_the_ground_is_laid_leaves_no_server(
    open_folder: Path, commands_over: Callable[[Path], Commands]
) -> None:
    whosaw = commands_over(open_folder / "early")
    folder = whosaw.state / "demo"
    demo = whosaw.start("demo", *SMALL, "--no-serve", "--folder", str(folder))
    while not (folder / "postgres" / "lock").exists() and demo.popen.poll() is None:
        time.sleep(0.01)
    time.sleep(0.1)
    demo.popen.send_signal(signal.SIGINT)
    _, said = demo.popen.communicate(timeout=30)
    assert (demo.popen.returncode, "Traceback" in said) == (130, False)
    assert ended(demo), demo.left()
