"""Entries of pgaudit become accesses to the subjects they name, and to unknown ones where they name none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lakelogs import audit, csv_line, json_line

from whosaw.lake.errors import LogColumnMissing, LogEmpty, LogEncoding, LogUnreadable, ZoneMissing
from whosaw.lake.importer import ImportReport, import_log
from whosaw.lake.mapping import Mapping, read_mapping
from whosaw.lake.opened import opened

TABLES = {
    "public.customer": {"key": "id", "type": "integer", "prefix": "customer:"},
    "public.seller": {"key": "id", "type": "integer", "prefix": "seller:"},
}


def mapping(**changes: Any) -> Mapping:
    sql = {"tables": TABLES, "unprotected": ["public.product"]}
    return read_mapping({"kind": "accesses", "log": {"format": "pgaudit"}, "sql": sql} | changes)


def bring(folder: Path, text: str, how: Mapping | None = None, name: str = "pg") -> ImportReport:
    (folder / name).write_text(text, encoding="utf-8")
    return import_log(folder / name, how or mapping(), folder / "lake")


def found(lake: Path) -> list[tuple[str, str | None, str]]:
    """Return actor, subject and activity of every row, known subjects or not."""
    with opened(lake) as open_lake:
        return open_lake.rows(
            """
            SELECT of_actor.key, of_subject.key, of_activity.key FROM (FROM accesses UNION ALL FROM touches) rows
            LEFT JOIN numbers of_actor ON of_actor.space = 'actor' AND of_actor.number = rows.actor
            LEFT JOIN numbers of_subject ON of_subject.space = 'subject' AND of_subject.number = rows.subject
            LEFT JOIN numbers of_activity ON of_activity.space = 'activity' AND of_activity.number = rows.activity
            ORDER BY 1, 2 NULLS LAST, 3
            """
        )


CUSTOMER = "SELECT public.customer"


@pytest.mark.parametrize("line", [csv_line, json_line])
def test_a_statement_with_keys_is_a_row_for_each_and_one_without_is_a_row_for_nobody(tmp_path: Path, line: Any) -> None:
    text = "".join(
        map(
            line,
            [
                audit("select email from customer\n where id in (5, 6)", id="1"),
                audit("select * from customer where id = $1", parameters="7", id="2"),
                audit("select * from customer where email = $1", parameters='"a,""b@x"', id="3"),
                audit("select * from product", table="public.product", id="4"),
                audit("set x to 1", table="", command="SET", kind="MISC", id="5"),
                audit("insert into customer values (1)", command="INSERT", id="6"),
                "connection authorized: user=kim",
            ],
        )
    )
    report = bring(tmp_path, text)
    assert (report.rows, report.accepted, report.unknown, report.skipped) == (4, 4, 1, 4)
    assert found(tmp_path / "lake") == [
        ("kim", "customer:5", CUSTOMER),
        ("kim", "customer:6", CUSTOMER),
        ("kim", "customer:7", CUSTOMER),
        ("kim", None, CUSTOMER),
    ]
    assert bring(tmp_path, text).duplicates == 4


def test_a_table_reached_through_a_view_is_seen_but_not_for_whom(tmp_path: Path) -> None:
    text = csv_line(audit("select * from customer_view where id = 5"))
    assert bring(tmp_path, text).unknown == 1
    assert found(tmp_path / "lake") == [("kim", None, CUSTOMER)]


def test_keys_of_different_kinds_of_subjects_do_not_meet(tmp_path: Path) -> None:
    text = csv_line(audit("select * from customer where id = 5")) + csv_line(
        audit("select * from seller where id = 5", table="public.seller", id="2")
    )
    bring(tmp_path, text)
    assert [subject for _, subject, _ in found(tmp_path / "lake")] == ["customer:5", "seller:5"]


def test_without_relations_in_the_log_only_declared_ones_are_harmless(tmp_path: Path) -> None:
    statements = [
        "select * from customer c join product p on p.owner = c.id where c.id = 5",
        "select * from product",
        "select * from pg_class, information_schema.tables",
        "select * from sales_view",
        "not sql at all",
    ]
    text = "".join(csv_line(audit(each, table="", id=str(place))) for place, each in enumerate(statements))
    report = bring(tmp_path, text)
    assert (report.accepted, report.unknown, report.skipped) == (3, 2, 2)
    assert found(tmp_path / "lake") == [
        ("kim", "customer:5", CUSTOMER),
        ("kim", None, "SELECT"),
        ("kim", None, "SELECT sales_view"),
    ]


def test_a_statement_told_once_is_remembered_for_its_other_tables(tmp_path: Path) -> None:
    once = audit("select * from customer c, seller s where c.id = 5 and s.id = $1", parameters="6")
    again = audit("<previously logged>", table="public.seller", parameters="<previously logged>")
    elsewhere = csv_line(audit("<previously logged>", parameters="<previously logged>"), session="s2")
    bring(tmp_path, csv_line(once) + csv_line(again) + elsewhere)
    assert [subject for _, subject, _ in found(tmp_path / "lake")] == ["customer:5", "seller:6", None]


def test_an_access_told_by_session_and_object_auditing_counts_once(tmp_path: Path) -> None:
    statement = "select * from customer where id = 5"
    text = csv_line(audit(statement)) + csv_line(audit(statement, type="OBJECT"))
    assert bring(tmp_path, text).accepted == 1


@pytest.mark.parametrize("statement", ["<not logged>", "x" * 20_000, "select 1 from customer where id = '5"])
def test_a_statement_that_cannot_be_read_is_an_access_to_somebody_unknown(tmp_path: Path, statement: str) -> None:
    assert bring(tmp_path, csv_line(audit(statement))).unknown == 1


def test_a_statement_with_a_nul_in_it_is_an_access_to_somebody_unknown(tmp_path: Path) -> None:
    text = json_line(audit("select * from customer where id = 5 \0 or true"))
    assert "\\u0000" in text
    report = bring(tmp_path, text)
    assert (report.accepted, report.unknown) == (1, 1)


def test_a_statement_that_ends_the_child_is_unknown_and_its_neighbours_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a stack of one megabyte is what a parser meets inside an ordinary thread: these additions overflow it
    start = "import whosaw.ask.sqlchild as child; child.STACK_BYTES = 1 << 20; child.main()"
    monkeypatch.setattr("whosaw.ask.sqlreader._START", start)
    lines = [audit(f"select * from customer where id = {n}", id=str(n)) for n in range(6)]
    lines[3] = audit(f"select {'1+' * 8_000}1 from customer where id = 3", id="3")
    report = bring(tmp_path, "".join(map(csv_line, lines)))
    assert (report.accepted, report.unknown) == (6, 1)


@pytest.mark.parametrize("parameters", ["<not logged>", "<none>", '""', "<long param suppressed>", '"broken'])
def test_a_parameter_that_was_not_logged_names_nobody(tmp_path: Path, parameters: str) -> None:
    text = csv_line(audit("select * from customer where id = $1", parameters=parameters))
    assert bring(tmp_path, text).unknown == 1


def test_summer_and_winter_are_told_apart_by_the_zones_name(tmp_path: Path) -> None:
    def line(at: str, place: int) -> str:
        return csv_line(audit(f"select * from customer where id = {place}", id=str(place)), at=at)

    text = "".join(
        line(f"2026-10-25 {each}", place)
        for place, each in enumerate(
            ["02:30:00.000 CEST", "02:30:00.000 CET", "02:30:00.000 EST", "02:30:00.000 +02", "junk"]
        )
    )
    with pytest.raises(ZoneMissing):
        bring(tmp_path, text)
    report = bring(tmp_path, text, mapping(time={"zone": "Europe/Berlin"}))
    assert (report.accepted, report.rejected) == (3, 2)
    with opened(tmp_path / "lake") as open_lake:
        times = [at for (at,) in open_lake.rows("SELECT at_us FROM accesses ORDER BY 1")]
    assert [at - times[0] for at in times] == [0, 0, 3_600_000_000]


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("", LogEmpty, "is empty"),
        ("a,b,c\nd,e,f\n", LogUnreadable, "no CSV or JSON log of PostgreSQL"),
        ('{"a": 1}\n', LogUnreadable, "no CSV or JSON log of PostgreSQL"),
        (csv_line("checkpoint complete"), LogUnreadable, "no entry of pgaudit"),
        (csv_line("AUDIT: broken"), LogUnreadable, "no entry of pgaudit"),
    ],
)
def test_what_is_no_audit_log_is_refused(tmp_path: Path, text: str, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        bring(tmp_path, text)


def test_broken_lines_are_rejected_and_other_bytes_refused(tmp_path: Path) -> None:
    good = csv_line(audit("select * from customer where id = 5"))
    assert bring(tmp_path, good + "2026,half a line\n").rejected == 1
    (tmp_path / "latin").write_bytes(good.replace("psql", "é").encode("latin-1"))
    with pytest.raises(LogEncoding):
        import_log(tmp_path / "latin", mapping(), tmp_path / "other")


def test_a_column_that_the_audit_log_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogColumnMissing, match="no column `usr`"):
        bring(tmp_path, csv_line(audit("select 1")), mapping(columns={"actor": "usr"}))


def test_unknown_subjects_lower_the_grade(tmp_path: Path) -> None:
    stated = mapping(grade={"written_by": "system", "forgeable_by": "nobody"})
    known = [csv_line(audit(f"select * from customer where id = {n}", id=str(n))) for n in range(8)]
    unknown = [csv_line(audit("select * from customer", id=str(n))) for n in range(50, 60)]
    assert bring(tmp_path, "".join(known), stated, "all").grade == "A"
    some = bring(tmp_path, "".join(known + unknown[:1]), stated, "some")
    assert (some.grade, some.lowered) == ("B", "11% of the rows name no subject")
    assert bring(tmp_path, "".join(known + unknown), stated, "most").grade == "D"
