"""How strong an excuse is, and what follows from it."""

import numpy as np
import pytest

from whosaw.watch.errors import TooLittleToLearn
from whosaw.watch.excuses import HALF, Excuses, excuse, prompts, share_by_team, unexplained_queue
from whosaw.watch.matching import Matcher
from whosaw.watch.rows import DAY_US, Accesses, Items, Work
from whosaw.watch.strength import fake_log, learn_strength
from whosaw.watch.suggesting import suggest
from whosaw.watch.templates import Template, Via

TICKET = Template("ticket", Via.ASSIGNED)
EVERYBODY = Template("any open item", Via.OPEN)


def learned(work: Work, accesses: Accesses, *templates: Template):
    matcher = Matcher(work, templates)
    return matcher, learn_strength(matcher, accesses, work.known_since_us(3_000))


def test_an_assigned_ticket_is_a_whole_excuse_and_random_looks_have_none(office) -> None:
    work, accesses = office
    matcher, strength = learned(work, accesses, TICKET)
    assert strength.templates[0].grade == 1.0 and strength.templates[0].lift > 20
    assert excuse(matcher, strength, accesses).explained.mean() > 0.99
    fakes = fake_log(accesses, work.known_since_us(3_000), np.random.default_rng(9))
    assert excuse(matcher, strength, fakes).explained.mean() < 0.01


def test_a_template_that_holds_for_strangers_too_is_no_excuse_however_it_is_declared(office) -> None:
    work, accesses = office
    always = Items(
        **{name: getattr(work.items, name) for name in Items.__slots__}
        | {"closed_us": work.items.closed_us * 0 + 10**18}
    )
    _, strength = learned(Work(work.kinds, always, work.acts), accesses, EVERYBODY)
    assert strength.templates[0].grade == 0.0


def test_self_made_items_and_own_text_are_half_an_excuse_at_most(office) -> None:
    work, accesses = office
    own = Items(**{name: getattr(work.items, name) for name in Items.__slots__} | {"made_by": work.items.assignee})
    matcher, strength = learned(Work(work.kinds, own, work.acts), accesses, TICKET)
    found = excuse(matcher, strength, accesses)
    assert found.explained.mean() > 0.99 and found.excuse.max() == HALF
    matcher, strength = learned(work, accesses, Template("note", Via.ASSIGNED, own_text=True))
    assert excuse(matcher, strength, accesses).excuse.max() == HALF
    assert strength.templates[0].grade == HALF


def test_the_report_speaks_of_teams_and_adds_up(office) -> None:
    work, accesses = office
    matcher, strength = learned(work, accesses, TICKET)
    found = excuse(matcher, strength, accesses)
    teams = share_by_team(found, accesses, work.team)
    assert [each.team for each in teams] == [0, 1]
    assert sum(each.accesses for each in teams) == len(accesses)
    assert sum(each.explained for each in teams) == found.explained.sum()


def test_the_queue_is_in_order_of_time_and_prompts_stay_few(office) -> None:
    work, accesses = office
    matcher, strength = learned(work, accesses, TICKET)
    stray = fake_log(accesses, work.known_since_us(3_000), np.random.default_rng(2)).take(np.arange(0, 6_000, 10))
    both = Accesses(
        np.concatenate([accesses.actor, stray.actor]),
        np.concatenate([accesses.subject, stray.subject]),
        np.concatenate([accesses.at_us, stray.at_us]),
    )
    found = excuse(matcher, strength, both)
    rows = unexplained_queue(found, both)
    assert (np.diff(both.at_us[rows]) >= 0).all() and rows.size > 500
    asked = prompts(found, both)
    assert 0 < asked.size <= 0.02 * len(both)
    weeks = both.actor[asked] * 1_000 + both.at_us[asked] // (7 * DAY_US)
    assert np.unique(weeks).size == weeks.size


def test_an_export_is_one_question_and_comes_before_single_looks(office) -> None:
    """2,000 asks of one person each would allow forty questions; an export adds one ask, however many it shows."""
    single, export = 2_000, 300
    actor = np.concatenate([np.arange(single) % 50, np.full(export, 50)])
    at = np.concatenate([np.arange(single), np.full(export, 7)])
    accesses = Accesses(actor, np.arange(single + export), at)
    excuse_of = np.zeros(single + export)
    excuse_of[single : single + 100] = 1.0
    lift = np.concatenate([np.full(single, 0.1), np.full(export, 0.5)])
    found = Excuses(excuse_of, lift, np.zeros((single + export, 0), np.bool_), ())
    asked = prompts(found, accesses)
    assert asked.size == 40 and np.unique(actor[asked]).size == 40, "of people, not of what they were shown"
    (only,) = prompts(found, accesses, most=1).tolist()
    assert only >= single + 100, "the export, and a row of it that nothing explains"
    assert prompts(found, accesses, most=0).size == 0


def test_suggestions_are_offered_and_change_nothing(office) -> None:
    work, accesses = office
    offered = suggest(work, (), accesses, work.known_since_us(3_000))
    assert offered[0].template.via is Via.ASSIGNED and offered[0].more > 0.9
    assert all("team" not in each.template.name for each in offered if each.lift < 5)
    assert suggest(work, (TICKET,), accesses, work.known_since_us(3_000)) == ()


def test_too_few_accesses_teach_nothing(office) -> None:
    work, accesses = office
    with pytest.raises(TooLittleToLearn):
        learned(work, accesses.take(np.arange(100)), TICKET)


def test_the_fake_log_draws_only_subjects_known_by_then(office) -> None:
    work, accesses = office
    since = work.known_since_us(3_000)
    fakes = fake_log(accesses, since, np.random.default_rng(1))
    late = accesses.at_us > since.min()
    assert (since[fakes.subject[late]] <= fakes.at_us[late]).all()
    fresh = fake_log(accesses, since, np.random.default_rng(1), fresh_days=30)
    enough = accesses.at_us > 40 * DAY_US
    assert (accesses.at_us[enough] - since[fresh.subject[enough]] <= 30 * DAY_US).mean() > 0.9
