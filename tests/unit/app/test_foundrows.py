"""Found rows lead to the export or query they came from, however they were changed; prints hold no value."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from whosaw.app.cli import run
from whosaw.app.foundrows import match_files, match_lake, write_prints
from whosaw.app.tracefiles import TraceFileInvalid
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.terms import WhosawError

NAMES = ["Ana Ruiz", "Zoë Meyer", "Jörg Groß", "Li Wei", "Olu Ade"]


def person(n: int) -> dict[str, str]:
    return {"id": f"C-{n}", "name": NAMES[n % 5], "email": f"p{n}@example.org", "phone": f"+31 6 55 {n:04}"}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """Three exports of 400 customers each that overlap by half; the second has two seeded rows."""
    for name, first in (("a", 0), ("b", 200), ("c", 400)):
        rows = [person(n) for n in range(first, first + 400)]
        random.Random(name).shuffle(rows)
        write(tmp_path / f"{name}.csv", rows)
    write(tmp_path / "seeds.csv", [person(9001), person(9002)])
    listed = tmp_path / "exports.csv"
    listed.write_text(
        "reference,actor,file,seeds\nexport-a,e-1,a.csv,\nexport-b,e-2,b.csv,seeds.csv\nexport-c,e-3,c.csv,\n",
        encoding="utf-8",
    )
    return listed


def altered(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Shuffled, other case, other columns in another order, other spelling of telephone numbers."""
    changed = [{"E-Mail": r["email"].upper(), "Phone": r["phone"].replace(" ", "-"), "source": "x"} for r in rows]
    random.Random(4).shuffle(changed)
    return changed


def test_changed_rows_lead_to_their_export(exports: Path, tmp_path: Path) -> None:
    rows = [person(n) for n in random.Random(1).sample(range(250, 350), 12)] + [person(n) for n in (420, 590)]
    told = match_files(write(tmp_path / "found.csv", altered(rows)), exports, None, None)
    best = told["sources"][0]
    assert (best["reference"], best["actor"], best["rows"]) == ("export-b", "e-2", 14)
    assert best["probability"] > 0.99 and best["columns"] == ["email", "phone"]


def test_a_seeded_row_counts_and_is_told(exports: Path, tmp_path: Path) -> None:
    rows = [person(9001), *[person(n) for n in range(250, 255)]]
    told = match_files(write(tmp_path / "found.csv", altered(rows)), exports, None, None)
    assert (told["sources"][0]["reference"], told["sources"][0]["seeds"]) == ("export-b", 1)


def test_rows_from_nowhere_come_from_no_export(exports: Path, tmp_path: Path) -> None:
    told = match_files(write(tmp_path / "found.csv", [person(n) for n in range(7000, 7010)]), exports, None, None)
    assert told["none"] > 0.99 and all(each["rows"] == 0 for each in told["sources"])


def test_prints_serve_as_well_as_the_export_and_hold_no_value(exports: Path, tmp_path: Path) -> None:
    salt = tmp_path / "salt"
    assert write_prints(tmp_path / "b.csv", salt, tmp_path / "b.json") == 400
    assert salt.stat().st_mode & 0o077 == 0
    kept = (tmp_path / "b.json").read_text(encoding="utf-8")
    assert "example" not in kept and "c-250" not in kept.lower()
    exports.write_text(exports.read_text(encoding="utf-8").replace("b.csv", "b.json"), encoding="utf-8")
    found = write(tmp_path / "found.csv", altered([person(n) for n in range(250, 262)] + [person(450)]))
    told = match_files(found, exports, salt, None)
    assert told["sources"][0]["reference"] == "export-b" and told["sources"][0]["rows"] == 13
    with pytest.raises(TraceFileInvalid, match="the secret they were made with is needed"):
        match_files(found, exports, None, None)
    with pytest.raises(TraceFileInvalid, match="cannot write"):
        write_prints(tmp_path / "b.csv", salt, tmp_path / "b.json")


def test_queries_of_a_lake_are_exports_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = []
    for actor, first, hour in (("e-1", 0, 1), ("e-2", 30, 2), ("e-1", 60, 5)):
        rows += [
            f"{actor},customer:C-{n},{(start + timedelta(hours=hour, seconds=(n - first) / 10)).isoformat()}"
            for n in range(first, first + 60)
        ]
    rows += [f"e-3,customer:C-{n},{(start + timedelta(hours=n)).isoformat()}" for n in range(120)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["actor,subject,at", *rows]) + "\n", encoding="utf-8")
    columns = {"actor": "actor", "subject": "subject", "at": "at"}
    import_log(log, read_mapping({"kind": "accesses", "columns": columns}), tmp_path / "lake")
    found = write(tmp_path / "found.csv", [{"customer": f"C-{n}"} for n in (35, 80, 41, 55, 62, 77, 89)])
    told = match_lake(found, tmp_path / "lake", "customer", "customer:", None)
    assert told["sources"][0]["reference"].startswith("e-2 at 2026-01-01T02:00")
    assert len(told["sources"]) == 3 and told["sources"][0]["rows"] == 7  # single look-ups are no export
    options = ["--lake", str(tmp_path / "lake"), "--key", "customer", "--prefix", "customer:"]
    assert run(["trace", "fingerprint", str(found), *options]) == 0
    assert "e-2 at 2026-01-01" in capsys.readouterr().out


def test_the_command_prints_sources_and_none(exports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = write(tmp_path / "found.csv", [person(n) for n in range(250, 262)])
    assert run(["trace", "fingerprint", str(found), "--exports", str(exports), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 12
    options = ["--salt", str(tmp_path / "s"), "--out", str(tmp_path / "a.json")]
    assert run(["trace", "prints", str(tmp_path / "a.csv"), *options]) == 0
    assert "400 rows printed" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--lake", "x"], ["--exports", "x", "--lake", "y"], ["--population", "0"]])
def test_a_sample_needs_exactly_one_kind_of_source(tmp_path: Path, options: list[str]) -> None:
    with pytest.raises(WhosawError) as raised:
        run(["trace", "fingerprint", str(tmp_path / "found.csv"), *options])
    assert raised.value.code == "app.fingerprint_options"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no header"),
        ("email\n", "holds no row"),
        ("shoe\n42\n", "has no column that an export has"),
        ("email,E-Mail\na,b\n", "names a column twice"),
        ("email\na,b\n", "other cells"),
    ],
)
def test_a_sample_that_means_nothing_is_refused(exports: Path, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "found.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TraceFileInvalid, match=said):
        match_files(path, exports, None, None)


def test_an_export_that_is_not_there_and_a_reference_twice_are_refused(exports: Path, tmp_path: Path) -> None:
    found = write(tmp_path / "found.csv", [person(250)])
    listed = exports.read_text(encoding="utf-8")
    exports.write_text(listed + "export-a,e-1,a.csv,\n", encoding="utf-8")
    with pytest.raises(TraceFileInvalid, match="line 5"):
        match_files(found, exports, None, None)
    exports.write_text(listed + "export-d,e-1,d.csv,\n", encoding="utf-8")
    with pytest.raises(TraceFileInvalid, match="cannot open"):
        match_files(found, exports, None, None)
