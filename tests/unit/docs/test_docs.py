"""The documentation is true: examples run, links resolve, and what is named exists and the other way round."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from typing import get_args

import httpx
import psycopg
import pytest

import whosaw
from whosaw.__main__ import main
from whosaw.terms import WhosawError

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]

_BLOCK = re.compile(r"(?:<!-- run: (?P<run>[a-z-]+) -->\n)?^```(?P<language>[a-z]*)\n(?P<body>.*?)^```$", re.M | re.S)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_FORBIDDEN = re.compile(
    # no word of how it was made, nothing promised, no path of one machine (session-revoked is a standard event)
    r"\bissues?\b|\bsessions?\b(?!-revoked)|\bsub-?agents?\b|\bhelpers?\b|\bTODO\b|\bFIXME\b|(?<![\w.])/(?:work|tmp|root|home)/|"
    r"\bcoming soon\b|\bin a later\b",
    re.I,
)
_TEST_VARIABLES = {"WHOSAW_DATASETS", "WHOSAW_REAL_DATA", "WHOSAW_STORY_SEEDS", "WHOSAW_WORLD_SEEDS"}
_NOT_CLASSES = {"app.usage", "app.missing_extra"}  # printed by the entry point itself
_NOT_CODES = {  # a function and files, spelled like codes
    "record.fsck",
    "mail.hit",
    "trail.key",
    "identity.key",
    "mail.key",
    "answer.json",
    "answer.pdf",
    "answer.note",
}


@dataclass(frozen=True)
class Block:
    run: str
    language: str
    body: str


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [Block(m["run"] or "", m["language"], m["body"]) for m in _BLOCK.finditer(text)]


def marked(page: str, run: str) -> str:
    return next(block.body for block in blocks(page) if block.run == run)


@cache
def everything() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


@cache
def code_spans() -> str:
    """What stands in backticks or code blocks, a line each."""
    fenced = [match["body"] for match in _BLOCK.finditer(everything())]
    return "\n".join([*fenced, *re.findall(r"`([^`\n]+)`", _BLOCK.sub("", everything()))])


def anchors(page: Path) -> set[str]:
    """Return the anchors that the page's headings get."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_no_page_speaks_of_how_it_was_made(page: Path) -> None:
    measured = page.parent.name == "measured"  # written by programs; a session there is the database's
    found = [word for word in _FORBIDDEN.findall(page.read_text(encoding="utf-8")) if not measured or word != "session"]
    assert found == []


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = (link.partition("#")[0] for link in _LINK.findall(page.read_text(encoding="utf-8")))
        waiting += [(page.parent / link).resolve() for link in links if link and "://" not in link]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in seen] == []


# Examples that run


@pytest.mark.parametrize("page", ["docs/trail.md", "docs/trace.md", "docs/client.md"])
def test_the_python_examples_of_a_page_run_in_order(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = [block for block in blocks(page) if block.language == "python"]
    assert found and all(block.run for block in found)
    for block in found:
        exec(compile(block.body, f"{page}:{block.run}", "exec"), {"__name__": "example"})


def test_the_verifier_without_whosaw_refuses_what_was_altered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "example"}
    exec(marked("docs/trail.md", "bundle"), names)
    verifier = marked("docs/trail.md", "verifier")
    assert "whosaw" not in re.sub(r'b?"[^"\n]*"', "", verifier)  # its strings name domains; its code imports nothing
    exec(verifier, names)
    for file in ("manifest.json", "checkpoint", "entries.jsonl", "files/note.txt"):
        path = Path("practice") / file
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"e", b"f", 1))
        with pytest.raises(Exception):  # noqa: B017 - any refusal will do
            exec("verify(Path('practice'), trusted)", names)
        path.write_bytes(whole)
    exec("assert verify(Path('practice'), trusted) == 1", names)


