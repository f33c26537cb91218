"""``whosaw check`` on a living database: what it prints, what it refuses, and that it names no one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from whosaw.__main__ import main

SCHEMA = """
create table customers (id integer primary key, name text, email text, phone text, region text, note text);
create table staff (id text primary key, name text, role text, region text, function text);
create table tickets (id text primary key, owner text, customer integer, by text, opened text, closed text);
create table reviews (id text primary key, customer integer);
insert into customers values (1, 'Ada Ålesund', 'ada@mail.example', '+4915112345678', 'EU', 'rang zweimal an');
insert into staff values ('E-1', 'Morgan Hale', 'support', 'EU', 'service'), ('E-2', 'Sam Roe', 'lead', 'US', 'risk');
insert into tickets values ('T-1', 'E-1', 1, 'customer', '2026-03-01T00:00:00+00:00', null);
insert into reviews values ('R-1', 1);
"""
CATALOG = """
[company]
name = "Desk"
contact = "privacy@desk.example"
[sources.desk]
url = "sqlite+aiosqlite:///{path}"
[subjects.customer]
source = "desk"
table = "customers"
key = "id"
region = "region"
identifying = ["phone"]
[fields."customer.name"]
column = "name"
class = "name"
mask = "name"
[fields."customer.email"]
column = "email"
class = "contact"
mask = "email"
[purposes.ticket]
source = "desk"
subject = "customer"
query = '''select id as reference, owner as assignee, customer as subject, by as origin, opened as opened_at,
    closed as closed_at from tickets'''
[actions."review.delete"]
source = "desk"
object = "review"
subject = "customer"
query = "select id as object, customer as subject from reviews"
[lookups."customer.email"]
form = "email"
[actors]
source = "desk"
query = "select id as key, role as roles, region, null as ended, function from staff"
attributes = ["function"]
"""
POLICIES = """
@id("desk.suspended") forbid (principal, action, resource) when { principal.suspended };
@id("desk.ticket") @duty("notify") permit (principal, action == Action::"reveal", resource == Class::"contact")
when { context.verified && context.purpose == "ticket" && principal.roles.contains("support") };
@id("desk.region") permit (principal, action == Action::"mask", resource == Class::"contact")
when { principal.region == context.subject_region && principal.roles.contains("lead") };
"""
OWN = '[policies]\nfiles = ["whosaw.cedar"]\n'


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A desk's folder with its database, catalog and policies; yields what runs a script in the database."""
    monkeypatch.chdir(tmp_path)

    def change(script: str) -> None:
        with sqlite3.connect(tmp_path / "desk.db") as connection:
            connection.executescript(script)
        connection.close()

    change(SCHEMA)
    Path("whosaw.toml").write_text(CATALOG.format(path=tmp_path / "desk.db") + OWN)
    Path("whosaw.cedar").write_text(POLICIES)
    return change


def told(capsys: pytest.CaptureFixture[str], *, passes: bool) -> dict[str, list[str]]:
    assert main(["check", "--catalog", "whosaw.toml", "--json"]) == (0 if passes else 1)
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def edit(file: str, old: str, new: str) -> None:
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))


@pytest.mark.usefixtures("desk")
def test_the_resolved_policy_is_printed_by_role_class_and_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--catalog", "whosaw.toml"]) == 0
    printed = capsys.readouterr().out
    rows = [" ".join(line.split()) for line in printed.splitlines()]
    assert "who gets what without a reason" in rows
    assert "with a verified ticket" in rows
    assert "support reveal + notify deny deny deny" in rows
    assert "coverage: 3 of 4 columns that look personal are catalogued (75%)" in rows
    assert "desk.customers.note text unsure by its name" in rows
    assert rows[-1] == "the catalog holds"
    assert [each for each in ("Ålesund", "ada@", "49151", "Morgan", "zweimal") if each in printed] == []


