"""The table [trace]: strict, and one declaration of account managers serves watch and trace."""

from __future__ import annotations

import pytest
from tests.unit.catalog.test_load import GOOD

from whosaw.catalog import CatalogInvalid, parse
from whosaw.catalog.weighcheck import wrong_in
from whosaw.catalog.weighing import RECORDS

WATCH = "[watch.managers]\nsource = 'shop'\nquery = 'select actor, beneficiary from a'\n"
TRACE = "[trace.{name}]\nsource = 'shop'\nquery = 'select 1 from b;'\n"


def test_what_a_catalog_declares_is_read_by_name_and_nothing_is_computed_alone_unless_it_says_so() -> None:
    read = parse(GOOD + "".join(TRACE.format(name=name) for name in RECORDS)).trace
    assert read is not None and set(read.records) == set(RECORDS) and read.records["presence"][1] == "select 1 from b"
    assert not read.recompute and read.skew_s == 300.0
    assert parse(GOOD).trace is None
    switched = parse(GOOD + "[trace]\nrecompute = true\nskew_s = 60\n").trace
    assert switched is not None and switched.recompute and switched.skew_s == 60.0 and not switched.records


def test_account_managers_of_watch_serve_trace_too_and_its_own_go_first() -> None:
    shared = parse(GOOD + WATCH).trace
    assert shared is not None and shared.records == {"managers": ("shop", "select actor, beneficiary from a")}
    own = parse(GOOD + WATCH + TRACE.format(name="managers")).trace
    assert own is not None and own.records["managers"][1] == "select 1 from b"


@pytest.mark.parametrize(
    "wrong",
    [
        "[trace]\nrecomputes = true\n",
        "[trace]\nrecompute = 'yes'\n",
        "[trace]\nskew_s = 90_000\n",
        "[trace.handover]\nsource = 'shop'\nquery = 'x'\n",
        "[trace.presence]\nsource = 'nowhere'\nquery = 'x'\n",
        "[trace.presence]\nsource = 'shop'\n",
        "[trace.accounts]\nsource = 'shop'\nquery = 'x'\nmode = 'observe'\n",
    ],
)
def test_what_is_mistyped_is_refused_and_the_message_says_where(wrong: str) -> None:
    with pytest.raises(CatalogInvalid, match=r"\[trace"):
        parse(GOOD + wrong)


@pytest.mark.parametrize(
    ("beneficiary", "every", "means"),
    [("seller:S-1", None, True), (None, None, False), (" ", "no", False), (None, True, True), ("", 1, True)],
)
def test_a_manager_of_nobody_is_not_one_of_everybody(beneficiary: str | None, every: object, means: bool) -> None:
    row = {"actor": "E-1", "beneficiary": beneficiary, "since": None, "until": None, "every": every}
    assert (not wrong_in("managers", row)) is means
    if every is None:
        assert (not wrong_in("managers", {name: row[name] for name in ("actor", "beneficiary")})) is means
