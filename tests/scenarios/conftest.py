"""Worlds with a known truth lie beside the tests: `tests/worlds`. Every share a scenario judged is one row of a table.

With ``WHOSAW_SCENARIOS_WRITE`` set the table goes to docs/measured/scenarios.md, with date, command and commit; rows
that this run did not play stay as they are there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.store.test_measures import Door, made_shop, opened

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "measured" / "scenarios.md"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@dataclass(frozen=True)
class Row:
    """One judged line: in `hits` of `seeds` it was so, and `bar` says how many were asked."""

    scenario: str
    what: str
    hits: int
    seeds: int
    bar: str

    def line(self, day: str) -> str:
        return f"| {self.scenario} | {self.what} | {self.hits} of {self.seeds} | {self.bar} | {day} |"


_HEADER = """| Story | What | In how many seeds | Asked | Played | Commit |
|---|---|---|---|---|---|
"""
_TITLE = """# The stories, played over seeds

`make scenarios` plays each story over seeds and writes this page; `make test` plays a few seeds of the same. A row says
in how many of how many seeds something was so, what was asked, when it was played, and at which commit: rows of another
day stay until they are played again. S1: the article from end to end. S2: a ring with a broker. S4: a canary, and a
seller who had the addresses already. S6: mass export. S7: bought deletions and a bought reinstatement. S9: letters to
the EU and California, rights of those affected. All but S9 have a control in which nobody leaked. A row of one seed is
a story played once from end to end: a company with its database, doors, shop and mailbox.

"""
_ROWS = pytest.StashKey[list[Row]]()


@dataclass(frozen=True)
class Results:
    """Takes what scenarios judge."""

    rows: list[Row]

    def least(self, scenario: str, what: str, flags: list[bool], bar: float) -> None:
        """Note in how many seeds `flags` holds, and fail where the share is below `bar`."""
        self._note(Row(scenario, what, sum(flags), len(flags), f"≥ {bar:.0%}" if bar < 1 else "all"))
        assert sum(flags) >= bar * len(flags), f"{scenario}: {what}: {sum(flags)} of {len(flags)}"

    def most(self, scenario: str, what: str, flags: list[bool], bar: float) -> None:
        """Note in how many seeds `flags` holds, and fail where the share is above `bar`; one seed may by chance."""
        self._note(Row(scenario, what, sum(flags), len(flags), f"≤ {bar:.0%}" if bar else "none"))
        allowed = max(1, bar * len(flags)) if bar else 0
        assert sum(flags) <= allowed, f"{scenario}: {what}: {sum(flags)} of {len(flags)}"

    def _note(self, row: Row) -> None:
        self.rows.append(row)


@pytest.fixture
def shop_url(postgres_url: str) -> Iterator[str]:
    with made_shop(postgres_url) as url:
        yield url


@pytest.fixture
async def door(shop_url: str) -> AsyncIterator[Door]:
    """The shop's receiver of measures."""
    async with opened(shop_url) as made:
        yield made


@pytest.fixture
def results(request: pytest.FixtureRequest) -> Results:
    return Results(request.config.stash.setdefault(_ROWS, []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash.get(_ROWS, [])
    if not rows:
        return
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    terminalreporter.section("scenarios")
    for row in rows:
        terminalreporter.write_line(row.line(day).strip("| "))
    if os.environ.get("WHOSAW_SCENARIOS_WRITE"):
        _write(rows, day)
        terminalreporter.write_line(f"written: {PAGE.relative_to(ROOT)}")


def _write(rows: list[Row], day: str) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    found = {}
    if PAGE.exists():
        lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| S")]
        found = {tuple(line.split(" | ")[:2]): line for line in lines}
    for row in rows:
        line = f"{row.line(day)} `{commit}` |"
        found[tuple(line.split(" | ")[:2])] = line
    body = "\n".join(sorted(found.values()))
    PAGE.write_text(f"{_before(PAGE)}{_HEADER}{body}\n", encoding="utf-8")


def _before(page: Path) -> str:
    """Return what stands before the table: somebody may have said there how its rows were played."""
    said = page.read_text(encoding="utf-8").partition(_HEADER)[0] if page.exists() else ""
    return said or _TITLE
