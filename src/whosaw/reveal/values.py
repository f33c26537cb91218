"""What leaves: per field a value, a masked form with the rule that masked it, or a refusal."""

from __future__ import annotations

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


Value = Shown | Masked | Refused


def reveal(decision: Decision, receipt: Receipt, row: Mapping[str, object], catalog: Catalog) -> dict[str, Value]:
    """Return what may leave for each field of a decision.

    Args:
        decision: what was decided, field by field.
        receipt: the promise that the entry of this disclosure is durable.
        row: the subject's values by field name; holds at least every field that is not denied.
        catalog: for the mask of each field.

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
        plain = None if stored is None else str(stored)
        if item.effect == "reveal" or plain is None:
            values[item.field] = Shown(plain)
        else:
            rule = item.policies[0] if item.policies else decision.reason
            values[item.field] = Masked(masked(catalog.fields[item.field], plain, catalog.mask_key), rule)
    return values


def masked(field: Field, value: str, key: bytes) -> str:
    """Return the masked form of a field's `value`, as the catalog wants it; `key` makes the token of a stable one."""
    stands_for = token(key, field.name, value) if field.stable else ""
    return mask(field.mask, value, keep_format=field.keep_format, token=stands_for)
