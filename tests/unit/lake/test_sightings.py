"""Sightings from a file are strict about times and say what was set aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from whosaw.lake.errors import BeneficiaryUnclear, SightingsInvalid
from whosaw.lake.sightings import Sighting, choose, read_sightings

HEADER = "subject,contacted_at,reported_at,beneficiary,channel\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "sightings.csv"
    path.write_bytes(text.encode())
    return path


def test_a_full_line_and_a_short_file_are_read(tmp_path: Path) -> None:
    line = "C-1,1970-01-01T01:00:00+01:00,1970-01-01T00:00:00.000005Z,S-1,mail\n\nC-2,1970-01-01T00:00:01Z,,,\n"
    assert read_sightings(write(tmp_path, HEADER + line)) == [
        Sighting("C-1", 0, 5, "S-1", "mail", 2),
        Sighting("C-2", 1_000_000, None, None, None, 4),
    ]
    assert read_sightings(write(tmp_path, "\ufeffcontacted_at,subject\r\n1970-01-01T00:00:00Z,C-1\r\n")) == [
        Sighting("C-1", 0, line=2)
    ]
    assert read_sightings(write(tmp_path, HEADER)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("subject,contacted\n", "`contacted` is not a column of a sightings file; did you mean `contacted_at`?"),
        ("subject\n", "lack column `contacted_at`"),
        ("subject,subject,contacted_at\n", "have column `subject` twice"),
        (HEADER + "C-1\n", "line 2 of the sightings has 1 cells, the header 5"),
        (HEADER + ",2026-01-01T00:00:00Z,,,\n", "line 2 of the sightings has no subject"),
        (HEADER + "C-1,,2026-01-01T00:00:00Z,,\n", "line 2 of the sightings has no contacted_at"),
        (HEADER + "C-1,2026-01-01T00:00:00,,,\n", "contacted_at in line 2 of the sightings carries no zone"),
        (HEADER + "C-1,2026-01-01,,,\n", "contacted_at in line 2 of the sightings carries no zone"),
        (HEADER + "C-1,yesterday,,,\n", "contacted_at in line 2 of the sightings is no ISO 8601 time"),
        (HEADER + "C-1,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z,,\n", "is reported before the contact"),
        (HEADER + 'C-1,"2026\n', "of the sightings is not CSV"),
        (HEADER + 'a,"2026-01-01T00:00:00Z",,,"x\ny"\nb,,,,\n', "line 4 of the sightings has no contacted_at"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(SightingsInvalid) as raised:
        read_sightings(write(tmp_path, text))
    assert expected in str(raised.value)


def test_a_missing_file_or_another_encoding_is_said(tmp_path: Path) -> None:
    with pytest.raises(SightingsInvalid, match="cannot open sightings"):
        read_sightings(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"subject\xe9")
    with pytest.raises(SightingsInvalid, match="is not UTF-8"):
        read_sightings(tmp_path / "latin.csv")


def test_a_subject_counts_once_with_its_earliest_contact() -> None:
    chosen = choose([Sighting("a", 5), Sighting("b", 4), Sighting("a", 3)])
    assert [(sighting.subject, sighting.contacted_us) for sighting in chosen.sightings] == [("a", 3), ("b", 4)]
    assert chosen.repeated == 1


def test_one_named_beneficiary_is_the_question_and_several_need_a_choice() -> None:
    one, none = Sighting("a", 1, beneficiary="S-1"), Sighting("b", 1)
    assert choose([one, none]).beneficiary == "S-1"
    assert choose([none]).beneficiary is None
    both = [one, none, Sighting("c", 1, beneficiary="S-2")]
    with pytest.raises(BeneficiaryUnclear, match="name 2 beneficiaries"):
        choose(both)
    chosen = choose(both, "S-2")
    assert ([sighting.subject for sighting in chosen.sightings], chosen.others) == (["b", "c"], 1)
