"""What nothing permits is refused, and what cannot be evaluated is refused too."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

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
    decide_lookup,
    load_policies,
)

SCHEMA = (resources.files("whosaw.decide") / "policies" / "whosaw.cedarschema").read_text()
EMAIL = Field("customer.email", "customer", "email", "contact", "email")
OBSERVED = Field("customer.nick", "customer", "nick", "contact", "full", mode="observe")
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


@pytest.mark.parametrize(
    ("verification", "allowed"),
    [
        (VERIFIED, True),
        (Verification("", "purpose.missing"), False),
        (Verification("ticket", "purpose.self_made"), False),
        (Verification("ticket", "purpose.other_subject"), False),
        (Verification("review_care", "purpose.verified"), False),
    ],
)
def test_a_lookup_is_allowed_for_a_verified_ticket_and_for_nothing_else(
    verification: Verification, allowed: bool
) -> None:
    facts = Facts(SUPPORT, verification, True, "EU")
    assert (decide_lookup("customer.email", facts, SHIPPED).outcome == "allow") is allowed
    assert decide_lookup("customer.email", facts, PolicySet("", SCHEMA)).outcome == "deny"


def test_a_lookup_forbidden_by_its_name_even_by_a_policy_that_errors_is_not_opened_by_the_one_for_all() -> None:
    text = (
        'permit (principal, action == Action::"act", resource == Deed::"lookup");'
        '@id("no.phones") forbid (principal, action, resource == Deed::"lookup:phone");'
    )
    # overflow passes validation and fails when evaluated; Cedar skips such a policy
    broken = text.replace('"lookup:phone");', '"lookup:phone") when { 9223372036854775807 + 1 > 0 };')
    facts = Facts(SUPPORT, VERIFIED, True, "EU")
    for policies in (PolicySet(text, SCHEMA), PolicySet(broken, SCHEMA)):
        assert decide_lookup("phone", facts, policies).outcome == "deny"
        assert decide_lookup("email", facts, policies).outcome == "allow"


def test_a_lookup_that_policy_allows_is_not_marked_as_one_that_it_would_refuse_while_it_is_observed() -> None:
    observed = Facts(SUPPORT, Verification("ticket", "purpose.verified", observe=True), True, "EU")
    allowed, nothing = (
        decide_lookup("email", observed, SHIPPED),
        decide_lookup("email", observed, PolicySet("", SCHEMA)),
    )
    assert (allowed.outcome, allowed.would) == ("allow", None)
    assert (nothing.outcome, nothing.would) == ("allow", "deny")


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


@pytest.mark.parametrize("change", ["suspended", "ended", "not acknowledged", "no role"])
def test_somebody_stopped_gets_nothing_in_any_mode_and_whatever_was_granted(change: str) -> None:
    actor = ActorFacts(
        frozenset() if change == "no role" else frozenset({"support", "review_care"}),
        "EU",
        ended=change == "ended",
        suspended=change == "suspended",
        acknowledged=change != "not acknowledged",
    )
    opened = frozenset() if change == "no role" else frozenset({"contact", "review.delete"})
    for verification in (VERIFIED, Verification("review_care", "purpose.not_found", observe=True)):
        facts = Facts(actor, verification, True, "EU", granted=opened, glass=opened)
        assert outcome(EMAIL, facts) == "deny"
        assert outcome(OBSERVED, facts) == "deny"
        assert decide_action("review.delete", facts, SHIPPED).outcome == "deny"


@pytest.mark.parametrize(
    ("change", "reason"),
    [("suspended", "actor.suspended"), ("ended", "actor.ended"), ("not acknowledged", "actor.not_acknowledged")],
)
def test_somebody_barred_gets_nothing_where_the_companys_own_policies_forget_to_forbid_it(
    change: str, reason: str
) -> None:
    own = PolicySet('permit (principal, action, resource) when { principal.roles.contains("support") };', SCHEMA)
    actor = ActorFacts(
        frozenset({"support"}),
        "EU",
        ended=change == "ended",
        suspended=change == "suspended",
        acknowledged=change != "not acknowledged",
    )
    opened = frozenset({"contact", "review.delete"})
    for verification in (VERIFIED, Verification("ticket", "purpose.not_found", observe=True)):
        facts = Facts(actor, verification, True, "EU", granted=opened, glass=opened)
        decision = decide([EMAIL, OBSERVED], facts, own)
        assert (decision.outcome, decision.reason) == ("deny", reason)
        assert [item.effect for item in decision.fields] == ["deny", "deny"]
        assert decide_action("review.delete", facts, own).outcome == "deny"
        assert decide_lookup("customer.email", facts, own).outcome == "deny"
    assert outcome(EMAIL, Facts(SUPPORT, VERIFIED, True, "EU"), own) == "allow"


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


def test_a_role_that_no_policy_names_gets_nothing() -> None:
    stranger = ActorFacts(frozenset({"chef"}), "EU", ended=False, suspended=False)
    for reason in ("purpose.verified", "purpose.missing", "purpose.closed"):
        assert outcome(EMAIL, Facts(stranger, Verification("ticket", reason), True, "EU")) == "deny"


def test_a_purpose_that_no_policy_names_opens_nothing() -> None:
    assert outcome(EMAIL, Facts(SUPPORT, Verification("audit", "purpose.verified"), True, "EU")) == "deny"


def test_an_action_that_no_policy_names_is_refused() -> None:
    assert decide_action("refund", Facts(SUPPORT, VERIFIED, True, "EU"), SHIPPED).outcome == "deny"


def test_an_action_is_not_opened_by_a_grant_or_broken_glass_alone() -> None:
    named = frozenset({"review.delete"})
    facts = Facts(SUPPORT, Verification("", "purpose.missing"), True, "EU", granted=named, glass=named)
    assert decide_action("review.delete", facts, SHIPPED).outcome == "deny"


def test_an_object_that_does_not_exist_is_not_acted_on() -> None:
    carer = ActorFacts(frozenset({"review_care"}), "EU", ended=False, suspended=False)
    for observe in (False, True):
        facts = Facts(carer, Verification("review_care", "purpose.verified", observe=observe), False, "")
        assert decide_action("review.delete", facts, SHIPPED).outcome == "deny"


def test_a_grant_opens_the_class_it_names_and_no_other() -> None:
    facts = Facts(SUPPORT, Verification("", "purpose.missing"), True, "EU", granted=frozenset({"payment"}))
    assert outcome(PAYMENT, facts) == "allow"
    assert outcome(EMAIL, facts) == "mask"


def test_broken_glass_opens_the_class_it_names_and_is_told_of() -> None:
    facts = Facts(SUPPORT, Verification("", "purpose.missing"), True, "EU", glass=frozenset({"payment"}))
    decision = decide([PAYMENT], facts, SHIPPED)
    assert (decision.outcome, decision.duties) == ("allow", ("notify",))
    assert decide([EMAIL], facts, SHIPPED).duties == ()


def test_without_an_acknowledgement_the_reason_says_so() -> None:
    actor = ActorFacts(frozenset({"support"}), "EU", ended=False, suspended=False, acknowledged=False)
    decision = decide([EMAIL], Facts(actor, VERIFIED, True, "EU"), SHIPPED)
    assert (decision.outcome, decision.reason) == ("deny", "actor.not_acknowledged")


def test_a_permit_that_errors_permits_nothing_although_it_is_about_one_class() -> None:
    policies = PolicySet(
        'permit (principal, action, resource == Class::"contact");'
        'permit (principal, action, resource == Class::"contact") when { 9223372036854775807 + 1 > 0 };',
        SCHEMA,
    )
    assert outcome(EMAIL, Facts(SUPPORT, VERIFIED, True, "EU"), policies) == "deny"


@pytest.mark.parametrize(
    "text",
    [
        "permit",
        "permit (principal, action, resource) when { context.weather };",
        'permit (principal == Actor::"E-1", action, resource);',
        'permit (principal in Actor::"E-1", action, resource);',
        'permit (principal, action == Action::"read", resource);',
        "permit (principal == ?principal, action, resource);",
        '@id("a") permit (principal, action, resource); @id("a") forbid (principal, action, resource);',
        '@duty("notifi") permit (principal, action, resource);',
        '@duty("") permit (principal, action, resource);',
        "@duty permit (principal, action, resource);",
        '@duty("cap_rows:0") permit (principal, action, resource);',
        '@duty("notify") forbid (principal, action, resource);',
        "\x00",
    ],
)
def test_policies_that_do_not_hold_are_not_loaded(text: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        PolicySet(text, SCHEMA)
    assert refused.value.code == "decide.policy_invalid"
    assert refused.value.hint


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_files_that_cannot_be_read_are_not_loaded(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.cedar"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PolicyInvalid, match="own"):
        load_policies([path])
