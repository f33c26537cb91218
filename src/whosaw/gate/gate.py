"""The hot path as doors see it: asks of each kind checked for their form, batched, and answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from whosaw.ask import ActionAsk, Ask, BulkAsk, LookupAsk
from whosaw.catalog import Catalog, Source
from whosaw.decide import Decision, Facts, PolicyHolder
from whosaw.gate.acting import Acting, Deed
from whosaw.gate.aliasing import Aliasing
from whosaw.gate.batching import Batcher, nothing_more
from whosaw.gate.budgets import Budgets
from whosaw.gate.bulk import Bulk
from whosaw.gate.deciding import Deciding, Parts
from whosaw.gate.disclosing import Committed, Disclosing, Disclosure, Evaluation
from whosaw.gate.facts import FactFinder
from whosaw.gate.form import Form
from whosaw.gate.friction import Friction
from whosaw.gate.judged import Judged
from whosaw.gate.lookups import Found, LookingUp
from whosaw.gate.notifying import Notifying
from whosaw.gate.numbering import Numbering
from whosaw.record import Appender
from whosaw.store import Database


class Gate:
    """The hot path over one trail and one catalog. Any number of tasks of one event loop may call it.

    Every method raises `AskInvalid` where an ask names what the catalog does not have, and a `WhosawError` where a
    database failed or the entry could not be made durable: then nothing was revealed and nothing is allowed.
    """

    def __init__(
        self, db: Database, appender: Appender, catalog: Catalog, sources: Mapping[str, Source], policies: PolicyHolder
    ) -> None:
        budgets, numbering = Budgets(db, catalog), Numbering(db)
        self.friction = Friction(db, appender, catalog, budgets, numbering)
        parts = Parts(
            db=db,
            appender=appender,
            catalog=catalog,
            sources=sources,
            policies=policies,
            facts=FactFinder(db, catalog, sources),
            budgets=budgets,
            numbering=numbering,
            notifying=Notifying(db),
            aliasing=Aliasing(db, catalog),
            friction=self.friction,
        )
        deciding = Deciding(parts)
        self._form = Form(catalog)
        self._deciding = deciding
        self._disclosing = Disclosing(parts, deciding)
        self._acting = Acting(parts, deciding)
        self._bulk = Bulk(parts, deciding)
        self._looking_up = LookingUp(parts, deciding)
        self._disclosures: Batcher[Ask, Committed, Disclosure] = Batcher(
            self._disclosing.commit, self._disclosing.reveal
        )
        self._evaluations: Batcher[Ask, Sequence[Evaluation], Evaluation] = Batcher(
            self._disclosing.evaluate, nothing_more
        )
        self._deeds: Batcher[ActionAsk, Sequence[Deed], Deed] = Batcher(self._acting.act, nothing_more)

    async def disclose(self, ask: Ask) -> Disclosure:
        """Answer one ask; it may travel with others that wait."""
        self._form.ask(ask)
        return await self._disclosures.submit(ask)

    async def disclose_many(self, asks: Sequence[Ask]) -> list[Disclosure]:
        """Answer many asks at once: same checks, same decision, same record as one by one."""
        for ask in asks:
            self._form.ask(ask)
        return await self._disclosing.disclose(asks) if asks else []

    async def disclose_bulk(self, ask: BulkAsk) -> list[Disclosure]:
        """Answer about every subject of one ask, in its order."""
        self._form.bulk(ask)
        return await self._bulk.disclose(ask)

    async def evaluate(self, ask: Ask) -> Evaluation:
        """Say what one ask would be answered, after recording that it was asked; nothing is shown."""
        self._form.ask(ask)
        return await self._evaluations.submit(ask)

    async def evaluate_many(self, asks: Sequence[Ask]) -> list[Evaluation]:
        """Say what many asks would be answered, at most 100 at once."""
        self._form.asks(asks)
        return await self._disclosing.evaluate(asks) if asks else []

    async def consider(self, ask: Ask) -> Judged:
        """Return what would be decided and on what facts, unrecorded: for explanations to whoever runs whosaw."""
        self._form.ask(ask)
        return await self._deciding.consider(ask)

    async def consider_action(self, ask: ActionAsk) -> tuple[Facts, Decision]:
        """Return the same for an action."""
        self._form.action(ask)
        return await self._acting.consider(ask)

    async def consider_lookup(self, ask: LookupAsk) -> tuple[Facts, Decision]:
        """Return the same for a lookup, up to where its value would be sought."""
        self._form.lookup(ask)
        return await self._looking_up.consider(ask)

    async def lookup(self, ask: LookupAsk) -> Found:
        """Say whose an exact value is, where the asker may know."""
        self._form.lookup(ask)
        return await self._looking_up.lookup(ask)

    async def act(self, ask: ActionAsk) -> Deed:
        """Decide and record one action; the caller carries it out only if the outcome is ``allow``."""
        self._form.deed(ask)
        return await self._deeds.submit(ask)

    async def act_many(self, asks: Sequence[ActionAsk]) -> list[Deed]:
        """Decide and record many actions at once."""
        for ask in asks:
            self._form.deed(ask)
        return await self._acting.act(asks) if asks else []
