"""One facts object per case. Every letter, statement and form is written from it and from nothing else.

It has no place for a seller, an employee, a ticket or another person's data, so none can slip into a letter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from whosaw.answer.covered import UNMEASURED, Covered
from whosaw.answer.errors import FactsContradict
from whosaw.answer.sightings import Sighting
from whosaw.terms import from_us

Certainty = Literal["certain", "probable"]

CUSTOMER = "customer"
"""What a subject is where nothing else is known of him."""


@dataclass(frozen=True, slots=True)
class Company:
    """Who writes: name, where to ask, the domain its mail is sent from, and how its services against theft are had."""

    name: str
    contact_email: str
    contact_phone: str
    contact_address: str
    mail_domain: str
    identity_offer: str = ""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the named actors were shown of one subject, by the record.

    Attributes:
        fields: fields revealed as they are; masked, aliased and denied ones are not among them.
        first_at: of the disclosures that revealed them.
        last_at: of the disclosures that revealed them.
    """

    fields: frozenset[str]
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """Subject numbers by how far the record carries; `bound` counts all three, None where it cannot be given.

    Who was erased since has no number: `erased` says how many of *certain* and *probable* that are.
    """

    certain: tuple[int, ...]
    probable: tuple[int, ...]
    possible: tuple[int, ...]
    bound: int | None
    erased: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """What one affected subject is told.

    Attributes:
        subject: his number.
        certainty: whether his data certainly or probably got out.
        fields_seen: names of the fields that were opened, in plain words.
        fields_unseen: those that the complete record shows were not; empty where completeness is not proven.
        first_on: first day they were opened.
        last_on: last day they were opened.
        kind: what he is to the company, by the catalog: ``customer``, ``seller``.
    """

    subject: int
    certainty: Certainty
    fields_seen: tuple[str, ...]
    fields_unseen: tuple[str, ...]
    first_on: date
    last_on: date
    kind: str = CUSTOMER


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a case, as of one moment.

    Attributes:
        case: the case's id.
        company: who writes.
        as_of: when the facts were put together.
        complaints: sightings of the case.
        reported: those of them that somebody told the company of; the rest arrived at a canary or an alias.
        verified_complaints: those signed by the sender's own domain.
        contacted_from: the first contact reported.
        contacted_to: the last contact reported.
        persons: everyone to be told, ordered by number.
        certain: how many of them certainly.
        probable: how many of them probably.
        possible: how many more cannot be ruled out.
        bound: how many at most in all, or None where the record gives no bound.
        fields_leaked: union of what was opened, in plain words.
        record_complete: whether the record of the window is proven complete, and no access is known to have gone around
            the doors.
        first_on: first day of any opening.
        last_on: last day of any opening.
        steps_done: kinds of the steps that are done, so that no letter claims what has not happened.
        gaps: days of the window for which the record is not proven complete, first and last of each stretch.
        police_delayed: whether the letters were held back at the request of the police.
        covered: how much of the accesses of the window went through the doors.
        undelivered: how many letters did not arrive, whose people nobody has told by another channel.
        erased: how many more got out, certainly or probably, of people who were erased since: nobody can write to them,
            and they stand in no other count but `bound`.
    """

    case: str
    company: Company
    as_of: datetime
    complaints: int
    reported: int
    verified_complaints: int
    contacted_from: datetime
    contacted_to: datetime
    persons: tuple[Person, ...]
    certain: int
    probable: int
    possible: int
    bound: int | None
    fields_leaked: tuple[str, ...]
    record_complete: bool
    first_on: date
    last_on: date
    steps_done: tuple[str, ...]
    gaps: tuple[tuple[date, date], ...] = ()
    police_delayed: bool = False
    covered: Covered = UNMEASURED
    undelivered: int = 0
    erased: int = 0

    @property
    def told(self) -> int:
        """How many persons are told."""
        return len(self.persons)

    @property
    def kinds(self) -> dict[str, int]:
        """How many of the persons who are told are of which kind, most first."""
        return dict(Counter(person.kind for person in self.persons).most_common())

    @property
    def records(self) -> int:
        """How many values of these persons were opened: a field of a person is one."""
        return sum(len(person.fields_seen) for person in self.persons)

    def as_json(self) -> dict[str, Any]:
        """Return the facts as JSON holds them: dates as ISO text, persons by number."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


