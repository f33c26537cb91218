"""Kill doors, integrators, backends and the whole PostgreSQL at random under load; then judge by what clients kept.

`python tests/crash/campaign.py --kills 1000 --write` keeps the table in docs/measured. A campaign runs in parts, each
over a fresh trail and judged by itself; with `--parts FILE` a finished part is a line there, and a campaign that was
interrupted goes on after the last one. `--control` is the counter-trial: the same with commits that do not wait for the
disk, which must lose entries, or the campaign would prove nothing. Exit 1 where anything shown has no entry (or, under
`--control`, where nothing was lost).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from clients import Clients, Kept, keep_checkpoints
from judge import Verdict, judge
from victims import RECOVERY_S, Company, adopt_orphans
from workers import BASE, context, journal_path

from whosaw.prove import open_checkpoint
from whosaw.record import Keys, load_or_create
from whosaw.store import Database, DatabaseUnreachable, EmbeddedPostgres, upgrade
from whosaw.store.database import with_database
from whosaw.terms import SystemClock

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "measured" / "crash.md"
DOORS, CLIENTS_PER_DOOR, INTEGRATORS = 3, 6, 2
# how often which victim, in a block of twenty kills that is shuffled
BLOCK = ["door"] * 9 + ["backend"] * 5 + ["postgres"] * 3 + ["integrator"] * 3


@dataclass
class Tally:
    """What was killed, and what it met."""

    kills: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)  # kills while an ask waited at what they hit
    cut: Counter[str] = field(default_factory=Counter)  # kills after which such an ask ended without a receipt
    slowest_recovery_s: float = 0.0

    def add(self, other: Tally) -> None:
        """Take in what another part counted."""
        self.kills += other.kills
        self.in_flight += other.in_flight
        self.cut += other.cut
        self.slowest_recovery_s = max(self.slowest_recovery_s, other.slowest_recovery_s)


@dataclass
class Part:
    """A finished part of a campaign: of which source, begun when, and what came out."""

    commit: str
    began: str
    seed: int
    tally: Tally
    verdict: Verdict

    def line(self) -> str:
        """Return the part as a line of a file."""
        return json.dumps(vars(self) | {"tally": vars(self.tally), "verdict": vars(self.verdict)})

    @classmethod
    def read(cls, line: str) -> Part:
        """Return the part that a line of a file holds."""
        found = json.loads(line)
        tally, verdict = found.pop("tally"), found.pop("verdict")
        counted = {name: Counter(tally[name]) for name in ("kills", "in_flight", "cut")}
        return cls(**found, tally=Tally(**tally | counted), verdict=Verdict(**verdict))


class Campaign:
    """One campaign over one company."""

    def __init__(self, company: Company, clients: Clients, chance: random.Random) -> None:
        self.tally = Tally()
        self._company = company
        self._clients = clients
        self._chance = chance
        self._watched: list[tuple[str, set[str]]] = []  # what a kill met in flight, to be settled in the end

    async def run(self, victims: list[str], until: float) -> None:
        """Kill one after the other; now and then the next blow falls before the last is recovered from."""
        for victim in victims:
            if time.monotonic() > until:
                break
            await asyncio.sleep(self._chance.uniform(0.02, 0.25))
            await self._kill(victim)
            if self._chance.random() < 0.6:
                await self.recovered()
        await self.recovered()

    def settle(self) -> Tally:
        """Return the tally, when every ask has ended."""
        for victim, asks in self._watched:
            self.tally.cut[victim] += bool(asks & self._clients.cut)
        return self.tally

    async def recovered(self) -> None:
        """Wait until every door has answered asks that were made after the blow, by itself.

        Raises:
            TimeoutError: one did not.
        """
        began = time.monotonic()
        # each client waits for one answer at most: more answers than clients are not all left from before
        before = [answered + CLIENTS_PER_DOOR for answered in self._clients.answered]
        while not all(now > then for now, then in zip(self._clients.answered, before, strict=True)):
            if time.monotonic() - began > RECOVERY_S:
                raise TimeoutError(f"a door did not answer within {RECOVERY_S:.0f} s")
            await asyncio.sleep(0.01)
        self.tally.slowest_recovery_s = max(self.tally.slowest_recovery_s, time.monotonic() - began)

    async def _kill(self, victim: str) -> None:
        waiting: list[set[str]] = []

        def struck() -> None:  # in the very moment: what waits then is what the kill met
            waiting.extend(set(asks) for asks in self._clients.waiting)

        kill: Callable[[random.Random, Callable[[], None]], int | None] = getattr(self._company, f"kill_{victim}")
        number = await asyncio.to_thread(kill, self._chance, struck)
        if number is not None:
            waiting = [waiting[number]]
        met = set().union(*waiting) if victim != "integrator" else set()
        self.tally.kills[victim] += 1
        self.tally.in_flight[victim] += bool(met)
        self._watched.append((victim, met))


async def campaign(options: argparse.Namespace, server: EmbeddedPostgres, state: Path) -> tuple[Tally, Verdict]:
    """Run one campaign and judge it."""
    url = make_database(server, lazy=options.control)
    keys = load_or_create(state / "keys", SystemClock(), BASE)
    company = Company(context(), server, state, url)
    company.open(DOORS, 0 if options.control else INTEGRATORS)
    clients = Clients(state, DOORS, CLIENTS_PER_DOOR)
    readers = [] if options.control else [keep_checkpoints(state / "trail", Kept(state / "checkpoints"))]
    reading = [asyncio.create_task(each) for each in readers]
    chance = random.Random(options.seed)
    running = Campaign(company, clients, chance)
    try:
        await running.recovered()
        stuck = []
        try:
            await running.run(victims(options.kills, chance, options.control), time.monotonic() + options.at_most_s)
        except TimeoutError as cause:
            stuck = [str(cause)]
        await clients.stop()
        await answers(url)
        async with Database(url) as db:
            if not options.control:
                await covered(db, state, keys)
                await asyncio.sleep(0.2)  # the reader looks every 50 ms
            for each in reading:
                each.cancel()
            verdict = await judge(db, state, keys, [journal_path(state, door) for door in range(DOORS)])
            verdict.wrong += stuck
            return running.settle(), verdict
    finally:
        company.close()


def victims(kills: int, chance: random.Random, control: bool) -> list[str]:
    """Return whom to kill, in order; the counter-trial kills PostgreSQL alone."""
    if control:
        return ["postgres"] * kills
    drawn = chance.sample(sorted(set(BLOCK)), len(set(BLOCK)))  # each once, however soon the time is up
    while len(drawn) < kills:
        drawn += chance.sample(BLOCK, len(BLOCK))
    return drawn[:kills]


def make_database(server: EmbeddedPostgres, *, lazy: bool) -> str:
    """Return the address of a fresh trail; a lazy one commits without waiting for the disk."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create database crash")
    url = with_database(server.url(), "crash")
    upgrade(url)
    if lazy:
        with psycopg.connect(url, autocommit=True) as connection:
            [(source,)] = connection.execute("select pg_get_functiondef('log_append'::regproc)").fetchall()
            made_lazy = source.replace("('synchronous_commit', 'on', true)", "('synchronous_commit', 'off', true)")
            assert made_lazy != source
            connection.execute(made_lazy)
    return url


