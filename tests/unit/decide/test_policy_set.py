"""A policy set answers the same remembered, cut or whole; its version is what it says."""

from __future__ import annotations

import json
from pathlib import Path

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosaw.catalog import Field
from whosaw.decide import (
    ActorFacts,
    Facts,
    PolicyHolder,
    PolicyInvalid,
    PolicySet,
    Verification,
    decide,
    decide_action,
    load_policies,
    schema,
)
from whosaw.decide.memo import Memo
from whosaw.decide.question import Question, about_action, about_class, entities, request

CLASSES = ("contact", "address", "payment")
ROLES = ("support", "quality", "review_care")
FIELDS = [Field(f"customer.{name}", "customer", name, name, "full") for name in CLASSES]

actors = st.builds(
    ActorFacts,
    roles=st.frozensets(st.sampled_from(ROLES)),
    region=st.sampled_from(["EU", "IN"]),
    ended=st.sampled_from([False, False, False, True]),
    suspended=st.sampled_from([False, False, False, True]),
    employer=st.sampled_from(["shop", "vendor"]),
    site=st.sampled_from(["", "Berlin"]),
    function=st.sampled_from(["", "privacy"]),
    acknowledged=st.sampled_from([True, True, True, False]),
)
verifications = st.builds(
    Verification,
    kind=st.sampled_from(["", "ticket", "review_care"]),
    reason=st.sampled_from(["purpose.verified", "purpose.missing", "purpose.closed", "purpose.not_found"]),
    observe=st.sampled_from([False, False, True]),
)
opened = st.frozensets(st.sampled_from([*CLASSES, "review.delete"]), max_size=2)
all_facts = st.builds(Facts, actors, verifications, st.booleans(), st.sampled_from(["EU", "US"]), opened, opened)

conditions = st.sampled_from(
    [
        "true",
        "context.verified",
        "!context.verified",
        'context.purpose == "ticket"',
        'principal.roles.contains("support")',
        'principal.region == "EU"',
        "principal.region == context.subject_region",
        'principal.employer == "vendor"',
        'principal.site == "Berlin"',
        'principal.function == "privacy"',
        "context.granted",
        "context.broken_glass",
        "principal.acknowledged",
        "9223372036854775807 + 1 > 0",
    ]
)
policies_text = st.lists(
    st.tuples(
        st.sampled_from(["permit", "permit", "forbid"]),
        st.sampled_from(
            [
                "action",
                'action == Action::"reveal"',
                'action == Action::"act"',
                'action in [Action::"alias", Action::"mask"]',
                'action in Action::"mask"',
            ]
        ),
        st.sampled_from(
            ["resource", 'resource == Class::"contact"', 'resource in Class::"contact"', "resource is Class"]
        ),
        conditions,
    ),
    max_size=8,
).map(lambda parts: "\n".join(f"{e} (principal, {a}, {r}) when {{ {c} }};" for e, a, r, c in parts))


def valid(text: str) -> PolicySet | None:
    """Return the set, or None where the combination does not fit the schema (an act on a class)."""
    if not cedarpy.validate_policies(text, schema()).validation_passed:
        return None
    return PolicySet(text, schema())


def by_the_whole_set(text: str, question: Question) -> str | None:
    """Say what Cedar itself says of the whole set, action by action; who is barred gets nothing whatever it says."""
    if question.actor.suspended or question.actor.ended or not question.actor.acknowledged:
        return None
    for action in question.wanted:
        result = cedarpy.is_authorized(request(question, action), text, entities(question.actor))
        if result.allowed and not result.diagnostics.errors:
            return action
    return None


@settings(max_examples=150, deadline=None)
@given(text=policies_text, facts=all_facts)
def test_cutting_the_set_changes_no_answer(text: str, facts: Facts) -> None:
    policies = valid(text)
    if policies is None:
        return
    for question in (*(about_class(name, facts) for name in CLASSES), about_action("review.delete", facts)):
        assert policies.answer(question).allowed == by_the_whole_set(text, question)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(policies_text, min_size=2, max_size=3), asked=st.lists(all_facts, min_size=5, max_size=40))
def test_nothing_remembered_answers_for_other_facts_or_other_policies(texts: list[str], asked: list[Facts]) -> None:
    sets = [found for found in map(valid, texts) if found is not None]
    if not sets:
        return
    holder = PolicyHolder(sets[0])
    for turn, facts in enumerate(asked + asked):
        holder.swap(sets[turn % len(sets)])
        current = holder.current
        for question in (*(about_class(name, facts) for name in CLASSES), about_action("review.delete", facts)):
            assert current.answer(question) == current.fresh_answer(question)
        # a set made anew has nothing to remember
        decision = decide(FIELDS, facts, current)
        assert decision == decide(FIELDS, facts, load_again(texts, current.version))
        assert decision.policy_version == current.version


def load_again(texts: list[str], version: str) -> PolicySet:
    return next(made for made in map(valid, texts) if made is not None and made.version == version)


@settings(max_examples=60, deadline=None)
@given(facts=all_facts)
def test_whatever_the_facts_the_shipped_set_decides_and_says_by_which_version(facts: Facts) -> None:
    shipped = load_policies()
    for decision in (decide(FIELDS, facts, shipped), decide_action("review.delete", facts, shipped)):
        assert decision.policy_version == shipped.version
        assert set(decision.policies) <= set(shipped.policies)
        if decision.outcome == "allow" and decision.would is None:
            assert decision.policies


