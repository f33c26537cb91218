"""The named questions, each defined once as an Ibis expression over two tables; engines print it in their own SQL.

Nothing here knows where the rows lie or who runs the expression. Numbers of people belong to a trail, so every question
names subjects and actors by trail, and answers by trail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import ibis
from ibis import _

from whosaw.lake.among import among
from whosaw.lake.errors import QuestionIncomplete, QuestionUnknown

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
UNCLASSIFIED = "unclassified"
MOST_PEOPLE = 10_000
OWN, IMPORTED = "trail", "imported"

# Rows as in `whosaw.lake.trailrows`, and the grade of who wrote them; and what the catalog says about fields.
ENTRIES = ibis.table(
    {
        "trail": "string",
        "entry": "int64",
        "at_us": "int64",
        "kind": "string",
        "actor": "int64",
        "subject": "int64",
        "purpose": "int64",
        "door": "string",
        "decision": "string",
        "verified": "boolean",
        "shown": "boolean",
        "fields": "string",
        "beneficiary": "string",
        "action": "string",
        "reason": "string",
        "rows": "int64",
        "in_set": "boolean",
        "grade": "string",
    },
    name="entries",
)
CLASSES = ibis.table({"trail": "string", "field": "string", "class": "string"}, name="classes")

People = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is about.

    Args:
        subjects, actors: trail → numbers in it.
        since_us, until_us: entries from then on, and before then.
        least: subjects from which a single entry counts as a big export.
        times: how many times its trail's usual size an entry must have to count as unusual.
        trails: what the lake holds; who runs the question fills it in.
        within: subjects from the first to the second, both included; all where absent.
    """

    subjects: People = field(default_factory=dict)
    actors: People = field(default_factory=dict)
    since_us: int | None = None
    until_us: int | None = None
    least: int = 100
    times: int = 10
    trails: tuple[str, ...] = ()
    within: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Args:
        title: what it answers, for a person.
        build: makes the expression.
        needs: what it cannot be asked without.
        of_actor: it speaks about the work of members of staff, so an analyst must name a case.
        columns: of `entries` that it may read, and no others.
    """

    title: str
    build: Callable[[Asked], Any]
    needs: Literal["subjects", "actors", ""] = ""
    of_actor: bool = False
    columns: tuple[str, ...] = ()


def expression(name: str, asked: Asked) -> Any:
    """Return the Ibis expression of a question.

    Raises:
        QuestionUnknown: there is no such question.
        QuestionIncomplete: it needs subjects or an actor, or has more than 10,000 of them.
    """
    question = question_of(name)
    people = {"subjects": asked.subjects, "actors": asked.actors, "": {"": (0,)}}[question.needs]
    if not any(people.values()):
        raise QuestionIncomplete(f"question `{name}` needs {question.needs}")
    if sum(map(len, people.values())) > MOST_PEOPLE:
        raise QuestionIncomplete(f"question `{name}` takes at most {MOST_PEOPLE} {question.needs}")
    return question.build(asked)


def question_of(name: str) -> Question:
    """Return a question by its name.

    Raises:
        QuestionUnknown: there is none.
    """
    if name not in QUESTIONS:
        raise QuestionUnknown(f"no question is called `{name[:60]}`")
    return QUESTIONS[name]


def _entries(asked: Asked) -> Any:
    found = ENTRIES
    if asked.since_us is not None:
        found = found.filter(found.at_us >= asked.since_us)
    if asked.until_us is not None:
        found = found.filter(found.at_us < asked.until_us)
    return found


def _disclosures(asked: Asked) -> Any:
    """Return entries that showed a field of somebody: masks and aliases show no value."""
    found = _entries(asked).filter(_.shown, _.subject.notnull())
    return found if asked.within is None else found.filter(_.subject.between(*asked.within))


def _among(table: Any, column: str, people: People) -> Any:
    wanted = [
        (table.trail == trail) & among(table[column], numbers) for trail, numbers in sorted(people.items()) if numbers
    ]
    return table.filter(ibis.or_(*wanted))


def _weakest(all_own: Any) -> Any:
    """Return the weakest grade from whether all rows are whosaw's own: a truth costs less to carry on than a text."""
    return all_own.ifelse(OWN, IMPORTED)


def _who_saw(asked: Asked) -> Any:
    seen = _among(_disclosures(asked), "subject", asked.subjects)
    columns = ("trail", "entry", "at_us", "subject", "actor", "fields", "purpose", "verified", "beneficiary", "door")
    return seen.select(*columns, "in_set", "grade").order_by("at_us", "trail", "entry", "subject", "actor")


