"""The catalog as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from whosaw.terms import WhosawError

Mode = Literal["enforce", "observe"]


class CatalogError(WhosawError):
    """Base of what can be wrong with a catalog."""

    code: ClassVar[str] = "catalog.error"


class CatalogInvalid(CatalogError, ValueError):
    """The file is not a catalog: a key is unknown, missing, of the wrong kind, or points nowhere."""

    code: ClassVar[str] = "catalog.invalid"
    hint = "run `whosaw check` after the change; docs/catalog.md lists every key"


@dataclass(frozen=True, slots=True)
class SubjectKind:
    """Whose data a table holds: ``customer`` lives in ``customers``, one row per key.

    Attributes:
        name: as the catalog writes it.
        source: the database.
        table: its table; a dot separates schema and table.
        key: the column with the company's own key.
        region: a column that policies may look at, or None.
        identifying: columns that are no fields and yet lead to the person (``username``); never shown, always personal.
    """

    name: str
    source: str
    table: str
    key: str
    region: str | None
    identifying: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A protected column: ``customer.email`` of class ``contact``, shown masked by the mask named here.

    In mode ``observe`` it is revealed to everybody who is not stopped, and what enforcement would have done is
    recorded.

    Attributes:
        name: as the catalog writes it: ``customer.email``.
        subject_kind: whose: ``customer``.
        column: where it stands in the kind's table.
        klass: its class of sensitivity.
        mask: how it is masked.
        mode: whether the decision about it is enforced.
        keep_format: whether its mask keeps the form of its type, for tools that check it.
        stable: whether equal values get equal masks, told apart by a token under the catalog's key.
        as_alias: whether an address of its own is shown wherever the value would be.
    """

    name: str
    subject_kind: str
    column: str
    klass: str
    mask: str
    mode: Mode = "enforce"
    keep_format: bool = False
    stable: bool = False
    as_alias: bool = False


@dataclass(frozen=True, slots=True)
class Purpose:
    """A kind of work that can be a reason, and the query on the company's own tables that lists such work.

    The query's columns are ``reference, assignee, subject, origin, opened_at, closed_at`` and, where the work concerns
    one, ``beneficiary``.
    """

    name: str
    source: str
    query: str
    subject_kind: str
    mode: Mode
    grace_h: float
    beneficiary_kind: str | None


@dataclass(frozen=True, slots=True)
class Action:
    """Something an actor can do that is gated and recorded like a disclosure: ``review.delete``.

    The query's columns are ``object, subject`` and, where the object concerns one, ``beneficiary``. An ask that touches
    more than `second_person_above` objects, or says that it yields more rows, needs an approval by somebody else.
    """

    name: str
    source: str
    query: str
    object_kind: str
    subject_kind: str
    beneficiary_kind: str | None
    second_person_above: int | None = None


@dataclass(frozen=True, slots=True)
class ActorQuery:
    """Where the staff directory is: a query whose columns are ``key, roles, region, ended``, and those of `attributes`.

    Attributes:
        source: the database that holds it.
        query: the company's own query.
        attributes: which of ``employer, site, since, function, mail, changed_at, manager``, and for watch alone
            ``queue, product, shift, part_time``, the query gives besides.
    """

    source: str
    query: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """How many distinct subjects; above `soft` the actor must state a reason, at `hard` it ends. None: no limit."""

    soft: int | None
    hard: int | None


@dataclass(frozen=True, slots=True)
class Budget:
    """How many distinct subjects an actor may be shown, or act on, within an hour, a day, a month (calendar, UTC).

    Attributes:
        name: as the catalog writes it.
        klass: the class of field it counts, or None where it counts something else.
        action: the action it counts, or None.
        roles: whose; empty means everybody.
        hour: limit of a clock hour.
        day: limit of a calendar day.
        month: limit of a calendar month.
        lookup: the lookup whose finds it counts, or None.
    """

    name: str
    klass: str | None
    action: str | None
    roles: frozenset[str]
    hour: Limit
    day: Limit
    month: Limit
    lookup: str | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """An exact search that leads from a value to a subject: ``customer.email``, ``order``.

    The statement's columns are ``value, subject``; where it is a field the catalog makes the query.

    Attributes:
        name: as the catalog writes it.
        source: the database.
        query: lists ``value, subject``.
        subject_kind: kind of the subjects found.
        form: ``email``, ``phone`` or ``text``: how a value is brought into one form before it is sought.
    """

    name: str
    source: str
    query: str
    subject_kind: str
    form: str


@dataclass(frozen=True, slots=True)
class GrantKind:
    """Access that is asked for and approved by others for a time.

    Attributes:
        name: ``extended_contact``, ``unmask`` …
        classes: classes of field it opens; empty where it opens something else (``unmask``).
        approvers: functions of the directory that may approve.
        approvals: how many different people, of different functions where there is more than one.
        hours_most: the longest it may last.
    """

    name: str
    classes: frozenset[str]
    approvers: frozenset[str]
    approvals: int
    hours_most: float


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Immediate access against policy: who may, to what, for how long, and who must review it.

    Attributes:
        roles: who may break the glass.
        classes: classes of field it opens.
        minutes: how long it lasts.
        reviewers: functions of the directory that review it, two different people.
        review_h: hours after which an unreviewed one escalates.
    """

    roles: frozenset[str]
    classes: frozenset[str]
    minutes: float
    reviewers: frozenset[str]
    review_h: float


@dataclass(frozen=True, slots=True)
class Conduct:
    """Whether access needs an acknowledged code of conduct, and for how long an acknowledgement holds."""

    required: bool
    valid_days: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts are posted, signed under `secret`."""

    name: str
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Alerting:
    """Who hears of what must not stay quiet: mail addresses and webhooks."""

    mail: tuple[str, ...] = ()
    webhooks: tuple[Webhook, ...] = ()


