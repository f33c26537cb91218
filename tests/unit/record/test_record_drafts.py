"""Drafts: entries whose numbers come with the append, filled in where they belong and nowhere else."""

import json

import pytest

from whosaw.prove import PayloadRefused, canonical
from whosaw.record import Draft
from whosaw.record.drafts import Written, places

ADA, WORK = ("subject", "customer:C-1"), ("purpose", "ticket:T-1")


def payload(**more):
    return {"kind": "disclosure", "at": 5, "actor": 7, "subject": 0, "purpose": 0, **more}


def test_numbers_stand_in_their_places_and_in_no_string():
    hostile = '","subject":0,"purpose":0,\\"subject\\":0'
    draft = Draft(payload(stated=hostile, fields=['"subject":0']), {"subject": ADA, "purpose": WORK})
    filled = Written.of(draft).filled({ADA: 12, WORK: 1_000_000_007})
    assert filled == canonical(payload(stated=hostile, fields=['"subject":0'], subject=12, purpose=1_000_000_007))
    assert json.loads(filled)["stated"] == hostile


def test_each_key_has_one_place_however_often_it_is_missing():
    drafts = [Draft(payload(), {"subject": ADA, "purpose": WORK}), Draft(payload(purpose=3), {"subject": ADA})]
    keys, where = places([Written.of(each) for each in [*drafts, Draft(payload(subject=1, purpose=2))]])
    assert keys == [ADA, WORK]
    assert where == [[0, 0, 0], [1, 1, 0], [2, 0, 0]]


@pytest.mark.parametrize(
    "draft",
    [
        Draft(payload(subject=4), {"subject": ADA}),
        Draft({"kind": "disclosure", "at": 5}, {"subject": ADA}),
        Draft(payload(object=0), {"object": ADA}),
        # it fits until it is filled in
        Draft(payload(stated="x" * (65_535 - len(canonical(payload(stated=""))))), {"subject": ADA}),
    ],
)
def test_a_draft_that_could_not_be_filled_in_is_refused(draft):
    with pytest.raises(PayloadRefused):
        Written.of(draft)
