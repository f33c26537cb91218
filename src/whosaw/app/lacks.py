"""What was not weighed of that which may clear somebody: a code that programs go by, and the sentence made from it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Lack(StrEnum):
    """What was not weighed."""

    DUTIES_UNKNOWN = "duties.unknown"
    MANAGERS_OF_OTHERS = "managers.others"
    MANAGERS_ODD = "managers.odd"
    HANDED_UNKNOWN = "handovers.unknown"
    HANDED_NONE_KNOWN = "handovers.none_known"
    HANDED_MISSPELT = "handovers.misspelt"
    NO_ROW_ABOUT = "rows.silent"
    SOURCE_UNASKED = "source.unasked"
    ORDERS_OF_NOBODY = "orders.nobody"
    ORDERS_MISSPELT = "orders.misspelt"
    ORDERS_CHANGED = "orders.changed"
    ORDERS_ADDED = "orders.added"
    ROUTES_CHANGED = "routes.changed"
    ROUTES_LATE = "routes.late"


MAY_CLEAR = frozenset(Lack) - {Lack.MANAGERS_OF_OTHERS, Lack.HANDED_UNKNOWN, Lack.ORDERS_OF_NOBODY}
"""Those that may have cleared somebody on a rung; the account of another, and whom nobody opened, clear nobody."""

_SENTENCES = {
    Lack.DUTIES_UNKNOWN: "{count} duties name accounts that the record does not know",
    Lack.MANAGERS_OF_OTHERS: "{rows} of account management left out: about others",
    Lack.MANAGERS_ODD: "{rows} of account management not understood: their beneficiary is written as in no record",
    Lack.HANDED_UNKNOWN: "the record does not know {count:,} of {customers} handed over",
    Lack.HANDED_NONE_KNOWN: "hand-overs not understood: the record knows none of their customers",
    Lack.HANDED_MISSPELT: "hand-overs not understood: {customers} written otherwise than in the record",
    Lack.NO_ROW_ABOUT: "nothing to weigh: no row of {records} is about {accounts} on a rung",
    Lack.SOURCE_UNASKED: "not asked, or could not be, about {sightings}: {source}",
    Lack.ORDERS_OF_NOBODY: "{customers} of orders left out: the company's own table has none such",
    Lack.ORDERS_MISSPELT: "{customers} of orders left out: "
    "written otherwise than in the record or the company's own table",
    Lack.ORDERS_CHANGED: "{customers} had ordered by what an earlier verdict read, and now not, or at another time: "
    "somebody changed the orders",
    Lack.ORDERS_ADDED: "{customers} had not ordered by what an earlier verdict read, and now had before it: "
    "somebody added to the orders",
    Lack.ROUTES_CHANGED: "{customers} had a route by what an earlier verdict read, and now none, or of another time, "
    "or another: somebody changed the routes",
    Lack.ROUTES_LATE: "only {known:,} of {count:,} customers had a route before the first contact",
}


class Sentence(str):
    """A sentence with the code that it was made from; printed, kept or compared it is the sentence alone."""

    lack: Lack

    @classmethod
    def of(cls, lack: Lack, **values: int | str) -> Sentence:
        """Return the sentence of a code.

        Args:
            lack: what was not weighed.
            values: what its sentence counts and names.
        """
        made = cls(_SENTENCES[lack].format(**values))
        made.lack = lack
        return made

    @classmethod
    def again(cls, lack: Lack, said: str) -> Sentence:
        """Return a sentence as it was made from a code before."""
        made = cls(said)
        made.lack = lack
        return made


def tail(lack: Lack) -> str:
    """Return what each sentence of a code ends with, whatever it counts."""
    return _SENTENCES[lack].rpartition(": ")[2]


def may_clear(sentences: Iterable[str]) -> bool:
    """Return whether one of these sentences tells of something that may have cleared somebody."""
    return any(isinstance(each, Sentence) and each.lack in MAY_CLEAR for each in sentences)
