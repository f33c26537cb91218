"""A short crash campaign with every kind of victim, and its counter-trial, which must lose what it promised."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CAMPAIGN = Path(__file__).parents[1] / "crash" / "campaign.py"


def campaign(*words: str) -> Any:
    done = subprocess.run(
        [sys.executable, CAMPAIGN, "--json", *words], capture_output=True, text=True, check=False, timeout=200
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_of_what_was_answered_nothing_is_lost_whatever_is_killed() -> None:
    found = campaign("--kills", "30", "--at-most-s", "40")
    assert found["wrong"] == []
    assert (found["missing"], found["doubled"], found["ok"]) == (0, 0, True)
    assert set(found["kills"]) == {"door", "backend", "postgres", "integrator"}
    assert sum(found["in_flight"].values()) >= sum(found["kills"].values()) / 2
    assert found["answers"] > 100
    assert found["checkpoints"] > 1


def test_the_same_campaign_finds_the_loss_where_commits_do_not_wait_for_the_disk() -> None:
    found = campaign("--control", "--kills", "4", "--at-most-s", "20")
    assert found["missing"] > 0
    assert not found["ok"]
