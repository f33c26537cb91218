"""The table [watch]: strict, and each refusal says where."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.catalog.test_load import GOOD

from whosaw.catalog import CatalogInvalid, parse
from whosaw.catalog.watching import SIGNALS, VIAS
from whosaw.watch.settings import DEFAULT_WEIGHTS, read_settings
from whosaw.watch.templates import Via, read_templates

WATCH = """
[watch]
false_cases_a_month = 0.5
off = ["picks"]
prompts = true

[watch.weights]
beneficiary = 1

[[watch.template]]
name = "ticket"
via = "assigned"
kinds = ["complaint"]
grace_h = 72

[[watch.template]]
name = "note"
via = "handled"
own_text = true
"""


def test_templates_and_settings_are_read_and_mean_something_to_watch() -> None:
    watch = parse(GOOD + WATCH).watch
    assert watch is not None and watch.prompts
    settings = read_settings(watch.settings)
    assert settings.false_cases_a_month == 0.5 and settings.off == ("picks",)
    assert settings.weights == {"beneficiary": 1.0}
    ticket, note = read_templates(watch.templates, ["complaint"])
    assert (ticket.name, ticket.via, ticket.kinds, note.own_text) == ("ticket", Via.ASSIGNED, ("complaint",), True)
    assert parse(GOOD).watch is None


def test_the_catalog_knows_the_links_and_signals_of_watch() -> None:
    assert tuple(Via) == VIAS
    assert set(SIGNALS) == set(DEFAULT_WEIGHTS)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("prompts = true", "prompt = true", "[watch]: unknown key `prompt`"),
        ("false_cases_a_month = 0.5", "false_cases_a_month = 0", "`false_cases_a_month` must lie between 0.001"),
        ("false_cases_a_month = 0.5", 'false_cases_a_month = "few"', "`false_cases_a_month` must be a number"),
        ('off = ["picks"]', 'off = ["pay"]', "`off` is `pay`"),
        ("beneficiary = 1", "nationality = 1", "unknown key `nationality`"),
        ("beneficiary = 1", "beneficiary = 0", "no signal has a weight"),
        ('via = "handled"', 'via = "hunch"', "[watch.template 2]: `via` is `hunch`"),
        ('name = "note"', 'name = "ticket"', "[watch.template 2]: a second template is named `ticket`"),
        ('name = "note"', "", "[watch.template 2]: `name` is missing"),
        ("grace_h = 72", "grace_h = 99999", "`grace_h` must lie between 0 and 8,784"),
        ("grace_h = 72", "grace = 72", "[watch.template 1]: unknown key `grace`"),
        ("own_text = true", 'own_text = "yes"', "`own_text` must be true or false"),
        ("[[watch.template]]", "[watch.template]", "must be a list of tables"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(old: str, new: str, said: str) -> None:
    text = WATCH.replace(old, new)
    if old.startswith("[["):
        text = text[: text.index("[watch.template]", text.index("[watch.template]") + 1)]
    with pytest.raises(CatalogInvalid) as refused:
        parse(GOOD + text, name="whosaw.toml")
    assert said in str(refused.value) and refused.value.hint


LIVE = """
[watch.live]
canary = "second_person"
burst = "off"
most = "stop"
mode = "observe"
burst_share = 0.4
run = 9
one_place = ["203.0.113.0/24"]
"""


def test_what_the_gate_notices_is_read_and_absent_unless_said() -> None:
    watch = parse(GOOD + WATCH + LIVE).watch
    assert watch is not None and watch.live is not None
    live = watch.live
    assert dict(live.first) == {"canary": "second_person", "burst": "off", "enumeration": "reason", "places": "reason"}
    assert (live.most, live.enforce, live.burst_share, live.run) == ("stop", False, 0.4, 9)
    assert (live.one_place, live.hold_minutes, live.misses) == (("203.0.113.0/24",), 60, 12)
    assert parse(GOOD + WATCH).watch == replace(watch, live=None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('burst = "off"', 'burst = "shout"', "`burst` is `shout`"),
        ('burst = "off"', 'bursts = "off"', "unknown key `bursts`"),
        ('most = "stop"', 'most = "off"', "`most` is `off`"),
        ("run = 9", "run = 2", "`run` must be 5 to 100"),
        ("burst_share = 0.4", "burst_share = 2", "`burst_share` must lie between 0.05 and 1"),
        ('"203.0.113.0/24"', '"office"', "`office` is no network"),
    ],
)
def test_what_the_gate_cannot_do_is_refused_with_its_place(old: str, new: str, said: str) -> None:
    with pytest.raises(CatalogInvalid) as refused:
        parse(GOOD + WATCH + LIVE.replace(old, new), name="whosaw.toml")
    assert said in str(refused.value) and "live" in str(refused.value) and refused.value.hint


SECOND = """
[watch.second]
share = 0.1

[[watch.second.kind]]
name = "review"
favourable = ["review.delete"]
"""


def test_which_decisions_are_decided_once_more_is_said_by_action_and_each_stands_on_one_side() -> None:
    watch = parse(GOOD + SECOND).watch
    assert watch is not None and watch.second is not None
    assert watch.second.share == 0.1 and watch.second.kinds == {"review": (("review.delete",), ())}
    for wrong in (
        SECOND.replace("review.delete", "review.eat"),
        SECOND + 'other = ["review.delete"]\n',
        SECOND + SECOND[SECOND.index("[[") :],
        SECOND.replace("0.1", "0.9"),
        SECOND[: SECOND.index("[[")],
    ):
        with pytest.raises(CatalogInvalid):
            parse(GOOD + wrong)
