"""Somebody's own words, such as an appeal, for a reader who knows people by number: no key of theirs stands in them.

Names, addresses and what else tells a person in prose cannot be found; whoever reads an appeal reads what its writer
says of himself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_CUSTOMER, _SOMEBODY = "a customer", "somebody"


def without_keys(text: str, staff: Mapping[str, str], customers: Iterable[str] = ()) -> str:
    """Return somebody's words with what is to stand for each key, however it is written in capitals.

    A key of digits alone goes too, where a sentence of trace would keep it as a count: to lose a count is the lesser
    harm. Of a customer also goes what follows the kind, save where that is digits alone.

    Args:
        text: the words.
        staff: by staff key, what is to stand for it.
        customers: keys of customers, as customer:C-1.
    """
    wanted = set(customers)
    wanted |= {bare for key in wanted if (bare := key.partition(":")[2]) and not bare.isdigit()}
    named = dict.fromkeys(wanted, _CUSTOMER) | dict(staff)
    for_key = {key.casefold(): said for key, said in named.items()}
    if not for_key:
        return text
    longest_first = "|".join(re.escape(key) for key in sorted(named, key=len, reverse=True))
    return re.sub(
        rf"(?<!\w)(?:{longest_first})(?!\w)",
        lambda found: for_key.get(found.group().casefold(), _SOMEBODY),
        text,
        flags=re.IGNORECASE,
    )
