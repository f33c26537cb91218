"""Examples of bodies, as the OpenAPI document shows them."""

from __future__ import annotations

from collections.abc import Mapping

Example = Mapping[str, object]

DISCLOSURE: Example = {
    "subject": "customer:C-1",
    "fields": ["customer.name", "customer.email"],
    "purpose": "ticket:T-1",
    "reason": "calls about a parcel",
}
BULK: Example = {
    "subjects": ["customer:C-1", "customer:C-2"],
    "fields": ["customer.email"],
    "purpose": "ticket:T-1",
}
LOOKUP: Example = {"lookup": "customer.email", "value": "ada.moreau@mail.example", "purpose": "ticket:T-1"}
ACTION: Example = {"action": "review.delete", "object": "R-000031", "purpose": "review_care:M-1"}
GRANT: Example = {
    "kind": "extended_contact",
    "reason": "the parcel of a customer in another region",
    "minutes": 60,
    "subject": "customer:C-1",
    "purpose": "ticket:T-1",
}
WORD: Example = {"reason": "spoke to both of them"}
GLASS: Example = {"reason": "a threat to the life of a customer", "subject": "customer:C-1"}
REVIEW: Example = {"verdict": "justified", "reason": "the police confirmed it"}
SUSPENSION: Example = {"actor": "E-7", "reason": "a report of a sold address"}
SIGHTING: Example = {
    "subject": "customer:C-1",
    "contacted_at": "2026-04-02T08:00:00+02:00",
    "channel": "phone",
    "beneficiary": "seller:S-0088",
    "sender": "+358 40 000 0000",
    "note": "was called and offered money for taking a review down",
}
_ACTOR: Example = {"type": "user", "id": "E-7"}
_REVEAL: Example = {"name": "reveal", "properties": {"fields": ["customer.email"]}}
_CUSTOMER: Example = {"type": "customer", "id": "C-1"}
EVALUATION: Example = {
    "subject": _ACTOR,
    "action": _REVEAL,
    "resource": _CUSTOMER,
    "context": {"purpose": "ticket:T-1"},
}
EVALUATIONS: Example = {
    "subject": _ACTOR,
    "action": _REVEAL,
    "context": {"purpose": "ticket:T-1"},
    "evaluations": [{"resource": _CUSTOMER}, {"resource": {"type": "customer", "id": "C-2"}}],
}
SEARCH: Example = {
    "subject": {"type": "user"},
    "action": _REVEAL,
    "resource": _CUSTOMER,
    "page": {"limit": 100},
}
ACTION_SEARCH: Example = {
    "subject": _ACTOR,
    "resource": {**_CUSTOMER, "properties": {"fields": ["customer.email"]}},
    "context": {"purpose": "ticket:T-1"},
}
