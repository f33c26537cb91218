"""What nothing permits is refused, and what cannot be evaluated is refused too."""

from __future__ import annotations

from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.catalog import Field
from whosaw.decide import (
    ActorFacts,
    Facts,
    PolicyInvalid,
    PolicySet,
    Verification,
    decide,
    decide_action,
    load_policies,
)

SCHEMA = (resources.files("whosaw.decide") / "policies" / "whosaw.cedarschema").read_text()
EMAIL = Field("customer.email", "customer", "email", "contact", "email")
PAYMENT = Field("customer.card", "customer", "card", "payment", "full")
SUPPORT = ActorFacts(frozenset({"support"}), "EU", ended=False, suspended=False)
VERIFIED = Verification("ticket", "purpose.verified")
SHIPPED = load_policies()


def outcome(field: Field, facts: Facts, policies: PolicySet = SHIPPED) -> str:
    return decide([field], facts, policies).outcome


def test_an_empty_policy_set_denies_everything() -> None:
    nothing = PolicySet("", SCHEMA)
    assert outcome(EMAIL, Facts(SUPPORT, VERIFIED, True, "EU"), nothing) == "deny"
    assert decide_action("review.delete", Facts(SUPPORT, VERIFIED, True, "EU"), nothing).outcome == "deny"


def test_a_class_no_policy_names_is_denied_with_the_best_of_reasons() -> None:
    assert outcome(PAYMENT, Facts(SUPPORT, VERIFIED, True, "EU")) == "deny"
    assert outcome(EMAIL, Facts(SUPPORT, VERIFIED, True, "EU")) == "allow"


def test_a_policy_that_could_fail_while_deciding_is_not_loaded() -> None:
    with pytest.raises(PolicyInvalid):
        PolicySet(
            "permit (principal, action, resource); forbid (principal, action, resource) when { principal.pay > 3 };",
            SCHEMA,
        )


def test_an_evaluation_error_denies_although_another_policy_permits() -> None:
    # overflow passes validation and fails when evaluated; Cedar skips such a policy, and its forbid with it
    policies = PolicySet(
        "permit (principal, action, resource);"
        "forbid (principal, action, resource) when { 9223372036854775807 + 1 > 0 };",
        SCHEMA,
    )
    assert outcome(EMAIL, Facts(SUPPORT, VERIFIED, True, "EU"), policies) == "deny"


@pytest.mark.parametrize("change", ["suspended", "ended"])
def test_somebody_stopped_gets_nothing_even_in_observe_mode(change: str) -> None:
    actor = ActorFacts(
        frozenset({"support", "review_care"}), "EU", ended=change == "ended", suspended=change == "suspended"
    )
    for verification in (VERIFIED, Verification("review_care", "purpose.not_found", observe=True)):
        assert outcome(EMAIL, Facts(actor, verification, True, "EU")) == "deny"
        assert decide_action("review.delete", Facts(actor, verification, True, "EU"), SHIPPED).outcome == "deny"


def test_somebody_the_directory_does_not_list_gets_nothing() -> None:
    assert outcome(EMAIL, Facts(ActorFacts.unknown(), VERIFIED, True, "EU")) == "deny"


def test_an_unknown_subject_is_denied_and_named_as_the_reason() -> None:
    decision = decide([EMAIL], Facts(SUPPORT, VERIFIED, False, ""), SHIPPED)
    assert (decision.outcome, decision.reason) == ("deny", "subject.unknown")


@given(
    roles=st.frozensets(st.sampled_from(["support", "review_care", "quality", "chef"])),
    reason=st.sampled_from(["purpose.missing", "purpose.not_found", "purpose.not_assigned", "purpose.other_subject"]),
    kind=st.sampled_from(["", "ticket", "review_care"]),
)
def test_nothing_is_revealed_on_a_reason_that_did_not_verify(roles: frozenset[str], reason: str, kind: str) -> None:
    facts = Facts(ActorFacts(roles, "EU", ended=False, suspended=False), Verification(kind, reason), True, "EU")
    assert outcome(EMAIL, facts) in {"deny", "mask"}


def test_observe_mode_reveals_and_says_what_enforcement_would_have_done() -> None:
    carer = ActorFacts(frozenset({"review_care"}), "EU", ended=False, suspended=False)
    facts = Facts(carer, Verification("review_care", "purpose.not_found", observe=True), True, "EU")
    decision = decide([EMAIL], facts, SHIPPED)
    assert (decision.outcome, decision.would) == ("allow", "deny")
    assert decision.fields[0].effect == "reveal"


def test_remembered_answers_differ_wherever_an_input_differs() -> None:
    facts = Facts(SUPPORT, VERIFIED, True, "EU")
    assert outcome(EMAIL, facts) == "allow"
    stopped = ActorFacts(SUPPORT.roles, SUPPORT.region, ended=False, suspended=True)
    assert outcome(EMAIL, Facts(stopped, VERIFIED, True, "EU")) == "deny"
    assert outcome(EMAIL, facts) == "allow"