def _seen_by(asked: Asked) -> Any:
    seen = _among(_disclosures(asked), "actor", asked.actors)
    counted = seen.group_by("trail", "actor", "subject").agg(
        disclosures=_.count(), first_us=_.at_us.min(), last_us=_.at_us.max(), own=(_.grade == OWN).all()
    )
    by_subject = counted.mutate(grade=_weakest(_.own)).drop("own")
    return by_subject.order_by("trail", "actor", "first_us", "subject")


def _exposure(asked: Asked) -> Any:
    shown = _disclosures(asked).select("trail", "fields", "subject", "grade")
    items = (
        shown.select("trail", "fields").distinct().mutate(item=_.fields.fill_null("").split(",").unnest())
    )  # one row per way of showing, not per disclosure
    revealed = items.mutate(field=_.item.re_replace("=[a-z]+$", ""), effect=_.item.re_extract("=([a-z]+)$", 1))
    revealed = revealed.filter((_.effect == "reveal") | _.fields.isnull())
    classed = revealed.left_join(CLASSES, [revealed.trail == CLASSES.trail, revealed.field == CLASSES.field]).select(
        "trail", way=_.fields.fill_null(""), **{"class": CLASSES["class"].fill_null(UNCLASSIFIED)}
    )
    # as one list, taken apart again: so an engine knows that they are few, and looks the rows up in them
    each = classed.distinct().agg(all=ibis.struct({name: _[name] for name in ("trail", "way", "class")}).collect())
    ways = each.select(each=_["all"].unnest()).select(*(_.each[name].name(name) for name in ("trail", "way", "class")))
    # counted per way first: the join then works on what is left, and no row is joined twice
    people = (
        shown.mutate(way=_.fields.fill_null(""))
        .group_by("trail", "way", "subject")
        .agg(disclosures=_.count(), own=(_.grade == OWN).all())
    )
    joined = people.inner_join(ways, ["trail", "way"])
    return (
        joined.group_by("trail", "class")
        .agg(subjects=_.subject.nunique(), disclosures=_.disclosures.sum().cast("int64"), own=_.own.all())
        .select("trail", "class", "subjects", "disclosures", grade=_weakest(_.own))
        .order_by("trail", "class")
    )


def _each_trail(asked: Asked, table_of: Callable[[Any], Any]) -> Any:
    """Return what `table_of` makes of the disclosures of each trail, with the trail's name.

    A table over everything then groups numbers alone: hashing the name with every row would cost a quarter more.
    """
    parts = []
    for trail in asked.trails or ("",):
        found = table_of(_disclosures(asked).filter(_.trail == trail))
        parts.append(found.select(ibis.literal(trail, "string").name("trail"), *found.columns))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _actor_exposure(asked: Asked) -> Any:
    def table_of(shown: Any) -> Any:
        pairs = shown.select("actor", "subject").distinct()
        return pairs.group_by("actor").agg(subjects=_.count())

    return _each_trail(asked, table_of).order_by("trail", "actor")


def _overlap(asked: Asked) -> Any:
    seen = _among(_disclosures(asked), "subject", asked.subjects)
    asked_about = sum(len(set(numbers)) for numbers in asked.subjects.values())
    return (
        seen.group_by("trail", "actor")
        .agg(seen=_.subject.nunique(), disclosures=_.count(), first_us=_.at_us.min(), last_us=_.at_us.max())
        .mutate(of=ibis.literal(asked_about, "int64"))
        .order_by(ibis.desc("seen"), "trail", "actor")
    )


def _actor_beneficiary(asked: Asked) -> Any:
    """One row per actor and beneficiary, in no order: there may be tens of millions, and sorting them takes longest.

    Beneficiaries are counted by a number and named in the end. The numbers are given once, to all that occur: to look
    for those that were served would read more columns, and what is left over joins nothing.
    """
    texts = ENTRIES.select("beneficiary").distinct().filter(_.beneficiary.notnull())
    number = ibis.row_number().over(order_by=texts.beneficiary).cast("int32")
    numbered = texts.mutate(number=number).alias("numbered")  # an alias is computed once, however often it is joined

    def table_of(shown: Any) -> Any:
        counted = (
            shown.inner_join(numbered, "beneficiary")
            .group_by("actor", "number")
            .agg(disclosures=_.count(), first_us=_.at_us.min(), last_us=_.at_us.max())
        )
        return counted.inner_join(numbered, "number").select(
            "actor", "beneficiary", "disclosures", "first_us", "last_us"
        )

    return _each_trail(asked, table_of)


