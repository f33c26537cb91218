"""The live stream of OCSF events: each entry's once, wherever it is cut, and valid as the files are."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from pyroaring import BitMap64

from whosaw.lake.errors import LakeBusy, LakeDamaged
from whosaw.lake.flow import export
from whosaw.lake.ocsf import EXTENSION, OCSF
from whosaw.lake.ocsfstream import FileSink, PipeSink, stream_ocsf
from whosaw.lake.trailread import Trail
from whosaw.prove.exposure import exposure_hash

CLASSES = {6005: "datastore_activity", 6003: "api_activity", 2004: "detection_finding", 3005: "user_access"}


def said(n: int, **more: Any) -> dict[str, Any]:
    kind = ("disclosure", "disclosure", "denial", "action", "hold", "suspension")[n % 6]
    entry = {"kind": kind, "at": 1_772_409_600_000_000 + n, "actor": n % 5, "subject": n % 9, "door": "http"}
    if kind == "disclosure":
        entry |= {"decision": "allow", "verified": "yes", "fields": ["customer.email=reveal"]}
    return entry | ({"action": "refund.create"} if kind == "action" else {}) | more


@pytest.fixture
def trail(company: Any) -> Trail:
    return Trail(company.db, company.trail, company.keys.trail.verifier)


async def fill(company: Any, first: int, count: int) -> None:
    await company.appender.append_many([said(n) for n in range(first, first + count)])
    await company.integrator.step()


async def append_set(company: Any, numbers: list[int], verified: str = "yes") -> None:
    raw, salt = BitMap64(numbers).serialize(), bytes(32)
    async with company.db.connection() as conn:
        await conn.execute("select trail_expose(%b, %b)", [salt, raw])
    named = {"exposure": exposure_hash(salt, raw).hex(), "subjects": len(numbers), "verified": verified}
    await company.appender.append(said(0, subject=numbers[-1], **named))
    await company.integrator.step()


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def drain(trail: Trail, lake: Path, path: Path) -> None:
    with FileSink(path) as sink:
        await stream_ocsf(trail, lake, sink, follow=False)


async def test_every_entry_has_its_event_once_and_all_are_valid(company: Any, trail: Trail, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    await fill(company, 0, 30)
    await drain(trail, tmp_path / "lake", path)
    await append_set(company, list(range(1, 8)))
    await append_set(company, list(range(1, 301)))
    await append_set(company, list(range(1, 151)), verified="no")
    await fill(company, 30, 12)
    await drain(trail, tmp_path / "lake", path)
    await drain(trail, tmp_path / "lake", path)
    found = events(path)
    plain = [each["metadata"]["sequence"] for each in found if each["class_uid"] != 2004]
    assert plain == [n for n in range(45) if n in {30, 31, 32} or (n if n < 30 else n - 3) % 6 != 4]
    odd = [each["metadata"]["sequence"] for each in found if each["class_uid"] == 2004]
    assert odd == [31, 32]  # forty times the set before it; without a verified reason
    assert path.stat().st_mode & 0o777 == 0o600
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(OCSF))
    published = {uid: jsonschema.Draft202012Validator(schema.get_class_schema(name)) for uid, name in CLASSES.items()}
    assert {each["class_uid"] for each in found} == set(CLASSES)
    for each in found:
        jsonschema.Draft202012Validator(EXTENSION).validate(each.pop("whosaw"))
        published[each["class_uid"]].validate(each)


async def test_wherever_the_file_is_cut_the_stream_goes_on_to_the_same_bytes(
    company: Any, trail: Trail, tmp_path: Path
) -> None:
    await fill(company, 0, 12)
    await append_set(company, list(range(1, 6)))
    await append_set(company, list(range(1, 301)))
    await fill(company, 12, 6)
    await export(trail, tmp_path / "lake")
    whole, path = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    await drain(trail, tmp_path / "lake", whole)
    body = whole.read_bytes()
    plain = [json.dumps({**each, "whosaw": None}) for each in events(whole)]
    rng = random.Random(4)
    ends = [0, 1, len(body) - 1, *(at + 1 for at, byte in enumerate(body) if byte == 10)]
    for cut in [*ends, *(rng.randrange(len(body)) for _ in range(20))]:
        path.write_bytes(body[:cut])
        await drain(trail, tmp_path / ("lake" if cut % 2 else "none"), path)
        assert [json.dumps({**each, "whosaw": None}) for each in events(path)] == plain, cut


async def test_a_follower_writes_what_comes_and_a_second_one_is_kept_out(
    company: Any, trail: Trail, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    with FileSink(path) as sink:
        following = asyncio.create_task(stream_ocsf(trail, tmp_path / "lake", sink, every_s=0.01))
        for first in range(0, 60, 20):
            await fill(company, first, 20)
        with pytest.raises(LakeBusy), FileSink(path):
            pass
        async with asyncio.timeout(20):
            while len(path.read_text().splitlines()) < 50:
                await asyncio.sleep(0.01)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    counted = Counter(each["metadata"]["sequence"] for each in events(path))
    assert counted == Counter(n for n in range(60) if n % 6 != 4)


async def test_a_reader_of_a_pipe_says_what_it_has(
    company: Any, trail: Trail, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(company, 0, 12)
    await stream_ocsf(trail, tmp_path / "lake", PipeSink(7), follow=False)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["metadata"]["sequence"] for line in lines] == [7, 8, 9, 11]


@pytest.mark.parametrize(
    "text", ["hello", "hello\n", '{"a": 1}', '{"class_uid": 6005}\n', "[1]\n", '{"class_uid": 1, "metadata": 3}\n']
)
async def test_a_file_of_something_else_is_not_touched(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(LakeDamaged), FileSink(path):
        pass
    assert path.read_text() == text
