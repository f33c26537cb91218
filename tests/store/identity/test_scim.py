"""What the provider's provisioning changes here, what is recorded of it, and what it cannot do."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from whosaw.gate.identitydirectory import STAFF, directory_rows
from whosaw.gate.identitystaff import Order, Powers, Staff, group_roles
from whosaw.store import Database
from whosaw.store.database import with_login

if TYPE_CHECKING:
    from tests.store.identity.conftest import Scim

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def is_error(answer: httpx.Response, status: int, scim_type: str | None = None) -> str:
    """Check that it is SCIM's own form of an error, and return the detail."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/scim+json")
    told = answer.json()
    assert told["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert told["status"] == str(status)
    assert told.get("scimType") == scim_type, told
    detail: str = told["detail"]
    return detail


async def test_who_is_sent_stands_in_the_directory_with_the_roles_of_his_groups(scim: Scim) -> None:
    ada = await scim.user(
        "ada",
        emails=[{"value": "x@c.example"}, {"value": "ada@c.example", "primary": True}],
        **{
            ENTERPRISE: {"organization": "Temps Ltd", "department": "support", "division": "Leeds"},
            STAFF: {"region": "EU", "site": "Berlin", "since": "2026-01-05T00:00:00Z"},
        },
    )
    await scim.group("Customer Support", ada["id"])
    await scim.group("review care", ada["id"])
    await scim.group("Bowling Club", ada["id"])
    row = (await directory_rows(scim.db, ["ada", "nobody"]))["ada"]
    assert row["roles"] == ["auditor", "review_care", "support"]
    assert (row["region"], row["site"], row["employer"], row["function"]) == ("EU", "Berlin", "Temps Ltd", "support")
    assert (row["mail"], row["ended"], row["since"].isoformat()) == ("ada@c.example", None, "2026-01-05T00:00:00+00:00")
    assert row["changed_at"] == scim.clock.now()
    assert set(await directory_rows(scim.db, ["ada", "nobody"])) == {"ada"}
    entries = await scim.entries("provision")
    assert [(e["change"], e["active"], e["roles"]) for e in entries] == [
        ("added", "yes", []),
        ("changed", "yes", ["support"]),
        ("changed", "yes", ["auditor", "review_care", "support"]),
    ]


async def test_the_door_may_read_the_directory_and_not_write_it(scim: Scim, database_url: str) -> None:
    await scim.user("ada")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter role whosaw_door login password 'door'")
    async with Database(with_login(database_url, "whosaw_door", "door")) as door:
        assert set(await directory_rows(door, ["ada"])) == {"ada"}
        for statement in (
            "update person set active = true",
            "delete from person_end",
            "insert into person_member select gen_random_uuid(), gen_random_uuid()",
            "update person_password set hash = ''",
            "select secret_sha256 from scim_credential",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with door.connection() as connection:
                    await connection.execute(statement)


@pytest.mark.parametrize("way", ["patch", "entra", "put", "delete"])
async def test_who_is_deactivated_is_suspended_and_his_sign_ins_end(scim: Scim, way: str) -> None:
    ada = await scim.user("ada", active=True)
    at = f"/Users/{ada['id']}"
    if way == "patch":
        answer = await scim.http.patch(at, json=patch({"op": "replace", "path": "active", "value": False}))
    elif way == "entra":  # the spelling of operations that Microsoft's provider uses
        answer = await scim.http.patch(at, json=patch({"op": "Replace", "value": {"active": False}}))
    elif way == "put":
        answer = await scim.http.put(at, json={"schemas": [USER], "userName": "ada", "active": False})
    else:
        answer = await scim.http.delete(at)
    assert answer.status_code == (204 if way == "delete" else 200), answer.text
    assert await scim.suspensions.among(["ada"]) == {"ada"}
    assert not await scim.sign_ins.holds("ada", scim.clock.now(), suspended_may=True)
    (suspension,) = await scim.entries("suspension")
    assert "identity provider" in suspension["reason"]
    rows = await directory_rows(scim.db, ["ada"])
    assert rows == {} if way == "delete" else rows["ada"]["ended"] is True


async def test_activating_somebody_again_lifts_no_suspension(scim: Scim) -> None:
    ada = await scim.user("ada", active=False)
    assert await scim.suspensions.among(["ada"]) == {"ada"}
    at = f"/Users/{ada['id']}"
    shown = (await scim.http.patch(at, json=patch({"op": "replace", "path": "active", "value": True}))).json()
    assert shown["active"] is True
    assert await scim.suspensions.among(["ada"]) == {"ada"}
    await scim.http.delete(at)
    await scim.user("ada", active=True)
    assert await scim.suspensions.among(["ada"]) == {"ada"}


async def test_leaving_a_group_takes_its_roles_and_is_recorded(scim: Scim) -> None:
    ada, bob = await scim.user("ada"), await scim.user("bob")
    group = await scim.group("Customer Support", ada["id"], bob["id"])
    at = f"/Groups/{group['id']}"
    scim.clock.advance_to(scim.clock.now() + timedelta(hours=1))
    away = patch({"op": "remove", "path": f'members[value eq "{ada["id"]}"]'})
    assert (await scim.http.patch(at, json=away)).status_code == 200
    rows = await directory_rows(scim.db, ["ada", "bob"])
    assert (rows["ada"]["roles"], rows["bob"]["roles"]) == ([], ["support"])
    assert rows["ada"]["changed_at"] == scim.clock.now()
    assert (await scim.entries("provision"))[-1]["roles"] == []
    assert (await scim.http.delete(at)).status_code == 204
    assert (await directory_rows(scim.db, ["bob"]))["bob"]["roles"] == []


async def test_a_newcomer_in_a_group_changes_nobody_else_in_it(scim: Scim) -> None:
    """Whoever was changed within a day approves nothing: a group of approvers would stand still with each newcomer."""
    ada, bob = await scim.user("ada"), await scim.user("bob")
    group = await scim.group("Customer Support", ada["id"])
    before = (await directory_rows(scim.db, ["ada"]))["ada"]["changed_at"]
    version = (await scim.http.get(f"/Users/{ada['id']}")).json()["meta"]["version"]
    scim.clock.advance_to(scim.clock.now() + timedelta(hours=1))
    joins = patch({"op": "add", "path": "members", "value": [{"value": bob["id"]}]})
    assert (await scim.http.patch(f"/Groups/{group['id']}", json=joins)).status_code == 200
    rows = await directory_rows(scim.db, ["ada", "bob"])
    assert (rows["ada"]["changed_at"], rows["bob"]["changed_at"]) == (before, scim.clock.now())
    assert (await scim.http.get(f"/Users/{ada['id']}")).json()["meta"]["version"] == version
    scim.clock.advance_to(scim.clock.now() + timedelta(hours=1))
    renamed = patch({"op": "replace", "path": "displayName", "value": "Bowling Club"})
    await scim.http.patch(f"/Groups/{group['id']}", json=renamed)
    assert (await directory_rows(scim.db, ["ada"]))["ada"]["changed_at"] == scim.clock.now(), "his roles are gone"


async def test_a_group_that_is_renamed_gives_what_its_new_name_gives(scim: Scim) -> None:
    ada = await scim.user("ada")
    group = await scim.group("Bowling Club", ada["id"])
    await scim.http.patch(
        f"/Groups/{group['id']}", json=patch({"op": "replace", "path": "displayName", "value": "CUSTOMER SUPPORT"})
    )
    assert (await directory_rows(scim.db, ["ada"]))["ada"]["roles"] == ["support"]


async def test_other_settings_give_roles_anew_and_it_is_recorded(scim: Scim, tmp_path: Any) -> None:
    ada = await scim.user("ada")
    await scim.group("Customer Support", ada["id"])
    powers = Powers(
        scim.staff._powers.appender, scim.suspensions, scim.sign_ins, group_roles("Customer Support=reader")
    )
    later = Staff(scim.db, scim.clock, powers)
    assert await later.give_roles_anew(Order("scim:settings")) == 1
    assert await later.give_roles_anew(Order("scim:settings")) == 0
    assert (await directory_rows(scim.db, ["ada"]))["ada"]["roles"] == ["reader"]
    assert (await scim.entries("provision"))[-1]["roles"] == ["reader"]


async def test_the_key_stays_whatever_he_is_called_later(scim: Scim) -> None:
    ada = await scim.user("ada")
    answer = await scim.http.put(f"/Users/{ada['id']}", json={"schemas": [USER], "userName": "ada.married"})
    assert answer.json()["userName"] == "ada.married"
    assert set(await directory_rows(scim.db, ["ada", "ada.married"])) == {"ada"}


async def test_a_user_name_or_key_is_one_persons(scim: Scim) -> None:
    ada, bob = await scim.user("ada"), await scim.user("bob")
    sent = {"schemas": [USER], "userName": "ADA"}
    is_error(await scim.http.post("/Users", json=sent), 409, "uniqueness")
    is_error(await scim.http.put(f"/Users/{bob['id']}", json=sent), 409, "uniqueness")
    await scim.http.put(f"/Users/{ada['id']}", json={"schemas": [USER], "userName": "adele"})
    is_error(await scim.http.post("/Users", json={"schemas": [USER], "userName": "ada"}), 409, "uniqueness")
    answers = await asyncio.gather(
        *(scim.http.post("/Users", json={"schemas": [USER], "userName": "carol"}) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_lists_are_filtered_and_paged(scim: Scim) -> None:
    for number in range(7):
        scim.clock.advance_to(scim.clock.now() + timedelta(seconds=1))
        await scim.user(f"user{number}", externalId=f"x{number}", title="clerk" if number % 2 else "Boss")

    async def names(**asked: Any) -> tuple[int, list[str]]:
        told = (await scim.http.get("/Users", params=asked)).json()
        assert told["itemsPerPage"] == len(told["Resources"])
        return told["totalResults"], [each["userName"] for each in told["Resources"]]

    assert await names(startIndex=3, count=2) == (7, ["user2", "user3"])
    assert await names(startIndex=-5, count=1) == (7, ["user0"])
    assert await names(startIndex=99) == (7, [])
    assert await names(count=0) == (7, [])
    assert await names(count=-3) == (7, [])
    assert await names(filter='userName eq "USER4"') == (1, ["user4"])
    assert await names(filter='externalId eq "x5"') == (1, ["user5"])
    assert await names(filter='title eq "boss"', startIndex=2, count=2) == (4, ["user2", "user4"])
    assert await names(filter='userName sw "user" and not (title eq "clerk")') == (
        4,
        ["user0", "user2", "user4", "user6"],
    )
    assert await names(filter='userName eq "nobody"') == (0, [])
    assert await names(filter='userName eq "\' or 1=1 --"') == (0, [])
    assert await names(sortBy="userName", sortOrder="descending", count=2) == (7, ["user6", "user5"])
    only = (await scim.http.get("/Users", params={"attributes": "userName", "count": 1})).json()["Resources"][0]
    assert set(only) == {"schemas", "id", "userName"}


@pytest.mark.parametrize(
    "filter_", ["userName eq", "(" * 500, 'nothing eq "x"', 'userName zz "x"', "\x00", "a" * 5_000]
)
async def test_a_filter_that_cannot_be_read_is_refused(scim: Scim, filter_: str) -> None:
    answer = await scim.http.get("/Users", params={"filter": filter_})
    assert answer.status_code == 400
    assert answer.json()["scimType"] in ("invalidFilter", "invalidValue", "invalidPath")


async def test_a_change_for_another_version_changes_nothing(scim: Scim) -> None:
    ada = await scim.user("ada")
    at, tag = f"/Users/{ada['id']}", ada["meta"]["version"]
    sent = {"schemas": [USER], "userName": "ada", "title": "Lead"}
    assert (await scim.http.get(at, headers={"If-None-Match": tag})).status_code == 304
    first = await scim.http.put(at, json=sent, headers={"If-Match": tag})
    assert (first.status_code, first.headers["etag"]) == (200, first.json()["meta"]["version"])
    again = patch({"op": "replace", "path": "active", "value": False})
    is_error(await scim.http.patch(at, json=again, headers={"If-Match": tag}), 412)
    is_error(await scim.http.delete(at, headers={"If-Match": '"nonsense"'}), 412)
    assert await scim.suspensions.among(["ada"]) == set()
    same = await scim.http.put(at, json=sent)  # nothing to change: no new version
    assert same.headers["etag"] == first.headers["etag"]
    assert (await scim.http.get(at, headers={"If-None-Match": tag})).status_code == 200


async def test_without_a_good_credential_nothing_is_told_or_changed(scim: Scim) -> None:
    ada = await scim.user("ada")
    at = f"/Users/{ada['id']}"
    await scim.credentials.revoke((await scim.credentials.all())[0].id, scim.clock.now())
    wrong = (
        "",
        "Bearer",
        f"Bearer {scim.credential}",
        f"Basic {scim.credential}",
        "Bearer scim_x_y",
        "Bearer ' or 1=1",
    )
    for header in wrong:
        for method, path in (("GET", at), ("DELETE", at), ("POST", "/Users"), ("GET", "/Schemas"), ("GET", "/x")):
            answer = await scim.http.request(method, path, headers={"Authorization": header})
            is_error(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
    assert set(await directory_rows(scim.db, ["ada"])) == {"ada"}
    assert await scim.suspensions.among(["ada"]) == set()


BODIES: tuple[bytes, ...] = (
    b"",
    b"[]",
    b"null",
    b"{",
    b"\xff\xfe",
    b'{"userName": NaN}',
    b'{"a":' * 5_000,
    json.dumps({"schemas": [USER]}).encode(),
    json.dumps({"schemas": [USER], "userName": ""}).encode(),
    json.dumps({"schemas": [USER], "userName": 7}).encode(),
    json.dumps({"schemas": [USER], "userName": "a\x00b"}).encode(),
    json.dumps({"schemas": [USER], "userName": "a\ud800"}).encode(),
    json.dumps({"schemas": [USER], "userName": "scim:okta"}).encode(),
    json.dumps({"schemas": [USER], "userName": "x" * 300}).encode(),
    json.dumps({"schemas": [USER], "userName": "ada", "active": "perhaps"}).encode(),
    json.dumps({"schemas": [USER], "userName": "ada", "emails": [{"value": {}}]}).encode(),
    json.dumps({"schemas": [USER], "userName": "ada", STAFF: {"until": "some day"}}).encode(),
    json.dumps({"schemas": ["urn:x"], "userName": "ada"}).encode(),
    b"x" * 1_100_000,
)


async def test_what_is_no_person_is_refused_in_scims_form(scim: Scim) -> None:
    for body in BODIES:
        headers = {"Content-Type": "application/scim+json"}
        answer = await scim.http.post("/Users", content=body, headers=headers)
        assert answer.status_code in (400, 413), (body[:80], answer.text)
        assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert (await scim.http.post("/Users", content=b"<a/>", headers={"Content-Type": "text/xml"})).status_code == 400
    assert await scim.staff.persons(most=10) == []


async def test_no_operation_reaches_what_is_the_servers_own(scim: Scim) -> None:
    ada = await scim.user("ada")
    group = await scim.group("Customer Support")
    at = f"/Users/{ada['id']}"
    for operation in (
        {"op": "replace", "path": "id", "value": "00000000-0000-0000-0000-000000000000"},
        {"op": "add", "path": "groups", "value": [{"value": group["id"]}]},
        {"op": "replace", "path": "meta.version", "value": 'W/"9"'},
        {"op": "remove", "path": "userName"},
        {"op": "replace", "path": "key", "value": "E-9"},
        {"op": "jump", "path": "title", "value": "x"},
        {"op": "remove"},
        {"op": "add", "path": "emails[", "value": "x"},
    ):
        answer = await scim.http.patch(at, json=patch(operation))
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 200:
            assert answer.json()["meta"]["version"] == ada["meta"]["version"], operation
    row = (await directory_rows(scim.db, ["ada"]))["ada"]
    assert row["roles"] == []


async def test_a_patch_is_done_whole_or_not_at_all(scim: Scim) -> None:
    ada = await scim.user("ada", title="clerk")
    at = f"/Users/{ada['id']}"
    bad = patch({"op": "replace", "path": "title", "value": "boss"}, {"op": "remove", "path": "userName"})
    is_error(await scim.http.patch(at, json=bad), 400, "mutability")
    assert (await scim.http.get(at)).json()["title"] == "clerk"


async def test_a_member_must_be_a_person_of_this_server(scim: Scim) -> None:
    group = await scim.group("Customer Support")
    for member in ({"value": "00000000-0000-0000-0000-000000000000"}, {"value": "ada"}, {"value": group["id"]}, {}):
        sent = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "x", "members": [member]}
        is_error(await scim.http.post("/Groups", json=sent), 400, "invalidValue")


async def test_what_is_not_there_is_not_there(scim: Scim) -> None:
    for path in (
        "/Users/1",
        "/Users/00000000-0000-0000-0000-000000000000",
        "/Groups/%00",
        "/Nothing",
        "/Users/x/y",
        "/",
    ):
        is_error(await scim.http.get(path), 404)
    is_error(await scim.http.post("/Schemas", json={}), 405)


async def test_what_is_not_needed_is_not_kept(scim: Scim) -> None:
    ada = await scim.user("ada", password="correct horse", phoneNumbers=[{"value": "+1"}], photos=[{"value": "x"}])
    assert "password" not in ada
    async with scim.db.connection() as connection:
        rows = await connection.execute("select resource::text from person")
        ((kept,),) = await rows.fetchall()
    assert not any(word in kept for word in ("horse", "+1", "photos"))


async def test_where_it_cannot_be_recorded_nothing_changes(scim: Scim) -> None:
    ada = await scim.user("ada")
    group = await scim.group("Customer Support")
    async with scim.db.connection() as connection:
        await connection.execute("alter table trail_entry rename to trail_away")
    add = patch({"op": "add", "path": "members", "value": [{"value": ada["id"]}]})
    is_error(await scim.http.patch(f"/Groups/{group['id']}", json=add), 503)
    is_error(await scim.http.post("/Users", json={"schemas": [USER], "userName": "bob"}), 503)
    is_error(await scim.http.delete(f"/Users/{ada['id']}"), 503)
    async with scim.db.connection() as connection:
        await connection.execute("alter table trail_away rename to trail_entry")
    rows = await directory_rows(scim.db, ["ada", "bob"])
    assert {key: row["roles"] for key, row in rows.items()} == {"ada": []}


@pytest.mark.parametrize("text", ["Support", "=support", "Support=", "Support=a;support=b", "Support=,"])
def test_roles_of_groups_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="GROUP=ROLE"):
        group_roles(text)
