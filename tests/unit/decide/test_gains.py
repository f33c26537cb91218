"""Who gains and who loses by another policy set: found for every role, and only where the two really differ."""

from __future__ import annotations

import pytest

from whosaw.decide import PolicySet, load_policies, schema
from whosaw.decide.gains import Gain, Grid, gains, merged
from whosaw.decide.mentions import mentions

SHIPPED = load_policies()
GRID = Grid(frozenset({"gardener"}), frozenset({"contact", "name", "address"}), frozenset(), frozenset({"ticket"}))


def other(*changes: tuple[str, str]) -> PolicySet:
    text = SHIPPED.text
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return PolicySet(text, schema())


def told(found: list[Gain]) -> set[tuple[str, str, str | None, str | None, bool]]:
    return {(gain.situation.role, gain.about, gain.before, gain.after, gain.more) for gain in found}


def test_a_set_compared_with_itself_changes_nothing() -> None:
    assert gains(SHIPPED, SHIPPED, GRID) == []


def test_whoever_waits_is_told_how_many_situations_there_are_and_were_asked_about() -> None:
    said: list[tuple[int, int]] = []
    sited = other(('context.purpose == "ticket" &&', 'context.purpose == "ticket" && principal.site != "Pune" &&'))
    gains(SHIPPED, sited, GRID, told=lambda done, whole: said.append((done, whole)))
    (whole,) = {each[1] for each in said}
    assert [each[0] for each in said] == list(range(1, whole + 1))


def test_a_role_that_is_taken_out_loses_exactly_what_it_had() -> None:
    trio = '["support", "seller_support", "fraud_desk"])'
    found = gains(SHIPPED, other((trio, trio.replace(', "fraud_desk"', ""))), GRID)
    assert told(found) == {("fraud_desk", "address", "reveal", None, False)}
    assert {gain.situation.reason for gain in found} == {"purpose.verified"}


def test_a_role_that_is_let_in_gains_and_the_new_policy_is_named() -> None:
    more = (
        '@id("garden") permit (principal, action == Action::"mask", resource == Class::"name") '
        'when { principal.roles.contains("gardener") };'
    )
    found = gains(SHIPPED, PolicySet(SHIPPED.text + more, schema()), GRID)
    assert told(found) == {("gardener", "name", None, "mask", True)}
    assert all(gain.after_policies == ("garden",) for gain in found)


def test_a_condition_on_regions_is_seen_only_where_the_regions_differ() -> None:
    bound = other(
        (
            'context.verified && context.purpose == "review_care" && principal.roles.contains("review_care") };',
            'context.verified && context.purpose == "review_care" && principal.roles.contains("review_care") && '
            '(principal.region == "EU" || context.subject_region == "US") };',
        )
    )
    found = [gain for gain in gains(SHIPPED, bound, GRID) if gain.about == "review.delete"]
    assert found
    assert all(gain.situation.region != "EU" and gain.situation.subject_region != "US" for gain in found)
    [(_, count)] = [line for line in merged(found) if not line[0].situation.granted]
    assert count == len({(g.situation.region, g.situation.subject_region) for g in found})


def test_a_policy_that_forgets_to_ask_for_verified_work_lets_anybody_gain_who_types_a_reference() -> None:
    """The grid asks about failing reasons of every kind, not of one: this kind is not the first of them."""
    found = gains(
        SHIPPED, other(('context.verified && context.purpose == "ticket" &&', 'context.purpose == "ticket" &&')), GRID
    )
    assert {"support", "quality"} <= {gain.situation.role for gain in found if gain.more}
    assert {(gain.situation.purpose, gain.after) for gain in found} == {("ticket", "reveal"), ("ticket", "act")}
    assert "purpose.not_found" in {gain.situation.reason for gain in found}


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        ('principal.site == "Pune"', {"site": "Pune"}),
        ('principal.function == "privacy"', {"function": "privacy"}),
        ('principal.roles.containsAll(["lead", "gardener"])', {"role": "gardener + lead"}),
        ('principal.roles.contains("lead") && principal.roles.contains("gardener")', {"role": "gardener + lead"}),
        ("context.broken_glass", {"broken_glass": True, "granted": False}),
        ('context.purpose == "ticket" && context.reason == "purpose.closed"', {"purpose": "ticket"}),
    ],
)
def test_whatever_a_policy_looks_at_is_tried(condition: str, where: dict[str, object]) -> None:
    more = (
        f'@id("more") permit (principal, action == Action::"mask", resource == Class::"name") when {{ {condition} }};'
    )
    before = PolicySet('@id("none") forbid (principal, action, resource) when { principal.suspended };', schema())
    found = gains(before, PolicySet(before.text + more, schema()), GRID)
    assert {(gain.about, gain.before, gain.after, gain.more) for gain in found} == {("name", None, "mask", True)}
    assert all(getattr(gain.situation, name) == value for gain in found for name, value in where.items())
    assert {gain.about for gain in gains(PolicySet(before.text + more, schema()), before, GRID) if not gain.more}


def test_a_duty_that_is_dropped_is_a_gain_and_one_that_is_added_a_loss() -> None:
    bound = other(('@id("ticket.address")', '@id("ticket.address")\n@duty("cap_rows:20")'))
    assert told(gains(bound, SHIPPED, GRID)) == {
        (role, "address", "reveal", "reveal", True) for role in ("support", "seller_support", "fraud_desk")
    }
    assert not any(gain.more for gain in gains(SHIPPED, bound, GRID))


def test_mentions_are_what_stands_in_the_policies() -> None:
    found = mentions(SHIPPED)
    assert found.roles == {"support", "review_care", "seller_support", "fraud_desk", "quality"}
    assert found.purposes == {"ticket", "review_care"}
    assert found.reasons == {"purpose.missing", "purpose.closed", "purpose.self_made"}
    assert found.classes == {"contact", "name", "address"}
    assert found.deeds == {"review.delete", "lookup"}


def test_a_text_is_compared_with_what_stands_beside_it_and_with_nothing_around_that() -> None:
    text = """permit (principal, action, resource) when {
        (context.purpose == "ticket") == (principal.region == "EU") &&
        context.reason == (if principal.site == "Pune" then "purpose.closed" else "purpose.missing") &&
        ["support", "lead"].containsAny(principal.roles)
    };"""
    found = mentions(PolicySet(text, schema()))
    assert (found.purposes, found.regions, found.sites) == (
        frozenset({"ticket"}),
        frozenset({"EU"}),
        frozenset({"Pune"}),
    )
    assert found.reasons == {"purpose.closed", "purpose.missing"}
    assert found.roles == {"support", "lead"}


def test_mentions_of_places_and_employers_are_found_in_both_directions() -> None:
    text = (
        'forbid (principal, action, resource) when { "IN" == principal.region || context.subject_region == "EU" };'
        'permit (principal, action == Action::"reveal", resource in Class::"orders") '
        'when { ["vendor"].contains(principal.employer) && principal.site == "Pune" && principal.function == "dpo" };'
    )
    found = mentions(PolicySet(text, schema()))
    assert (found.regions, found.employers, found.sites, found.functions) == (
        {"IN", "EU"},
        {"vendor"},
        {"Pune"},
        {"dpo"},
    )
    assert found.classes == {"orders"}
