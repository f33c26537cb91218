"""The audit log of a real PostgreSQL, written while psql and pgbench ask it, is what was asked of it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from whosaw.lake.coverage import Door, coverage
from whosaw.lake.importer import ImportReport, import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.opened import opened

BIN = Path("/usr/lib/postgresql/15/bin")
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        not Path("/usr/lib/postgresql/15/lib/pgaudit.so").exists() or not (BIN / "pgbench").exists(),
        reason="needs postgresql-15 and postgresql-15-pgaudit (scripts/system-packages)",
    ),
]
SETTINGS = {
    "listen_addresses": "",
    "shared_preload_libraries": "pgaudit",
    "logging_collector": "on",
    "log_destination": "csvlog,jsonlog",
    "log_directory": "log",
    "log_filename": "pg",
    "log_timezone": "Europe/Berlin",
    "pgaudit.log": "read, write",
    "pgaudit.log_relation": "on",
    "pgaudit.log_parameter": "on",
    "pgaudit.log_catalog": "off",
    "fsync": "off",
}
SCHEMA = """
    create table customer (id int primary key, email text);
    create table product (id int primary key, name text);
    insert into customer select n, 'c' || n || '@example.com' from generate_series(1, 500) n;
    insert into product select n, 'p' || n from generate_series(1, 10) n;
    create view everyone as select id, email from customer;
    create function mail_of(who int) returns text language plpgsql as
        $$ begin return (select email from customer where id = who); end $$;
    create role door login; create role dba login;
    grant all on all tables in schema public to door, dba;
"""
SCRIPT = (
    "\\set who random(1, 20)\nselect email from customer where id = :who;\nselect name from product where id = 3;\n"
)


def server_user() -> dict[str, Any]:
    """Return as whom the server and its tools run: PostgreSQL refuses root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def run(program: str, *arguments: str, text: str = "") -> str:
    done = subprocess.run(
        [str(BIN / program), *arguments], input=text, text=True, check=True, cwd="/", capture_output=True,
        **server_user(),
    )  # fmt: skip
    return done.stdout


@pytest.fixture(scope="module")
def logs() -> Iterator[Path]:
    """Run a server, ask it things, stop it; return the folder of its logs."""
    folder = Path(tempfile.mkdtemp(prefix="ws-audit-"))
    data = folder / "data"
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    run("initdb", "-D", str(data), "-U", "owner", "--auth=trust", "-E", "UTF8", "--locale=C")
    settings = [f"-c {name}='{value}'" for name, value in SETTINGS.items()]
    subprocess.run(
        [str(BIN / "pg_ctl"), "-D", str(data), "-w", "-t", "120", "-l", str(folder / "start"),
         "-o", " ".join(["-k", str(folder), *settings]), "start"],
        check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        **server_user(),
    )  # fmt: skip
    try:
        ask(folder)
    finally:
        run("pg_ctl", "-D", str(data), "-m", "fast", "-w", "stop")
    yield data / "log"
    shutil.rmtree(folder)


def ask(folder: Path) -> None:
    with psycopg.connect(f"host={folder} user=owner dbname=postgres", autocommit=True) as connection:
        connection.execute("create extension pgaudit")
        connection.execute("set pgaudit.log = 'none'")
        connection.execute(SCHEMA)
    script = folder / "script.sql"
    script.write_text(SCRIPT)
    script.chmod(0o644)
    for how in ("simple", "extended", "prepared"):
        run(
            "pgbench", "-h", str(folder), "-U", "door", "-n", "-f", str(script), "-c", "2", "-t", "20", "-M", how,
            "postgres",
        )  # fmt: skip
    statements = (
        "select * from customer where id in (7, 8);\n"
        "select * from customer where email like 'c1%';\n"
        "select * from everyone where id = 9;\n"
        "select mail_of(10);\n"
        "copy (select email from customer where id = 11) to stdout;\n"
        "update customer set email = 'it''s \"new\",\nsays he' where id = 12;\n"
        "prepare p as select * from customer where id = $1; execute p(13);\n"
        "insert into customer values (900, 'x');\n"
        "select * from product;\n"
        "begin; declare c cursor for select * from customer where id = 14; fetch all from c; commit;\n"
    )
    run("psql", "-h", str(folder), "-U", "dba", "-X", "-q", "-v", "ON_ERROR_STOP=1", "postgres", text=statements)


def bring(log: Path, lake: Path, **changes: Any) -> ImportReport:
    document = {
        "kind": "accesses",
        "log": {"format": "pgaudit"},
        "sql": {"tables": {"public.customer": {"key": "id", "type": "integer"}}},
        "time": {"zone": "Europe/Berlin"},
        "grade": {"written_by": "system", "forgeable_by": "administrator"},
    }
    return import_log(log, read_mapping(document | changes), lake)


def rows(lake: Path, actor: str) -> Counter[str | None]:
    with opened(lake) as open_lake:
        found = open_lake.rows(
            """
            SELECT of_subject.key FROM (FROM accesses UNION ALL FROM touches) rows
            JOIN numbers of_actor ON of_actor.space = 'actor' AND of_actor.number = rows.actor
            LEFT JOIN numbers of_subject ON of_subject.space = 'subject' AND of_subject.number = rows.subject
            WHERE of_actor.key = ?
            """,
            [actor],
        )
    return Counter(subject for (subject,) in found)


@pytest.mark.parametrize("name", ["pg.csv", "pg.json"])
def test_what_a_real_server_audited_is_what_was_asked_of_it(logs: Path, tmp_path: Path, name: str) -> None:
    lake = tmp_path / "lake"
    report = bring(logs / name, lake)
    assert report.rejected == 0
    door = rows(lake, "door")
    # three ways to send a statement, two clients, twenty times each: every one names its customer
    assert door.total() == 120
    assert None not in door
    assert {int(subject) for subject in door if subject} <= set(range(1, 21))
    dba = rows(lake, "dba")
    for customer in (7, 8, 11, 12, 13, 14):
        assert dba[str(customer)] >= 1
    assert "9" not in dba  # through a view
    assert "10" not in dba  # inside a function
    assert "900" not in dba  # put in, not shown
    assert dba[None] >= 3  # the pattern, the view, the function
    found = coverage(lake, [Door("door")])
    assert (found.total, found.through) == (120 + dba.total(), 120)
    assert {way.role for way in found.around} == {"dba"}
    assert {way.access.rpartition(" ")[2] for way in found.around} == {"public.customer"}
    assert bring(logs / name, lake).accepted == 0


def test_both_logs_of_the_server_tell_the_same(logs: Path, tmp_path: Path) -> None:
    for name in ("csv", "json"):
        bring(logs / f"pg.{name}", tmp_path / name)
    for actor in ("door", "dba"):
        assert rows(tmp_path / "csv", actor) == rows(tmp_path / "json", actor)
