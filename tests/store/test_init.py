"""``whosaw init``: a catalog drafted from a support desk's database loads, holds, and names nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.store.engines import ENGINES, WORDS, ground

from whosaw.__main__ import main
from whosaw.catalog import load

PEOPLE = (
    "('Ada Ålesund', 'ada@mail.example', '+4915112345678', '4 Rue des Lilas, 69001 Lyon, France', '1987-04-12', "
    "'DE89370400440532013000', 'adalove')",
    "('Ben Okafor', 'ben@post.example', '+447400123456', '2 Mill Lane, Leeds LS1 4AP, England', '1990-01-02', "
    "'GB29NWBK60161331926819', 'benny')",
    "('Chidi Eze', 'chidi@mail.example', '+33612345678', '9 Hill Road, 75001 Paris, France', '1975-11-30', "
    "'FR1420041010050500013M02606', 'chidi75')",
    "('Dana Levi', 'dana@mail.example', '+4915198765432', '1 Beach Street, 20095 Hamburg, Germany', '2001-06-06', "
    "'DE75512108001245126199', 'dlevi')",
    "('Eva Novák', 'eva@post.example', '+420601123456', '7 Park Avenue, 11000 Prague, Czechia', '1999-09-09', "
    "'DE02120300000000202051', 'evan')",
)
SECRETS = ("Ålesund", "ada@mail", "15112345678", "Lilas", "1987-04-12", "DE8937", "adalove", "Morgan", "Okafor")
SCHEMA = """
create table customers (id integer primary key, full_name varchar(80), email varchar(80), phone_number varchar(40),
    street_address varchar(120), date_of_birth date, iban varchar(40), username varchar(40), country varchar(2),
    newsletter {flag}, email_sent_at {moment});
create table agents (id integer primary key, name varchar(80), email varchar(80), role varchar(40), active {flag});
create table tickets (id integer primary key, customer_id integer not null, assigned_agent_id integer,
    created_by varchar(40) not null, created_at {moment}, resolved_at {moment}, subject varchar(80),
    foreign key (customer_id) references customers (id), foreign key (assigned_agent_id) references agents (id));
create table calls (id integer primary key, customer_id integer not null, agent_id integer, started_at {moment},
    foreign key (customer_id) references customers (id), foreign key (agent_id) references agents (id));
create table {q}order{q} (id integer primary key, customer_id integer, shipping_address varchar(200), total integer);
insert into agents values (1, 'Morgan Hale', 'm@desk.example', 'frontline', {yes}),
    (2, 'Sam Roe', 's@desk.example', 'lead', {yes});
