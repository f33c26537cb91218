"""What would change a decision is tried on the policies; whatever is said to open something opens it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from whosaw.decide import ActorFacts, Facts, PolicySet, Verification, load_policies, schema
from whosaw.decide.counterfactual import changes
from whosaw.decide.mentions import mentions
from whosaw.decide.question import Question, about_action, about_class

SHIPPED = load_policies()
KNOWN = mentions(SHIPPED)
PURPOSES = ("ticket", "review_care")
BOTH = ("grant", "break_glass")


def question(
    *roles: str, klass: str = "contact", purpose: str = "", reason: str = "purpose.missing", **actor: bool
) -> Question:
    facts = ActorFacts(frozenset(roles), "EU", ended=actor.get("ended", False), suspended=actor.get("suspended", False))
    facts = replace(facts, acknowledged=actor.get("acknowledged", True))
    return about_class(klass, Facts(facts, Verification(purpose, reason), True, "EU"))


def told(
    asked: Question, openings: tuple[str, ...] = BOTH, policies: PolicySet = SHIPPED
) -> dict[tuple[str, ...], str]:
    found = changes(asked, policies, mentions(policies), purposes=PURPOSES, openings=openings)
    return {change.facts: change.allowed for change in found}


def test_without_a_purpose_a_verified_ticket_would_open_the_contact() -> None:
    assert told(question("support"))["purpose.verified:ticket",] == "reveal"


def test_nothing_is_offered_that_the_catalog_does_not_offer() -> None:
    offered = {fact for facts in told(question("support"), openings=()) for fact in facts}
    assert not offered & {"grant", "break_glass"}
    assert ("grant",) in told(question("support"), openings=("grant",))


def test_a_stopped_person_is_told_of_the_stop_before_anything_else() -> None:
    found = told(question("support", suspended=True), openings=())
    assert found
    assert all("suspension.lifted" in facts for facts in found)
    assert set(told(question("support", "quality", acknowledged=False), openings=())) >= {
        ("conduct.acknowledged",),
    }


def test_what_is_allowed_already_has_nothing_better() -> None:
    assert told(question("support", purpose="ticket", reason="purpose.verified")) == {}


def test_a_mask_is_offered_where_a_false_reason_hides_it() -> None:
    assert told(question("support", purpose="ticket", reason="purpose.other_subject"))["purpose.none",] == "mask"


def test_an_action_has_its_own_way_in() -> None:
    actor = ActorFacts(frozenset({"review_care"}), "EU", ended=False, suspended=False)
    asked = about_action("review.delete", Facts(actor, Verification("", "purpose.missing"), True, ""))
    assert told(asked, openings=())["purpose.verified:review_care",] == "act"


def test_a_region_that_policies_compare_is_tried() -> None:
    text = (
        'permit (principal, action == Action::"reveal", resource) when { principal.region == context.subject_region };'
    )
    policies = PolicySet(text, schema())
    actor = ActorFacts(frozenset({"support"}), "IN", ended=False, suspended=False)
    asked = about_class("contact", Facts(actor, Verification("", "purpose.missing"), True, "EU"))
    assert told(asked, openings=(), policies=policies) == {("region:EU",): "reveal"}


@given(
    roles=st.sets(st.sampled_from(["support", "quality", "review_care", "fraud_desk", "gardener"]), max_size=2),
    klass=st.sampled_from(["contact", "name", "address", "payment"]),
    reason=st.sampled_from(["purpose.missing", "purpose.closed", "purpose.other_subject", "purpose.verified"]),
    suspended=st.booleans(),
)
def test_every_change_that_is_told_really_gives_what_it_says(
    roles: set[str], klass: str, reason: str, suspended: bool
) -> None:
    asked = question(*roles, klass=klass, purpose="ticket", reason=reason, suspended=suspended)
    now = SHIPPED.answer(asked)
    for change in changes(asked, SHIPPED, KNOWN, purposes=PURPOSES, openings=BOTH):
        assert len(change.facts) <= 2
        other = asked
        for fact in change.facts:
            other = _with(other, fact)
        assert SHIPPED.fresh_answer(other).allowed == change.allowed != now.allowed


def _with(asked: Question, fact: str) -> Question:
    name, _, value = fact.partition(":")
    actor = asked.actor
    made = {
        "suspension.lifted": lambda: replace(asked, actor=replace(actor, suspended=False)),
        "purpose.verified": lambda: replace(asked, purpose=value, reason="purpose.verified", verified=True),
        "purpose.none": lambda: replace(asked, purpose="", reason="purpose.missing", verified=False),
        "role": lambda: replace(asked, actor=replace(actor, roles=actor.roles | {value})),
        "region": lambda: replace(asked, actor=replace(actor, region=value)),
        "grant": lambda: replace(asked, granted=True),
        "break_glass": lambda: replace(asked, broken_glass=True),
    }
    return made[name]()