def test_the_shell_examples_print_what_the_page_says(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    for command, expected in _commands(marked("docs/import.md", "console")):
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert _fits(expected, done.stdout + done.stderr), f"$ {command}\n{done.stdout}{done.stderr}"


def _commands(block: str) -> Iterator[tuple[str, str]]:
    """Yield each command with its here-document, and the output that follows it."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        head, newline, rest = part.partition("\n")
        if "<<'END'" in head:
            document, _, rest = rest.partition("END\n")
            head = f"{head}\n{document}END\n"
        yield head, rest if newline else ""


def _fits(expected: str, printed: str) -> bool:
    pattern = ".*?".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, printed, re.S) is not None


def test_the_catalog_examples_are_catalogs(monkeypatch: pytest.MonkeyPatch) -> None:
    from whosaw.catalog import parse

    monkeypatch.setenv("ACME_DATABASE", "postgresql+psycopg://nobody@nowhere.example/acme")
    assert set(parse(marked("docs/catalog.md", "catalog")).fields) == {
        "customer.name",
        "customer.email",
        "customer.address",
    }
    demo = tomllib.loads((ROOT / "src/whosaw/app/demo/catalog.toml").read_text(encoding="utf-8"))
    part = tomllib.loads(marked("docs/catalog.md", "catalog-part"))
    assert part["actions"] == demo["actions"]


@pytest.fixture
async def acme(
    postgres_url: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """The small company of docs/catalog.md behind a door; yields a way to it and the token of E-7."""
    from whosaw.app.httpdoor import http_door
    from whosaw.app.server import build_app
    from whosaw.app.services import open_services
    from whosaw.app.settings import Settings
    from whosaw.gate import add_token
    from whosaw.gate.identityrecord import CredentialRecord
    from whosaw.store.database import with_database
    from whosaw.store.migrate import engine_url
    from whosaw.terms import SystemClock

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("drop database if exists docs_acme with (force)")
        connection.execute("create database docs_acme")
    company = with_database(postgres_url, "docs_acme")
    with psycopg.connect(company) as connection:
        connection.execute(ACME)
    monkeypatch.setenv("ACME_DATABASE", engine_url(company).render_as_string(hide_password=False))
    catalog = tmp_path / "whosaw.toml"
    catalog.write_text(marked("docs/catalog.md", "catalog"), encoding="utf-8")
    clock = SystemClock()
    settings = Settings(state=tmp_path, catalog=catalog)
    async with open_services(settings, clock, database_url, door="docs") as services:
        app = build_app(http_door(services).router)
        # as ``whosaw user add E-7`` does
        await CredentialRecord(services.db, services.appender, clock).note("token", "made", "E-7", "operator:acme")
        token = await add_token(services.db, "E-7", clock.now())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door") as way:
            yield way, token
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("drop database docs_acme with (force)")


ACME = """
create table customers (id text primary key, name text, email text, address text, country text);
create table staff (id text primary key, role text, country text, left_on date);
create table tickets (id text primary key, customer_id text, opened_by text, assigned_to text,
                      opened_at timestamptz, closed_at timestamptz);
insert into customers values
    ('C-1', 'Ada Moreau', 'ada.moreau@mail.example', '4 Rue des Lilas, Lyon, France', 'FR'),
    ('C-2', 'Ben Okafor', 'ben@post.example', '2 Mill Lane, Leeds, England', 'GB');
insert into staff values ('E-7', 'support', 'FR', null);
insert into tickets values
    ('T-1', 'C-1', 'customer:C-1', 'E-7', now() - interval '1 hour', null);
"""


async def test_the_examples_of_the_http_page_are_what_the_door_answers(acme: tuple[httpx.AsyncClient, str]) -> None:
    way, token = acme
    page = (ROOT / "docs/http.md").read_text(encoding="utf-8")
    asked = re.search(r"-d '(\{\"subject\".*?\})'", page)
    assert asked is not None
    asks = [
        (asked[1], 200),
        ('{"subject": "customer:C-1", "fields": ["customer.email"]}', 200),
        ('{"subject": "customer:C-2", "fields": ["customer.email"], "purpose": "ticket:T-1"}', 403),
        ('{"subject": "customer:C-1", "fields": ["customer.shoe"]}', 422),
    ]
    shown = [block.body for block in blocks("docs/http.md") if block.language == "json"]
    assert len(shown) == len(asks)
    for (body, status), example in zip(asks, shown, strict=True):
        answer = await way.post("/v1/disclosures", content=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
        assert _plain(answer.json()) == _plain(httpx.Response(200, content=example.encode()).json())


def _plain(answer: dict[str, object]) -> dict[str, object]:
    """Leave out what is random or dated."""
    return {name: value for name, value in answer.items() if name not in {"ask", "receipt"}} | {
        "receipt": "receipt" in answer
    }


async def test_the_sdk_example_prints_what_the_page_says(
    acme: tuple[httpx.AsyncClient, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import whosaw.client

    way, token = acme
    page = blocks("docs/client.md")
    names: dict[str, object] = {"__name__": "example"}
    exec(page[0].body, names)
    # the example's client, over the door in this process
    monkeypatch.setitem(names, "AsyncClient", lambda address, key: whosaw.client.AsyncClient(address, key, http=way))
    show = names["show"]
    assert callable(show)
    await show("http://door", token)
    assert capsys.readouterr().out == next(block.body for block in page if block.language == "text")


# What is named exists, and what exists is named


@cache
def commands() -> dict[str, set[str]]:
    """Return every command as typed, with its options."""
    from whosaw.app.cli import app

    found: dict[str, set[str]] = {}
    for name in app.resolved_commands():
        if name.startswith("-"):
            continue
        inner = [each for each in app[name].resolved_commands() if not each.startswith("-")]
        own = [name] if not inner or app[name].default_command else []  # a command may have others below it
        for words in [*own, *(f"{name} {each}" for each in inner)]:
            found[words] = set(re.findall(r"--[a-z][a-z-]*", _help(words))) - {"--help", "--version"}
    return found


def _help(words: str) -> str:
    with redirect_stdout(StringIO()) as shown, suppress(SystemExit), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        main([*words.split(), "--help"])
    return shown.getvalue()


def test_every_command_named_in_the_documentation_exists() -> None:
    first = {name.split()[0] for name in commands()}
    named = set(re.findall(r"(?:^|[\s$(/])whosaw ([a-z]+)(?![\w.:=])", code_spans(), re.M))
    assert named - first - {"listens"} == set()


def test_every_command_and_option_is_documented() -> None:
    spans = code_spans()
    missing = [name for name in commands() if not re.search(rf"whosaw {name}\b", spans)]
    options = {f"{name} {option}" for name, known in commands().items() for option in known if option not in spans}
    assert missing == [] and options == set()


def test_the_options_beside_a_command_are_its_own() -> None:
    table = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\| `whosaw ([^|]+)\|([^|]*)\|$", table, re.M):
        name = max((name for name in commands() if row[0].startswith(name)), key=len)
        assert set(re.findall(r"--[a-z][a-z-]*", "".join(row))) <= commands()[name]


def test_every_target_of_make_named_in_the_documentation_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = re.findall(r"^make ([a-z ]+?)\b(?= *(?:#|ARGS|$))", code_spans(), re.M)
    assert {target for words in named for target in words.split()} - targets == set()


def test_every_extra_of_the_package_is_documented() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [extra for extra in project["optional-dependencies"] if f"| `{extra}` |" not in page] == []


def test_settings_are_documented_and_no_other_is_named() -> None:
    from whosaw.app.casesettings import CaseSettings
    from whosaw.app.settings import Settings

    known = {f"WHOSAW_{name.upper()}" for name in (*Settings.model_fields, *CaseSettings.model_fields)}
    named = set(re.findall(r"\bWHOSAW_[A-Z_]+\b", everything()))
    assert named == known | _TEST_VARIABLES


@cache
def error_codes() -> set[str]:
    for module in pkgutil.walk_packages(whosaw.__path__, "whosaw."):
        if "migrations" not in module.name:
            importlib.import_module(module.name)
    waiting, codes = [WhosawError], set()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("whosaw"):
            codes.add(kind.code)
    return codes


def test_every_error_code_is_documented_and_none_is_invented() -> None:
    table = (ROOT / "docs/operations.md").read_text(encoding="utf-8").partition("## Error codes")[2]
    listed = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", table, re.M))
    assert listed == error_codes()
    packages = {code.partition(".")[0] for code in error_codes()} - {"whosaw"}
    spans = re.findall(r"`([a-z]+\.[a-z_]+)`", everything())
    named = {code for code in spans if code.partition(".")[0] in packages}
    assert named - error_codes() - _NOT_CODES - _NOT_CLASSES - _reasons() - _alerts() == set()


def _alerts() -> set[str]:
    from whosaw.app.alerttexts import CODES

    return set(CODES)


def _reasons() -> set[str]:
    from whosaw.doors.console.words import REASONS

    return set(REASONS)


def test_every_reason_of_a_decision_is_documented() -> None:
    page = (ROOT / "docs/catalog.md").read_text(encoding="utf-8")
    assert [reason for reason in _reasons() - {"actor.empty"} if f"| `{reason}` |" not in page] == []


def test_every_kind_of_finding_is_documented() -> None:
    from whosaw.record.findings import FindingKind

    page = (ROOT / "docs/trail.md").read_text(encoding="utf-8")
    assert [kind for kind in get_args(FindingKind) if f"| `{kind}` |" not in page] == []


def test_every_kind_of_entry_is_documented() -> None:
    page = (ROOT / "docs/trail.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src/whosaw").rglob("*.py")]
    kinds = {kind for text in sources for kind in re.findall(r'"kind": "([a-z_]+)",\n\s+"at": ', text)}
    assert len(kinds) >= 5
    assert [kind for kind in kinds if not re.search(rf"^\| [^|]*`{kind}`[^|]* \|", page, re.M)] == []


def test_every_mask_column_and_kind_of_step_is_documented() -> None:
    from whosaw.answer.ladder import RULES
    from whosaw.catalog.load import MASKS
    from whosaw.lake.mapping import OPTIONAL, REQUIRED

    catalog, mapping, answer = (
        (ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("catalog.md", "import.md", "answer.md")
    )
    assert [mask for mask in MASKS if f"| `{mask}` |" not in catalog] == []
    for kind in REQUIRED:
        columns = [", ".join(f"`{name}`" for name in names[kind]) for names in (REQUIRED, OPTIONAL)]
        assert f"| `{kind}` | {columns[0]} | {columns[1]} |" in mapping
    for step, rule in RULES.items():
        assert f"| `{step}` | {rule.approvals} | {rule.undo or '–'} |" in answer


def test_the_numbers_of_the_method_are_those_of_the_code() -> None:
    from whosaw.trace import Settings
    from whosaw.trace.settings import LAMBDAS

    page = (ROOT / "docs/trace.md").read_text(encoding="utf-8")
    settings = Settings()
    rows = dict(re.findall(r"^\| `(\w+)`(?:, `\w+`)? \| ([^|]+) \|", page, re.M))
    rows |= {"first_draws": "499", "max_controls": "20000"}
    for name in inspect.signature(Settings).parameters:
        value = getattr(settings, name)
        if name == "lambda_prior":
            assert ", ".join(f"{each:g}" for each in value) in page
        elif isinstance(value, tuple):
            assert rows[name] == ", ".join(str(each) for each in value)
        else:
            assert rows[name].split(",")[0] == str(value).lower(), name
    assert ", ".join(f"{each:g}" for each in LAMBDAS) in page


def test_every_route_is_documented() -> None:
    page = (ROOT / "docs/http.md").read_text(encoding="utf-8")
    from whosaw.doors.http.openapi import OPERATIONS

    stated = page.replace("NUMBER", "{number}").replace("ACTOR/", "{actor}/")
    for path in {each.path for each in OPERATIONS}:
        whole = re.search(rf"`(?:GET |POST )?{re.escape(path)}`", stated)
        short = re.search(rf"`…/{re.escape(path.rpartition('/')[2])}`", stated)
        assert whole or short, path
    trail = (ROOT / "src/whosaw/doors/trail/routes.py").read_text(encoding="utf-8")
    first = re.findall(r'\("(/\w+)[/"]', trail.partition("for path, answer in")[2].partition("):")[0])
    assert len(first) >= 4
    assert [route for route in first if f"| `GET /trail{route}" not in page] == []


def test_every_test_that_a_guarantee_names_exists() -> None:
    page = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", page)
    assert len(named) > 60
    for file, test in named:
        path = ROOT / "tests" / file
        assert path.is_file() and re.search(rf"def {test}\(", path.read_text(encoding="utf-8")), f"{file}::{test}"


def test_every_guarantee_names_a_test_or_says_that_there_is_none() -> None:
    page = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
    for section in page.split("\n## ")[1:]:
        assert "::test_" in section or "ot tested yet" in section, section.partition("\n")[0]


def test_every_decision_has_its_date_and_the_losers_argument_and_is_listed() -> None:
    folder = ROOT / "docs" / "why"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for page in sorted(folder.glob("0*.md")):
        text = page.read_text(encoding="utf-8")
        assert page.name in index
        assert re.search(r"^\d{1,2} [A-Z][a-z]+ 20\d\d$", text, re.M)
        assert "**The best argument of what lost.**" in text and "Decided" in text
