"""Protected attributes of a company's own models: hidden until the door has shown them.

    customers = guard(Customer, "customer", {"email": "customer.email", "phone": "customer.phone"})

From then on a loaded `Customer` holds no e-mail address: ``customer.email`` reads ``•••`` until ``customers.disclose``
has asked the door for it. What the database sent is dropped as the row is loaded, so no template, log line or debugger
meets it by accident; what is hidden is never written back. It keeps honest code honest: somebody who writes SQL past
the models is stopped by the database's own rights, not by this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from whosaw.client.aio import AsyncClient
from whosaw.client.hidden import DOTS, GuardRefused, Hidden
from whosaw.client.sync import Client
from whosaw.client.values import Answer, Denied, Masked, Refused, Value


class Backing(Protocol):
    """How one kind of model hides and shows its attributes."""

    def key(self, instance: Any) -> str:
        """Return the company's own key of an instance."""

    def show(self, instance: Any, attribute: str, value: str | Hidden | None) -> None:
        """Put a value, or what stands in for it, into an instance; it is not written to the database by that."""


class Guard:
    """The guard before one model. Any number of threads may use it; an instance belongs to one, as always."""

    def __init__(self, kind: str, fields: Mapping[str, str], backing: Backing) -> None:
        self.kind = kind
        self.fields = dict(fields)
        self._backing = backing

    def subject(self, instance: Any) -> str:
        """Return whom an instance is about, as ``customer:C-1``."""
        return f"{self.kind}:{self._backing.key(instance)}"

    def disclose(
        self,
        door: Client,
        instance: Any,
        attributes: Sequence[str] = (),
        purpose: str | None = None,
        *,
        reason: str | None = None,
    ) -> Answer | Denied:
        """Ask the door and put what it shows into `instance`; what it masks or refuses stays hidden, with the rule.

        Args:
            door: of the person who looks.
            instance: of the guarded model.
            attributes: which; none means all that are guarded.
            purpose: the work it is for, ``ticket:T-1``.
            reason: why, in words, where a limit asks for it.

        Raises:
            GuardRefused: an attribute is not guarded.
            DoorError: the door did not answer; everything stays hidden.
        """
        names = self._names(attributes)
        answer = door.disclose(self.subject(instance), [self.fields[name] for name in names], purpose, reason=reason)
        return self._put(instance, names, answer)

    async def adisclose(
        self,
        door: AsyncClient,
        instance: Any,
        attributes: Sequence[str] = (),
        purpose: str | None = None,
        *,
        reason: str | None = None,
    ) -> Answer | Denied:
        """Do what `disclose` does, through an asynchronous client."""
        names = self._names(attributes)
        fields = [self.fields[name] for name in names]
        answer = await door.disclose(self.subject(instance), fields, purpose, reason=reason)
        return self._put(instance, names, answer)

    def _names(self, attributes: Sequence[str]) -> list[str]:
        unknown = [name for name in attributes if name not in self.fields]
        if unknown:
            known = ", ".join(self.fields)
            raise GuardRefused(f"`{unknown[0]}` is not guarded", hint=f"guarded: {known}")
        return list(attributes or self.fields)

    def _put(self, instance: Any, names: Sequence[str], answer: Answer | Denied) -> Answer | Denied:
        for name in names:
            field = self.fields[name]
            value: Value = Refused(answer.reason) if isinstance(answer, Denied) else answer.fields[field]
            if isinstance(value, Masked):
                self._backing.show(instance, name, Hidden(field, value.presentation, value.rule))
            elif isinstance(value, Refused):
                self._backing.show(instance, name, Hidden(field, DOTS, value.rule))
            else:
                self._backing.show(instance, name, value)
        return answer


def guard(model: type, kind: str, fields: Mapping[str, str], *, key: str = "") -> Guard:
    """Hide attributes of `model` until the door has shown them.

    Args:
        model: a mapped SQLAlchemy class (2.0 or newer) or a Django model.
        kind: kind of subject in the catalog, ``customer``.
        fields: attribute of the model → field of the catalog.
        key: the attribute that holds the company's own key; default the primary key, if it is one column.

    Raises:
        GuardRefused: it is no such class, lacks an attribute, or is guarded already.
    """
    if not fields:
        raise GuardRefused("a guard before no attribute", hint='name them: {"email": "customer.email"}')
    if "__whosaw_guard__" in vars(model):
        raise GuardRefused(f"`{model.__name__}` is guarded already")
    made = Guard(kind, fields, _backing(model, fields, key))
    model.__whosaw_guard__ = made  # type: ignore[attr-defined]
    return made


def _backing(model: type, fields: Mapping[str, str], key: str) -> Backing:
    # each library is imported only where the model is of its kind
    if hasattr(model, "__mapper__"):
        from whosaw.client.guard_sqlalchemy import Mapped

        return Mapped(model, fields, key)
    if hasattr(model, "_meta") and hasattr(model, "from_db"):
        from whosaw.client.guard_django import Modelled

        return Modelled(model, fields, key)
    raise GuardRefused(f"`{model.__name__}` is neither a mapped SQLAlchemy class nor a Django model")