async def answers(url: str) -> None:
    """Wait until the database takes connections, for it may still recover from the last blow.

    Raises:
        DatabaseUnreachable: it does not within `RECOVERY_S`.
    """
    began = time.monotonic()
    while True:
        try:
            async with Database(url):
                return
        except DatabaseUnreachable:
            if time.monotonic() - began > RECOVERY_S:
                raise
            await asyncio.sleep(0.1)


async def covered(db: Database, state: Path, keys: Keys) -> None:
    """Wait until the published checkpoint covers every entry.

    Raises:
        TimeoutError: it does not within `RECOVERY_S`.
    """
    async with asyncio.timeout(RECOVERY_S), db.connection() as connection:
        [(size,)] = await (await connection.execute("select size from trail_head")).fetchall()
        while open_checkpoint((state / "trail" / "checkpoint").read_bytes(), [keys.trail.verifier])[0].size < size:
            await asyncio.sleep(0.05)


def table(tally: Tally, verdict: Verdict) -> list[str]:
    """Return the campaign as a page's lines."""
    lines = ["| victim (SIGKILL) | kills | met an ask in flight | and cut one off |", "|---|---|---|---|"]
    names = {
        "door": "door",
        "backend": "PostgreSQL backend",
        "postgres": "whole PostgreSQL",
        "integrator": "integrator",
    }
    for victim, name in names.items():
        if n := tally.kills[victim]:
            lines.append(f"| {name} | {n} | {tally.in_flight[victim]} | {tally.cut[victim]} |")
    total = tally.kills.total()
    share = f"{tally.in_flight.total()} ({tally.in_flight.total() / total:.0%})"
    lines.append(f"| all | {total} | {share} | {tally.cut.total()} |")
    lines += [
        "",
        f"Answers that clients kept: {verdict.answers:,}. Entries: {verdict.entries:,}, of which nobody was told of "
        f"{verdict.unanswered:,} (the allowed direction). Checkpoints that a reader kept: {verdict.checkpoints:,}.",
        "",
        f"**Answers without their entry: {verdict.missing}. Indices given twice: {verdict.doubled}. "
        f"Other contradictions: {len(verdict.wrong)}.** Slowest recovery: {tally.slowest_recovery_s:.1f} s.",
        *(f"- {line}" for line in verdict.wrong[:20]),
    ]
    return lines


