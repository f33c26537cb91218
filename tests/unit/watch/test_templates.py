"""What the operator may declare, and which accesses a template covers."""

import numpy as np
import pytest

from whosaw.watch.errors import RowsRefused, TemplateRefused
from whosaw.watch.matching import Matcher
from whosaw.watch.rows import DAY_US, HOUR_US, Accesses, Acts, Items, Ties, Timeline, Work
from whosaw.watch.templates import Template, Via, read_templates

NOON = DAY_US + 12 * HOUR_US


def look(actor: int = 0, subject: int = 0, at_us: int = NOON, beneficiary: int = -1) -> Accesses:
    return Accesses(*(np.array([value]) for value in (actor, subject, at_us, beneficiary)))


def fires(template: Template, work: Work, access: Accesses) -> tuple[bool, bool]:
    found = Matcher(work, [template]).match(access)
    return bool(found.fired[0, 0]), bool(found.sound[0, 0])


def test_an_assigned_item_excuses_its_assignee_alone_and_only_while_it_is_open(item) -> None:
    work, ticket = Work(("ticket",), item(assignee=0)), Template("ticket", Via.ASSIGNED, grace_us=HOUR_US)
    assert fires(ticket, work, look()) == (True, True)
    assert fires(ticket, work, look(actor=1)) == (False, False)
    assert fires(ticket, work, look(subject=1)) == (False, False)
    assert fires(ticket, work, look(at_us=DAY_US - 1)) == (False, False)
    assert fires(ticket, work, look(at_us=2 * DAY_US + HOUR_US))[0]
    assert not fires(ticket, work, look(at_us=2 * DAY_US + HOUR_US + 1))[0]


def test_an_item_that_he_made_himself_holds_but_is_not_sound(item) -> None:
    work = Work(("ticket",), item(assignee=0, made_by=0))
    assert fires(Template("ticket", Via.ASSIGNED), work, look()) == (True, False)


def test_own_free_text_is_never_sound(item) -> None:
    work = Work(("ticket",), item(assignee=0))
    assert fires(Template("note", Via.ASSIGNED, own_text=True), work, look()) == (True, False)


def test_a_teams_item_excuses_the_team(item) -> None:
    work = Work(("ticket",), item(team=1), team=np.array([1, 0, -1]))
    team = Template("team", Via.TEAM)
    assert [fires(team, work, look(actor=actor))[0] for actor in (0, 1, 2)] == [True, False, False]


def test_a_queue_item_excuses_who_has_been_doing_such_work_and_not_by_this_very_act(item) -> None:
    queue = Template("queue", Via.SERVES, within_us=14 * DAY_US)
    assert not fires(queue, Work(("ticket",), item()), look())[0]
    before = Acts(*(np.array([value]) for value in (0, 0, 7, NOON - 2 * HOUR_US)))
    just_now = Acts(*(np.array([value]) for value in (0, 0, 0, NOON - 60_000_000)))
    assert fires(queue, Work(("ticket",), item(), before), look())[0]
    assert not fires(queue, Work(("ticket",), item(), just_now), look())[0]


def test_a_call_excuses_who_held_it_around_that_time() -> None:
    none = Items(*(np.empty(0, np.int64) for _ in range(7)))
    called = Acts(*(np.array([value]) for value in (0, 0, 0, NOON + 60_000_000)))
    call = Template("call", Via.CONTACT, within_us=HOUR_US // 4)
    work = Work(("call",), none, called)
    assert fires(call, work, look())[0]
    assert not fires(call, work, look(actor=1))[0]
    assert not fires(call, work, look(at_us=NOON - HOUR_US))[0]


def test_declared_account_management_excuses_by_the_beneficiary_and_only_while_it_lasts(item) -> None:
    ties = Ties(*(np.array([value]) for value in (0, 5, DAY_US, 3 * DAY_US)))
    work, account = Work(("ticket",), item(), ties=ties), Template("account", Via.ACCOUNT)
    assert fires(account, work, look(beneficiary=5))[0]
    assert not fires(account, work, look(beneficiary=4))[0]
    assert not fires(account, work, look(beneficiary=-1))[0]
    assert not fires(account, work, look(beneficiary=5, at_us=4 * DAY_US))[0]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"via": "gossip"}, "via must be one of"),
        ({"via": "assigned", "kinds": ["letter"]}, "no work record is of kind `letter`"),
        ({"via": "assigned", "kinds": "ticket"}, "kinds must be a list"),
        ({"via": "assigned", "grace_h": -1}, "grace_h must be hours"),
        ({"via": "assigned", "own_text": 1}, "own_text must be true or false"),
        ({"via": "assigned", "age": 3}, "unknown key `age`"),
    ],
)
def test_a_template_that_cannot_be_carried_out_is_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(TemplateRefused, match=message) as refused:
        read_templates({"x": table}, ["ticket"])
    assert refused.value.code == "watch.template" and refused.value.hint


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(RowsRefused, match="accesses"):
        Accesses(np.zeros(2, np.int64), np.zeros(3, np.int64), np.zeros(2, np.int64))


def test_a_timeline_counts_like_a_loop_does() -> None:
    rng = np.random.default_rng(3)
    key, at = rng.integers(0, 5, 300) * 2**40, rng.integers(0, 1_000, 300) + 1_700_000_000_000_000
    line = Timeline(key, at)
    asked, start = rng.integers(0, 7, 200) * 2**40, rng.integers(-50, 1_050, 200) + 1_700_000_000_000_000
    counts = line.count(asked, start, start + 100)
    since = line.since(asked, start)
    for row in range(200):
        mine = at[key == asked[row]]
        assert counts[row] == ((mine >= start[row]) & (mine < start[row] + 100)).sum()
        before = mine[mine < start[row]]
        assert (since[row] == start[row] - before.max()) if before.size else (since[row] > 10**17)