@pytest.mark.usefixtures("desk")
def test_where_regions_make_a_difference_they_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    cells = [
        (cell["effect"], cell["regions"])
        for cell in told(capsys, passes=True)["resolved"]
        if (cell["role"], cell["purpose"], cell["about"]) == ("lead", "–", "contact")
    ]
    assert sorted(cells) == [("deny", ["EU→US", "US→EU"]), ("mask", ["EU→EU", "US→US"])]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("alter table customers rename column email to mail", "`customers` has no column `email`, for the field"),
        ("alter table customers rename column region to part", "has no column `region`, for region"),
        ("alter table customers rename column phone to fone", "has no column `phone`, for identifying"),
        ("alter table customers rename to customer", "no table `customers`; did you mean `customer`?"),
        ("alter table tickets rename column owner to whose", "purposes.ticket: "),
        ("alter table reviews rename to gone", "actions.review.delete: "),
        ("update tickets set owner = null", "`assignee` is empty in all of 1 rows"),
        ("update tickets set by = null", "`origin` is empty in all of 1 rows"),
        ("update tickets set opened = null", "`opened_at` is empty in all of 1 rows"),
        ("update tickets set by = owner", "was opened by its own assignee"),
        ("update tickets set owner = 'nemo'", "none of 1 assignees is a `key` of the staff directory"),
        ("update tickets set customer = 99", "none of 1 values of `subject` is a `id` of `customers`"),
        ("update tickets set opened = 'yesterday'", "purposes.ticket: a time is told"),
        ("update reviews set customer = 99", "actions.review.delete: none of 1 values of `subject`"),
        ("update staff set role = null", "names no role of anybody"),
    ],
)
def test_what_does_not_hold_on_the_database_is_refused(
    desk: Callable[[str], None], capsys: pytest.CaptureFixture[str], script: str, said: str
) -> None:
    desk(script)
    problems = told(capsys, passes=False)["problems"]
    assert any(said in problem for problem in problems), problems
    assert not [each for each in ("Ålesund", "ada@", "Morgan", "nemo", "yesterday") if each in str(problems)]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("whosaw.toml", "owner as assignee", "owner as whose", "gives no column `assignee`: without it a reason holds"),
        ("whosaw.toml", "by as origin", "by as who", "gives no column `origin`: without it work that somebody made"),
        ("whosaw.toml", "customer as subject from", "customer as whom from", "gives no column `subject`"),
        ("whosaw.toml", "region, null", "null", "actors: its query gives no column `region`"),
        ("whosaw.toml", "role as roles", "role as rules", "actors: its query gives no column `roles`"),
        ("whosaw.toml", "[actors]", "[budgets.b]\nclass = 'name'\nroles = ['suport']\nday = {hard = 9}\n[actors]",
         "budgets.b: nobody in the directory has the role `suport`; did you mean `support`?"),
        ("whosaw.toml", 'object = "review"', 'object = "review"\nsecond_person_above = 3', "declare [grants.second_"),
        ("whosaw.toml", "[purposes.ticket]", "[purposes.tikket]", "purposes.tikket: no policy opens anything for it"),
        ("whosaw.toml", "[purposes.ticket]", "[purposes.tikket]", "policy `desk.ticket`: can never apply"),
        ("whosaw.cedar", '"support"', '"suport"', "policy `desk.ticket`: can never apply: nobody has the role"),
        ("whosaw.cedar", 'reveal", resource == Class::"contact"', 'reveal", resource == Class::"contacts"',
         "no field has the class `contacts`; did you mean `contact`?"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("desk")
def test_a_rule_that_can_never_do_what_it_is_for_is_refused(
    capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, said: str
) -> None:
    edit(file, old, new)
    problems = told(capsys, passes=False)["problems"]
    assert any(said in problem for problem in problems), problems


@pytest.mark.usefixtures("desk")
def test_a_class_that_no_policy_opens_is_mentioned(capsys: pytest.CaptureFixture[str]) -> None:
    notes = told(capsys, passes=True)["notes"]
    assert any(note.startswith("class `name`: no policy opens it") for note in notes)
    assert any(note.startswith("action `review.delete`") for note in notes)


def test_an_empty_table_and_work_nobody_has_yet_are_no_fault(
    desk: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    desk("insert into tickets values ('T-2', null, 1, 'customer', '2026-03-01', null)")
    assert told(capsys, passes=True)["problems"] == []
    desk("delete from tickets")
    assert any("gives no row now" in note for note in told(capsys, passes=True)["notes"])


def test_origins_by_which_nobodys_own_work_could_be_told_are_noted(
    desk: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    said = "none of 5 values of `origin` is a `key` of the staff directory or of `customers`"
    rows = [f"('T-{n}', 'E-1', 1, 'm.hale{n}@desk.example', '2026-03-01T00:00:00+00:00', null)" for n in range(2, 6)]
    desk(f"insert into tickets values {', '.join(rows)}")
    notes = told(capsys, passes=True)["notes"]
    assert [note for note in notes if said in note]
    assert "hale" not in str(notes)
    desk("update tickets set by = 'E-2' where id = 'T-2'")
    assert not [note for note in told(capsys, passes=True)["notes"] if "values of `origin`" in note]


def test_a_source_that_does_not_answer_is_one_problem(
    desk: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("desk.db").unlink()
    found = told(capsys, passes=False)
    assert [problem.partition(":")[0] for problem in found["problems"]] == ["sources.desk"]
    assert found["coverage"] is None


def test_a_company_need_not_use_every_policy_that_ships(
    desk: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    edit("whosaw.toml", OWN, "")
    found = told(capsys, passes=True)
    assert any("shipped policies that never apply here" in note for note in found["notes"])


@pytest.mark.usefixtures("desk")
def test_a_policy_file_that_is_none_is_one_error(capsys: pytest.CaptureFixture[str]) -> None:
    Path("whosaw.cedar").write_text("permit (principal;")
    assert main(["check", "--catalog", "whosaw.toml"]) == 1
    assert "[decide.policy_invalid]" in capsys.readouterr().err