def page(parts: list[Part], lines: list[str], control: list[str]) -> str:
    """Return the measured page."""
    commits = " and ".join(dict.fromkeys(part.commit for part in parts))
    many = "" if len(parts) == 1 else f" · {len(parts)} parts, the first begun {parts[0].began}"
    head = [
        "# Killed at random",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · `python tests/crash/campaign.py {' '.join(sys.argv[1:])}` · commit "
        f"{commits} · {os.cpu_count()} cores{many}. What is done and judged: docs/crash.md.",
        "",
    ]
    counter = ["", "## Counter-trial: commits that do not wait for the disk", "", *control] if control else []
    return "\n".join([*head, *lines, *counter, ""])


def commit() -> str:
    """Return the source's commit, marked where files differ from it."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def run_parts(options: argparse.Namespace) -> list[Part]:
    """Run what is still missing of a campaign, part by part, and return all of it.

    Several processes may share one file of parts, each with a seed of its own.
    """
    parts: list[Part] = []
    began = time.monotonic()
    while True:
        if options.parts is not None and options.parts.exists():
            parts = [Part.read(line) for line in options.parts.read_text().splitlines()]
        left = options.kills - sum(part.tally.kills.total() for part in parts)
        left_s = options.at_most_s - (time.monotonic() - began)
        if left <= 0 or left_s <= 0:
            return parts
        seed = options.seed + len(parts)
        said = {"kills": min(left, options.part_kills), "seed": seed, "at_most_s": left_s}
        part = Part(commit(), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", seed, Tally(), Verdict())
        part.tally, part.verdict = run_one(argparse.Namespace(**vars(options) | said))
        parts.append(part)
        if options.parts is not None:
            options.parts.parent.mkdir(parents=True, exist_ok=True)
            with options.parts.open("a") as kept:
                kept.write(part.line() + "\n")
        print(f"  part {len(parts)}: {dict(part.tally.kills)}, {part.verdict}", file=sys.stderr, flush=True)


def together(parts: list[Part]) -> tuple[Tally, Verdict]:
    """Return what all parts counted."""
    tally, verdict = Tally(), Verdict()
    for part in parts:
        tally.add(part.tally)
        verdict.add(part.verdict)
    return tally, verdict


def run_one(options: argparse.Namespace) -> tuple[Tally, Verdict]:
    """Run one campaign in a folder and a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="whosaw-crash-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user where this runs as root
        state = folder / "state"
        state.mkdir()
        with EmbeddedPostgres(folder / "postgres") as server:
            return asyncio.run(campaign(options, server, state))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=30)
    options.add_argument("--at-most-s", type=float, default=3_600.0, help="seconds of killing; then it is judged")
    options.add_argument("--seed", type=int, default=1, help="of victims and moments (what they meet is the machine's)")
    options.add_argument("--part-kills", type=int, default=100, help="kills over one trail, before it is judged")
    options.add_argument("--parts", type=Path, metavar="FILE", help="keep finished parts there, and go on after them")
    options.add_argument("--control", action="store_true", help="only the counter-trial")
    options.add_argument("--json", action="store_true", help="print counts instead of a page")
    options.add_argument("--write", action="store_true", help=f"add the counter-trial, keep {PAGE.relative_to(ROOT)}")
    given = options.parse_args()
    adopt_orphans()
    parts = run_parts(given)
    tally, verdict = together(parts)
    lines, control_lines, fine = table(tally, verdict), [], verdict.ok != given.control
    if given.write and not given.control:
        lost = run_one(argparse.Namespace(**vars(given) | {"control": True, "kills": 10, "at_most_s": 60.0}))
        control_lines, fine = table(*lost), fine and lost[1].missing > 0
    if given.json:
        print(json.dumps(vars(tally) | vars(verdict) | {"ok": verdict.ok}))
    else:
        print(page(parts, lines, control_lines))
    if given.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(parts, lines, control_lines))
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
