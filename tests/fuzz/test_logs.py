"""A log of any kind that was cut, altered or mixed up is imported as far as it can be read, or refused as a whole."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whosaw.lake.errors import LakeError
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import Mapping, read_mapping
from whosaw.lake.opened import opened

MUTANTS = 25
FEW = 6  # where each import starts a child process
ROWS = [("kim", f"47{n:02d}", f"2026-03-01T12:{n:02d}:00Z") for n in range(12)]
COLUMNS = {"actor": "who", "subject": "whom", "at": "when"}


def table(delimiter: str) -> bytes:
    lines = ["who,whom,when,note", *(",".join((*row, '"a, b"')) for row in ROWS)]
    return "\n".join(line.replace(",", delimiter) for line in lines).encode() + b"\n"


def records(*, of: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return [(of or {}) | {"who": who, "whom": whom, "when": when} for who, whom, when in ROWS]


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records()), sink)
    return sink.getvalue()


def zstd(raw: bytes) -> bytes:
    packed: bytes = pa.compress(raw, codec="zstd", asbytes=True)
    return packed


def xes() -> bytes:
    traces = (
        f'<trace><string key="concept:name" value="{whom}"/><event><string key="org:resource" value="{who}"/>'
        f'<date key="time:timestamp" value="{when}"/></event></trace>'
        for who, whom, when in ROWS
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><log>{"".join(traces)}</log>'.encode()


def postgres() -> bytes:
    text = io.StringIO()
    for place, (who, whom, _) in enumerate(ROWS):
        cells = [""] * 26
        cells[0], cells[1], cells[5], cells[11] = "2026-03-01 12:00:00.123 UTC", who, f"s{place}", "LOG"
        cells[13] = (
            f'AUDIT: SESSION,{place},1,READ,SELECT,TABLE,public.customer,"select 1 from customer where id = {whom}",'
        )
        csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def postgres_json() -> bytes:
    said = "AUDIT: SESSION,{},1,READ,SELECT,TABLE,public.customer,select 1 from customer where id = {},<none>"
    lines = (
        {
            "timestamp": "2026-03-01 12:00:00.123 UTC",
            "user": who,
            "session_id": f"s{n}",
            "message": said.format(n, whom),
        }
        for n, (who, whom, _) in enumerate(ROWS)
    )
    return "\n".join(map(json.dumps, lines)).encode()


def plain(named: str, **more: Any) -> Mapping:
    return read_mapping({"kind": "accesses", "log": {"format": named}, "columns": COLUMNS} | more)


def known(named: str, **more: Any) -> Mapping:
    return read_mapping({"kind": "accesses", "log": {"format": named}} | more)


PGAUDIT = known("pgaudit", sql={"tables": {"public.customer": {"key": "id", "type": "integer"}}})
LINES = "\n".join(map(json.dumps, records())).encode()
TRAIL = [
    {"userIdentity": {"arn": who}, "eventTime": when, "requestParameters": {"key": whom}} for who, whom, when in ROWS
]
EVENTS = [{"actor": {"user": {"uid": who}}, "time": 1_772_366_400_000, "whom": whom} for who, whom, _ in ROWS]
REQUESTS = [
    {"user": {"username": who}, "requestReceivedTimestamp": when, "objectRef": {"name": whom}}
    for who, whom, when in ROWS
]
TICKETS = [
    {"id": n, "requester_id": whom, "assignee_id": who, "created_at": when} for n, (who, whom, when) in enumerate(ROWS)
]
WORK = [
    {"number": "I", "caller_id": {"value": whom}, "sys_updated_by": who, "sys_updated_on": when}
    for who, whom, when in ROWS
]
KINDS: dict[str, tuple[bytes, Mapping]] = {
    "csv": (table(","), plain("csv")),
    "tsv": (table("\t"), plain("tsv")),
    "gzip": (gzip.compress(table(",")), plain("csv")),
    "zstd": (zstd(table(",")), plain("csv")),
    "jsonl": (LINES, plain("jsonl")),
    "json": (json.dumps({"records": records()}).encode(), plain("json")),
    "parquet": (parquet(), plain("parquet")),
    "xes": (xes(), known("xes")),
    "pgaudit": (postgres(), PGAUDIT),
    "pgaudit in json": (postgres_json(), PGAUDIT),
    "cloudtrail": (
        json.dumps({"Records": TRAIL}).encode(),
        known("cloudtrail", columns={"subject": "requestParameters.key"}),
    ),
    "ocsf": (json.dumps(EVENTS).encode(), known("ocsf", columns={"subject": "whom"})),
    "kubernetes": (
        json.dumps({"items": REQUESTS}).encode(),
        known("kubernetes", columns={"subject": "objectRef.name"}),
    ),
    "zendesk": (json.dumps({"tickets": TICKETS}).encode(), known("zendesk")),
    "servicenow": (json.dumps({"result": WORK}).encode(), known("servicenow")),
}


def mutant(raw: bytes, rng: random.Random) -> bytes:
    """Return a log cut, overwritten, with a piece doubled, moved or of another kind, or with bytes that mean a lot."""
    at, end = sorted((rng.randrange(len(raw) + 1), rng.randrange(len(raw) + 1)))
    other = rng.choice(list(KINDS.values()))[0]
    heavy = rng.choice(
        [b"\0", b'"', b"\r", b"\n", b"{", b"[" * 3_000, b"\xff\xfe", b"<!DOCTYPE x>", b"]]>", b"PAR1", b","]
    )
    return rng.choice(
        [
            raw[:at],
            raw[end:],
            raw[:at] + raw[end:],
            raw[:at] + heavy + raw[at:],
            raw[:at] + bytes([rng.randrange(256)]) + raw[at + 1 :],
            raw[:end] + raw[at:],
            raw[:at] + other[:end],
            other[:at] + raw,
        ]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_whole(tmp_path: Path, kind: str) -> None:
    raw, mapping = KINDS[kind]
    (tmp_path / "log").write_bytes(raw)
    report = import_log(tmp_path / "log", mapping, tmp_path / "lake")
    assert (report.accepted, report.rejected) == (12, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_malformed_is_counted_or_refused_and_nothing_is_half_there(tmp_path: Path, kind: str) -> None:
    raw, mapping = KINDS[kind]
    rng = random.Random(kind)
    refused = accepted = rows = 0
    mutants = FEW if kind.startswith("pgaudit") else MUTANTS
    for number in range(mutants):
        log = tmp_path / "log"
        log.write_bytes(mutant(raw, rng))
        lake = tmp_path / f"lake-{number}"
        try:
            report = import_log(log, mapping, lake)
        except LakeError as problem:
            assert problem.hint, problem
            assert not list(lake.glob("*.parquet"))
            assert not list((lake / "rejects").glob("*"))
            refused += 1
            continue
        finally:
            assert not (lake / ".staging").exists()
        assert report.rows == report.accepted + report.rejected + report.duplicates
        assert (report.rejects_path is None) == (report.rejected == 0)
        with opened(lake) as open_lake:
            (held,) = open_lake.rows("SELECT count(*) FROM (FROM accesses UNION ALL FROM touches)")[0]
        assert held == report.accepted
        accepted, rows = accepted + 1, rows + report.rows
    assert refused + accepted == mutants
    assert refused or mutants == FEW, "no mutant was bad enough"
