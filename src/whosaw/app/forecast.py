"""What enforcement, or another policy set, would have changed in the days before: each recorded ask decided again.

The reason and what became of it are taken from the record; who asked is looked up in the directory of today, because
the record holds no roles. Budgets and second people are left aside: what they withheld stays withheld.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from whosaw.app.services import Services
from whosaw.decide import ActorFacts, Facts, PolicySet, Verification
from whosaw.decide.policy import Answer
from whosaw.decide.question import Question, about_action, about_class
from whosaw.gate.facts import FactFinder
from whosaw.record import Entry, entries_between
from whosaw.store.numbers import keys_of
from whosaw.terms import PurposeRef, SubjectRef, to_us

_CHUNK = 4_096
_ORDER = ("reveal", "alias", "mask", "deny")
_KINDS = {"disclosure", "denial", "action"}


@dataclass(frozen=True, slots=True)
class Line:
    """One team, one kind of purpose and one class or action: what was, and what would have been.

    Attributes:
        team: the roles, as the directory has them today.
        purpose: kind of the stated purpose, or empty.
        about: the class, or the action.
        before: effect as recorded: ``reveal``, ``alias``, ``mask``, ``deny``.
        after: effect under the policies asked about, enforced.
        asks: how many.
        people: how many different members of staff.
    """

    team: str
    purpose: str
    about: str
    before: str
    after: str
    asks: int
    people: int

    @property
    def less(self) -> bool:
        """Whether less would have been shown."""
        return _ORDER.index(self.after) > _ORDER.index(self.before)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would have changed.

    Attributes:
        since: from when the record was read.
        entries: asks that were decided again.
        left_out: asks that could not be: by somebody the directory no longer lists, or about fields no longer there.
        unchanged: parts of asks (a class, an action) that come out the same.
        lines: those that do not, most frequent first.
        policy_version: version of the policies asked about.
    """

    since: datetime
    entries: int
    left_out: int
    unchanged: int
    lines: tuple[Line, ...]
    policy_version: str


async def forecast(services: Services, policies: PolicySet, days: float) -> Forecast:
    """Return what `policies`, enforced everywhere, would have changed in the last `days`."""
    now = services.clock.now()
    since = now - timedelta(days=days)
    finder = FactFinder(services.door_db, services.catalog, services.sources)
    counted: Counter[tuple[str, str, str, str, str]] = Counter()
    people: defaultdict[tuple[str, str, str, str, str], set[int]] = defaultdict(set)
    entries = left_out = unchanged = 0
    async for chunk in _chunks(services, since, now):
        decided = await _Chunk.of(services, finder, chunk)
        for payload in chunk:
            found = decided.again(payload, policies)
            entries += 1
            if found is None:
                left_out += 1
                continue
            for key in found:
                if key[3] == key[4]:
                    unchanged += 1
                else:
                    counted[key] += 1
                    people[key].add(int(payload["actor"]))
    lines = [Line(*key, asks=asks, people=len(people[key])) for key, asks in counted.most_common()]
    return Forecast(since, entries, left_out, unchanged, tuple(lines), policies.version)


async def _chunks(services: Services, since: datetime, until: datetime) -> AsyncIterator[list[Mapping[str, Any]]]:
    chunk: list[Mapping[str, Any]] = []
    async for entry in entries_between(services.db, to_us(since), to_us(until) + 1):
        if _is_ask(entry):
            chunk.append(entry.payload)
        if len(chunk) >= _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _is_ask(entry: Entry) -> bool:
    payload = entry.payload
    # an entry about nobody in particular, or one that a budget or a missing second person refused, decides nothing here
    about = "subject" in payload or "exposure" in payload
    return payload["kind"] in _KINDS and about and not str(payload["reason"]).startswith(("budget.", "second_person."))


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What is known of the people and the work that a chunk of entries names."""

    services: Services
    actors: Mapping[int, ActorFacts]
    purposes: Mapping[int, str]
    regions: Mapping[int, str]

    @classmethod
    async def of(cls, services: Services, finder: FactFinder, chunk: Sequence[Mapping[str, Any]]) -> _Chunk:
        keys = await keys_of(services.db, "actor", {int(each["actor"]) for each in chunk})
        facts = await finder.actors(keys.values(), services.clock.now())
        stated = await keys_of(services.db, "purpose", {int(each["purpose"]) for each in chunk if "purpose" in each})
        subjects = await keys_of(services.db, "subject", {int(each["subject"]) for each in chunk if "subject" in each})
        known = {number: SubjectRef.parse(key) for number, key in subjects.items()}
        kinds = services.catalog.subjects
        regions = await finder.regions([each for each in known.values() if each.kind in kinds])
        return cls(
            services,
            {number: facts[key] for number, key in keys.items()},
            {number: PurposeRef.parse(key).kind for number, key in stated.items()},
            {number: regions.get(subject, "") for number, subject in known.items()},
        )

    def again(self, payload: Mapping[str, Any], policies: PolicySet) -> list[tuple[str, str, str, str, str]] | None:
        """Return (team, purpose, about, before, after) of every part of an ask, or None where it cannot be decided."""
        actor = self.actors.get(int(payload["actor"]))
        if actor is None or not actor.roles:
            return None
        # what stopped him then is told by the record, not by where he stands today
        stopped = str(payload["reason"]).startswith("actor.")
        facts = Facts(
            replace(actor, suspended=stopped, ended=False, acknowledged=True),
            self._verification(payload),
            subject_known=True,
            subject_region=self.regions.get(int(payload.get("subject", 0)), ""),
            granted=self._opened(payload, "grant:"),
            glass=self._opened(payload, "glass:"),
        )
        team, purpose = "+".join(sorted(actor.roles)), facts.verification.kind
        parts = self._parts(payload, facts)
        if parts is None:
            return None
        return [(team, purpose, about, before, _effect(policies.answer(asked))) for about, before, asked in parts]

    def _parts(self, payload: Mapping[str, Any], facts: Facts) -> list[tuple[str, str, Question]] | None:
        if "action" in payload:
            action = str(payload["action"])
            before = "deny" if payload["kind"] == "denial" else "reveal"
            return [(action, before, about_action(action, facts))]
        catalog, classes = self.services.catalog, dict[str, str]()
        for text in payload.get("fields", ()):
            name, _, effect = str(text).rpartition("=")
            if name not in catalog.fields:
                return None
            classes.setdefault(catalog.fields[name].klass, effect)
        return [(klass, effect, about_class(klass, facts)) for klass, effect in classes.items()]

    def _verification(self, payload: Mapping[str, Any]) -> Verification:
        kind = self.purposes.get(int(payload.get("purpose", 0)), "")
        reason = str(payload["reason"])
        if not reason.startswith("purpose."):
            reason = "purpose.verified" if payload["verified"] == "yes" else "purpose.missing"
        return Verification(kind, reason)

    def _opened(self, payload: Mapping[str, Any], kind: str) -> frozenset[str]:
        """Return the classes that were shown under a grant or broken glass: they would be again."""
        if not any(str(each).startswith(kind) for each in payload.get("under", ())):
            return frozenset()
        fields = self.services.catalog.fields
        named = [str(text).rpartition("=") for text in payload.get("fields", ())]
        return frozenset(fields[name].klass for name, _, effect in named if effect == "reveal" and name in fields)


def _effect(answer: Answer) -> str:
    return {None: "deny", "act": "reveal"}.get(answer.allowed, answer.allowed) or "deny"
