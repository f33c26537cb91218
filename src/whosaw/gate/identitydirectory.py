"""The staff directory out of what the identity provider sent: for ``source = "scim"`` of the catalog's actors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from whosaw.gate import identitystaffqueries as queries
from whosaw.store import Database

STAFF = "urn:whosaw:params:scim:schemas:extension:staff:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


async def directory_rows(db: Database, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the directory's line of everybody of these keys; whom the provider did not send is absent.

    A line has the columns that a catalog's actor query gives: ``key, roles`` (a list), ``region, ended`` (true, a
    time, or None), ``employer, site, since, function, mail, manager, changed_at`` (when roles, function or being
    active last changed).

    Args:
        db: whosaw's database; the door's role will do.
        keys: actors.
    """
    async with db.connection() as connection:
        rows = await queries.directory(connection, list(dict.fromkeys(keys)))
    return {
        key: {
            "key": key,
            "roles": list(roles),
            "ended": True if not active else _time(_part(resource, STAFF).get("until"), broken=True),
            "changed_at": rights_at,
            **attributes_of(resource),
        }
        for key, active, resource, rights_at, roles in rows
    }


def attributes_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``region, employer, site, since, function, mail, manager`` of somebody as he was sent.

    whosaw's own extension goes before the enterprise extension, where both say something.
    """
    own, enterprise = _part(resource, STAFF), _part(resource, ENTERPRISE)
    return {
        "region": _text(own.get("region")),
        "employer": _text(own.get("employer")) or _text(enterprise.get("organization")),
        "site": _text(own.get("site")) or _text(enterprise.get("division")),
        "since": _time(own.get("since"), broken="unreadable"),  # which counts as not begun
        "function": _text(own.get("function")) or _text(enterprise.get("department")),
        "mail": _mail(resource.get("emails")),
        "manager": _text(own.get("manager")),
    }


def standing_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a person decisions look at: all but address and manager, and until when he stays."""
    told = attributes_of(resource)
    return {name: told[name] for name in told if name not in {"mail", "manager"}} | {
        "until": _part(resource, STAFF).get("until")
    }


def _part(resource: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = resource.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _time(value: object, *, broken: Any) -> Any:
    """Return a time as a datetime, None where there is none, and `broken` where it cannot be read."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return broken
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _mail(emails: object) -> str:
    listed = [each for each in emails if isinstance(each, dict)] if isinstance(emails, list) else []
    chosen = next((each for each in listed if each.get("primary") is True), listed[0] if listed else {})
    return _text(chosen.get("value"))
