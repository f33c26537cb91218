"""Everything that is no catalog gets one clear error, with the place and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.catalog.test_load import GOOD

from whosaw.catalog import CatalogInvalid, load, parse
from whosaw.catalog.load import MOST_BYTES
from whosaw.catalog.watching import check_peers

TABLES = ("company", "sources", "subjects", "fields", "purposes", "actions", "actors", "budgets", "lookups", "grants")


def refusal(text: str) -> CatalogInvalid:
    with pytest.raises(CatalogInvalid) as refused:
        parse(text, name="whosaw.toml")
    problem = refused.value
    assert "whosaw.toml" in str(problem)
    assert problem.hint
    assert "\n" not in str(problem)
    return problem


@pytest.mark.parametrize("table", [*TABLES, "break_glass", "conduct", "alerts", "policies", "masks", "watch"])
@pytest.mark.parametrize("value", ["3", '"text"', "[1]", "true", "1979-05-27"])
def test_a_table_that_is_none_is_named(table: str, value: str) -> None:
    kept = "\n".join(part for part in GOOD.split("\n\n") if not part.lstrip().startswith((f"[{table}]", f"[{table}.")))
    assert f"`{table}`" in str(refusal(f"{table} = {value}\n{kept}"))


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("[company]", "[compnay]\n[company]", "whosaw.toml", "unknown key `compnay`"),
        ('key = "id"', 'key = "id"\nkye = "id"', "[subjects.customer]", "unknown key `kye`"),
        ('key = "id"', "key = 7", "[subjects.customer]", "`key` must be a text"),
        ('key = "id"', 'key = "  "', "[subjects.customer]", "`key` must be a text"),
        ('key = "id"', 'key = ["id"]', "[subjects.customer]", "`key` must be a text"),
        ('key = "id"', 'key = "id"\nidentifying = "name"', "[subjects.customer]", "must be a list of texts"),
        ('key = "id"', 'key = "id"\nidentifying = ["a", "a"]', "[subjects.customer]", "names `a` twice"),
        ('subject = "customer"\nbene', 'subject = "seller"\nbene', "[purposes.ticket]", "`subject` is `seller`"),
        ('beneficiary = "seller"', 'grace_h = "72"', "[purposes.ticket]", "`grace_h` must be a number"),
        ('beneficiary = "seller"', "grace_h = nan", "[purposes.ticket]", "`grace_h` must be a number"),
        ('beneficiary = "seller"', "grace_h = inf", "[purposes.ticket]", "`grace_h` must be a number"),
        ('beneficiary = "seller"', "grace_h = true", "[purposes.ticket]", "`grace_h` must be a number"),
        ('object = "review"', 'object = "review"\nsecond_person_above = 0', "[actions.review.delete]", "at least 1"),
        ("[actors]", "[actors]\nattributes = ['shoe']", "[actors]", "`attributes` is `shoe`"),
        ("select key,", "select key, upper(dob_year) as queue,", "[actors]", "something named `dob`"),
        ("select key,", "select key, s.Herkunft AS Shift,", "[actors]", "named `herkunft`"),
        ("select key,", "select key, max(s.language::text) as product,", "[actors]", "named `language`"),
        ("[actors]", "[budgets.b]\nclass = 'absent'\nday = {hard = 1}\n[actors]", "[budgets.b]", "`class` is `absent`"),
        ("[actors]", "[budgets.b]\nclass = 'contact'\n[actors]", "[budgets.b]", "the budget limits nothing"),
        (
            "[actors]",
            "[budgets.b]\nclass = 'misses'\nday = {soft = 1}\n[actors]",
            "[budgets.b]",
            "misses that never end would tell who exists",
        ),
        ('class = "contact"', 'class = "misses"', "customer.email", "`misses` is no class of a field"),
        ("[actors]", "[budgets.b]\naction = 'nope'\nday = {hard = 1}\n[actors]", "[budgets.b]", "`action` is `nope`"),
        ("[actors]", "[budgets.b]\nlookup = 'nope'\nday = {hard = 1}\n[actors]", "[budgets.b]", "`lookup` is `nope`"),
        ("[actors]", "[budgets.b]\nday = {hard = 1}\n[actors]", "[budgets.b]", "a `class`, an `action` or a `lookup`"),
        ("[actors]", "[lookups.shoe]\n[actors]", "[lookups.shoe]", "is no field"),
        ("[actors]", "[policies]\nfiles = ['none/*.cedar']\n[actors]", "[policies]", "no file fits"),
        ("[actors]", "[policies]\nfiles = ['/etc/*']\n[actors]", "[policies]", "cannot be sought"),
        ("[actors]", "[grants.g]\nclasses = ['absent']\napprovers = ['a']\n[actors]", "[grants.g]", "is `absent`"),
    ],
)
def test_the_place_and_what_is_wrong_are_said(old: str, new: str, place: str, said: str) -> None:
    assert old in GOOD
    problem = refusal(GOOD.replace(old, new, 1))
    assert place in str(problem)
    assert said in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        GOOD.replace("Shop", "Sh\x00op"),
        "\ufeff" + GOOD,
        "a = " + "[" * 10_000,
        GOOD + "\n[company]\nname = 'again'\n",
        GOOD.replace("[actors]", "[actors"),
        "",
        "name = 'x'",
    ],
)
def test_what_is_no_catalog_at_all_is_one_error(text: str) -> None:
    refusal(text)


def test_a_subject_that_refers_to_itself_and_a_field_of_a_field_lead_nowhere() -> None:
    refusal(GOOD.replace('source = "shop"\ntable', 'source = "customer"\ntable'))
    refusal(
        GOOD.replace('fields."customer.email"', 'fields."customer.email.customer"').replace("customer.email", "x.y")
    )
    refusal(GOOD.replace('fields."customer.email"', 'fields."email"'))


def bad_files(folder: Path) -> list[Path]:
    made = {
        "utf16.toml": GOOD.encode("utf-16"),
        "latin1.toml": GOOD.replace("Shop", "Café").encode("latin-1"),
        "huge.toml": b"# " + b"x" * MOST_BYTES,
        "nul.toml": GOOD.encode() + b"\x00",
        "surrogate.toml": b'name = "\xed\xa0\x80"',
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    (folder / "folder.toml").mkdir()
    return [folder / name for name in made] + [folder / "folder.toml", folder / "none.toml", folder / "a\x00b"]


def test_a_file_that_is_none_is_one_error_each(tmp_path: Path) -> None:
    for path in bad_files(tmp_path):
        with pytest.raises(CatalogInvalid) as refused:
            load(path)
        assert refused.value.hint, path
        assert str(tmp_path) in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "whosaw.toml"
    path.write_text(GOOD)
    path.chmod(0)
    with pytest.raises(CatalogInvalid, match="ermission"):
        load(path)


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(CatalogInvalid, match="longer than"):
        load(Path("/dev/zero"))


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "whosaw.toml"
    path.write_bytes(GOOD.replace("\n", "\r\n").encode())
    assert load(path) == parse(GOOD)


@pytest.mark.parametrize(
    "query",
    [
        "with s as (select id, age from t) select team as queue, id as key from s",
        "select role as roles, id as key from a union all select role as roles, id as key from b",
        "select id as key, case when dept = 'payroll' then 'payroll' else 'shop' end as queue from staff",
        "select id as key, roles, 'health' as product from staff",
        "select id as key, roles, health_products as product, union_desk as queue from staff",
        "select id as key, case when a then coalesce(b, health) end as product from staff",
        "select id as key, roles /* pay, age as queue */ from staff -- , age as queue",
        "select id as key, product.name as product from staff, language as product",
        "select roles as roles, queue as queue, string_agg(product, ', age as shift') as product from staff",
    ],
)
def test_a_right_query_of_a_staff_directory_is_not_refused_for_a_word_that_stands_in_it(query: str) -> None:
    check_peers(query, "[actors]")
