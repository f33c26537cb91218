"""What people ask of and decide about one another, over real sockets: grants, glass, suspensions, the code, oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whosaw.gate.conduct import Conducts

if TYPE_CHECKING:
    from tests.store.http.conftest import Office

GRANT = {"kind": "extended_contact", "reason": "a parcel of another region", "minutes": 60}
GRANT |= {"subject": "customer:C-2", "purpose": "ticket:T-2"}
CLASS = {"subject": "customer:C-2", "fields": ["customer.email"], "purpose": "ticket:T-2"}


async def requested(office: Office, actor: str = "E-5", **more: object) -> dict[str, Any]:
    response = await office.post("/v1/grants", GRANT | more, actor)
    assert response.status_code == 201, response.text
    told: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/v1/grants/{told['id']}"
    return told


async def test_a_grant_opens_what_it_names_once_another_person_approved_it(office: Office) -> None:
    assert (await office.post("/v1/disclosures", CLASS, "E-5")).status_code == 403
    grant = await requested(office)
    assert (grant["state"], grant["holder"]) == ("requested", "E-5")
    assert (await office.post("/v1/disclosures", CLASS, "E-5")).status_code == 403
    waiting = (await office.get("/v1/grants?whose=waiting", "L-1")).json()["items"]
    assert [each["id"] for each in waiting] == [grant["id"]]
    approved = await office.post(f"/v1/grants/{grant['id']}/approve", {}, "L-1")
    assert (approved.status_code, approved.json()["state"]) == (200, "in_force")
    shown = (await office.post("/v1/disclosures", CLASS, "E-5")).json()
    assert shown["fields"]["customer.email"] == {"value": "ada2@mail.example"}
    assert (await office.get("/v1/me", "E-5")).json()["grants"][0]["id"] == grant["id"]
    revoked = await office.post(f"/v1/grants/{grant['id']}/revoke", {"reason": "done"}, "E-5")
    assert revoked.json()["state"] == "revoked"
    assert (await office.post("/v1/disclosures", CLASS, "E-5")).status_code == 403


async def test_an_approval_without_a_body_is_told_to_be_one(office: Office) -> None:
    refused = await office.http.post("/v1/grants/1/approve", headers=office.as_actor("L-1"))
    told = refused.json()
    assert (refused.status_code, told["detail"]) == (400, "the body is empty")
    assert "{}" in told["hint"]


async def test_nobody_approves_himself_and_two_do_not_approve_each_other(office: Office) -> None:
    own = await requested(office, "P-1")
    refused = await office.post(f"/v1/grants/{own['id']}/approve", {}, "P-1")
    assert (refused.status_code, refused.json()["reason"]) == (403, "approval.own")
    assert (await office.post(f"/v1/grants/{own['id']}/approve", {}, "P-2")).status_code == 200
    other = await requested(office, "P-2")
    circular = await office.post(f"/v1/grants/{other['id']}/approve", {}, "P-1")
    assert (circular.status_code, circular.json()["reason"]) == (403, "approval.circular")
    stranger = await office.post(f"/v1/grants/{other['id']}/approve", {}, "E-1")
    assert stranger.json()["reason"] == "approval.wrong_function"
    changes = [entry["change"] for entry in await office.entries("grant")]
    assert changes == ["requested", "denied", "approved", "requested", "denied", "denied"]


async def test_lists_come_in_pages_and_show_nobody_elses(office: Office) -> None:
    made = [(await requested(office))["id"] for _ in range(5)]
    gathered, cursor = [], ""
    while True:
        page = (await office.get(f"/v1/grants?limit=2{cursor}", "E-5")).json()
        gathered += [each["id"] for each in page["items"]]
        assert len(page["items"]) <= 2
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert gathered == made[::-1]
    assert (await office.get("/v1/grants", "E-1")).json() == {"items": [], "next": None}
    assert (await office.get("/v1/grants?whose=waiting", "E-1")).json()["items"] == []
    for query in (
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=-1",
        "cursor=0",
        "limit=1&limit=2",
        "holder=E-5",
        "whose=all",
    ):
        refused = await office.get(f"/v1/grants?{query}", "E-5")
        assert (refused.status_code, refused.json()["title"]) == (400, "http.query_unfit"), query


async def test_the_same_request_under_the_same_key_is_the_same_grant(office: Office) -> None:
    key = {"Idempotency-Key": "one-and-the-same-key"}
    first = (await office.post("/v1/grants", GRANT, "E-5", **key)).json()
    again = (await office.post("/v1/grants", GRANT, "E-5", **key)).json()
    assert first == again
    other = await office.post("/v1/grants", GRANT | {"minutes": 5}, "E-5", **key)
    assert (other.status_code, other.json()["title"]) == (422, "http.key_reused")
    assert len(await office.entries("grant")) == 1


async def test_an_action_above_its_limit_is_done_with_the_word_of_a_second_person(office: Office) -> None:
    subjects = [f"customer:none-{number}" for number in range(501)]
    bulk = {"subjects": subjects, "fields": ["customer.email"], "purpose": "ticket:T-1"}
    refused = await office.post("/v1/disclosures/bulk", bulk)
    told = refused.json()
    assert (refused.status_code, told["reason"]) == (403, "second_person.needed")
    asked = {"kind": "second_person", "reason": "a recall", "action": "export", "digest": told["digest"]}
    grant = (await office.post("/v1/grants", asked)).json()
    assert (await office.post(f"/v1/grants/{grant['id']}/approve", {}, "P-1")).json()["state"] == "in_force"
    assert (await office.post("/v1/disclosures/bulk", bulk)).json()["reason"] != "second_person.needed"
    assert (await office.post("/v1/disclosures/bulk", bulk)).json()["reason"] == "second_person.needed"


async def test_broken_glass_opens_at_once_and_two_review_it(office: Office) -> None:
    body = {"reason": "a fire at the customer's", "subject": "customer:C-2"}
    broken = await office.post("/v1/break-glass", body, "E-5")
    glass = broken.json()
    assert (broken.status_code, glass["state"], glass["classes"]) == (201, "unreviewed", ["contact"])
    shown = await office.post("/v1/disclosures", {"subject": "customer:C-2", "fields": ["customer.email"]}, "E-5")
    assert shown.json()["fields"]["customer.email"] == {"value": "ada2@mail.example"}
    assert (await office.post("/v1/break-glass", body, "L-1")).json()["title"] == "gate.glass_refused"
    assert [each["id"] for each in (await office.get("/v1/break-glass", "S-1")).json()["items"]] == [glass["id"]]
    assert (await office.get("/v1/break-glass", "E-1")).json()["items"] == []
    path = f"/v1/break-glass/{glass['id']}/review"
    own = await office.post(path, {"verdict": "justified", "reason": "me"}, "E-5")
    assert own.json()["reason"] == "approval.own"
    assert (await office.post(path, {"verdict": "fine", "reason": "x"}, "S-1")).status_code == 422
    for reviewer, state in (("S-1", "unreviewed"), ("P-1", "justified")):
        told = await office.post(path, {"verdict": "justified", "reason": "true"}, reviewer)
        assert told.json()["state"] == state
    assert (await office.post(f"/v1/break-glass/{glass['id']}/close", {}, "E-1")).status_code == 404
    assert (await office.post(f"/v1/break-glass/{glass['id']}/close", {}, "E-5")).status_code == 200
    after = await office.post("/v1/disclosures", {"subject": "customer:C-2", "fields": ["customer.email"]}, "E-5")
    assert after.json()["decision"] == "mask"


async def test_a_named_function_suspends_and_lifts_and_nobody_lifts_his_own(office: Office) -> None:
    stop = {"actor": "E-1", "reason": "a report"}
    for actor in ("E-2", "P-1", "A-1"):
        refused = await office.post("/v1/suspensions", stop, actor)
        assert (refused.status_code, refused.json()["reason"]) == (403, "approval.wrong_function")
    done = await office.post("/v1/suspensions", stop, "S-1")
    assert done.json() == {"actor": "E-1", "suspended": True, "changed": True, "by": "S-1", "listed": True}
    denied = await office.post("/v1/disclosures", {"subject": "customer:C-1", "fields": ["customer.email"]})
    assert denied.json()["reason"] == "actor.suspended"
    assert (await office.get("/v1/me")).json()["suspended"] is True
    for path in ("/v1/grants", "/v1/break-glass", "/v1/conduct", "/v1/suspensions"):
        stopped = await office.get(path)
        assert (stopped.status_code, stopped.json()["title"]) == (403, "http.actor_stopped")
    listed = (await office.get("/v1/suspensions", "S-2")).json()["items"]
    assert [(each["actor"], each["kind"], each["ordered_by"]) for each in listed] == [("E-1", "manual", "S-1")]
    assert (await office.get("/v1/suspensions", "P-1")).status_code == 403
    assert (await office.post("/v1/suspensions/E-1/lift", {"reason": "cleared"}, "P-1")).status_code == 403
    lifted = await office.post("/v1/suspensions/E-1/lift", {"reason": "cleared"}, "S-2")
    assert lifted.json() == {"actor": "E-1", "suspended": False, "changed": True, "by": "S-2", "listed": True}
    own = await office.post("/v1/suspensions", {"actor": "S-1", "reason": "x"}, "S-1")
    assert own.json()["reason"] == "approval.own"
    changes = [entry["change"] for entry in await office.entries("suspension")]
    assert changes == ["denied"] * 3 + ["suspend", "denied", "restore", "denied"]


async def test_one_sees_ones_own_budgets_and_asking_costs_nothing(office: Office) -> None:
    body = {"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1"}
    for _ in range(2):  # the same person twice is one
        assert (await office.post("/v1/disclosures", body)).status_code == 200
    budgets = {(each["counted"], each["window"]): each for each in (await office.get("/v1/me")).json()["budgets"]}
    contact = budgets["contact", "day"]
    assert (contact["spent"], contact["soft"], contact["hard"], contact["left"]) == (1, 20, 30, 29)
    assert budgets["misses", "hour"]["left"] == 60
    assert ("name", "day") not in budgets


async def test_the_code_is_shown_and_acknowledged(office: Office) -> None:
    company = office.company
    empty = (await office.get("/v1/conduct")).json()
    assert (empty["version"], empty["text"]) == (None, None)
    assert (await office.post("/v1/conduct/acknowledgements", {})).status_code == 422
    conducts = Conducts(company.db, company.appender, None, company.clock)
    await conducts.publish("2026-1", "Look only where your work takes you.", by="S-1")
    shown = (await office.get("/v1/conduct")).json()
    assert (shown["version"], shown["text"]) == ("2026-1", "Look only where your work takes you.")
    told = await office.post("/v1/conduct/acknowledgements", {"version": "2026-1"})
    assert (told.status_code, told.json()["version"]) == (200, "2026-1")
    assert (await office.post("/v1/conduct/acknowledgements", {"version": "1999"})).status_code == 422
    changes = [(entry["change"], entry["door"]) for entry in await office.entries("conduct")]
    assert changes == [("published", "console"), ("acknowledged", "http")] or changes[0][0] == "published"


async def test_stopping_a_key_that_the_directory_does_not_list_says_so(office: Office) -> None:
    done = await office.post("/v1/suspensions", {"actor": "E-01", "reason": "a report"}, "S-1")
    assert (done.json()["changed"], done.json()["listed"]) == (True, False)
    lifted = await office.post("/v1/suspensions/E-01/lift", {"reason": "a slip"}, "S-1")
    assert (lifted.json()["suspended"], lifted.json()["listed"]) == (False, False)


async def test_a_number_that_nothing_has_is_not_found(office: Office) -> None:
    for path in ("grants/{}/approve", "grants/{}/revoke", "break-glass/{}/review", "break-glass/{}/close"):
        for number in (1, 2**63 - 1, 2**63, 10**40):
            body = {"verdict": "justified", "reason": "x"} if "review" in path else {"reason": "x"}
            body = {} if "close" in path else body
            response = await office.post(f"/v1/{path.format(number)}", body, "S-1")
            assert response.status_code == 404, (path, number, response.text)
