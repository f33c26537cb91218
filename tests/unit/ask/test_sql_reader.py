"""A statement's subjects are those it is shown to be confined to; whatever kills the parser is an answer too."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from whosaw.ask.sqlkeys import KeyTable, Reading, Unread
from whosaw.ask.sqlreader import DIED, MOST_BYTES, SqlReader

CUSTOMER, ORDERS, PERSON = "public.customer", "public.orders", "crm.person"
TABLES = (
    KeyTable(CUSTOMER, "id", "integer"),
    KeyTable(ORDERS, "customer_id", "integer"),
    KeyTable(PERSON, "key"),
)


@pytest.fixture(scope="module")
def reader() -> Iterator[SqlReader]:
    with SqlReader(TABLES) as made:
        yield made


def keys(found: Reading | Unread) -> dict[str, set[str]] | str:
    if isinstance(found, Unread):
        return found.reason
    return {table: set(values) for table, values in found.keys.items()}


@pytest.mark.parametrize(
    ("statement", "parameters", "expected"),
    [
        ("select email from customer where id = 5", (), {CUSTOMER: {"5"}}),
        ("select email from public.customer c where 5 = c.id and name like 'a%'", (), {CUSTOMER: {"5"}}),
        ("select * from customer where id in (5, 6)", (), {CUSTOMER: {"5", "6"}}),
        ("select * from customer where id = any(array[1, 2])", (), {CUSTOMER: {"1", "2"}}),
        ("select * from customer where id = 5 or id = 6", (), {CUSTOMER: {"5", "6"}}),
        ("select * from customer where id = $1", ("7",), {CUSTOMER: {"7"}}),
        ("select * from customer where id = $1::bigint", ("7",), {CUSTOMER: {"7"}}),
        ("select * from customer where id in ($2, $1)", ("7", "8"), {CUSTOMER: {"7", "8"}}),
        ("select * from crm.person where key = 'a''b'", (), {PERSON: {"a'b"}}),
        (
            "select * from customer c join orders o on o.customer_id = c.id where c.id = 5",
            (),
            {CUSTOMER: {"5"}, ORDERS: {"5"}},
        ),
        (
            "select * from orders o left join customer c on o.customer_id = c.id where o.customer_id = 9",
            (),
            {CUSTOMER: {"9"}, ORDERS: {"9"}},
        ),
        (
            "select 1 from customer c where c.id = 5 and exists (select from orders o where o.customer_id = c.id)",
            (),
            {CUSTOMER: {"5"}, ORDERS: {"5"}},
        ),
        ("with x as (select * from customer where id = 3) select * from x", (), {CUSTOMER: {"3"}}),
        ("select 1 from customer where id = 3 union select 1 from customer where id = 4", (), {CUSTOMER: {"3", "4"}}),
        ("update customer set name = 'x' where id = 4", (), {CUSTOMER: {"4"}}),
        (
            "update customer c set n = 1 from orders o where o.customer_id = c.id and c.id = 2",
            (),
            {CUSTOMER: {"2"}, ORDERS: {"2"}},
        ),
        ("delete from customer using product p where customer.id = 4 and p.id = 5", (), {CUSTOMER: {"4"}}),
        ("copy (select * from customer where id = 3) to stdout", (), {CUSTOMER: {"3"}}),
        ("prepare p as select * from customer where id = $1", ("3",), {CUSTOMER: {"3"}}),
        ("explain analyze select * from customer where id = 3", (), {CUSTOMER: {"3"}}),
        ("declare c cursor for select * from customer where id = 3", (), {CUSTOMER: {"3"}}),
        ("create table x as select * from customer where id = 3", (), {CUSTOMER: {"3"}}),
        ("select (select email from customer where id = 3), f(x) from product", (), {CUSTOMER: {"3"}}),
        ("with customer as (select 1 as id) select * from customer", (), {}),
        ("select * from other.customer", (), {}),
        ("insert into customer values (1)", (), {}),
    ],
)  # fmt: skip
def test_a_statement_confined_to_keys_names_them(
    reader: SqlReader, statement: str, parameters: tuple[str, ...], expected: dict[str, set[str]]
) -> None:
    assert keys(reader.read(statement, parameters)) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "select * from customer",
        "table customer",
        "select * from customer where name = 'x'",
        "select * from customer where id = 5 or name = 'x'",
        "select * from customer where not id = 5",
        "select * from customer where id <> 5",
        "select * from customer where id not in (5)",
        "select * from customer where id > 5",
        "select * from customer where id + 0 = 5",
        "select * from customer where id = (select 5)",
        "select * from customer where id = 5.0",
        "select * from customer where id = '05'",
        "select * from customer where id = ' 5'",
        "select * from customer where id = null",
        "select * from customer where id = $1",
        "select * from customer where id = other_id",
        "select * from customer where customer.name = (id = 5)::text",
        "select * from (select * from customer) s where s.id = 5",
        "select * from customer c left join orders o on o.customer_id = c.id and c.id = 5",
        "select * from customer c full join orders o on o.customer_id = c.id where c.id = 5",
        "select * from customer c, orders o where c.id = 5",
        "select * from customer c join orders o using (id) where id = 5",
        "select * from customer c natural join orders o where id = 5",
        "select * from customer a, customer b where a.id = 5",
        "select * from customer c(id, key) where c.id = 5",
        "select * from customer where id = 5 union all select * from customer",
        "select * from product where id = 5 and exists (select from customer)",
        "select * from product p where p.id = 5 and p.id in (select id from customer)",
        "select * from orders o where o.customer_id = 5 and exists"
        " (select from product o, customer c where c.id = o.customer_id)",
        "select * from product where customer_id in (select customer_id from orders where product.customer_id = 5)",
        "with x as (select * from customer) select * from x where id = 5",
        "insert into customer values (1) returning *",
        "insert into customer values (1) on conflict (id) do update set name = excluded.name",
        "insert into product select * from customer",
        "update customer set name = 'x'",
        "merge into customer c using product p on p.id = c.id when matched then delete",
        "copy customer to stdout",
        "truncate customer",
        "lock table customer",
        "select * from customer where id = 1; select * from customer",
    ],
)
def test_a_statement_that_may_reach_others_is_unread(reader: SqlReader, statement: str) -> None:
    assert keys(reader.read(statement)) == "unbound"


def test_a_null_parameter_confines_nothing(reader: SqlReader) -> None:
    assert keys(reader.read("select * from customer where id = $1", (None,))) == "unbound"


def test_relations_and_functions_beside_the_catalog_are_told(reader: SqlReader) -> None:
    found = reader.read("select crm.mask(v.email) from sales.v, product where exists (select now())")
    assert found == Reading({}, frozenset({"sales.v", "product"}), frozenset({"crm.mask", "now"}))


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("select 1 from customer where id = 5\0", "nul"),
        ("select '" + "x" * MOST_BYTES + "'", "too_long"),
        ("select \ud800", "nul"),
        ("this is not sql", "not_sql"),
        ("", None),
        ("select " + "1+" * 7_000 + "1", "too_deep"),
        ("select " + "(" * 8_000 + "1" + ")" * 8_000, None),
        ("select " + "case when true then " * 600 + "1" + " end" * 600, "too_deep"),
    ],
)
def test_hostile_statements_are_answers_and_the_reader_goes_on(
    reader: SqlReader, statement: str, reason: str | None
) -> None:
    found = reader.read(statement)
    assert (found.reason if isinstance(found, Unread) else None) == reason
    assert keys(reader.read("select * from customer where id = 5")) == {CUSTOMER: {"5"}}


def test_a_dead_child_is_replaced(reader: SqlReader) -> None:
    reader.read("select 1")
    assert reader._child is not None
    os.kill(reader._child.pid, signal.SIGKILL)
    assert keys(reader.read("select * from customer where id = 5")) == {CUSTOMER: {"5"}}


def test_a_statement_that_ends_the_child_is_unread_and_its_neighbours_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    # a stack of one megabyte is what a parser meets inside an ordinary thread: these additions overflow it
    start = "import whosaw.ask.sqlchild as child; child.STACK_BYTES = 1 << 20; child.main()"
    monkeypatch.setattr("whosaw.ask.sqlreader._START", start)
    good, deadly = "select * from customer where id = 5", "select " + "1+" * 8_000 + "1"
    with SqlReader(TABLES) as made:
        found = made.read_all([(good, ()), (deadly, ()), (good, ()), (good, ())])
    assert [keys(each) for each in found] == [{CUSTOMER: {"5"}}, DIED, {CUSTOMER: {"5"}}, {CUSTOMER: {"5"}}]


def test_a_child_that_falls_silent_counts_as_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whosaw.ask.sqlreader._START", "import sys; [None for _ in sys.stdin]")
    with SqlReader(TABLES, wait_s=0.3) as made:
        assert made.read("select 1") == Unread(DIED)