def _first_last(asked: Asked) -> Any:
    seen = _among(_disclosures(asked), "subject", asked.subjects)
    return (
        seen.group_by("trail", "subject")
        .agg(disclosures=_.count(), actors=_.actor.nunique(), first_us=_.at_us.min(), last_us=_.at_us.max())
        .order_by("trail", "subject")
    )


def _unusual_exports(asked: Asked) -> Any:
    """Entries that showed many more subjects at once than the big entries of their trail usually do."""
    sizes = (
        _disclosures(asked)
        .filter(_.entry.notnull(), _.in_set)
        .group_by("trail", "entry")
        .agg(
            subjects=_.count(),
            at_us=_.at_us.min(),
            actor=_.actor.min(),
            purpose=_.purpose.min(),
            door=_.door.min(),
            beneficiary=_.beneficiary.min(),
            unverified=(~_.verified.fill_null(False)).any(),
        )
    )
    usual = sizes.group_by("trail").agg(usual=_.subjects.median().cast("float64"))
    found = sizes.inner_join(usual, "trail")
    odd = (found.subjects > found.usual * asked.times) | found.unverified
    return (
        found.filter((found.subjects >= asked.least) & odd)
        .select("trail", "entry", "at_us", "actor", "subjects", "usual", "unverified", "purpose", "door", "beneficiary")
        .order_by(ibis.desc("subjects"), "trail", "entry")
    )


def _coverage(asked: Asked) -> Any:
    """Per trail, day and door what the record holds; days without a row have no line.

    Counted by the hour first: an entry has one time, so different entries and hours of a day add up, and no engine has
    to copy every row to count two things at once. An entry has one row, unless it names a set: only the latter's are
    told apart.
    """
    found = _entries(asked).mutate(
        day=(_.at_us - _.at_us % DAY_US) // DAY_US, hour=(_.at_us - _.at_us % HOUR_US) // HOUR_US
    )
    of_set = found.in_set.fill_null(False)
    found = found.mutate(alone=found.entry.notnull() & ~of_set, set_entry=ibis.ifelse(of_set, found.entry, None))
    by_hour = found.group_by("trail", "grade", "day", "door", "hour").agg(
        rows=_.count(),
        alone=_.alone.sum(),
        sets=_.set_entry.nunique(),
        disclosures=_.shown.fill_null(False).sum(),
        first_us=_.at_us.min(),
        last_us=_.at_us.max(),
    )
    return (
        by_hour.group_by("trail", "grade", "day", "door")
        .agg(
            rows=_.rows.sum().cast("int64"),
            entries=(_.alone.sum() + _.sets.sum()).cast("int64"),
            disclosures=_.disclosures.sum().cast("int64"),
            hours=_.count(),
            first_us=_.first_us.min(),
            last_us=_.last_us.max(),
        )
        .order_by("trail", "day", ibis.asc("door", nulls_first=True), "grade")
    )


_SEEN = ("trail", "at_us", "shown", "subject")
QUESTIONS: dict[str, Question] = {
    "who-saw": Question(
        "who saw these subjects, when, which fields, for what",
        _who_saw,
        "subjects",
        columns=(*_SEEN, "entry", "actor", "fields", "purpose", "verified", "beneficiary", "door", "in_set", "grade"),
    ),
    "seen-by": Question(
        "whom this member of staff saw", _seen_by, "actors", of_actor=True, columns=(*_SEEN, "actor", "grade")
    ),
    "exposure": Question(
        "how many subjects were shown per class of fields", _exposure, columns=(*_SEEN, "fields", "grade")
    ),
    "actor-exposure": Question(
        "how many different subjects each member of staff saw",
        _actor_exposure,
        of_actor=True,
        columns=("trail", "actor", "subject", "shown"),
    ),
    "overlap": Question("who saw how many of these subjects", _overlap, "subjects", columns=(*_SEEN, "actor")),
    "actor-beneficiary": Question(
        "who was shown data for whom", _actor_beneficiary, of_actor=True, columns=(*_SEEN, "actor", "beneficiary")
    ),
    "first-last": Question(
        "when these subjects were first and last seen", _first_last, "subjects", columns=(*_SEEN, "actor")
    ),
    "unusual-exports": Question(
        "entries that showed far more subjects at once than is usual, or without a verified reason",
        _unusual_exports,
        columns=(*_SEEN, "entry", "actor", "purpose", "door", "beneficiary", "verified", "in_set"),
    ),
    "coverage": Question(
        "what the record holds per day and door",
        _coverage,
        columns=("trail", "grade", "at_us", "door", "entry", "in_set", "shown"),
    ),
}
