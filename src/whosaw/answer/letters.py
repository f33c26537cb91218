"""The letters, written from the facts alone, in the reader's language.

Plain language under the five headings of Cal. Civ. Code § 1798.82, with the content of GDPR art. 34. One structure
gives the text and the HTML, so that both say the same. A word that the facts or the wording do not define is an error,
not a gap: a letter with a hole in it does not go out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, ClassVar

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined

from whosaw.answer.errors import AnswerError
from whosaw.answer.facts import Facts, Person
from whosaw.answer.identitytheft import NO_OFFER, TheftHelp, theft_help

LANGUAGES = ("en", "de", "fr", "es", "zh", "fi")
"""Languages that letters can be written in; `answer/wording` holds each."""

_SECRETS = frozenset({"password", "security answer"})
_BUSINESSES = frozenset({"business", "company", "merchant", "partner", "seller", "shop", "supplier", "vendor"})


class LetterUnwritable(AnswerError, LookupError):
    """A letter cannot be written: a language or a kind of data has no words."""

    code: ClassVar[str] = "answer.letter_unwritable"
    hint = f"languages: {', '.join(LANGUAGES)}; kinds of data are named in answer/wording"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one person: its subject line, the same content as text and as HTML, and its language."""

    title: str
    text: str
    html: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what stands under it, and a list at its end."""

    heading: str
    paragraphs: tuple[str, ...]
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A letter before it is text or HTML; `email` is the one address in it that is a link."""

    language: str
    title: str
    day: str
    dear: str
    lead: str
    sections: tuple[Section, ...]
    email: str


def write_notice(
    facts: Facts, person: Person, *, name: str, language: str = "en", required: bool | None = None, place: str = ""
) -> Letter:
    """Write the notice to one affected person or business.

    Args:
        facts: of the case.
        person: one of `facts.persons`.
        name: how he is addressed; a single line. Empty writes to nobody by name.
        language: one of `LANGUAGES`.
        required: whether a law asks for this notice; where none does, the letter says so, and where nobody has decided
            that it says neither.
        place: whose law protects him, where it is known: some law adds sentences of its own.

    Raises:
        LetterUnwritable: there are no words in this language, or nobody said what is offered against identity theft.
    """
    notice = compose(facts, person, name=name, language=language, required=required, place=place)
    return Letter(
        title=notice.title,
        text=_TEXT.get_template("notice.txt.j2").render(notice=notice),
        html=_HTML.get_template("notice.html.j2").render(notice=notice),
        language=language,
    )


def compose(
    facts: Facts, person: Person, *, name: str, language: str, required: bool | None, place: str = ""
) -> Notice:
    """Put a letter together; see `write_notice`."""
    words = _wording(language)
    theft = None if business(person) else theft_help(person, place, facts.as_of.date())
    spoken = _Words(words, facts, person, " ".join(name.split()), language, theft)
    return Notice(
        language=language,
        title=words["title"],
        day=spoken.day(facts.as_of.date()),
        dear=spoken.say("dear" if spoken.name else "nameless"),
        lead=spoken.say(f"lead_{person.certainty}{business(person)}"),
        sections=tuple(_sections(facts, person, spoken, required=required)),
        email=facts.company.contact_email,
    )


def business(person: Person) -> str:
    """Return the ending of the words that are said to a business, or nothing for a person."""
    return "_business" if person.kind in _BUSINESSES else ""


