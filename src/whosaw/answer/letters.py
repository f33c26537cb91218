"""The letters, written from the facts alone.

Plain language under the five headings of Cal. Civ. Code § 1798.82, with the content of GDPR art. 34. A word that the
facts do not define is an error, not a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from jinja2 import Environment, PackageLoader, StrictUndefined

from whosaw.answer.facts import Facts, Person

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one person: its subject line, and the same content as text and as HTML."""

    title: str
    text: str
    html: str


def write_notice(facts: Facts, person: Person, *, name: str) -> Letter:
    """Write the notice to one affected customer.

    Args:
        facts: of the case.
        person: one of `facts.persons`.
        name: how he is addressed; a single line.
    """
    values = {"facts": facts, "company": facts.company, "person": person, "name": " ".join(name.split())}
    return Letter(
        title="Notice of data breach",
        text=_TEXT.get_template("notice.txt.j2").render(values),
        html=_HTML.get_template("notice.html.j2").render(values),
    )


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _span(person: Person) -> str:
    if person.first_on == person.last_on:
        return f"on {_day(person.first_on)}"
    return f"between {_day(person.first_on)} and {_day(person.last_on)}"


def _words(items: Sequence[str], last: str = "and") -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("whosaw.answer", "templates"),
        undefined=StrictUndefined,
        autoescape=html,  # noqa: S701  off for the plain text alone
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(day=_day, span=_span, words=_words)
    return environment


_TEXT = _environment(html=False)
_HTML = _environment(html=True)
