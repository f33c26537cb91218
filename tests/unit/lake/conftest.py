"""A small lake of two trails made by hand, and what the questions must answer about it, counted in plain Python."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from whosaw.lake.place import Folder
from whosaw.lake.trailfiles import write_rows
from whosaw.lake.trailmanifest import TrailManifest, folder_of, write_trail
from whosaw.lake.trailrows import SAID, read_payloads, rows_of

sys.path.insert(0, str(Path(__file__).parent))  # so that the tests here share `lakelogs`

CLASSES = {"customer.email": "contact", "customer.phone": "contact", "customer.address": "address"}
DAY_US = 86_400_000_000
START_US = 1_772_409_600_000_000  # 2026-03-02


@dataclass
class Made:
    """A lake and the entries it was made of: (trail, index, payload), and the sets some entries name."""

    folder: Path
    entries: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    sets: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=lambda: CLASSES)
    start_us: int = START_US

    def disclosures(self) -> list[tuple[str, int, int, dict[str, Any]]]:
        """Return (trail, index, subject, payload) of every subject to whom a field was revealed."""
        found = []
        for trail, index, payload in self.entries:
            if payload["kind"] == "disclosure" and any(each.endswith("=reveal") for each in payload["fields"]):
                for subject in self.sets.get((trail, index), [payload.get("subject")]):
                    if subject is not None:
                        found.append((trail, index, subject, payload))
        return found


def payload(rng: random.Random, at_us: int) -> dict[str, Any]:
    effects = ("reveal", "mask", "deny")
    kind = rng.choice(["disclosure"] * 8 + ["denial", "action"])
    made: dict[str, Any] = {
        "kind": kind,
        "at": at_us,
        "actor": rng.randrange(1, 9),
        "subject": rng.randrange(1, 40),
        "door": rng.choice(["http", "console"]),
        "decision": "allow",
        "verified": rng.choice(["yes", "no"]),
        "reason": "purpose.verified",
        "ask": f"{rng.getrandbits(128):032x}",
    }
    if kind == "action":
        return made | {"action": "refund", "object": "order:O-1"}
    made["fields"] = [f"{name}={rng.choice(effects)}" for name in sorted([*CLASSES, "customer.name"])]
    if rng.random() < 0.5:
        made["beneficiary"] = f"seller:S-{rng.randrange(1, 4)}"
    if rng.random() < 0.5:
        made["purpose"] = rng.randrange(1, 20)
    return made


def make_lake(
    folder: Path, entries: int = 400, trails: tuple[str, ...] = ("eu.example/trail", "us.example/trail")
) -> Made:
    rng = random.Random(7)
    made = Made(folder)
    for trail in trails:
        batch = [(index, payload(rng, START_US + index * 3 * DAY_US // entries)) for index in range(entries)]
        for place in (5, entries // 2, entries - 3):
            index, said = batch[place]
            numbers = sorted(rng.sample(range(1, 4000), 150 if place == 5 else 30))
            said.pop("subject")
            said |= {"kind": "disclosure", "fields": ["customer.email=reveal"], "exposure": "0" * 64}
            said |= {"subjects": len(numbers), "verified": "no" if place == 5 else "yes"}
            made.sets[trail, index] = numbers
        made.entries += [(trail, index, said) for index, said in batch]
        texts = pa.table([[index for index, _ in batch], [json.dumps(said) for _, said in batch]], schema=SAID)
        sets = {index: numbers for (name, index), numbers in made.sets.items() if name == trail}
        place_ = Folder(folder / folder_of(trail))
        rows = rows_of(trail, read_payloads(texts), sets)
        files = write_rows(place_, rows, (0, entries), (entries, "00" * 32))
        write_trail(place_, TrailManifest(trail, entries, "00" * 32, 0, tuple(files), CLASSES))
    return made


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="session")
def million(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The bench of the lake, and a lake of a million made disclosures."""
    found = importlib.util.spec_from_file_location("lake_bench", Path(__file__).parents[3] / "bench" / "lake.py")
    assert found is not None
    assert found.loader is not None
    bench = sys.modules[found.name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(bench)
    folder = tmp_path_factory.mktemp("million")
    bench.make(folder, 1_000_000)
    return bench, folder