def _sections(facts: Facts, person: Person, spoken: _Words, *, required: bool | None) -> Sequence[Section]:
    say, company, kind = spoken.say, facts.company, business(person)
    happened = [say(f"happened_{person.certainty}{kind}")]
    if facts.reported and person.certainty == "certain":
        happened[0] += spoken.between + say("reported")
    if facts.police_delayed or required is not False:
        happened.append(say("delayed" if facts.police_delayed else "not_delayed"))
    involved = [say(f"involved_{person.certainty}")]
    if facts.record_complete and person.fields_unseen:
        involved.append(say("unseen") + spoken.between + say("covered" if facts.covered.whole else "not_covered"))
    elif not facts.record_complete:
        involved.append(say("not_proven"))
    steps = (("suspend_actor", "doing_actor"), ("suspend_seller", "doing_seller"), ("restore_reviews", "doing_reviews"))
    doing = [say(sentence) for step, sentence in steps if step in facts.steps_done]
    plural = "one" if Locale.parse(spoken.language).plural_form(facts.told) == "one" else "other"
    if spoken.theft and _offer(facts) != NO_OFFER:
        doing.append(say("doing_offer"))
    doing.append(say(f"doing_told_{'all' if _BUSINESSES & set(facts.kinds) else plural}"))
    if "preserve" in facts.steps_done:
        doing.append(say("doing_kept"))
    can = [spoken.fill(each) for each in spoken.words["can"]]
    if kind:
        can[0] = say("can_business")
    if _SECRETS & set(person.fields_seen):
        can.insert(0, say("can_password"))
    if spoken.theft:
        can.append(say("can_agencies"))
    agencies = [f"{each.name}, {each.phone}, {each.address}" for each in spoken.theft.agencies] if spoken.theft else []
    more = [
        f"{company.name}, {company.contact_address}",
        f"{company.contact_email}, {company.contact_phone}",
        say("reference"),
        say(f"rights{kind}"),
        *([say("voluntary")] if required is False else []),
        *([say("agencies")] if agencies else []),
    ]
    return (
        Section(say("h_happened"), tuple(happened)),
        Section(say("h_involved"), (*involved, say(f"next{kind}"))),
        Section(say("h_doing"), (spoken.between.join(doing),)),
        Section(say("h_can"), (), tuple(can)),
        Section(say("h_more"), tuple(more), tuple(agencies)),
    )


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one language, and what fills the gaps in them."""

    words: Mapping[str, Any]
    facts: Facts
    person: Person
    name: str
    language: str
    theft: TheftHelp | None = None

    @property
    def between(self) -> str:
        """What stands between two sentences."""
        return "" if self.language == "zh" else " "

    def say(self, key: str) -> str:
        """Return one sentence, filled in."""
        return self.fill(str(self.words[key]))

    def fill(self, sentence: str) -> str:
        """Fill the gaps of a sentence in one pass: what is filled in is never read for gaps."""
        company, person = self.facts.company, self.person
        gaps = {"name": self.name, "company": company.name, "email": company.contact_email, "case": self.facts.case}
        if "{first}" in sentence or "{last}" in sentence:
            gaps |= {"first": self.day(person.first_on), "last": self.day(person.last_on)}
        if "{span}" in sentence:
            gaps["span"] = self.fill(self.words["span_one" if person.first_on == person.last_on else "span_many"])
        if "{seen}" in sentence:
            gaps["seen"] = self._list(person.fields_seen, "standard")
        if "{unseen}" in sentence:
            gaps["unseen"] = self._list(person.fields_unseen, "or")
        if "{told}" in sentence:
            gaps["told"] = format_decimal(self.facts.told, locale=self.language)
        if self.theft and "{offer}" in sentence:
            gaps |= {"offer": _offer(self.facts), "months": format_decimal(self.theft.months, locale=self.language)}
        return sentence.format_map(gaps)

    def day(self, day: date) -> str:
        """Return a date as the language writes it."""
        return day_in(day, self.language)

    def _list(self, labels: Sequence[str], style: Any) -> str:
        names = self.words["fields"]
        if missing := [label for label in labels if label not in names]:
            raise LetterUnwritable(f"`{missing[0]}` has no name in `{self.language}`")
        return format_list([names[label] for label in labels], style=style, locale=self.language)


def _offer(facts: Facts) -> str:
    offer = " ".join(facts.company.identity_offer.split())
    if not offer:
        raise LetterUnwritable(
            "nobody has said which services against identity theft are offered to residents whose numbers got out",
            hint=f"set WHOSAW_IDENTITY_OFFER to how they are taken up, or to `{NO_OFFER}` where counsel decided so",
        )
    return offer


def day_in(day: date, language: str) -> str:
    """Return a date in words; in English day before month, which readers on both sides of the Atlantic take alike."""
    return format_date(day, "d MMMM y" if language == "en" else "long", locale=language)


@cache
def _wording(language: str) -> Mapping[str, Any]:
    if language not in LANGUAGES:
        raise LetterUnwritable(f"there are no words in `{language[:20]}`")
    return tomllib.loads(resources.files("whosaw.answer").joinpath(f"wording/{language}.toml").read_text("utf-8"))


def _environment(*, html: bool) -> Environment:
    return Environment(
        loader=PackageLoader("whosaw.answer", "templates"),
        undefined=StrictUndefined,
        autoescape=html,  # noqa: S701  off for the plain text alone
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


_TEXT = _environment(html=False)
_HTML = _environment(html=True)
