"""A lake in an object store: exported, asked, erased and checked against moto's S3 server, a process of its own.

It speaks S3's protocol over HTTP to pyarrow's own client (uploads in parts, listings, deletions); it is not Amazon's
store, so its durability and its limits are not what is tried here.
"""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
import pytest

from whosaw.lake.answers import ask
from whosaw.lake.compact import Sizes
from whosaw.lake.errors import LakeUnwritable
from whosaw.lake.flow import export
from whosaw.lake.named import Asked
from whosaw.lake.place import Store, place_of
from whosaw.lake.trailmanifest import folder_of
from whosaw.lake.trailread import Trail
from whosaw.lake.verify import verify_lake
from whosaw.record.erasure import Mandate, erase_subject

START_US = 1_772_409_600_000_000
SMALL = Sizes(file_rows=30, day_files=3, month_after_days=2)


@pytest.fixture(scope="module")
def s3_port() -> Iterator[int]:
    pytest.importorskip("moto", reason="left out: moto[server] is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield port
    server.kill()
    server.wait()


@pytest.fixture
def bucket(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tester")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tester-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    name = f"lake{random.randrange(10**9)}"
    end = f"127.0.0.1:{s3_port}"
    store = pafs.S3FileSystem(
        endpoint_override=end, scheme="http", region="us-east-1", allow_bucket_creation=True, allow_bucket_deletion=True
    )
    store.create_dir(name)
    return f"s3://{name}/company/lake?endpoint_override={end}&scheme=http&region=us-east-1"


def entry(rng: random.Random, n: int) -> dict[str, Any]:
    return {
        "kind": "disclosure",
        "at": START_US + n * 5_000_000_000,
        "actor": rng.randrange(1, 6),
        "subject": rng.randrange(1, 30),
        "door": "http",
        "fields": ["customer.email=reveal"],
    }


async def test_a_lake_in_a_store_is_filled_asked_erased_and_proved(company: Any, bucket: str) -> None:
    trail = Trail(company.db, company.trail, company.keys.trail.verifier)
    rng = random.Random(4)
    for part in range(5):
        await company.appender.append_many([entry(rng, part * 20 + n) for n in range(20)])
        await company.integrator.step()
        await export(trail, bucket, sizes=SMALL)
    report = await verify_lake(trail, bucket)
    assert (report.rows, report.findings) == (100, ())
    found = ask(bucket, "who-saw", Asked(subjects={trail.origin: (3,)})).table
    assert found.num_rows
    await erase_subject(company.db, company.appender, company.clock, 3, Mandate(1, "asked for"))
    await company.integrator.step()
    done = await export(trail, bucket, sizes=SMALL)
    assert done.blanked == found.num_rows
    assert ask(bucket, "who-saw", Asked(subjects={trail.origin: (3,)})).table.num_rows == 0
    report = await verify_lake(trail, bucket)
    assert report.findings == ()
    place = place_of(bucket).within(folder_of(trail.origin))
    assert isinstance(place, Store)
    assert len(place.names()) == report.files + 1  # the manifest; nothing that was replaced stays


async def test_a_harmed_object_is_found(company: Any, bucket: str) -> None:
    trail = Trail(company.db, company.trail, company.keys.trail.verifier)
    await company.appender.append_many([entry(random.Random(5), n) for n in range(10)])
    await company.integrator.step()
    await export(trail, bucket)
    place = place_of(bucket).within(folder_of(trail.origin))
    [name, *_] = [each for each in place.names() if each.endswith(".parquet")]
    place.remove([name])
    kinds = {finding.kind for finding in (await verify_lake(trail, bucket)).findings}
    assert {"file_damaged", "missing"} <= kinds


def test_a_url_that_names_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LakeUnwritable):
        place_of("nosuchscheme://bucket/lake")