insert into tickets values (10, 1, 1, 'customer', {at}, null, 'parcel'), (11, 2, 1, 'customer', {at}, {at}, 'refund');
"""
AT = {"postgresql": "now()", "mariadb": "now()", "mysql": "now()", "sqlite": "'2026-03-02T12:00:00+00:00'"}


@dataclass(frozen=True)
class Desk:
    url: str
    folder: Path
    change: Callable[[str], None]

    def run(self, *words: str) -> int:
        return main([*words])


@pytest.fixture(params=ENGINES)
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    engine = request.param
    url, change = ground(engine, request, tmp_path)
    words = WORDS[engine]
    people = ", ".join(
        f"({i}, {person[1:-1]}, 'FR', {words['yes']}, {AT[engine]})" for i, person in enumerate(PEOPLE, start=1)
    )
    script = SCHEMA.format(**words, at=AT[engine]).replace(
        "insert into tickets", f"insert into customers values {people};\ninsert into tickets"
    )
    change(script)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESK_DATABASE", url)
    return Desk(url, tmp_path, change)


def test_a_drafted_catalog_loads_holds_and_names_nobody(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run("init", "env:DESK_DATABASE", "--source", "desk") == 0
    printed = capsys.readouterr().out
    catalog, policies = Path("whosaw.toml").read_text(), Path("whosaw.cedar").read_text()
    read = load(Path("whosaw.toml"))
    assert {name: (field.klass, field.mask) for name, field in read.fields.items()} == {
        "customer.full_name": ("name", "name"),
        "customer.email": ("contact", "email"),
        "customer.phone_number": ("contact", "phone"),
        "customer.street_address": ("address", "address"),
        "customer.date_of_birth": ("identity", "date"),
        "customer.iban": ("payment", "iban"),
    }
    assert read.subjects["customer"].identifying == ("username",)
    assert read.subjects["customer"].region == "country"
    assert set(read.purposes) == {"ticket"}
    assert set(read.lookups) == {"customer.email", "customer.phone_number"}
    assert "# call seems to be work, and has no column for origin." in catalog
    assert '"frontline"' in policies
    assert '"lead"' not in policies  # nobody with this role is given tickets
    for text in (catalog, policies, printed):
        assert [secret for secret in SECRETS if secret in text] == []

    assert desk.run("check", "--catalog", "whosaw.toml", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["problems"] == []
    assert [each["column"] for each in told["coverage"]["uncovered"]] == ["desk.order.shipping_address"]
    assert told["coverage"]["share"] == pytest.approx(7 / 8, abs=1e-3)
    effects = {
        (cell["role"], cell["purpose"], cell["about"]): cell["would"] or cell["effect"] for cell in told["resolved"]
    }
    assert effects["frontline", "ticket", "contact"] == "reveal"
    assert effects["lead", "ticket", "contact"] == "deny"
    assert effects["frontline", "–", "contact"] == "mask"
    assert effects["frontline", "ticket", "payment"] == "deny"
    assert effects["frontline", "ticket", "lookup:customer.email"] == "allow"
    assert effects["frontline", "–", "lookup:customer.email"] == "deny"
    assert effects["lead", "ticket", "lookup:customer.email"] == "deny"


def test_every_guess_is_marked_with_how_sure_it_is(desk: Desk) -> None:
    desk.run("init", "env:DESK_DATABASE")
    lines = Path("whosaw.toml").read_text().splitlines()
    guessed = [line for line in lines if line.startswith(("[subjects", "[fields", "[purposes", "[lookups", "[actors"))]
    assert len(guessed) == 11
    assert all(any(f"# {word}: " in line for word in ("sure", "likely", "unsure")) for line in guessed)
    assert "sure: by its name and its values" in next(line for line in guessed if "customer.iban" in line)


def test_nothing_is_overwritten(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    Path("whosaw.cedar").write_text("mine")
    assert desk.run("init", "env:DESK_DATABASE") == 1
    assert "app.draft_exists" in capsys.readouterr().err
    assert not Path("whosaw.toml").exists()
    assert Path("whosaw.cedar").read_text() == "mine"


def test_the_draft_takes_the_address_from_where_it_was_given_and_names_the_company_and_its_own_file(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.run("init", "env:DESK_DATABASE", "--source", "other", "--company", "Acme", "--out", "acme.toml") == 0
    assert "export" not in capsys.readouterr().out  # the variable is there already
    written = Path("acme.toml").read_text()
    assert 'url = "env:DESK_DATABASE"' in written
    assert 'name = "Acme"\n' in written
    assert "whosaw check --catalog acme.toml" in written
    assert "whosaw.toml" not in written
    assert '"purpose.self_made"' in Path("acme.cedar").read_text()  # answered as without one
    assert desk.run("check", "--catalog", "acme.toml") == 0


@pytest.mark.parametrize("desk", ["postgresql"], indirect=True)
def test_copies_and_parts_of_tables_are_looked_at_once(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.change("create materialized view reached as select email from customers")
    desk.change("create table log (at timestamptz not null, email text) partition by range (at)")
    desk.change("create table log_26 partition of log for values from ('2026-01-01') to ('2027-01-01')")
    desk.change("create table events (id integer primary key, data jsonb)")
    desk.change("insert into events select id, jsonb_build_object('to', email) from customers")
    assert desk.run("init", "env:DESK_DATABASE", "--source", "desk") == 0
    capsys.readouterr()
    assert desk.run("check", "--catalog", "whosaw.toml", "--json") == 0
    uncovered = json.loads(capsys.readouterr().out)["coverage"]["uncovered"]
    assert {each["column"] for each in uncovered} == {
        "desk.events.data",
        "desk.log.email",
        "desk.order.shipping_address",
        "desk.reached.email",
    }


@pytest.mark.parametrize("desk", ["sqlite"], indirect=True)
def test_nobody_is_looked_up_whom_no_work_is_about(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.change("create table suppliers (id integer primary key, full_name text, email text, phone_number text)")
    desk.change("insert into suppliers select id, full_name, email, phone_number from customers")
    assert desk.run("init", "env:DESK_DATABASE", "--source", "desk") == 0
    read = load(Path("whosaw.toml"))
    assert set(read.subjects) == {"customer", "supplier"}
    assert set(read.lookups) == {"customer.email", "customer.phone_number"}
    written = Path("whosaw.toml").read_text()
    assert "# Nobody is found by it until there is work about a supplier; then take away the #.\n# [lookups." in written
    capsys.readouterr()
    assert desk.run("check", "--catalog", "whosaw.toml", "--json") == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []
    Path("whosaw.toml").write_text(written.replace("# [lookups", "[lookups").replace("# form", "form"))
    assert "supplier.email" in load(Path("whosaw.toml")).lookups


def test_a_password_does_not_stand_in_the_draft(desk: Desk) -> None:
    desk.run("init", desk.url, "--source", "desk")
    written = Path("whosaw.toml").read_text()
    if desk.url.startswith("sqlite"):
        assert "sqlite+aiosqlite" in written  # a file has no password
    else:
        assert 'url = "env:DESK_DATABASE"' in written  # named after the source
        assert desk.url not in written


def test_a_database_without_people_is_said_to_be_one(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    for table in ("tickets", "calls", "customers", "agents"):
        desk.change(f"drop table {table}")
    assert desk.run("init", "env:DESK_DATABASE") == 1
    assert "app.draft_impossible" in capsys.readouterr().err
    assert not Path("whosaw.toml").exists()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("nonsense", "app.draft_impossible"),
        ("env:NOWHERE_AT_ALL", "app.draft_impossible"),
        ("sqlite:////nowhere/at/all.db", "catalog.source_unreachable"),
        ("postgresql://u:topsecret@127.0.0.1:1/d", "catalog.source_unreachable"),
        ("oracle://u:topsecret@h/d", "catalog.source_unreachable"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_clear_error(
    url: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", url]) == 1
    said = capsys.readouterr().err
    assert f"[{code}]" in said
    assert "hint: " in said
    assert "topsecret" not in said
    assert list(tmp_path.iterdir()) == []
