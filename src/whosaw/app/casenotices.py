"""The facts of a case on the server, and everything that is written from them: letters, statements, forms."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from whosaw.answer import (
    Cases,
    Company,
    Exposure,
    Facts,
    Record,
    Scope,
    SightingBook,
    Standing,
    build_facts,
    exposures,
)
from whosaw.answer.bounces import Bounces
from whosaw.answer.casequeries import fetch, police_holds
from whosaw.answer.clocks import CaseClocks
from whosaw.answer.conflicts import Conflicts
from whosaw.answer.covered import UNMEASURED, Covered
from whosaw.answer.delivery import Sending, send_pending
from whosaw.answer.desk import Desk
from whosaw.answer.dryrun import write_letters
from whosaw.answer.duties import Duty, Risk, decide_duties, required_of
from whosaw.answer.facts import Person
from whosaw.answer.forms import Course, attorney_general_copy, authority_draft, internal_note, press_text
from whosaw.answer.notes import Notes
from whosaw.answer.notices import Obliged, Recipient, Wording, letter_to, queue_notices, wording_of
from whosaw.answer.risk import Risks
from whosaw.answer.stepqueries import done_steps, suspended_in
from whosaw.app.casepreserve import Preserve
from whosaw.app.casequeries import coverage_days
from whosaw.app.caserecipients import label_of, recipients_of
from whosaw.app.casesettings import CaseSettings
from whosaw.app.casestaff import managers_of
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.record import Entry, entries_by_actor, exposed_subjects, fsck
from whosaw.store.numbers import count_erased, find_all, keys_of
from whosaw.store.outbox import Outbox
from whosaw.store.relay import Relay

_DECIDED = "select decided_at, high, decided_by, why from case_risk where case_id = %(case)s order by id"


class FactsMissing(AppError, LookupError):
    """A case has no verdict that says whose data got out and numbers each, or the settings do not say who writes."""

    code: ClassVar[str] = "app.facts_missing"
    hint = "add a verdict with `whosaw case verdict`; letters need a contact in the catalog, a phone and an address"


@dataclass(frozen=True, slots=True)
class NoticeForms:
    """Texts by the name of their file, and what is still open in the draft for the authority."""

    files: Mapping[str, str]
    open: tuple[str, ...]


class CaseNotices:
    """Facts and texts of cases."""

    def __init__(self, services: Services) -> None:
        """Read the settings of letters from the environment."""
        self._services = services
        self._settings = CaseSettings.read()
        self.outbox = Outbox(services.db)
        self.bounces = Bounces(services.db)
        self._notes = Notes(services.db, services.clock, services.appender.append)
        conflicts = Conflicts(services.db, managers_of(services.directory))
        self._desk = Desk(services.db, services.clock, self._notes, conflicts, Preserve(services).unheld)
        self.risks = Risks(services.db, services.clock, self._notes, self._desk)

    async def facts(self, case: str) -> Facts:
        """Return the facts of a case by its newest verdict and the trail.

        Raises:
            UnknownCase: there is no such case.
            FactsMissing: it has no verdict, nobody is named by it, or somebody is missing who was not erased.
            FactsContradict: what would be said is not carried by the record.
        """
        services = self._services
        cases = Cases(services.db, services.clock)
        await cases.get(case)
        history = await cases.verdicts(case)
        named = sorted(history[-1].named()) if history else []
        if not named:
            raise FactsMissing(f"no finding of `{case}` names one person, so nobody can be told what was opened")
        scope = history[-1].verdict["scope"]
        numbers = await find_all(services.db, "actor", named)
        if len(numbers) < len(named):
            raise FactsMissing(
                f"a person whom the finding of `{case}` names was erased since: nobody can say what he was shown",
                hint="the facts that letters were written from stand in an earlier bundle",
            )
        entries = [each for n in numbers.values() async for each in entries_by_actor(services.db, n)]
        whole = await fsck(services.db, services.settings.trail_folder, services.keys.trail.verifier)
        tiers = [scope["certain"], scope["probable"], scope["possible"]]
        subjects = await find_all(services.db, "subject", [key for tier in tiers for key in tier])
        certain, probable, possible = (tuple(subjects[key] for key in tier if key in subjects) for tier in tiers)
        erased = len({key for tier in tiers[:2] for key in tier if key not in subjects})
        # never numbered is not erased: nobody may go untold because a verdict was kept before anybody numbered him
        if erased and (not history[-1].numbered or erased > await count_erased(services.db, "subject")):
            raise FactsMissing(
                f"{erased} of those whom the verdict of `{case}` says are affected have no number, "
                "and no erasure says why",
                hint="trace again and add that verdict with `whosaw case verdict`: it numbers everybody it names",
            )
        labels = {name: label_of(field) for name, field in services.catalog.fields.items()}
        sightings = await SightingBook(services.db).list(case=case)
        payloads = await self._each_subject(entries, {*certain, *probable})
        shown = exposures(payloads, actors=set(numbers.values()), labels=labels)
        undelivered = [each for each in await self.bounces.undelivered(case) if each.done_at is None]
        return build_facts(
            Standing(
                case,
                services.clock.now(),
                await self._steps_done(case, named),
                (await police_holds(services.db, case))[1] > 0,
                len(undelivered),
            ),
            self.company(),
            scope=Scope(certain, probable, possible, scope["bound"], erased),
            sightings=sightings,
            record=Record(
                shown,
                whole.ok,
                labels,
                covered=await self._covered(shown),
                kinds={number: key.partition(":")[0] for key, number in subjects.items()},
            ),
        )

    async def _each_subject(self, entries: Sequence[Entry], wanted: Collection[int]) -> list[Mapping[str, Any]]:
        """Return the entries' payloads, one for each of these subjects where an entry names a set of them."""
        found: list[Mapping[str, Any]] = []
        for entry in entries:
            if "exposure" not in entry.payload:
                found.append(entry.payload)
                continue
            members = await exposed_subjects(self._services.db, entry)
            found += [{**entry.payload, "subject": number} for number in members if number in wanted]
        return found

    async def _covered(self, shown: Mapping[int, Exposure]) -> Covered:
        """Return what the daily entries say of the days on which anything was shown."""
        if not shown:
            return UNMEASURED
        first = min(each.first_at for each in shown.values()).date()
        last = max(each.last_at for each in shown.values()).date()
        # a day has one entry; were there two, the newer one counts
        days = {each["day"]: each for each in await coverage_days(self._services.db, first, last)}
        measured = [each for each in days.values() if "accesses" in each and "through" in each]
        return Covered(
            days=(last - first).days + 1,
            measured=len(measured),
            accesses=sum(int(each["accesses"]) for each in measured),
            through=sum(int(each["through"]) for each in measured),
        )

    async def send(self, case: str) -> Mapping[str, int]:
        """Queue and send the letters of a case; return how many stand in which state, and whom mail cannot reach."""
        facts = await self.facts(case)
        queued = await queue_notices(
            self.outbox, facts, self.recipients, clock=self._services.clock, obliged=await self._obliged(case, facts)
        )
        smtp = self._services.settings.smtp
        if smtp is not None:
            relay, how = Relay.read(smtp.get_secret_value()), Sending(per_s=self._settings.letters_per_s)
            await send_pending(self.outbox, relay, clock=self._services.clock, how=how)
        counts = {str(state): count for state, count in (await self.outbox.counts(case)).items()}
        return counts | ({"unreachable": len(queued.unreachable)} if queued.unreachable else {})

    async def _duties(self, case: str, facts: Facts) -> tuple[tuple[Duty, ...], Mapping[int, str]]:
        """Return what the law asks for, and the jurisdiction of each person."""
        residence = {number: each.jurisdiction for number, each in (await self._recipients_of(facts)).items()}
        risk = await self.risks.newest(case)
        return decide_duties(facts, residence, risk, facts.as_of.date()), residence

    async def _obliged(self, case: str, facts: Facts) -> Obliged:
        duties, _ = await self._duties(case, facts)
        return lambda place: required_of(duties, place)

    async def wordings(self, case: str, facts: Facts) -> Mapping[Wording, Person]:
        """Return each wording of the letters that went out, with the first person whom it was sent to.

        A letter is not kept once it is sent. What it said follows from the decision on the risk that stood when it was
        queued: a later one changes no letter. Of whom the company's tables no longer know, nothing is claimed.
        """
        gone_out = [each for each in await self.outbox.list(case) if each.state in ("sent", "sent?")]
        queued = {each.recipient_key: each.queued_at for each in gone_out}
        people = await self._recipients_of(facts)
        residence = {number: each.jurisdiction for number, each in people.items()}
        decided = await fetch(self._services.db, _DECIDED, {"case": case})
        obliged: dict[tuple[int, date], Obliged] = {}
        found: dict[Wording, Person] = {}
        for person in facts.persons:
            at = queued.get(str(person.subject))
            if at is None or person.subject not in people:
                continue
            before = [Risk(*row[1:]) for row in decided if row[0] <= at]
            then = len(before), at.date()
            if then not in obliged:
                duties = decide_duties(facts, residence, before[-1] if before else None, at.date())
                obliged[then] = partial(required_of, duties)
            found.setdefault(wording_of(person, residence[person.subject], obliged[then], at.date()), person)
        return found

    async def forms(self, case: str, *, by: str, phase: int, missing: tuple[str, ...], late: str) -> NoticeForms:
        """Return the draft for the authority, the press text, the note for colleagues, and the duties by law."""
        services = self._services
        facts = await self.facts(case)
        duties, residence = await self._duties(case, facts)
        risk = await self.risks.newest(case)
        aware_at = await self._desk.aware_since(case)
        clocks = await CaseClocks(services.db, services.clock, self._notes).list(case)
        due_at = next((each.due_at for each in clocks if each.rule == "eu.gdpr.art33"), None)
        draft = authority_draft(facts, Course(aware_at, due_at, phase, missing, late), risk, duties)
        await self._notes.add(case, "case.forms", by=by)
        files = {
            "authority.json": _json(draft),
            "press.txt": press_text(facts),
            "colleagues.txt": internal_note(facts),
            "facts.json": _json(facts.as_json()),
        }
        for each in duties:
            if each.to == "attorney_general" and each.required:
                files["attorney-general.json"] = _json(attorney_general_copy(facts, each, residence))
        return NoticeForms(files, tuple(draft["open"]))

    async def dry_run(self, case: str, folder: Path) -> tuple[int, int]:
        """Write every letter into a folder; return how many, and how many people mail cannot reach."""
        facts = await self.facts(case)
        recipients = await self._recipients_of(facts)
        obliged = await self._obliged(case, facts)
        written, unreachable = write_letters(folder, facts, recipients, self._services.clock.now(), obliged)
        return written, len(unreachable)

    async def for_the_post(self, case: str, language: str) -> Mapping[str, str]:
        """Return the letters that mail did not deliver and nobody has told yet, by subject's number.

        Args:
            case: the case.
            language: of those whose language the company does not know.

        Raises:
            FactsMissing: the letters of this case have not gone out, so none can have failed to arrive.
        """
        facts = await self.facts(case)
        if "notify_subjects" not in facts.steps_done:
            raise FactsMissing(f"the letters of `{case}` have not gone out", hint="carry out the step notify_subjects")
        left = {each.recipient_key for each in await self.bounces.undelivered(case) if each.done_at is None}
        had = await self.outbox.keys(case)
        people = [each for each in facts.persons if str(each.subject) in left or str(each.subject) not in had]
        known, obliged = await self._recipients_of(facts), await self._obliged(case, facts)
        nobody = Recipient("", "", language)
        return {
            str(each.subject): letter_to(facts, each, known.get(each.subject, nobody), obliged).text for each in people
        }

    async def _recipients_of(self, facts: Facts) -> dict[int, Recipient]:
        keys = await keys_of(self._services.db, "subject", [each.subject for each in facts.persons])
        found = await self.recipients(list(keys.values()))
        return {number: found[key] for number, key in keys.items() if key in found}

    async def recipients(self, keys: Sequence[str]) -> Mapping[str, Recipient]:
        """Return names and addresses of subjects from the company's own tables."""
        return await recipients_of(self._services, self._settings, keys)

    async def _steps_done(self, case: str, named: Collection[str]) -> frozenset[str]:
        done = await done_steps(self._services.db, case)
        # a letter says that the account has no access any more: of several that must be so of each
        cut = set(named) <= await suspended_in(self._services.db, case)
        return done if cut else done - {"suspend_actor"}

    def company(self) -> Company:
        """Return who writes.

        Raises:
            FactsMissing: the settings do not say.
        """
        catalog = self._services.catalog
        if not self._settings.contact_phone or not self._settings.contact_address:
            raise FactsMissing(
                "the settings do not say who writes (WHOSAW_CONTACT_PHONE, WHOSAW_CONTACT_ADDRESS)",
                hint="set WHOSAW_CONTACT_PHONE and WHOSAW_CONTACT_ADDRESS; the rest is the catalog's",
            )
        return Company(
            name=catalog.company,
            contact_email=catalog.contact,
            contact_phone=self._settings.contact_phone,
            contact_address=self._settings.contact_address,
            mail_domain=catalog.contact.partition("@")[2],
            identity_offer=self._settings.identity_offer,
        )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
