"""Persons who do not exist: planned, signed up in the shop like anybody, touched by somebody without work, and told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from whosaw.app.canaries import Canaries
from whosaw.app.demo.ground import Ground
from whosaw.app.demo.told import Teller
from whosaw.app.services import Services
from whosaw.ask import Ask, new_ask_id
from whosaw.gate import Disclosure
from whosaw.market import Size, draw_newcomers, sign_up
from whosaw.store.alerts import alerts
from whosaw.terms import PurposeRef, SubjectRef, chance
from whosaw.watch.canaries import Place, Suspected, plan

_PLACE = "customers"
_TAKEN_OF, _POWER = 20, 0.9  # suspected: somebody copies one customer in twenty


class CanaryScene:
    """The scene in two parts: planting before work begins, the touch after it."""

    def __init__(self, services: Services, teller: Teller, ground: Ground, size: Size, seed: int) -> None:
        self._services = services
        self._teller = teller
        self._ground = ground
        self._size = size
        self._seed = seed
        self._canaries: list[SubjectRef] = []

    async def plant(self) -> None:
        """Plan how many, and let so many sign up."""
        taken = self._size.customers // _TAKEN_OF
        (planned,) = plan([Place(_PLACE, self._size.customers)], Suspected(taken=taken), _POWER)
        canaries, newcomers = Canaries(self._services), []
        for each in draw_newcomers(self._seed, self._size, planned.canaries):
            subject = SubjectRef("customer", each.key)
            like = re.sub(r"[^a-z.]", "", each.name.lower().replace(" ", "."))[:30].strip(".")
            address = await canaries.add(subject, _PLACE, by="officer:privacy", like=like)
            newcomers.append(replace(each, email=address))
            self._canaries.append(subject)
        sign_up(self._ground.shop_url, newcomers, self._services.clock.now())
        self._teller.line(
            f"{len(newcomers)} of its {self._size.customers + len(newcomers):,} customers do not exist: who copies "
            f"{taken:,} takes one of them along with probability {chance(planned.power, 2)}"
        )

    async def touch(self, actor: str, purpose: PurposeRef, customer: SubjectRef) -> None:
        """Let somebody open a canary without work, and tell what follows.

        Args:
            actor: who.
            purpose: his own work.
            customer: whom it is about.
        """
        services = self._services
        await services.gate.friction.refresh(services.clock.now())  # a running server does so every second
        somebody = SubjectRef("customer", "C-000001")
        like_any = await self._disclose(actor, somebody, None)
        touched = await self._disclose(actor, self._canaries[0], None)
        same = like_any.decision == touched.decision
        after = await self._disclose(actor, customer, purpose)
        said = await self._disclose(actor, customer, purpose, stated="the customer is on the telephone now")
        await Canaries(services).alarm()
        told = [each for each in await alerts(services.db) if each.code == "canary.hit"]
        named = ", ".join(sorted({f"entry {each.about['entry']}" for each in told}))
        self._teller.line(
            f"canary: {actor} opens somebody who does not exist, without work: answered "
            f"{'like anybody else' if same else 'otherwise'} ({touched.decision.reason}); his next ask, with a ticket: "
            f"{_effect(after)} ({after.decision.reason}), and {_effect(said)} once he says why"
        )
        self._teller.line(
            f"alarm: canary.hit names {named or 'nothing'} and nobody; nothing in the trail says who is one"
        )

    async def _disclose(
        self, actor: str, customer: SubjectRef, purpose: PurposeRef | None, stated: str | None = None
    ) -> Disclosure:
        at = self._services.clock.now()
        return await self._services.gate.disclose(
            Ask(actor, customer, ("customer.email",), purpose, "console", at, new_ask_id(), stated)
        )


def _effect(answer: Disclosure) -> str:
    effects: Sequence[str] = [item.effect for item in answer.decision.fields]
    return {"reveal": "shown", "mask": "masked", "alias": "aliased", "deny": "refused"}[effects[0]]