def test_what_is_not_asked_again_is_forgotten_and_never_more_is_kept_than_agreed() -> None:
    memo: Memo[int, int] = Memo(100)
    for number in range(10_000):
        memo.put(number, number)
        assert len(memo) <= 100
    assert [memo.get(number) for number in (0, 5_000, 9_999)] == [None, None, 9_999]


def test_what_is_asked_again_and_again_stays() -> None:
    memo: Memo[str, int] = Memo(10)
    memo.put("often", 1)
    for number in range(1_000):
        memo.put(str(number), number)
        assert memo.get("often") == 1


def test_files_make_one_set_together_and_their_order_or_text_is_its_version(tmp_path) -> None:  # type: ignore[no-untyped-def]
    first, second = tmp_path / "a.cedar", tmp_path / "b.cedar"
    first.write_text('@id("a") permit (principal, action == Action::"reveal", resource) when { context.verified };')
    second.write_text('@id("b") forbid (principal, action, resource) when { principal.suspended };')
    both = load_policies([first, second])
    assert list(both.policies) == ["a", "b"]
    assert not both.policies["b"].permits
    assert both.version == load_policies([first, second]).version
    second.write_text(second.read_text() + "// a word more\n")
    assert both.version != load_policies([first, second]).version


def test_one_file_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "permit (principal, action, resource);"
    (tmp_path / "one.cedar").write_text(text)
    parse, parsed = cedarpy.policies_to_json_str, []
    monkeypatch.setattr(cedarpy, "policies_to_json_str", lambda policies: parsed.append(policies) or parse(policies))
    assert len(load_policies([tmp_path / "one.cedar"]).policies) == 1
    assert parsed == [text]


def test_duties_are_those_of_the_policies_that_permit() -> None:
    policies = PolicySet(
        '@id("a") @duty("notify, cap_rows:100") permit (principal, action == Action::"reveal", resource)'
        " when { context.verified };"
        '@id("b") @duty("ask_reason") permit (principal, action == Action::"mask", resource);',
        schema(),
    )
    actor = ActorFacts(frozenset({"support"}), "EU", ended=False, suspended=False)
    shown = decide(FIELDS, Facts(actor, Verification("ticket", "purpose.verified"), True, "EU"), policies)
    assert (shown.outcome, shown.duties, shown.policies) == ("allow", ("cap_rows:100", "notify"), ("a",))
    masked = decide(FIELDS, Facts(actor, Verification("", "purpose.missing"), True, "EU"), policies)
    assert (masked.outcome, masked.duties, masked.policies) == ("mask", ("ask_reason",), ("b",))


def test_a_denial_names_the_policies_that_forbid() -> None:
    actor = ActorFacts(frozenset({"support"}), "EU", ended=False, suspended=True)
    decision = decide(FIELDS, Facts(actor, Verification("ticket", "purpose.verified"), True, "EU"), load_policies())
    assert decision.policies == ("actor.suspended",)


def test_a_strange_name_asks_about_itself_and_nothing_else() -> None:
    policies = PolicySet('permit (principal, action == Action::"reveal", resource == Class::"con\\"tact");', schema())
    actor = ActorFacts(frozenset({"support"}), "EU", ended=False, suspended=False)
    facts = Facts(actor, Verification("ticket", "purpose.verified"), True, "EU")
    assert policies.answer(about_class('con"tact', facts)).allowed == "reveal"
    for name in ("contact", 'con\\"tact', "con", "\n\x00", ""):
        assert policies.answer(about_class(name, facts)).allowed is None


def test_what_cedar_is_told_names_every_attribute_the_schema_declares() -> None:
    actor = ActorFacts(frozenset({"support"}), "EU", ended=False, suspended=False)
    told = json.loads(entities(actor))[0]["attrs"]
    context = request(about_class("contact", Facts(actor, Verification("", ""), True, "")), "reveal")["context"]
    assert isinstance(context, dict)
    for name in (*told, *context):
        assert f'"{name}":' in schema()
    assert schema().count('": ') == len(told) + len(context)


def test_what_does_not_fit_is_told_by_the_name_of_its_policy_and_what_does_not_parse_by_its_file(
    tmp_path: Path,
) -> None:
    with pytest.raises(PolicyInvalid, match=r"for policy `desk\.opens`, attribute `rolez`"):
        PolicySet(
            "forbid (principal, action, resource) when { principal.suspended };\n"
            '@id("desk.opens") permit (principal, action, resource) when { principal.rolez.contains("support") };',
            schema(),
        )
    good, bad = tmp_path / "good.cedar", tmp_path / "bad.cedar"
    good.write_text("forbid (principal, action, resource) when { principal.suspended };")
    bad.write_text("permit (")
    with pytest.raises(PolicyInvalid, match=r"bad\.cedar` do not parse: unexpected end of input"):
        load_policies([good, bad])
    with pytest.raises(PolicyInvalid, match=r"bad\.cedar` do not parse: unexpected end of input"):
        load_policies([bad])
