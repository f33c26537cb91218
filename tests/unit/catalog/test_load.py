from __future__ import annotations

from pathlib import Path

import pytest

from whosaw.catalog import CatalogInvalid, load, parse

GOOD = """
[company]
name = "Shop"
contact = "privacy@shop.example"

[sources.shop]
url = "sqlite://"

[subjects.customer]
source = "shop"
table = "customers"
key = "id"
region = "region"

[fields."customer.email"]
column = "email"
class = "contact"
mask = "email"

[purposes.ticket]
source = "shop"
subject = "customer"
beneficiary = "seller"
query = "select 1"

[actions."review.delete"]
source = "shop"
subject = "customer"
object = "review"
query = "select 1"

[actors]
source = "shop"
query = "select key, roles, region, ended from staff;"
"""


def test_a_good_catalog_is_resolved() -> None:
    catalog = parse(GOOD)
    assert catalog.fields["customer.email"].klass == "contact"
    assert catalog.purposes["ticket"].mode == "enforce"
    assert catalog.actors.query.endswith("staff")
    assert parse(GOOD).version == catalog.version != parse(GOOD + "\n# a word").version


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[company]", "[company]\nnmae = 'x'", "unknown key `nmae`"),
        ('mask = "email"', 'mask = "emial"', "`mask` is `emial`"),
        ('mask = "email"', "", "`mask` is missing"),
        ('class = "contact"', "class = 3", "`class` must be a text"),
        ('fields."customer.email"', 'fields."client.email"', "does not begin with a kind of subject"),
        ('source = "shop"\ntable', 'source = "shpo"\ntable', "`source` is `shpo`"),
        ('url = "sqlite://"', 'url = "env:WHOSAW_TEST_NOWHERE"', "no `WHOSAW_TEST_NOWHERE`"),
        ("[actors]", "[actor]", "unknown key `actor`"),
        ("[company]", "[company", "is not TOML"),
        ('beneficiary = "seller"', 'mode = "observ"', "`mode` is `observ`"),
        ('beneficiary = "seller"', "grace_h = -1", "at least 0"),
        ("[subjects.customer]", "[subjects]\ncustomer = 3\n[subjects.other]", "must be a table"),
    ],
)
def test_a_bad_catalog_is_refused_and_the_place_is_named(old: str, new: str, said: str) -> None:
    with pytest.raises(CatalogInvalid, match=said.replace("`", ".")):
        parse(GOOD.replace(old, new, 1))


def test_a_mistyped_key_is_answered_with_what_was_meant() -> None:
    with pytest.raises(CatalogInvalid) as refused:
        parse(GOOD.replace('column = "email"', 'column = "email"\nmsak = "name"'))
    assert "did you mean `mask`" in refused.value.hint


def test_a_missing_file_and_a_file_that_is_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogInvalid, match="cannot read"):
        load(tmp_path / "none.toml")
    (tmp_path / "raw.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogInvalid, match="not UTF-8"):
        load(tmp_path / "raw.toml")


def test_a_budget_may_give_misses_other_numbers() -> None:
    read = parse(GOOD + '\n[budgets.tries]\nclass = "misses"\nhour = { hard = 200 }\n').budgets["tries"]
    assert (read.klass, read.hour.hard) == ("misses", 200)
