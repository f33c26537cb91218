"""``whosaw check`` on what a catalog declares for a trace: columns, times, people, and no value of anybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.store.test_catalog_check import desk, told

__all__ = ["desk"]  # the fixture

TABLES = """
create table books (actor text, before text, customer text, since text, until text);
create table badges (actor text, what text, since text, until text, device text);
create table logins (actor text, shared integer, site text);
create table managers (actor text, seller text, since text);
create table bought (customer text, seller text, at text);
create table desks (customer text, desk text, said text);
insert into books values ('E-1', 'vendor B', 'customer:1', '2026-03-01T00:00:00+00:00', null);
insert into badges values ('E-1', 'badge', '2026-03-01T08:00:00+00:00', '2026-03-01T17:00:00+00:00', null),
    ('E-2', 'device', null, null, 'pc-7');
insert into logins values ('E-2', 1, 'Leipzig');
insert into managers values ('E-2', 'seller:S-1', null);
insert into bought values ('customer:1', 'seller:S-1', '2026-02-01T00:00:00+00:00');
insert into desks values ('customer:1', 'north', '2026-02-01T00:00:00+00:00');
"""
TRACE = """
[trace.managers]
source = "desk"
query = "select actor, seller as beneficiary, since from managers"
[trace.handovers]
source = "desk"
query = "select actor, before as previous, customer as subject, since, until from books"
[trace.presence]
source = "desk"
query = "select actor, what, since, until, device from badges"
[trace.accounts]
source = "desk"
query = "select actor, shared, site from logins"
[trace.orders]
source = "desk"
query = "select customer as subject, seller as beneficiary, at as since from bought"
[trace.routes]
source = "desk"
query = "select customer as subject, desk as route, said as since from desks"
"""


@pytest.fixture
def declared(desk: Callable[[str], None]) -> Callable[[str], None]:
    desk(TABLES)
    catalog = Path("whosaw.toml")
    catalog.write_text(catalog.read_text() + TRACE)
    return desk


@pytest.mark.usefixtures("declared")
def test_what_a_trace_understands_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    tried = told(capsys, passes=True)["tried"]
    assert [each for each in tried if each.startswith("trace.")] == [
        "trace.managers",
        "trace.handovers",
        "trace.presence",
        "trace.accounts",
        "trace.orders",
        "trace.routes",
    ]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("alter table books rename column before to whose", "trace.handovers: "),
        ("update managers set seller = null", "trace.managers: in 1 of 1 rows: `beneficiary` is empty, and no column"),
        ("update managers set seller = ''", "trace.managers: in 1 of 1 rows: `beneficiary` is empty, and no column"),
        ("update managers set seller = 'S-1'", "trace.managers: in 1 of 1 rows: `beneficiary` has no kind"),
        ("update books set before = ''", "trace.handovers: in 1 of 1 rows: `previous` is empty"),
        ("update books set since = null", "trace.handovers: in 1 of 1 rows: `since` is empty"),
        ("update books set since = 'secretly'", "trace.handovers: a time is told"),
        ("update books set until = '2025-01-01T00:00:00+00:00'", "in 1 of 1 rows: it ends before it begins"),
        ("update books set customer = '1'", "in 1 of 1 rows: `subject` has no kind"),
        ("update books set customer = 'client:1'", "`subject` in 1 rows begins with no kind of subject: one of cust"),
        ("update books set customer = 'customer:99'", "none of 1 values of `subject` is a `id` of `customers`"),
        ("update books set actor = 'nemo'", "trace.handovers: none of 1 values of `actor` is a `key`"),
        ("update badges set what = 'lunch'", "trace.presence: in 2 of 2 rows: `what` is none of shift, badge"),
        ("update badges set device = ''", "trace.presence: in 1 of 2 rows: `device` is empty"),
        ("update badges set until = null", "trace.presence: in 1 of 2 rows: `since` or `until` is empty"),
        ("update logins set shared = 7", "trace.accounts: in 1 of 1 rows: `shared` is neither yes nor no"),
        ("insert into logins values ('E-2', 0, '')", "trace.accounts: an account stands in more than one row"),
        ("update logins set actor = null", "trace.accounts: in 1 of 1 rows: `actor` is empty"),
        ("update bought set customer = null", "trace.orders: in 1 of 1 rows: `subject` is empty"),
        ("update bought set seller = 'S-1'", "trace.orders: in 1 of 1 rows: `beneficiary` has no kind"),
        ("update bought set seller = ''", "trace.orders: in 1 of 1 rows: `beneficiary` is empty"),
        ("update bought set at = null", "trace.orders: in 1 of 1 rows: `since` is empty: when he ordered"),
        ("update bought set customer = 'customer:99'", "none of 1 values of `subject` is a `id` of `customers`"),
        ("update desks set said = null", "trace.routes: in 1 of 1 rows: `since` is empty: when it was said"),
        ("update desks set desk = ' '", "trace.routes: in 1 of 1 rows: `route` is empty"),
        ("update desks set customer = '1'", "trace.routes: in 1 of 1 rows: `subject` has no kind"),
        ("alter table desks drop column said", "trace.routes: "),
    ],
)
def test_a_row_that_means_nothing_is_refused_without_its_value(
    declared: Callable[[str], None], capsys: pytest.CaptureFixture[str], script: str, said: str
) -> None:
    declared(script)
    problems = told(capsys, passes=False)["problems"]
    assert any(said in each for each in problems), problems
    assert not [word for word in ("nemo", "secretly", "vendor B", "pc-7", "lunch", "client") if word in str(problems)]


def test_a_missing_column_names_the_one_that_was_meant(
    declared: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = Path("whosaw.toml")
    catalog.write_text(catalog.read_text().replace("before as previous", "before as previus"))
    (problem,) = told(capsys, passes=False)["problems"]
    assert problem == (
        "trace.handovers: its query gives no column `previous`: who had the customers before; did you mean `previus`?"
    )
    declared("delete from logins")
    notes = told(capsys, passes=False)["notes"]
    assert any(each.startswith("trace.accounts: its query gives no row now") for each in notes)


def test_a_manager_of_whom_no_work_can_be_about_is_refused(
    declared: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = Path("whosaw.toml")
    purpose = "subject = \"customer\"\nquery = '''select id as reference,"
    of_sellers = purpose.replace("\nquery", '\nbeneficiary = "seller"\nquery') + " 'seller:S-1' as beneficiary,"
    catalog.write_text(catalog.read_text().replace(purpose, of_sellers))
    told(capsys, passes=True)
    declared("update managers set seller = 'vendor:S-1'")
    (problem,) = told(capsys, passes=False)["problems"]
    assert problem == "trace.managers: `beneficiary` in 1 rows begins with no kind that work is about: one of seller"
