"""The forms of what goes in and out, as the OpenAPI document states them: strict, and with examples.

They state; they do not read. What comes in is read by `whosaw.ask`, what goes out is written by `told` and its like; a
contract test holds both to what stands here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Reason = Annotated[str, Field(min_length=1, max_length=500, description="a reason in words; recorded, erasable")]
Reference = Annotated[str, Field(min_length=3, max_length=200, pattern=r"^[^:]+:.+$", description="kind:key")]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


SIGHTING_CHANNELS = ("mail", "phone", "sms", "chat", "post", "visit", "other")
"""How somebody was contacted, as a service may say it; a hit of a canary, an alias or a copy is nobody's word."""
NOTE_MOST = 1_000


class Strict(BaseModel):
    """Nothing but what is named."""

    model_config = ConfigDict(extra="forbid")


class DisclosureAsk(Strict):
    """Fields of one subject."""

    subject: Reference
    fields: list[Text] = Field(min_length=1, max_length=64, json_schema_extra={"uniqueItems": True})
    purpose: Reference | None = None
    reason: Reason | None = None


class BulkAsk(Strict):
    """The same fields of many subjects of one kind."""

    subjects: list[Reference] = Field(min_length=1, max_length=10_000, json_schema_extra={"uniqueItems": True})
    fields: list[Text] = Field(min_length=1, max_length=64, json_schema_extra={"uniqueItems": True})
    purpose: Reference | None = None
    reason: Reason | None = None


class LookupAsk(Strict):
    """Whose is this exact value?"""

    lookup: Text
    value: Text
    purpose: Reference | None = None
    reason: Reason | None = None


class ActionAsk(Strict):
    """One action on `object`, on `objects`, or a query about `subjects`: exactly one of the three."""

    action: Text
    object: Text | None = None
    objects: list[Text] | None = Field(None, min_length=1, max_length=1_000, json_schema_extra={"uniqueItems": True})
    subjects: list[Reference] | None = Field(None, max_length=1_000, json_schema_extra={"uniqueItems": True})
    rows: int | None = Field(None, ge=0, le=1_000_000_000)
    purpose: Reference | None = None
    reason: Reason | None = None


class SightingAsk(Strict):
    """Who was contacted from outside, when and how, and who profits."""

    subject: Reference
    contacted_at: Moment = Field(description="with its zone; a time in the future counts as now")
    reported_at: Moment | None = Field(None, description="when it was heard of; none: now")
    channel: Literal["mail", "phone", "sms", "chat", "post", "visit", "other"]
    beneficiary: Reference = Field(description="who profits, as the company writes it")
    sender: Text | None = Field(None, description="who contacted him: a domain, number or handle")
    note: Annotated[str, Field(min_length=1, max_length=NOTE_MOST)] | None = Field(None, description="in words")


class Receipt(Strict):
    """The signed promise that the entry is durable."""

    origin: str
    index: int
    leaf_hash: Hex32
    first: int
    count: int
    at_us: int
    path: list[Hex32]
    batch_root: Hex32
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


class Shown(Strict):
    """The value; null where the company holds none."""

    value: str | None


class Masked(Strict):
    """The masked form, and which rule masked it."""

    isMasked: Literal[True]  # noqa: N815 - as the wire has it
    maskedPresentation: str  # noqa: N815
    rule: str


class Aliased(Strict):
    """An e-mail address of this one disclosure, which leads to the person; and which rule wanted it."""

    value: str
    isAlias: Literal[True]  # noqa: N815
    rule: str


class Withheld(Strict):
    """Nothing, and which rule refused it."""

    isDenied: Literal[True]  # noqa: N815
    rule: str


Outcome = Literal["allow", "alias", "mask", "deny"]


class Disclosure(Strict):
    """What may be seen."""

    ask: str
    subject: str
    decision: Outcome
    reason: str
    would: Outcome | None = Field(None, description="what enforcement would have done, in observe mode")
    fields: dict[str, Shown | Aliased | Masked | Withheld]
    receipt: Receipt
    repeats: Receipt | None = Field(None, description="of the first answer, where this repeats a request")


class BulkPart(Strict):
    """What may be seen of one subject; `receipt` is a place in `receipts`."""

    subject: str
    decision: Outcome
    reason: str
    would: Outcome | None = None
    fields: dict[str, Shown | Aliased | Masked | Withheld]
    receipt: int


class BulkDisclosure(Strict):
    """What may be seen of each, in the order of the ask."""

    ask: str
    answers: list[BulkPart]
    receipts: list[Receipt]
    repeats: Receipt | None = None


class LookedUp(Strict):
    """Whose it is; null for nobody, and for somebody who may not be named, alike."""

    ask: str
    subject: str | None
    reason: str
    receipt: Receipt
    repeats: Receipt | None = None


class Allowed(Strict):
    """It may be done, all of it."""

    ask: str
    decision: Literal["allow"]
    reason: str
    would: Outcome | None = None
    receipt: Receipt
    receipts: list[Receipt] | None = None
    repeats: Receipt | None = None


class SightingTaken(Strict):
    """The sighting's number; `new` is false where it was known already."""

    sighting: int
    new: bool
    verified: bool
    marks: list[str]


class Health(Strict):
    """The server answers; how witnesses stand to its trail, where it has one."""

    status: Literal["ok"]
    witnesses: Literal["witnessed", "waiting", "unwitnessed", "contradicted"] | None = None


class Problem(BaseModel):
    """RFC 9457: what is wrong, and what to do about it."""

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = None
    reason: str | None = None


class Denied(Problem):
    """Decided and recorded: nothing is shown or allowed. Without a receipt it is a refusal before any decision."""

    ask: str | None = None
    receipt: Receipt | None = None
    digest: str | None = None
    repeats: Receipt | None = None
