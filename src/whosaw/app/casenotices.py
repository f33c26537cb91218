"""The facts of a case on the server, and everything that is written from them: letters, statements, forms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

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
from whosaw.answer.casequeries import police_holds
from whosaw.answer.clocks import CaseClocks
from whosaw.answer.conflicts import Conflicts
from whosaw.answer.covered import UNMEASURED, Covered
from whosaw.answer.delivery import Sending, send_pending
from whosaw.answer.desk import Desk
from whosaw.answer.dryrun import write_letters
from whosaw.answer.duties import Risk, decide_duties
from whosaw.answer.forms import Course, attorney_general_copy, authority_draft, internal_note, press_text
from whosaw.answer.letters import write_notice
from whosaw.answer.notes import Notes
from whosaw.answer.notices import Recipient, queue_notices
from whosaw.answer.stepqueries import done_steps
from whosaw.app.casequeries import coverage_days
from whosaw.app.casesettings import CaseSettings
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.catalog import Field
from whosaw.catalog.statements import presence_statement, subject_statement
from whosaw.record import entries_by_actor, fsck
from whosaw.store.numbers import assign, keys_of
from whosaw.store.outbox import Outbox
from whosaw.store.relay import Relay


class FactsMissing(AppError, LookupError):
    """A case has no verdict that says whose data got out, or the settings do not say who writes."""

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

    async def facts(self, case: str) -> Facts:
        """Return the facts of a case by its newest verdict and the trail.

        Raises:
            UnknownCase: there is no such case.
            FactsMissing: it has no verdict, or nobody is named by it.
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
        numbers = await assign(services.db, "actor", named)
        payloads = [each.payload for n in numbers.values() async for each in entries_by_actor(services.db, n)]
        whole = await fsck(services.db, services.settings.trail_folder, services.keys.trail.verifier)
        tiers = [scope["certain"], scope["probable"], scope["possible"]]
        subjects = await assign(services.db, "subject", [key for tier in tiers for key in tier])
        certain, probable, possible = (tuple(subjects[key] for key in tier) for tier in tiers)
        labels = {name: label_of(field) for name, field in services.catalog.fields.items()}
        sightings = await SightingBook(services.db).list(case=case)
        shown = exposures(payloads, actors=set(numbers.values()), labels=labels)
        return build_facts(
            Standing(
                case, services.clock.now(), await self._steps_done(case), (await police_holds(services.db, case))[1] > 0
            ),
            self.company(),
            scope=Scope(certain, probable, possible, scope["bound"]),
            sightings=sightings,
            record=Record(shown, whole.ok, labels, covered=await self._covered(shown)),
        )

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
        """Queue and send the letters of a case; return how many stand in which state."""
        await queue_notices(self.outbox, await self.facts(case), self.recipients, clock=self._services.clock)
        smtp = self._services.settings.smtp
        if smtp is not None:
            relay, how = Relay.read(smtp.get_secret_value()), Sending(per_s=self._settings.letters_per_s)
            await send_pending(self.outbox, relay, clock=self._services.clock, how=how)
        return {str(state): count for state, count in (await self.outbox.counts(case)).items()}

    async def forms(  # noqa: PLR0913 - one draft, said whole
        self, case: str, *, high_risk: bool, why: str, by: str, phase: int, missing: tuple[str, ...], late: str
    ) -> NoticeForms:
        """Return the draft for the authority, the press text, the note for colleagues, and the duties by law."""
        services = self._services
        facts = await self.facts(case)
        recipients = await self._recipients_of(facts)
        risk = Risk(high_risk, by, why)
        residence = {number: each.jurisdiction for number, each in recipients.items()}
        duties = decide_duties(facts, residence, risk, facts.as_of.date())
        notes = Notes(services.db, services.clock, services.appender.append)
        aware_at = await Desk(services.db, services.clock, notes, Conflicts(services.db)).aware_since(case)
        clocks = await CaseClocks(services.db, services.clock, notes).list(case)
        due_at = next((each.due_at for each in clocks if each.rule == "eu.gdpr.art33"), None)
        draft = authority_draft(facts, Course(aware_at, due_at, phase, missing, late), risk, duties)
        await notes.add(case, "case.forms", by=by, text=why, more={"change": "high" if high_risk else "not_high"})
        files = {
            "authority.json": _json(draft),
            "press.txt": press_text(facts),
            "colleagues.txt": internal_note(facts),
            "facts.json": _json(facts.as_json()),
        }
        for each in duties:
            if each.to == "attorney_general" and each.required:
                files["attorney-general.json"] = _json(attorney_general_copy(facts, each))
        return NoticeForms(files, tuple(draft["open"]))

    async def dry_run(self, case: str, folder: Path) -> tuple[int, int]:
        """Write every letter into a folder; return how many, and how many people mail cannot reach."""
        facts = await self.facts(case)
        recipients = await self._recipients_of(facts)
        written, unreachable = write_letters(folder, facts, recipients, self._services.clock.now())
        return written, len(unreachable)

    async def for_the_post(self, case: str, language: str) -> Mapping[str, str]:
        """Return the letters that mail did not deliver and nobody has told yet, by subject's number."""
        facts = await self.facts(case)
        left = {each.recipient_key for each in await self.bounces.undelivered(case) if each.done_at is None}
        had = await self.outbox.keys(case)
        people = [each for each in facts.persons if str(each.subject) in left or str(each.subject) not in had]
        known = await self._recipients_of(facts)
        return {
            str(each.subject): write_notice(
                facts, each, name=known[each.subject].name if each.subject in known else "", language=language
            ).text
            for each in people
        }

    async def _recipients_of(self, facts: Facts) -> dict[int, Recipient]:
        keys = await keys_of(self._services.db, "subject", [each.subject for each in facts.persons])
        found = await self.recipients(list(keys.values()))
        return {number: found[key] for number, key in keys.items() if key in found}

    async def recipients(self, keys: Sequence[str]) -> Mapping[str, Recipient]:
        """Return names and addresses of subjects from the company's own tables."""
        catalog = self._services.catalog
        found: dict[str, Recipient] = {}
        for kind in catalog.subjects.values():
            mine = [key.partition(":")[2] for key in keys if key.startswith(f"{kind.name}:")]
            fields = [each for each in catalog.fields.values() if each.subject_kind == kind.name]
            name = next((each for each in fields if label_of(each) == "name"), None)
            email = next((each for each in fields if label_of(each) == "e-mail address"), None)
            if not mine or email is None:
                continue
            asked = [email, *([name] if name else [])]
            source = self._services.sources[kind.source]
            rows = await source.rows(subject_statement(kind, asked), keys=mine)
            places = {
                str(row["key"]): str(row["region"] or "")
                for row in await source.rows(presence_statement(kind), keys=mine)
            }
            for row in rows:
                called, place = str(row["f1"]) if name else "", places.get(str(row["key"]), "")
                language = self._settings.languages.get(place, "en")
                jurisdiction = self._settings.jurisdictions.get(place, place)
                key = f"{kind.name}:{row['key']}"
                found[key] = Recipient(called, str(row["f0"]), language, jurisdiction)
        return found

    async def _steps_done(self, case: str) -> frozenset[str]:
        return await done_steps(self._services.db, case)

    def company(self) -> Company:
        """Return who writes.

        Raises:
            FactsMissing: the settings do not say.
        """
        catalog = self._services.catalog
        if not self._settings.contact_phone or not self._settings.contact_address:
            raise FactsMissing(
                "the settings do not say who writes",
                hint="set WHOSAW_CONTACT_PHONE and WHOSAW_CONTACT_ADDRESS; the rest is the catalog's",
            )
        return Company(
            name=catalog.company,
            contact_email=catalog.contact,
            contact_phone=self._settings.contact_phone,
            contact_address=self._settings.contact_address,
            mail_domain=catalog.contact.partition("@")[2],
        )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def label_of(field: Field) -> str:
    """Return a field in the plain words that every language of the letters knows, by what its column is called."""
    column = field.column.lower()
    for part, label in (
        ("mail", "e-mail address"),
        ("phone", "telephone number"),
        ("mobile", "telephone number"),
        ("address", "postal address"),
        ("street", "postal address"),
        ("iban", "bank account"),
        ("birth", "date of birth"),
        ("password", "password"),
        ("answer", "security answer"),
        ("revenue", "sales figures"),
        ("sales", "sales figures"),
        ("metric", "sales figures"),
        ("name", "name"),
    ):
        if part in column:
            return label
    return field.column.replace("_", " ")
