"""What leaves: per field a value, an address that stands for it, a masked form with its rule, or a refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from whosaw.catalog import Catalog, Field
from whosaw.decide import Decision
from whosaw.prove import Receipt
from whosaw.reveal.masks import mask
from whosaw.reveal.tokens import token


@dataclass(frozen=True, slots=True)
class Shown:
    """The value itself; None where the company's own row holds none."""

    value: str | None


@dataclass(frozen=True, slots=True)
class Masked:
    """The masked form, and which rule gave it."""

    presentation: str
    rule: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing, and which rule refused."""

    rule: str


@dataclass(frozen=True, slots=True)
class Aliased:
    """An address that stands for the person's own, of this one disclosure, and which rule wanted it."""

    address: str
    rule: str


Value = Shown | Masked | Refused | Aliased
_NONE: Mapping[str, str] = {}


def reveal(
    decision: Decision,
    receipt: Receipt,
    row: Mapping[str, object],
    catalog: Catalog,
    aliases: Mapping[str, str] = _NONE,
) -> dict[str, Value]:
    """Return what may leave for each field of a decision.

    Args:
        decision: what was decided, field by field.
        receipt: the promise that the entry of this disclosure is durable.
        row: the subject's values by field name; holds at least every field that is not denied.
        catalog: for the mask of each field.
        aliases: field → the address that stands for its value; a field decided so without one is masked.

    Raises:
        TypeError: `receipt` is not a receipt.
    """
    if not isinstance(receipt, Receipt):
        raise TypeError("nothing is revealed without a receipt")
    values: dict[str, Value] = {}
    for item in decision.fields:
        if item.effect == "deny":
            values[item.field] = Refused(item.reason or decision.reason)
            continue
        stored = row.get(item.field)
        plain = None if stored is None else _text(stored)
        if item.effect == "reveal" or plain is None:
            values[item.field] = Shown(plain)
            continue
        rule = item.policies[0] if item.policies else decision.reason
        if item.effect == "alias" and item.field in aliases:
            values[item.field] = Aliased(aliases[item.field], rule)
        else:
            values[item.field] = Masked(masked(catalog.fields[item.field], plain, catalog.mask_key), rule)
    return values


def _text(stored: object) -> str:
    """Return a value as text; a document as the JSON that it is in its database."""
    return json.dumps(stored, ensure_ascii=False, default=str) if isinstance(stored, dict | list) else str(stored)


def masked(field: Field, value: str, key: bytes) -> str:
    """Return the masked form of a field's `value`, as the catalog wants it; `key` makes the token of a stable one."""
    stands_for = token(key, field.name, value) if field.stable else ""
    return mask(field.mask, value, keep_format=field.keep_format, token=stands_for)
