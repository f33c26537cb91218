"""Templates: what the operator declares to be a reason for looking at a subject (after Fabbri & LeFevre, VLDB 2011).

A template names work records and how they must be linked with who looked. Whether it is a good excuse is measured, not
declared: see `strength`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from whosaw.watch.errors import TemplateRefused
from whosaw.watch.rows import DAY_US, HOUR_US


class Via(StrEnum):
    """How a work record is linked with who looked."""

    ASSIGNED = "assigned"  # an open item that was assigned to him
    TEAM = "team"  # an open item that was given to his team
    OPEN = "open"  # an open item, whoever does such work: weak alone, measured with how lately the record moved
    SERVES = "serves"  # an open item of a kind he has been doing lately
    HANDLED = "handled"  # he worked on this subject before
    CONTACT = "contact"  # a call, a chat or a step of his with this subject at that time
    ACCOUNT = "account"  # he is the declared account manager of whom it concerns


_ITEM = (Via.ASSIGNED, Via.TEAM, Via.OPEN, Via.SERVES)
_KEYS = {"kinds", "via", "grace_h", "within_h", "own_text"}


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of reason.

    Args:
        name: as reports write it: `ticket`, `call`, `queue`.
        via: the link.
        kinds: kinds of work it reads; empty for every kind.
        grace_us: how long an item counts after it was closed.
        within_us: how far back `serves` and `handled` look, and how near a `contact` must be.
        own_text: it rests on the free text of who looked, so it is at most half an excuse.
    """

    name: str
    via: Via
    kinds: tuple[str, ...] = ()
    grace_us: int = 0
    within_us: int = 14 * DAY_US
    own_text: bool = False

    @property
    def reads_items(self) -> bool:
        """Whether it is about open work items."""
        return self.via in _ITEM


def read_templates(given: Mapping[str, Mapping[str, object]], kinds: Sequence[str]) -> tuple[Template, ...]:
    """Return the templates of a table ``[watch.templates.NAME]``.

    Args:
        given: name → what it says.
        kinds: the kinds of work that exist.

    Raises:
        TemplateRefused: one says something that cannot be carried out.
    """
    return tuple(_read(name, table, kinds) for name, table in given.items())


def _read(name: str, table: Mapping[str, object], kinds: Sequence[str]) -> Template:
    if unknown := sorted(set(table) - _KEYS):
        raise TemplateRefused(f"template `{name}`: unknown key `{unknown[0]}`")
    try:
        via = Via(str(table.get("via")))
    except ValueError as error:
        raise TemplateRefused(f"template `{name}`: via must be one of {', '.join(Via)}") from error
    named = table.get("kinds", [])
    if not isinstance(named, list | tuple) or not all(isinstance(kind, str) for kind in named):
        raise TemplateRefused(f"template `{name}`: kinds must be a list of words")
    if missing := [kind for kind in named if kind not in kinds]:
        raise TemplateRefused(f"template `{name}`: no work record is of kind `{missing[0]}`")
    default_h = 0.25 if via is Via.CONTACT else 720.0 if via is Via.HANDLED else 336.0
    return Template(
        name=name,
        via=via,
        kinds=tuple(named),
        grace_us=_hours(name, "grace_h", table.get("grace_h", 0)),
        within_us=_hours(name, "within_h", table.get("within_h", default_h)),
        own_text=_flag(name, table.get("own_text", False)),
    )


def _hours(name: str, key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 24 * 366:
        raise TemplateRefused(f"template `{name}`: {key} must be hours between 0 and a year")
    return int(value * HOUR_US)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TemplateRefused(f"template `{name}`: own_text must be true or false")
    return value
