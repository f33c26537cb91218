"""A team's table of expected decisions: read strictly, tried on the policies, and what fails is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from whosaw.app.cli import run
from whosaw.app.policytable import TableInvalid, read_table, try_table
from whosaw.decide import load_policies

GOOD = """
[[expect]]
name = "support reads the contact of its ticket"
roles = ["support"]
purpose = "ticket"
class = "contact"
effect = "reveal"

[[expect]]
name = "without a ticket it sees a mask"
roles = ["support"]
class = "contact"
effect = "mask"

[[expect]]
name = "another customer's ticket opens nothing"
roles = ["support"]
purpose = "ticket"
reason = "purpose.other_subject"
class = "contact"
effect = "deny"

[[expect]]
name = "a suspended one gets nothing even with a grant"
roles = ["support"]
class = "contact"
granted = true
suspended = true
effect = "deny"

[[expect]]
name = "support looks up whom its ticket is about"
roles = ["support"]
purpose = "ticket"
action = "lookup:customer.email"
effect = "allow"

[[expect]]
name = "and looks up nobody without one"
roles = ["support"]
action = "lookup:customer.email"
effect = "deny"

[[expect]]
name = "review care deletes"
roles = ["review_care"]
purpose = "review_care"
action = "review.delete"
effect = "allow"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "expected.toml"
    path.write_text(text)
    return path


def test_the_shipped_policies_do_what_a_team_expects(tmp_path: Path) -> None:
    outcomes = try_table(read_table(written(tmp_path, GOOD)), load_policies())
    assert [each.holds for each in outcomes] == [True] * 7


CATALOG = """
[company]
name = "A"
contact = "a@a.example"
[sources.a]
url = "sqlite+aiosqlite://"
[subjects.customer]
source = "a"
table = "customers"
key = "id"
[fields."customer.email"]
column = "email"
class = "contact"
mask = "email"
[purposes.ticket]
source = "a"
subject = "customer"
query = "select 1"
[purposes.review_care]
source = "a"
subject = "customer"
query = "select 1"
[actions."review.delete"]
source = "a"
object = "review"
subject = "customer"
query = "select 1"
[lookups."customer.email"]
[actors]
source = "a"
query = "select 1"
[policies]
files = ["*.cedar"]
"""


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('class = "contact"', 'class = "contcat"', "no class `contcat`"),
        ('purpose = "ticket"', 'purpose = "tciket"', "no purpose `tciket`"),
        ('action = "review.delete"', 'action = "review.drop"', "no action `review.drop`"),
    ],
)
def test_a_name_that_the_catalog_does_not_have_is_no_expectation(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    (tmp_path / "own.cedar").write_text(load_policies().text)
    catalog = tmp_path / "whosaw.toml"
    catalog.write_text(CATALOG)
    table = written(tmp_path, GOOD.replace(before, after))
    with pytest.raises(TableInvalid, match=says):
        run(["policy", "test", str(table), "--catalog", str(catalog)])


def test_a_wrong_expectation_fails_and_is_named_with_the_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = tmp_path / "own.cedar"
    policies.write_text(load_policies().text)
    catalog = tmp_path / "whosaw.toml"
    catalog.write_text(CATALOG)
    monkeypatch.setenv("WHOSAW_CATALOG", str(catalog))
    wrong = GOOD.replace('effect = "mask"', 'effect = "reveal"')
    assert run(["policy", "test", str(written(tmp_path, wrong))]) == 1
    told = capsys.readouterr().out
    assert "FAILED  without a ticket it sees a mask: mask, not reveal (masked.without_reason)" in told
    assert "6 of 7 decisions as expected" in told
    assert run(["policy", "test", str(written(tmp_path, GOOD))]) == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expect"),
        ("[[expect]", "not TOML"),
        ("other = 1", "expect"),
        ("expect = 3", "expect"),
        (GOOD.replace('class = "contact"\neffect = "reveal"', 'effect = "reveal"', 1), "either a `class` or an"),
        (GOOD.replace('effect = "reveal"', 'effect = "show"', 1), "effect"),
        (GOOD.replace('roles = ["support"]', 'role = "support"', 1), "role"),
        (GOOD.replace('"purpose.other_subject"', '"because"'), "reason"),
    ],
)
def test_what_cannot_be_a_table_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(TableInvalid, match=says):
        read_table(written(tmp_path, text))


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableInvalid, match="cannot read"):
        read_table(tmp_path / "none.toml")
