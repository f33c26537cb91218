"""Which policies can never apply, thought through over a catalog and a directory."""

from __future__ import annotations

import pytest

from whosaw.app.reach import reach
from whosaw.catalog import parse
from whosaw.catalog.rolecheck import Staff
from whosaw.decide import PolicySet, load_policies, schema

CATALOG = """
[company]
name = "Shop"
contact = "privacy@shop.example"
[sources.shop]
url = "sqlite+aiosqlite:///x"
[subjects.customer]
source = "shop"
table = "customers"
key = "id"
[fields."customer.email"]
column = "email"
class = "contact"
mask = "email"
[fields."customer.name"]
column = "name"
class = "name"
mask = "name"
[purposes.ticket]
source = "shop"
subject = "customer"
query = "select 1"
[actions."review.delete"]
source = "shop"
object = "review"
subject = "customer"
query = "select 1"
[actors]
source = "shop"
query = "select 1"
"""
STAFF = Staff(frozenset({frozenset({"support"}), frozenset({"support", "quality"})}), frozenset({"EU"}))


def never(policy: str, staff: Staff | None = STAFF, more: str = "") -> str | None:
    policies = PolicySet(f'@id("p") {policy}', schema())
    return reach(parse(CATALOG + more), staff, policies).never.get("p")


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ('permit (principal, action, resource == Class::"adress");', "no field has the class `adress`"),
        ('permit (principal, action == Action::"act", resource == Deed::"reveiw.delete");', "no action is called"),
        ('permit (principal, action, resource) when { context.purpose == "tikket" };', "no purpose is called `tikket`"),
        ('permit (principal, action, resource) when { principal.roles.contains("suport") };', "did you mean `support`"),
        ('permit (principal, action, resource) when { context.reason == "purpose.fine" };', "there is no reason"),
        ('permit (principal, action, resource) when { ["US"].contains(principal.region) };', "never comes together"),
        ("permit (principal, action, resource) when { context.granted };", "never comes together"),
        ("permit (principal, action, resource) when { context.broken_glass };", "never comes together"),
        ("permit (principal, action, resource) unless { principal.acknowledged };", "never comes together"),
        (
            'permit (principal, action, resource) when { context.purpose == "" && context.verified };',
            "never comes together",
        ),
        (
            'permit (principal, action == Action::"mask", resource is Class) '
            'when { resource in [Class::"payment"] || resource == Class::"orders" };',
            "no field has the class `payment`, no field has the class `orders`",
        ),
        (
            'permit (principal, action, resource) when { principal.roles.containsAll(["quality", "support"]) '
            '&& principal.roles.contains("lead") };',
            "nobody has the role `lead`",
        ),
        ('permit (principal, action, resource) when { principal.roles.isEmpty() && "a" == "b" };', "comes together"),
    ],
)
def test_a_policy_that_can_never_apply_is_named_with_its_reason(policy: str, why: str) -> None:
    said = never(policy)
    assert said is not None
    assert why in said


@pytest.mark.parametrize(
    "policy",
    [
        "forbid (principal, action, resource) when { principal.suspended };",
        'permit (principal, action, resource == Class::"contact") when { context.verified };',
        'permit (principal, action, resource) when { principal.site == "Lyon" && principal.employer != "x" };',
        'permit (principal, action, resource) when { context.subject_region like "E*" };',
        'permit (principal, action, resource) when { principal.roles.containsAll(["quality", "support"]) };',
        'permit (principal, action, resource) unless { principal.roles.contains("quality") };',
        'permit (principal, action, resource) when { ["purpose.closed"].contains(context.reason) };',
        'permit (principal, action, resource) when { if principal.roles.contains("lead") then false else true };',
        'permit (principal, action, resource) when { context.purpose != "other" };',
    ],
)
def test_a_policy_that_may_apply_is_let_be(policy: str) -> None:
    assert never(policy) is None


def test_grants_and_broken_glass_and_conduct_bring_their_policies_to_life() -> None:
    grants = '[grants.more]\nclasses = ["contact"]\napprovers = ["privacy"]\n'
    glass = '[break_glass]\nroles = ["support"]\nclasses = ["contact"]\nreviewers = ["privacy"]\n'
    assert never("permit (principal, action, resource) when { context.granted };", more=grants) is None
    assert never("permit (principal, action, resource) when { context.broken_glass };", more=glass) is None
    said = never("permit (principal, action, resource) unless { principal.acknowledged };", more="[conduct]\n")
    assert said is None


LOOKUP = 'permit (principal, action == Action::"act", resource == Deed::"{}");'


def test_lookups_are_deeds_where_the_catalog_has_any() -> None:
    declared = '[lookups."customer.email"]\nform = "email"\n'
    assert "no action is called `lookup`" in (never(LOOKUP.format("lookup")) or "")
    for name in ("lookup", "lookup:customer.email"):
        assert never(LOOKUP.format(name), more=declared) is None
    assert "did you mean" in (never(LOOKUP.format("lookup:customer.emial"), more=declared) or "")


def test_where_the_directory_is_not_known_every_role_may_exist() -> None:
    policy = 'permit (principal, action, resource) when { principal.roles.contains("anything") };'
    assert never(policy, staff=None) is None
    assert never(policy) is not None


def test_the_policies_that_ship_are_understood() -> None:
    thought = reach(parse(CATALOG), STAFF, load_policies())
    assert "ticket.contact" not in thought.never
    assert thought.never["ticket.address"] == "no field has the class `address`" + (
        ", nobody has the role `seller_support`" + "; did you mean `support`?, nobody has the role `fraud_desk`"
    )
    assert set(thought.never) >= {"review_care.contact", "review_care.delete_review", "grant.in_force", "glass.broken"}