@dataclass(frozen=True, slots=True)
class Record:
    """What the trail says, as the facts need it.

    Attributes:
        exposures: by subject number, of the named actors.
        complete: whether the window's record is proven complete (fsck found nothing missing).
        labels: every protected field, as ``customer.email``, with its name in plain words.
        kinds: of subjects by number, where they are not customers.
        gaps: stretches of days for which it is not proven complete; where there is one, `complete` does not count.
        covered: how much of the accesses of the window went through the doors; where any went around them, `complete`
            does not count either.
    """

    exposures: Mapping[int, Exposure]
    complete: bool
    labels: Mapping[str, str]
    gaps: tuple[tuple[date, date], ...] = ()
    covered: Covered = UNMEASURED
    kinds: Mapping[int, str] = field(default_factory=dict)

    @property
    def carries(self) -> bool:
        """Whether what stands nowhere in it may be said not to have been shown."""
        return self.complete and not self.gaps and not self.covered.around


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands: id, now, steps done, whether the police made letters wait, how many did not arrive."""

    case: str
    as_of: datetime
    steps_done: frozenset[str] = frozenset()
    police_delayed: bool = False
    undelivered: int = 0


def build_facts(
    standing: Standing, company: Company, *, scope: Scope, sightings: Sequence[Sighting], record: Record
) -> Facts:
    """Put the facts of a case together.

    Args:
        standing: where the case stands.
        company: who writes.
        scope: who is affected; only certain and probable persons are told.
        sightings: all of the case, at least one.
        record: what the trail says.

    Raises:
        FactsContradict: there is no sighting or nobody to tell, a person stands in two tiers, or the record shows no
            opened field for someone in scope.
    """
    if not sightings:
        raise FactsContradict("a case without a sighting has no facts")
    persons = sorted(_persons(scope, record), key=lambda person: person.subject)
    if not persons:
        raise FactsContradict("there is nobody to tell")
    contacts = [sighting.contacted_at for sighting in sightings]
    leaked = {field for person in persons for field in person.fields_seen}
    return Facts(
        case=standing.case,
        company=company,
        as_of=standing.as_of,
        complaints=len(sightings),
        reported=sum(sighting.form in _REPORTED for sighting in sightings),
        verified_complaints=sum(sighting.verified for sighting in sightings),
        contacted_from=min(contacts),
        contacted_to=max(contacts),
        persons=tuple(persons),
        certain=len(scope.certain),
        probable=len(scope.probable),
        possible=len(scope.possible),
        bound=scope.bound,
        fields_leaked=tuple(dict.fromkeys(label for label in record.labels.values() if label in leaked)),
        record_complete=record.carries,
        first_on=min(person.first_on for person in persons),
        last_on=max(person.last_on for person in persons),
        steps_done=tuple(sorted(standing.steps_done)),
        gaps=record.gaps,
        police_delayed=standing.police_delayed,
        covered=record.covered,
        undelivered=standing.undelivered,
        erased=scope.erased,
    )


def exposures(
    payloads: Iterable[Mapping[str, Any]], *, actors: Collection[int], labels: Collection[str]
) -> dict[int, Exposure]:
    """Return what `actors` were shown of each subject, from payloads of the trail.

    Args:
        payloads: disclosures of any actor, in any order; only values that left as they are count.
        actors: the numbers of the named actors.
        labels: the protected fields to look for.
    """
    found: dict[int, Exposure] = {}
    for payload in payloads:
        if payload.get("kind") != "disclosure" or payload.get("actor") not in actors or "subject" not in payload:
            continue
        shown = {str(each).removesuffix("=reveal") for each in payload["fields"] if str(each).endswith("=reveal")}
        fields = frozenset(shown & set(labels))
        if not fields:
            continue
        at, subject = from_us(int(payload["at"])), int(payload["subject"])
        known = found.get(subject, Exposure(fields, at, at))
        found[subject] = Exposure(known.fields | fields, min(known.first_at, at), max(known.last_at, at))
    return found


_REPORTED = frozenset({"mail", "row"})


def _persons(scope: Scope, record: Record) -> Iterable[Person]:
    both = set(scope.certain) & set(scope.probable)
    if both or len(set(scope.certain)) != len(scope.certain) or len(set(scope.probable)) != len(scope.probable):
        raise FactsContradict("a person stands in the scope twice")
    for tier, subjects in (("certain", scope.certain), ("probable", scope.probable)):
        for subject in subjects:
            yield _person(subject, "certain" if tier == "certain" else "probable", record)


def _person(subject: int, certainty: Certainty, record: Record) -> Person:
    exposure = record.exposures.get(subject)
    if exposure is None or not exposure.fields:
        raise FactsContradict(f"subject {subject} is in scope, but the record shows no field opened")
    unknown = exposure.fields - set(record.labels)
    if unknown:
        raise FactsContradict(f"the field `{min(unknown)}` has no name in plain words")
    kind = record.kinds.get(subject, CUSTOMER)
    seen = tuple(dict.fromkeys(label for name, label in record.labels.items() if name in exposure.fields))
    # of his own kind alone: nobody is told that figures of businesses were not opened, who has none
    own = (label for name, label in record.labels.items() if name.partition(".")[0] == kind)
    unseen = tuple(dict.fromkeys(label for label in own if label not in seen))
    return Person(
        subject,
        certainty,
        seen,
        unseen if record.carries else (),
        exposure.first_at.date(),
        exposure.last_at.date(),
        kind,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
