"""The kinds of log that can be read, and what their columns mean where the kind says so by itself.

A mapping that names a format need state only what the format cannot know: above all which part of a record is the
subject. JSON records are read by dotted paths (`userIdentity.arn`, `sourceIPs.0`).
"""

from __future__ import annotations

from typing import Any

FORMATS = (
    "csv",
    "tsv",
    "parquet",
    "jsonl",
    "json",
    "xes",
    "pgaudit",
    "cloudtrail",
    "ocsf",
    "kubernetes",
    "zendesk",
    "servicenow",
)
DELIMITERS = {"": ",", "csv": ",", "tsv": "\t"}
"""Formats made of lines with a delimiter, and the one they have where the mapping names none."""

CONTAINERS: dict[str, tuple[str, ...]] = {
    "jsonl": (),
    "json": ("records", "items", "data", "rows", "events", "results"),
    "cloudtrail": ("Records",),
    "ocsf": ("events", "records"),
    "kubernetes": ("items",),
    "zendesk": ("tickets", "audits", "ticket_audits", "ticket_events", "results"),
    "servicenow": ("result", "records"),
}
"""Formats made of JSON records, and the lists in which a document may hold them."""

_CASE, _NAME = "case:concept:name", "concept:name"
_ACCESSES: dict[str, dict[str, Any]] = {
    "xes": {"actor": "org:resource", "subject": _CASE, "at": "time:timestamp", "activity": _NAME},
    "pgaudit": {
        "actor": "user",
        "subject": "subject",
        "at": "time",
        "activity": "access",
        "door": "application",
        "device": "address",
    },
    "cloudtrail": {
        "actor": {"column": ["userIdentity.arn", "userIdentity.principalId", "userIdentity.invokedBy"]},
        "at": "eventTime",
        "activity": "eventName",
        "door": "eventSource",
        "device": "sourceIPAddress",
    },
    "ocsf": {
        "actor": {"column": ["actor.user.uid", "actor.user.name", "actor.user.email_addr"]},
        "at": "time",
        "activity": "activity_name",
        "door": "metadata.product.name",
        "device": {"column": ["src_endpoint.ip", "device.hostname"]},
    },
    "kubernetes": {
        "actor": "user.username",
        "at": {"column": ["requestReceivedTimestamp", "stageTimestamp"]},
        "activity": "verb",
        "door": {"constant": "kubernetes"},
        "device": "sourceIPs.0",
    },
    "zendesk": {
        "actor": {"column": ["author_id", "assignee_id"]},
        "subject": {"column": ["requester_id", "ticket.requester_id"]},
        "at": {"column": ["created_at", "updated_at"]},
        "ticket": {"column": ["ticket_id", "id"]},
    },
    "servicenow": {
        "actor": {"column": ["sys_updated_by", "assigned_to.value", "assigned_to"]},
        "subject": {"column": ["caller_id.value", "caller_id", "contact.value", "contact"]},
        "at": {"column": ["sys_updated_on", "sys_created_on"]},
        "ticket": "number",
    },
}
_TICKETS: dict[str, dict[str, Any]] = {
    "zendesk": {
        "subject": {"column": ["requester_id"]},
        "at": {"column": ["created_at"]},
        "ticket": {"column": ["id"]},
        "actor": {"column": ["assignee_id"]},
    },
    "servicenow": {
        "subject": {"column": ["caller_id.value", "caller_id", "contact.value", "contact"]},
        "at": {"column": ["opened_at", "sys_created_on"]},
        "ticket": "number",
        "actor": {"column": ["assigned_to.value", "assigned_to"]},
    },
    "xes": {"subject": _CASE, "at": "time:timestamp", "actor": "org:resource", "activity": _NAME},
}


def defaults(named: str, kind: str) -> dict[str, Any]:
    """Return what a format's columns mean by themselves, as the table [columns] of a mapping would say it."""
    return {"accesses": _ACCESSES, "tickets": _TICKETS}.get(kind, {}).get(named, {})
