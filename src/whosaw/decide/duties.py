"""Duties: what must happen besides when a policy permits, written on the policy as ``@duty("notify, cap_rows:100")``.

What each does is the gate's; here they are only read, strictly, because a mistyped duty would bind nobody.
"""

from __future__ import annotations

import re

_DUTY = re.compile(r"notify|ask_reason|cap_rows:[1-9][0-9]{0,8}")
DUTIES = ("notify", "ask_reason", "cap_rows:N")


def duties(text: str) -> tuple[str, ...]:
    """Return the duties an annotation names, sorted.

    Raises:
        ValueError: one of them is unknown.
    """
    named = sorted({part.strip() for part in text.split(",")})
    for duty in named:
        if not _DUTY.fullmatch(duty):
            raise ValueError(f"unknown duty `{duty}`: there are {', '.join(DUTIES)}")
    return tuple(named)
