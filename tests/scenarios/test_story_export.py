"""An analyst who may export takes masses of addresses (S6): who must agree, and when somebody else is told.

Through the HTTP door of a running server. That the rows of an export give it away once they are for sale is judged in
`test_story_trade`.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.scenarios.conftest import Results
from tests.store.conftest import CATALOG, COMPANY, company, house
from tests.store.http.conftest import CATALOG as MORE
from tests.store.http.conftest import STAFF, Office, office, pace

from whosaw.decide.policy import PolicySet
from whosaw.decide.shipped import schema
from whosaw.record import fsck
from whosaw.store.alerts import Alert, alerts

__all__ = ["company", "house", "office", "pace"]  # fixtures

ROWS, PAGE, LIMIT, DAY = 600, 499, 500, 1_300
POLICIES = '@id("analysts") permit (principal, action == Action::"reveal", resource == Class::"contact");'
CUSTOMERS = """
insert into company.customers
select 'X-' || i, 'Name ' || i, 'x' || i || '@mail.example', '+49', 'Street', 'EU' from generate_series(1, 4000) i;
insert into company.items values ('M-2', 'E-1', 'C-1', 'system', '2026-03-01Z');
"""


@pytest.fixture
def company_sql() -> str:
    return COMPANY + STAFF + CUSTOMERS


@pytest.fixture
def catalog_text() -> str:
    """The company's catalog with a second person above 500 rows, and a day's budget of 1,300 persons."""
    query = "select id as key, roles, region, ended"
    text = CATALOG.replace(f"{query} from company.staff", f"{query}, function, changed_at from company.staff")
    text = text.replace(
        '[actors]\nsource = "company"\n', '[actors]\nsource = "company"\nattributes = ["function", "changed_at"]\n'
    )
    text = text.replace(', mode = "observe"', "") + MORE.partition("[subjects.seller]")[0]
    rest = MORE[MORE.index('[lookups."customer.email"]') :]
    assert "day = { soft = 20, hard = 30 }" in rest
    return text + rest.replace("day = { soft = 20, hard = 30 }", f"day = {{ hard = {DAY} }}")


async def _bulk(office: Office, first: int, rows: int, actor: str = "E-2") -> tuple[int, dict[str, object]]:
    """Ask for addresses; return how many were shown, and the answer."""
    subjects = [f"customer:X-{number}" for number in range(first, first + rows)]
    purpose = {"E-2": "review_care:M-1", "E-1": "review_care:M-2"}[actor]
    body = {"subjects": subjects, "fields": ["customer.email"], "purpose": purpose}
    answer = (await office.post("/v1/disclosures/bulk", body, actor)).json()
    shown = [each for each in answer.get("answers", []) if "@" in str(each["fields"]["customer.email"].get("value"))]
    return len(shown), answer


async def _approved(office: Office, digest: object, by: str, actor: str = "E-2") -> int:
    asked = {"kind": "second_person", "reason": "a recall of a part", "action": "export", "digest": digest}
    grant = (await office.post("/v1/grants", asked, actor)).json()
    return (await office.post(f"/v1/grants/{grant['id']}/approve", {}, by)).status_code


async def _alarms(office: Office) -> list[Alert]:
    return [each for each in await alerts(office.company.db) if each.code == "export.again"]


async def test_an_export_takes_two_and_the_second_one_is_told_to_a_third(office: Office, results: Results) -> None:
    office.company.policies.swap(PolicySet(POLICIES, schema()))
    alone = []
    # alone he gets nothing above the limit, and his own word is none
    shown, refusal = await _bulk(office, 1, ROWS)
    alone.append(shown)
    assert refusal["reason"] == "second_person.needed"
    assert await _approved(office, refusal["digest"], "E-2") == 403
    alone.append((await _bulk(office, 1, ROWS))[0])
    # an approval is for exactly these rows, and for once
    assert await _approved(office, refusal["digest"], "P-1") == 200
    alone.append((await _bulk(office, 2, ROWS))[0])
    shown, _ = await _bulk(office, 1, ROWS)
    assert shown == ROWS and await _alarms(office) == []
    alone.append((await _bulk(office, 1, ROWS))[0])
    results.most("S6", "rows above the limit shown on one person's word", [each > 0 for each in alone], 0)

    # an honest colleague's one export, in the same time: nobody is told
    _, refusal = await _bulk(office, 3_000, ROWS, "E-1")
    assert await _approved(office, refusal["digest"], "S-1", "E-1") == 200
    assert (await _bulk(office, 3_000, ROWS, "E-1"))[0] == ROWS
    results.most("S6", "control: one approved export raises the alarm", [bool(await _alarms(office))], 0)

    office.company.clock.advance_to(office.company.clock.now() + timedelta(days=2))
    _, refusal = await _bulk(office, 1_000, ROWS)
    assert await _approved(office, refusal["digest"], "S-1") == 200
    shown, _ = await _bulk(office, 1_000, ROWS)
    (alarm,) = await _alarms(office)
    told = shown == ROWS and alarm.severity == "high" and set(alarm.about) == {"actor", "entry"}
    results.least("S6", "the alarm stands with the second export, though two agreed to each", [told], 1)

    # pages below the limit add up to the day's budget and no further
    office.company.clock.advance_to(office.company.clock.now() + timedelta(days=2))
    pages = [(await _bulk(office, 1 + number * PAGE, PAGE))[0] for number in range(8)]
    results.most("S6", "paging below the limit passes the day's budget", [sum(pages) > DAY], 0)
    assert pages[0] == PAGE and pages[-1] == 0

    # and every set that was shown is recorded
    company = office.company
    await company.integrator.step()
    assert (await fsck(company.db, company.trail, company.keys.trail.verifier)).ok
