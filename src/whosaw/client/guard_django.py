"""The guard before a Django model.

Guarded fields are deferred for good: what the database sent is dropped as the row is loaded, and reading the attribute
does not load it again. Django leaves deferred fields out when it saves, so nothing hidden is written back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whosaw.client.hidden import GuardRefused, Hidden

_SHOWN = "_whosaw_shown"


class _GuardedAttribute:
    """Stands where Django's own attribute stood: what was set, what was shown, or else what stands in for it."""

    def __init__(self, attname: str, field: str, own: Any) -> None:
        self.attname = attname
        self.field = own.field
        self._named = field
        self._own = own

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self._own
        if self.attname in instance.__dict__:
            return instance.__dict__[self.attname]
        return instance.__dict__.get(_SHOWN, {}).get(self.attname, Hidden(self._named))

    def __set__(self, instance: Any, value: Any) -> None:
        if isinstance(value, Hidden):
            return  # a refreshed instance hands over what stands in for the value: it stays as it is
        instance.__dict__[self.attname] = value


class Modelled:
    """Hides attributes of one Django model."""

    def __init__(self, model: Any, fields: Mapping[str, str], key: str) -> None:
        known = {field.attname: field for field in model._meta.concrete_fields}
        for name in (*fields, *([key] if key else [])):
            if name not in known:
                raise GuardRefused(f"`{model.__name__}` has no field `{name}`")
        self._key = key or model._meta.pk.attname
        if self._key in fields:
            raise GuardRefused(f"`{self._key}` is the key, and cannot be hidden")
        self._fields = dict(fields)
        for name, field in fields.items():
            setattr(model, name, _GuardedAttribute(name, field, getattr(model, name)))
        model.from_db = classmethod(_dropping(model.from_db.__func__, frozenset(fields)))

    def key(self, instance: Any) -> str:
        """Return the company's own key of an instance."""
        return str(getattr(instance, self._key))

    def show(self, instance: Any, attribute: str, value: str | Hidden | None) -> None:
        """Keep a value beside the instance's own fields, so that it is not saved."""
        instance.__dict__.setdefault(_SHOWN, {})[attribute] = value


def _dropping(own: Any, names: frozenset[str]) -> Any:
    def from_db(cls: Any, db: Any, field_names: Any, values: Any, **more: Any) -> Any:
        instance = own(cls, db, field_names, values, **more)
        for name in names:
            instance.__dict__.pop(name, None)
        return instance

    return from_db
