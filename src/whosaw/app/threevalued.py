"""Cedar's conditions where not everything is known: true, false, or open. What is not understood is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final


class _Open:
    """The value that nobody knows yet."""

    def __repr__(self) -> str:
        return "open"


OPEN: Final = _Open()


@dataclass(frozen=True, slots=True)
class Entity:
    """A class or an action as a policy names it."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """A value that is not known, but is one of these."""

    values: frozenset[str]


World = Mapping[str, object]
"""``resource`` and ``principal.roles`` and so on → value; what is absent is open."""


def holds(expression: Any, world: World) -> object:
    """Return the value of an expression in Cedar's JSON: a bool where it is certain, else `OPEN` or another value."""
    if not isinstance(expression, dict) or len(expression) != 1:
        return OPEN
    ((operator, arguments),) = expression.items()
    reader = _OPERATORS.get(operator)
    return OPEN if reader is None else reader(arguments, world)


def _value(arguments: Any, world: World) -> object:
    if isinstance(arguments, dict):
        entity = arguments.get("__entity")
        return Entity(**entity) if entity else OPEN
    return OPEN if isinstance(arguments, list) else arguments


def _variable(arguments: Any, world: World) -> object:
    return world.get(arguments, OPEN)


def _attribute(arguments: Any, world: World) -> object:
    left = arguments["left"]
    return world.get(f"{left['Var']}.{arguments['attr']}", OPEN) if "Var" in left else OPEN


def _set(arguments: Any, world: World) -> object:
    values = [holds(each, world) for each in arguments]
    return OPEN if any(each is OPEN or isinstance(each, OneOf) for each in values) else frozenset(values)


def _and(arguments: Any, world: World) -> object:
    sides = [holds(arguments[side], world) for side in ("left", "right")]
    if False in [each for each in sides if isinstance(each, bool)]:
        return False
    return True if all(each is True for each in sides) else OPEN


def _or(arguments: Any, world: World) -> object:
    sides = [holds(arguments[side], world) for side in ("left", "right")]
    if any(each is True for each in sides):
        return True
    return False if all(each is False for each in sides) else OPEN


def _not(arguments: Any, world: World) -> object:
    value = holds(arguments["arg"], world)
    return not value if isinstance(value, bool) else OPEN


def _equal(arguments: Any, world: World) -> object:
    left, right = holds(arguments["left"], world), holds(arguments["right"], world)
    if left is OPEN or right is OPEN:
        return OPEN
    for one, other in ((left, right), (right, left)):
        if isinstance(one, OneOf):
            if isinstance(other, OneOf):
                return OPEN if one.values & other.values else False
            return _among(one, {other})
    return left == right


def _unequal(arguments: Any, world: World) -> object:
    equal = _equal(arguments, world)
    return not equal if isinstance(equal, bool) else OPEN


def _contains(arguments: Any, world: World) -> object:
    held, sought = holds(arguments["left"], world), holds(arguments["right"], world)
    if not isinstance(held, frozenset) or sought is OPEN:
        return OPEN
    return _among(sought, set(held)) if isinstance(sought, OneOf) else sought in held


def _contains_any(arguments: Any, world: World) -> object:
    held, sought = holds(arguments["left"], world), holds(arguments["right"], world)
    return bool(held & sought) if isinstance(held, frozenset) and isinstance(sought, frozenset) else OPEN


def _contains_all(arguments: Any, world: World) -> object:
    held, sought = holds(arguments["left"], world), holds(arguments["right"], world)
    return sought <= held if isinstance(held, frozenset) and isinstance(sought, frozenset) else OPEN


def _in(arguments: Any, world: World) -> object:
    left, right = holds(arguments["left"], world), holds(arguments["right"], world)
    if not isinstance(left, Entity):
        return OPEN
    if isinstance(right, frozenset):
        return left in right
    return left == right if isinstance(right, Entity) else OPEN


def _is_empty(arguments: Any, world: World) -> object:
    held = holds(arguments["arg"], world)
    return not held if isinstance(held, frozenset) else OPEN


def _choose(arguments: Any, world: World) -> object:
    condition = holds(arguments["if"], world)
    if isinstance(condition, bool):
        return holds(arguments["then" if condition else "else"], world)
    branches = [holds(arguments[each], world) for each in ("then", "else")]
    return branches[0] if isinstance(branches[0], bool) and branches[0] is branches[1] else OPEN


def _among(value: OneOf, values: set[Any]) -> object:
    if not value.values & values:
        return False
    return True if value.values <= values else OPEN


_OPERATORS: Mapping[str, Callable[[Any, World], object]] = {
    "Value": _value,
    "Var": _variable,
    ".": _attribute,
    "Set": _set,
    "&&": _and,
    "||": _or,
    "!": _not,
    "==": _equal,
    "!=": _unequal,
    "contains": _contains,
    "containsAny": _contains_any,
    "containsAll": _contains_all,
    "in": _in,
    "isEmpty": _is_empty,
    "if-then-else": _choose,
}