@dataclass(frozen=True, slots=True)
class Live:
    """The table ``[watch.live]``: what the gate notices while people ask, and what it does about it at once.

    Attributes:
        enforce: whether it holds people up; else it is recorded and told alone.
        first: sign → the step it begins with: ``reason``, ``second_person``, ``stop``, or ``off``.
        most: the step beyond which repeated signs do not lead.
        hold_minutes: how long a step lasts.
        burst_share: part of the hour's budget that may be spent within `burst_minutes`.
        burst_minutes: see `burst_share`.
        run: so many persons in a row of rising or falling keys are an enumeration.
        misses: so many look-ups of nobody within ten minutes are one too.
        returns: so many times back at the other of two places within five minutes are impossible for one person.
        one_place: networks that count as one place: the ways out of an office.
    """

    enforce: bool = True
    first: Mapping[str, str] = field(default_factory=dict)
    most: str = "second_person"
    hold_minutes: int = 60
    burst_share: float = 0.5
    burst_minutes: int = 5
    run: int = 8
    misses: int = 12
    returns: int = 3
    one_place: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecondLook:
    """The table ``[watch.second]``: which decisions are decided once more, by somebody who does not know the first.

    Attributes:
        share: part of the decisions that is drawn each night.
        kinds: kind of decision → the actions that favour who asked, and those that do not.
    """

    share: float = 0.05
    kinds: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Watching:
    """The table ``[watch]``.

    Attributes:
        templates: name → what it says: `via`, and where stated `kinds`, `grace_h`, `within_h`, `own_text`.
        settings: those that are stated; the others keep the values that were measured.
        prompts: whether a running server asks employees about single unexplained accesses.
        live: what the gate notices while people ask; None where it notices nothing.
        records: what the company records besides work: ``managers``, ``harms``, ``decisions``, ``prints`` → its source
            and its query.
        second: which decisions are decided once more; None where none are.
    """

    templates: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    prompts: bool = False
    live: Live | None = None
    records: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    second: SecondLook | None = None


@dataclass(frozen=True, slots=True)
class Tracing:
    """The table ``[trace]``: where a company writes down what a verdict about a person must weigh.

    Attributes:
        records: source and query of ``managers``, ``handovers``, ``presence``, ``accounts``, ``orders``, ``routes``.
        recompute: whether a running server computes the verdict of an open case anew when its evidence changed.
        skew_s: how far the clocks behind ``presence`` may disagree with those of the record.
    """

    records: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    recompute: bool = False
    skew_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Aliases:
    """Addresses that a disclosure carries instead of the person's own, and who may write to them.

    Attributes:
        domain: whose mail whosaw receives; nobody else has an address there.
        days: how long an alias leads to its person.
        senders: the company's own mail domains; whoever works there may write to an alias.
        strangers: what becomes of mail from anybody else: ``forward`` it as well, or ``keep`` it as evidence only.
        source: the database that knows the addresses of parties, or empty.
        canary_domain: of the addresses of persons who do not exist; looks like any provider's, and comes here too.
        keep_days: how long mail that was kept stays, unless a case needs it.
        query: lists ``party, address``: whose address (``seller:S-88``) is a party to an alias made for its matter.
    """

    domain: str
    days: float
    senders: frozenset[str]
    strangers: Literal["forward", "keep"] = "forward"
    source: str = ""
    query: str = ""
    canary_domain: str = ""
    keep_days: float = 365.0


@dataclass(frozen=True, slots=True)
class Catalog:
    """The whole file, resolved: every name in it points at something in it."""

    company: str
    contact: str
    sources: Mapping[str, str]
    subjects: Mapping[str, SubjectKind]
    fields: Mapping[str, Field]
    purposes: Mapping[str, Purpose]
    actions: Mapping[str, Action]
    actors: ActorQuery
    version: str
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    grants: Mapping[str, GrantKind] = field(default_factory=dict)
    break_glass: BreakGlass | None = None
    conduct: Conduct | None = None
    alerts: Alerting = field(default_factory=Alerting)
    aliases: Aliases | None = None
    policy_files: tuple[Path, ...] = ()
    mask_key: bytes = field(default=b"", repr=False)
    watch: Watching | None = None
    trace: Tracing | None = None

    def has_alias(self, field: Field) -> bool:
        """Return whether an address of its own can stand for the field's value: it is an e-mail address."""
        return self.aliases is not None and field.mask == "email"

    @property
    def field_classes(self) -> dict[str, str]:
        """Return field → class."""
        return {each.name: each.klass for each in self.fields.values()}
