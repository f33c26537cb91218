"""What the policies allow can be withheld for another reason; what they deny keeps its own."""

from __future__ import annotations

from whosaw.catalog import Field
from whosaw.decide import ActorFacts, Facts, Verification, decide, decide_action, load_policies, refused, withheld

EMAIL = Field("customer.email", "customer", "email", "contact", "email")
STREET = Field("customer.street", "customer", "street", "address", "address")
CARD = Field("customer.card", "customer", "card", "payment", "full")
FIELDS = {field.name: field for field in (EMAIL, STREET, CARD)}
CARER = ActorFacts(frozenset({"support", "review_care"}), "EU", ended=False, suspended=False)
FACTS = Facts(CARER, Verification("ticket", "purpose.verified"), True, "EU", glass=frozenset({"address"}))
SHIPPED = load_policies()


def test_only_the_classes_named_are_withheld_and_each_says_why() -> None:
    decision = withheld(decide([EMAIL, STREET], FACTS, SHIPPED), {"contact": "budget.exhausted"}, FIELDS)
    assert [(item.effect, item.reason) for item in decision.fields] == [("deny", "budget.exhausted"), ("reveal", None)]
    assert (decision.outcome, decision.reason, decision.duties) == ("deny", "budget.exhausted", ("notify",))


def test_what_policy_denies_keeps_its_own_reason() -> None:
    before = decide([CARD], FACTS, SHIPPED)
    assert withheld(before, {"payment": "budget.exhausted"}, FIELDS) == before
    assert withheld(before, {}, FIELDS) is before
    assert withheld(before, {"contact": "budget.exhausted"}, FIELDS) == before


def test_observe_mode_does_not_soften_what_is_withheld() -> None:
    observed = Facts(CARER, Verification("ticket", "purpose.not_found", observe=True), True, "EU")
    before = decide([EMAIL, CARD], observed, SHIPPED)
    assert (before.outcome, before.would, before.mode) == ("allow", "deny", "observe")
    after = withheld(before, {"contact": "budget.exhausted"}, FIELDS)
    assert [(item.effect, item.would) for item in after.fields] == [("deny", None), ("reveal", "deny")]
    assert (after.outcome, after.would) == ("deny", None)


def test_an_action_is_withheld_whole() -> None:
    facts = Facts(CARER, Verification("review_care", "purpose.verified"), True, "")
    before = decide_action("review.delete", facts, SHIPPED)
    assert before.outcome == "allow"
    after = withheld(before, {"review.delete": "second_person.needed"}, FIELDS)
    assert (after.outcome, after.reason) == ("deny", "second_person.needed")


def test_refused_denies_everything_for_one_reason() -> None:
    decision = refused(decide([EMAIL, STREET], FACTS, SHIPPED), "subjects.unnamed")
    assert {item.effect for item in decision.fields} == {"deny"}
    assert (decision.outcome, decision.reason, decision.duties) == ("deny", "subjects.unnamed", ())


def test_one_field_can_be_observed_while_the_others_are_enforced() -> None:
    observed = Field("customer.nick", "customer", "nick", "contact", "full", mode="observe")
    facts = Facts(CARER, Verification("", "purpose.missing"), True, "EU")
    decision = decide([EMAIL, observed], facts, SHIPPED)
    assert [(item.effect, item.would) for item in decision.fields] == [("mask", None), ("reveal", "mask")]
    assert (decision.outcome, decision.would, decision.mode) == ("mask", None, "observe")
    assert decide([EMAIL], facts, SHIPPED).mode == "enforce"
