"""A mapping is read strictly: what means nothing is refused with its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from whosaw.lake.errors import MappingInvalid, MappingMissing
from whosaw.lake.mapping import Column, load_mapping, read_mapping

ACCESSES: dict[str, Any] = {"kind": "accesses", "columns": {"actor": "who", "subject": "whom", "at": "when"}}


def with_(**changes: Any) -> dict[str, Any]:
    return ACCESSES | changes


def columns(**changes: Any) -> dict[str, Any]:
    return with_(columns=ACCESSES["columns"] | changes)


def test_a_plain_mapping_names_its_columns() -> None:
    mapping = read_mapping(ACCESSES)
    assert mapping.columns == {"actor": Column("who"), "subject": Column("whom"), "at": Column("when")}
    assert not mapping.says_why


@pytest.mark.parametrize("name", ["bank_worklog", "helpdesk_italy"])
def test_the_shipped_mappings_are_valid(name: str) -> None:
    root = Path(__file__).parents[3]
    assert load_mapping(root / "examples" / f"{name}.toml").kind == "accesses"


def test_a_reason_or_a_ticket_says_why() -> None:
    assert read_mapping(columns(ticket="case")).says_why
    assert read_mapping(columns(reason="why")).says_why


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"columns": ACCESSES["columns"]}, "kind is missing, must be one of `accesses`, `orders`, `tickets`"),
        (with_(kind="access"), "kind is `access`"),
        (with_(kind=["accesses"]), "kind is"),
        (with_(colums={}), "`colums` is not a key here; did you mean `columns`?"),
        ({"kind": "accesses"}, "the table [columns] is missing"),
        (with_(columns="who"), "columns must be a table, not text"),
        (columns(sbject="x"), "`columns.sbject` is not a column of kind `accesses` here; did you mean `subject`?"),
        (with_(columns={"actor": "a"}), "must map `subject`, `at`"),
        (with_(kind="orders", columns={"subject": "s", "at": "t"}), "must map `beneficiary`"),
        (columns(actor=3), "columns.actor must be the name of a column or a table, not a number"),
        (columns(actor=""), "columns.actor must not be empty"),
        (columns(actor={}), "columns.actor must hold either `column` or `constant`"),
        (columns(actor={"column": "a", "constant": "b"}), "must hold either"),
        (columns(actor={"column": "a", "lowr": True}), "`columns.actor.lowr` is not a key here; did you mean `lower`?"),
        (columns(actor={"column": "a", "lower": "yes"}), "columns.actor.lower must be true or false, not text"),
        (columns(actor={"column": "a", "blank": "-"}), "columns.actor.blank must be a list of texts, not text"),
        (columns(actor={"column": "a", "blank": [1]}), "columns.actor.blank[0] must be text, not a number"),
        (columns(at={"constant": "2026-01-01"}), "columns.at.constant"),
        (columns(at={"column": "t", "lower": True}), "columns.at can only be stripped or blank"),
        (columns(door={"constant": "desk", "lower": True}), "columns.door.constant"),
        (with_(time={"zone": "Mars/Olympus"}), "time.zone `Mars/Olympus` is no known time zone"),
        (with_(time={"zone": "../etc/passwd"}), "is no known time zone"),
        (with_(time={"format": "%d.%m.%Y"}), "reads no zone and time.zone names none"),
        (with_(time={"format": "epoch"}), "neither a strptime pattern nor one of `epoch_s`"),
        (with_(time={"ambiguous": "first"}), "time.ambiguous is `first`"),
        (with_(log={"delimiter": ";;"}), "log.delimiter must be one ASCII character"),
        (with_(log={"delimiter": '"'}), "log.delimiter must be one ASCII character"),
        (with_(actors={"service": "112"}), "actors.service must be a list of texts, not text"),
    ],
)
def test_what_means_nothing_is_refused_with_its_path(document: dict[str, Any], expected: str) -> None:
    with pytest.raises(MappingInvalid) as raised:
        read_mapping(document)
    assert expected in str(raised.value)
    assert raised.value.hint


def test_the_parts_of_a_column_apply_in_their_order() -> None:
    column = Column("c", strip=True, blank=("-",), strip_prefix="Case ", lower=True, add_prefix="case:")
    assert [column.read(cell) for cell in (" Case AB ", "-", "", None, "x")] == ["case:ab", None, None, None, "case:x"]


def test_white_space_alone_is_blank() -> None:
    assert Column("c", add_prefix="p:").read("  ") is None


def test_service_actors_do_not_change_how_rows_are_read() -> None:
    one, other = read_mapping(ACCESSES), read_mapping(with_(actors={"service": ["112"]}))
    assert one.digest() == other.digest()
    assert one.digest() != read_mapping(columns(actor="else")).digest()


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingMissing, match="cannot open mapping"):
        load_mapping(tmp_path / "none.toml")
    with pytest.raises(MappingMissing, match="cannot open mapping"):
        load_mapping(tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_text("kind = accesses\n")
    with pytest.raises(MappingInvalid, match="is not TOML: invalid value"):
        load_mapping(broken)
    broken.write_text('kind = "accesses"\n')
    with pytest.raises(MappingInvalid, match=r"broken.toml.*the table .columns. is missing"):
        load_mapping(broken)
