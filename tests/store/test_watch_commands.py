"""``whosaw watch`` on a server's record, as people call it, each under his own token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.store.test_watch_restoring import bought_away
from tests.store.watchworld import BRIBED, END, SOLD, found_company, work_for_weeks

from whosaw.__main__ import main
from whosaw.app.commands.opened import with_services
from whosaw.app.services import Services
from whosaw.gate import add_token
from whosaw.terms import SharedClock


def test_from_the_daily_run_to_a_case(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found_company(database_url, tmp_path / "state")
    SharedClock(tmp_path / "state" / "clock", END)
    monkeypatch.setenv("WHOSAW_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WHOSAW_DATABASE", database_url)
    tokens: dict[str, str] = {}

    async def make(services: Services) -> None:
        await work_for_weeks(services)
        for who in ("E-1", "P-1", "S-1"):
            tokens[who] = await add_token(services.db, who, services.clock.now())

    with_services(make)

    def call(who: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("WHOSAW_TOKEN", tokens[who])
        code = main(list(arguments))
        return (code, *capsys.readouterr())

    assert "watch: templates none declared; employees are asked" in call("P-1", "check")[1]
    assert "nothing was weighed yet" in call("P-1", "watch", "flags")[1]
    assert json.loads(call("P-1", "watch", "daily", "--json")[1])["cases"] == 1
    assert "nothing to do" in call("P-1", "watch", "daily")[1]
    code, _, errors = call("E-1", "watch", "flags")
    assert code == 1 and "app.review_refused" in errors
    told = json.loads(call("P-1", "watch", "flags", "--json")[1])
    (flag,) = [each for each in told["flags"] if each["tier"] == "case"]
    assert flag["beneficiary"] == f"seller:S-{SOLD}" and f"E-{BRIBED}" not in json.dumps(told)
    printed = call("P-1", "watch", "flags", "--flag", flag["id"])[1]
    assert flag["seal"] in printed and "perhaps" in printed and "permuted at random" in printed
    assert all(each in " ".join(printed.split()) for each in told["measured"]["missing"])
    to_reviewer, to_others = (
        json.loads(call(who, "watch", "replay", flag["id"], "--json")[1]) for who in ("P-1", "E-1")
    )
    assert to_reviewer["beneficiary"] == f"seller:S-{SOLD}" and "customer:C-" in json.dumps(to_reviewer)
    assert "C-" not in json.dumps(to_others) and f"S-{SOLD}" not in json.dumps(to_others)
    assert to_others["seal"] == flag["seal"] and len(to_others["accesses"]) == len(flag["told"]["rows"])
    assert all(each["subject"].startswith("subject #") for each in to_others["accesses"])
    number = flag["actor"].removeprefix("actor #")
    assert told["measured"]["selected"] == [int(number)] and told["measured"]["false_discovery"] == 0.1
    assert flag["told"]["selected"] is True
    assert f"(e-BH): actor #{number}, of whom at most 10%" in " ".join(printed.split())
    code, _, errors = call("E-1", "watch", "queue")
    assert code == 1 and "app.review_refused" in errors
    queue = json.loads(call("P-1", "watch", "queue", "--json")[1])
    times = [each["at"] for each in queue["unexplained"]["accesses"]]
    assert times == sorted(times) and len(times) == queue["unexplained"]["count"] > 20
    assert f"E-{BRIBED}" not in json.dumps(queue) and "C-" not in json.dumps(queue)
    said = " ".join(call("P-1", "watch", "queue", "--most", "3")[1].split())
    assert "no list of suspects" in said and "explained" in said and said.count("subject #") == 3
    assert queue["unexplained"]["accesses"][-1]["subject"] in said
    note = ("--note", "the works council and the security desk looked at it")
    assert "second reviewer" in call("P-1", "watch", "verdict", flag["id"], "confirmed", *note)[1]
    mine, others = (call(who, "watch", "flags", "--flag", flag["id"])[1] for who in ("P-1", "S-1"))
    assert note[1] in " ".join(mine.split()) and "by P-1" in mine
    assert "confirmed on" in others and "works council" not in others and "P-1" not in others
    mine, others = (call(who, "watch", "flags", "--flag", flag["id"], "--json")[1] for who in ("P-1", "S-1"))
    assert json.loads(mine)["flags"][0]["verdicts"] == [["confirmed", "P-1"]] and note[1] in mine
    assert json.loads(others)["flags"][0]["verdicts"] == [["confirmed", ""]] and note[1] not in others
    case = json.loads(call("P-1", "watch", "case", flag["id"], "--reason", "the evidence is strong", "--json")[1])
    assert (case["case"], case["beneficiary"]) == ("CASE-1", f"seller:S-{SOLD}")
    why = ("--because", "a recall that he was told to ring about")
    assert call("E-1", "watch", "explain", flag["id"], *why)[0] == 1
    made = json.loads(call("P-1", "watch", "explain", flag["id"], *why, "--from", "2026-02-01", "--json")[1])
    assert (made["explanation"], made["from"], made["state"]) == (1, "2026-02-01", "declared")
    agreed = json.loads(call("S-1", "watch", "agree", "1", "--json")[1])
    assert agreed["agreed_by"] == "S-1" and agreed["recomputed"]["looks"] > 0
    assert "is withdrawn" in call("P-1", "watch", "withdraw", "1")[1]
    assert json.loads(call("P-1", "watch", "explanations", "--json")[1])[0]["state"] == "withdrawn"
    reviews, deletions = map(str, bought_away(tmp_path, f"S-{SOLD}"))
    restore = ("watch", "restore", "CASE-1", "--reviews", reviews, "--deletions", deletions)
    step = json.loads(call("P-1", *restore, "--json")[1])
    assert len(step["reviews"]) == 10 and f"whosaw case approve {step['step']}" in call("P-1", *restore)[1]
    assert "nobody asks you" in call("P-1", "watch", "prompts")[1]
    assert "nobody asks you to decide" in call("P-1", "watch", "second")[1]
    code, _, errors = call("P-1", "watch", "second", "1", "favour", "--because", "it names a real defect")
    assert code == 1 and "app.second_refused" in errors
    code, _, errors = call("P-1", "watch", "answer", "1", "--because", "she rang about a parcel")
    assert code == 1 and "app.prompt_refused" in errors
