"""Every kind of log gives the accesses it holds; a malformed one gives rejects or a clear error, never half a lake."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lakelogs import TRAIL, XES

from whosaw.lake.errors import (
    LakeError,
    LogColumnMissing,
    LogEmpty,
    LogEncoding,
    LogUnreadable,
    MappingInvalid,
    ZoneMissing,
)
from whosaw.lake.importer import ImportReport, import_log
from whosaw.lake.manifest import read_manifest
from whosaw.lake.mapping import Mapping, read_mapping
from whosaw.lake.opened import opened

Row = tuple[str | None, ...]


def bring(folder: Path, text: str | bytes, mapping: Mapping, name: str = "log") -> ImportReport:
    log = folder / name
    log.write_bytes(text.encode() if isinstance(text, str) else text)
    return import_log(log, mapping, folder / "lake")


def accesses(lake: Path, *names: str) -> list[Row]:
    spaces = ("actor", "subject", *names)
    columns = ", ".join(f"of_{space}.key" for space in spaces)
    joins = " ".join(
        f"LEFT JOIN numbers of_{space} ON of_{space}.space = '{space}' AND of_{space}.number = accesses.{space}"
        for space in spaces
    )
    with opened(lake) as open_lake:
        return open_lake.rows(f"SELECT at_us, {columns} FROM accesses {joins} ORDER BY ALL")


def of_format(named: str, **changes: Any) -> Mapping:
    return read_mapping({"kind": "accesses", "log": {"format": named}} | changes)


PLAIN = read_mapping(
    {"kind": "accesses", "columns": {"actor": "a", "subject": "s", "at": "t"}, "time": {"format": "epoch_us"}}
)
JSONL = read_mapping(
    {
        "kind": "accesses",
        "log": {"format": "jsonl"},
        "columns": {"actor": "who.name", "subject": "ids.0", "at": "t"},
        "time": {"format": "epoch_us"},
    }
)


def test_tab_separated_rows_are_read(tmp_path: Path) -> None:
    mapping = of_format(
        "tsv", columns={"actor": "a", "subject": "s", "at": "t"}, time={"format": "epoch_us"}
    )  # fmt: skip
    assert bring(tmp_path, "a\ts\tt\nkim\t7,8\t5\n", mapping).accepted == 1
    assert accesses(tmp_path / "lake") == [(5, "kim", "7,8")]


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: pa.compress(text, "zstd", asbytes=True)])
def test_packed_logs_are_the_same_rows(tmp_path: Path, pack: Any) -> None:
    text = b"a,s,t\n" + b"".join(b"a%d,s%d,%d\n" % (n % 7, n % 40, n) for n in range(20_000))
    assert bring(tmp_path, text, PLAIN).accepted == 20_000
    assert bring(tmp_path, pack(text), PLAIN, "packed").duplicates == 20_000
    both = pack(text[:1000]) + pack(text[1000:])
    assert bring(tmp_path, both, PLAIN, "two members").duplicates == 20_000


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: pa.compress(text, "zstd", asbytes=True)])
def test_a_packed_log_that_is_cut_short_or_damaged_is_refused(tmp_path: Path, pack: Any) -> None:
    packed = pack(b"a,s,t\n" + b"".join(b"a%d,s%d,%d\n" % (n % 7, n, n * n) for n in range(9_000)))
    for broken in (packed[:-9], packed[: len(packed) // 2], packed[:40] + b"\xff\xff\xff\xff" + packed[44:]):
        with pytest.raises(LogUnreadable, match="compressed log is"):
            bring(tmp_path, broken, PLAIN)
    assert not read_manifest(tmp_path / "lake").sources


@pytest.mark.parametrize("pack", [lzma.compress, bz2.compress, lambda text: b"PK\x03\x04" + text])
def test_other_archives_are_named_and_refused(tmp_path: Path, pack: Any) -> None:
    with pytest.raises(LogUnreadable, match=r"is a zip archive|is compressed with"):
        bring(tmp_path, pack(b"a,s,t\n"), PLAIN)


def test_json_lines_are_read_by_paths_and_numbers_stay_as_written(tmp_path: Path) -> None:
    good = '{"who": {"name": "kim"}, "ids": [12345678901234567890123, 2], "t": "5"}'
    lines = [
        good,
        "",
        "not json",
        '{"who": {"name": "kim"',
        '["a"]',
        '{"who": {"name": "\\ud800"}, "ids": ["x"], "t": 1}',
        "7",
        good,
    ]
    report = bring(tmp_path, "\n".join(lines), JSONL)
    assert (report.rows, report.accepted, report.rejected) == (7, 2, 5)
    assert accesses(tmp_path / "lake") == [(5, "kim", "12345678901234567890123")] * 2
    assert report.rejects_path is not None
    rejects = [json.loads(line) for line in report.rejects_path.read_text().splitlines()]
    assert [(each["line"], each["reason"]) for each in rejects] == [
        (3, "row.malformed"), (4, "row.malformed"), (5, "row.malformed"), (6, "row.malformed"), (7, "row.malformed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        (b"", LogEmpty, "is empty"),
        (b"  \n \n", LogEmpty, "holds no record"),
        (b"nothing\nat all\n", LogUnreadable, "no record .* is a JSON object"),
        (b'{"who": {"name": "k"}, "ids": ["s"]}', LogColumnMissing, "anything under `t`"),
        (b'{"who": "\xff"}', LogEncoding, "not UTF-8"),
        (b'{"who": "' + b"x" * (3 << 20) + b'"}', LogUnreadable, "longer than"),
        ("{}".encode("utf-16"), LogEncoding, "UTF-16"),
    ],
)
def test_what_is_no_json_log_is_refused(tmp_path: Path, text: bytes, error: type[LakeError], match: str) -> None:
    with pytest.raises(error, match=match):
        bring(tmp_path, text, JSONL)


def test_records_nested_beyond_reason_are_rejected(tmp_path: Path) -> None:
    good = '{"who": {"name": "kim"}, "ids": ["s"], "t": "5"}'
    report = bring(tmp_path, good + "\n" + '{"a":' * 200_000 + "\n" + good, JSONL)
    assert (report.accepted, report.rejected) == (2, 1)


def test_cloudtrail_files_are_read_as_documents_and_as_lines(tmp_path: Path) -> None:
    mapping = of_format(
        "cloudtrail",
        columns={"subject": {"column": "requestParameters.key", "extract": "^customers/([0-9]+)/", "add_prefix": "c:"}},
        rows={"only": {"eventName": ["GetObject"]}},
    )
    other = TRAIL | {"eventName": "ListBuckets"}
    nobody = TRAIL | {"requestParameters": {"key": "readme"}, "userIdentity": {"type": "AWSService", "invokedBy": "x"}}
    document = json.dumps({"Records": [TRAIL, other, nobody]}, indent=1)
    report = bring(tmp_path, document, mapping)
    assert (report.rows, report.accepted, report.rejected, report.skipped) == (2, 1, 1, 1)
    expected = (1_772_366_400_000_000, "arn:aws:sts::1:assumed-role/desk/kim", "c:4711", "GetObject", "192.0.2.7")
    assert accesses(tmp_path / "lake", "activity", "device") == [expected]
    lines = "".join(json.dumps({"Records": [TRAIL]}) + "\n" for _ in range(3)) + json.dumps(TRAIL)
    assert bring(tmp_path, lines, mapping, "lines").accepted == 4
    for cut in (20, len(document) // 2, len(document) - 4):
        with pytest.raises(LogUnreadable, match=r"cut short|is not JSON"):
            bring(tmp_path, document[:cut], mapping, "cut")


def test_a_list_that_only_a_member_holds_is_no_container(tmp_path: Path) -> None:
    deep = TRAIL | {"responseElements": {"Records": [1, 2]}}
    mapping = of_format("cloudtrail", columns={"subject": "requestParameters.key"})
    assert bring(tmp_path, json.dumps(deep), mapping).accepted == 1


def test_ocsf_events_are_read(tmp_path: Path) -> None:
    event = {
        "class_uid": 6005,
        "time": 1_772_366_400_000,
        "activity_name": "Query",
        "actor": {"user": {"name": "kim"}},
        "metadata": {"version": "1.8.0", "product": {"name": "desk"}},
        "src_endpoint": {"ip": "192.0.2.7"},
        "unmapped": {"subject": "4711"},
    }
    mapping = of_format("ocsf", columns={"subject": "unmapped.subject"})
    assert bring(tmp_path, json.dumps([event, event | {"time": 5}]), mapping).accepted == 2
    assert accesses(tmp_path / "lake", "door") == [
        (5_000, "kim", "4711", "desk"),
        (1_772_366_400_000_000, "kim", "4711", "desk"),
    ]


def test_kubernetes_requests_count_once_when_only_their_end_is_taken(tmp_path: Path) -> None:
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "stage": "RequestReceived",
        "verb": "get",
        "user": {"username": "kim"},
        "sourceIPs": ["192.0.2.7"],
        "objectRef": {"resource": "secrets", "name": "customer-4711"},
        "requestReceivedTimestamp": "2026-03-01T12:00:00.000001Z",
    }
    mapping = of_format(
        "kubernetes",
        columns={"subject": {"column": "objectRef.name", "extract": "customer-(.+)"}},
        rows={"only": {"stage": ["ResponseComplete"]}, "except": {"objectRef.resource": ["nodes"]}},
    )
    done = event | {"stage": "ResponseComplete"}
    text = "\n".join(json.dumps(each) for each in (event, done, done | {"objectRef": {"resource": "nodes"}}))
    report = bring(tmp_path, text, mapping)
    assert (report.accepted, report.skipped) == (1, 2)
    assert accesses(tmp_path / "lake", "device") == [(1_772_366_400_000_001, "kim", "4711", "192.0.2.7")]
    listed = json.dumps({"kind": "EventList", "items": [done | {"verb": "list"}], "apiVersion": "audit.k8s.io/v1"})
    assert bring(tmp_path, listed, mapping, "list").accepted == 1


def test_help_desk_exports_are_read(tmp_path: Path) -> None:
    tickets = {
        "count": 1,
        "tickets": [{"id": 35, "requester_id": 20, "assignee_id": 9, "created_at": "2026-03-01T12:00:00Z"}],
    }
    assert bring(tmp_path, json.dumps(tickets), of_format("zendesk")).accepted == 1
    assert accesses(tmp_path / "lake", "ticket") == [(1_772_366_400_000_000, "9", "20", "35")]
    snow = {
        "result": [
            {
                "number": "INC1",
                "caller_id": {"value": "u7", "link": "x"},
                "sys_updated_by": "kim",
                "sys_updated_on": "2026-03-01 13:00:00",
            },
            {"number": "INC2", "caller_id": "u8", "sys_updated_by": "lou", "sys_updated_on": "2026-03-01 13:00:00"},
        ]
    }
    with pytest.raises(ZoneMissing):
        bring(tmp_path, json.dumps(snow), of_format("servicenow"), "snow")
    mapping = of_format("servicenow", time={"zone": "Europe/Berlin"})
    assert bring(tmp_path, json.dumps(snow), mapping, "snow").accepted == 2
    assert accesses(tmp_path / "lake", "ticket")[1:] == [
        (1_772_366_400_000_000, "kim", "u7", "INC1"),
        (1_772_366_400_000_000, "lou", "u8", "INC2"),
    ]


def test_work_logs_in_xes_are_read(tmp_path: Path) -> None:
    report = bring(tmp_path, XES, of_format("xes"))
    assert (report.accepted, report.rejected) == (1, 1)
    assert accesses(tmp_path / "lake", "activity") == [(1_772_366_400_000_000, "kim", "case <7>", "open")]
    assert bring(tmp_path, gzip.compress(XES.encode()), of_format("xes"), "packed").duplicates == 1


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<?xml version="1.0"?><!DOCTYPE log [<!ENTITY l0 "ha">{LAUGHS}]><log><trace>&l9;</trace></log>'


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (BOMB, "declares a document type"),
        ('<!DOCTYPE log SYSTEM "file:///etc/passwd"><log/>', "declares a document type"),
        ('<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]><log>&x;</log>', "declares a document type"),
        ("<html></html>", "begins with the element `html`"),
        (XES[:-6], "is not XES: no element found"),
        (XES.replace("</trace>", "</tracy>"), "mismatched tag"),
        ("<log>&undefined;</log>", "undefined entity"),
        ("<log>" + "<a>" * 100, "more than 64 deep"),
        ("<log><trace>" + '<string key="k" value="' + "x" * (1 << 21) + '"/></trace></log>', "longer than"),
        ("plain text", "syntax error"),
    ],
)
def test_hostile_xml_is_refused_before_it_grows(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(LogUnreadable, match=match):
        bring(tmp_path, text, of_format("xes"))


def test_a_log_of_another_kind_than_stated_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    pq.write_table(pa.table({"a": ["kim"], "s": ["7"], "t": [5]}), table)
    columns = {"actor": "a", "subject": "s", "at": "t"}
    with pytest.raises(LogUnreadable, match="is a Parquet file"):
        import_log(table, of_format("csv", columns=columns), tmp_path / "lake")
    with pytest.raises(LogUnreadable, match="is not a Parquet file"):
        bring(tmp_path, "a,s,t\n", of_format("parquet", columns=columns))
    named = of_format("parquet", columns=columns, time={"format": "epoch_us"})
    assert import_log(table, named, tmp_path / "lake").accepted == 1


def test_a_column_may_stand_in_several_places(tmp_path: Path) -> None:
    columns = {"actor": {"column": ["a", "b"], "strip": True, "blank": ["-"]}, "subject": "s", "at": "t"}
    mapping = read_mapping({"kind": "accesses", "columns": columns, "time": {"format": "epoch_us"}})
    assert bring(tmp_path, "a,b,s,t\n kim ,lou,s,1\n - ,lou,s,2\n,,s,3\n", mapping).rejected == 1
    assert accesses(tmp_path / "lake") == [(1, "kim", "s"), (2, "lou", "s")]


@pytest.mark.parametrize(
    ("document", "match"),
    [
        ({"log": {"format": "jsonn"}}, "log.format is `jsonn`"),
        ({"log": {"format": "xes", "delimiter": ";"}}, "which has none"),
        ({"log": {"format": "pgaudit"}}, "sql.tables"),
        ({"sql": {"tables": {"public.c": {"key": "id"}}}}, "stands only beside"),
        ({"log": {"format": "pgaudit"}, "sql": {"tables": {"c": {"key": "id"}}}}, "schema.table"),
        ({"log": {"format": "pgaudit"}, "sql": {"tables": {"p.c": {"key": "id", "type": "float"}}}}, "type is `float`"),
        ({"log": {"format": "cloudtrail"}}, "must map `subject`"),
        ({"keep": {"columns": ["x"]}}, "nothing is kept for ever"),
        ({"keep": {"columns": ["x"], "days": 0}}, "between 1 and"),
        ({"rejects": {"days": True}}, "a whole number"),
        ({"grade": {"written_by": "god"}}, "grade.written_by is `god`"),
        ({"rows": {"only": {"x": "y"}}}, "a list of texts"),
        ({"columns": {"actor": "a", "at": "t", "subject": {"column": "s", "extract": "x"}}}, "one group, it has 0"),
        ({"columns": {"actor": "a", "at": "t", "subject": {"column": "s", "extract": "(x"}}}, "no regular expression"),
        ({"columns": {"actor": "a", "at": "t", "subject": {"column": []}}}, "must be text, not a list"),
    ],
)
def test_a_mapping_that_cannot_be_carried_out_is_refused(document: dict[str, Any], match: str) -> None:
    columns = {"actor": "a", "subject": "s", "at": "t"}
    if document.get("log", {}).get("format") not in ("cloudtrail", "xes", "pgaudit"):
        document = {"columns": columns} | document
    with pytest.raises(MappingInvalid, match=match):
        read_mapping({"kind": "accesses"} | document)
