"""AuthZEN 1.0 bodies, read as the specification asks: what is required must be there, what is unknown is passed over.

Source: OpenID AuthZEN Authorization API 1.0, sections "Information Model", "Access Evaluation API", "Access Evaluations
API", "Subject Search API", "Action Search API". AuthZEN's *subject* is whosaw's actor, its *resource* is whosaw's
subject; purpose and stated reason stand in the *context*, the fields among the properties of action or resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from whosaw.ask.model import ASKS_MOST, STATED_MOST, AskError

Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]
_SEMANTICS: tuple[Semantic, ...] = ("execute_all", "deny_on_first_deny", "permit_on_first_permit")
_TEXT_MOST = 200
_TOKEN_MOST = 1_000


class NotAuthzen(AskError, ValueError):
    """The body is no request of AuthZEN 1.0."""

    code: ClassVar[str] = "ask.not_authzen"
    hint = "subject and resource need `type` and `id`, action needs `name`; see the AuthZEN Authorization API 1.0"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """May this actor do this to that?

    Attributes:
        actor_type: type of AuthZEN's subject.
        actor: its id.
        action: name of the action.
        resource_type: type of the resource.
        resource: its id.
        fields: names of fields, where the properties of action or resource list any.
        purpose: ``ticket:T-1``, where the context has one.
        stated: a reason in words, where the context has one.
    """

    actor_type: str
    actor: str
    action: str
    resource_type: str
    resource: str
    fields: tuple[str, ...] = ()
    purpose: str | None = None
    stated: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluations:
    """Several at once; an item that is none stands as the message that says why.

    Attributes:
        items: in the order of the request; a request without any is the one of its top level.
        single: whether there was no list, so that the answer is a single one.
        semantic: when to stop.
    """

    items: tuple[Evaluation | str, ...]
    single: bool
    semantic: Semantic


@dataclass(frozen=True, slots=True)
class SubjectSearch:
    """Which actors may do this? The id of the actor in `asked` means nothing; `limit` of 0 asks for the count alone."""

    asked: Evaluation
    token: str | None
    limit: int | None


def evaluation_from_json(body: object) -> Evaluation:
    """Read an Access Evaluation request.

    Raises:
        NotAuthzen: something required is missing or of the wrong form.
    """
    return _evaluation(_object(body, "the body"))


def evaluations_from_json(body: object) -> Evaluations:
    """Read an Access Evaluations request; top-level entities stand in, whole, where an item has none.

    Raises:
        NotAuthzen: the body as a whole is none, or it holds more than 100 evaluations.
    """
    top = _object(body, "the body")
    semantic = _semantic(top)
    listed = top.get("evaluations")
    if listed is None or listed == []:
        return Evaluations((_evaluation(top),), single=True, semantic=semantic)
    if not isinstance(listed, list):
        raise NotAuthzen("`evaluations` must be a list")
    if len(listed) > ASKS_MOST:
        raise NotAuthzen(f"`evaluations` holds more than {ASKS_MOST}")
    for key in ("subject", "action", "resource", "context"):
        if key in top:
            _object(top[key], f"`{key}`")
    return Evaluations(tuple(_item(top, each) for each in listed), single=False, semantic=semantic)


def subject_search_from_json(body: object) -> SubjectSearch:
    """Read a Subject Search request; an id of the subject is passed over, as the specification asks.

    Raises:
        NotAuthzen: something required is missing or of the wrong form.
    """
    top = _object(body, "the body")
    asked = _evaluation({**top, "subject": {**_entity(top, "subject"), "id": "-"}})
    page = _object(top.get("page", {}), "`page`")
    token, limit = page.get("token"), page.get("limit")
    if token is not None and (not isinstance(token, str) or len(token) > _TOKEN_MOST):
        raise NotAuthzen("`page.token` must be the `next_token` of a page")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise NotAuthzen("`page.limit` must be a whole number from 0")
    return SubjectSearch(asked, token, limit)


def action_search_from_json(body: object, action: str) -> Evaluation:
    """Read an Action Search request as the question about the one action there is; an action in it is passed over.

    Raises:
        NotAuthzen: something required is missing or of the wrong form.
    """
    top = _object(body, "the body")
    _object(top.get("page", {}), "`page`")
    return _evaluation({**top, "action": {"name": action}})


def _item(top: Mapping[str, Any], item: object) -> Evaluation | str:
    try:
        own = _object(item, "an evaluation")
        return _evaluation(
            {**{key: top[key] for key in ("subject", "action", "resource", "context") if key in top}, **own}
        )
    except NotAuthzen as cause:
        return str(cause)


def _evaluation(said: Mapping[str, Any]) -> Evaluation:
    subject, action, resource = (_entity(said, key) for key in ("subject", "action", "resource"))
    context = _object(said.get("context", {}), "`context`")
    return Evaluation(
        actor_type=_text(subject, "subject", "type"),
        actor=_text(subject, "subject", "id"),
        action=_text(action, "action", "name"),
        resource_type=_text(resource, "resource", "type"),
        resource=_text(resource, "resource", "id"),
        fields=_fields(action, "action") or _fields(resource, "resource"),
        purpose=_optional(context, "purpose", _TEXT_MOST),
        stated=_optional(context, "reason", STATED_MOST),
    )


def _entity(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if key not in said:
        raise NotAuthzen(f"`{key}` is missing")
    entity = _object(said[key], f"`{key}`")
    _object(entity.get("properties", {}), f"`{key}.properties`")
    return entity


def _fields(entity: Mapping[str, Any], key: str) -> tuple[str, ...]:
    listed = entity.get("properties", {}).get("fields")
    if listed is None:
        return ()
    if not isinstance(listed, list) or not all(
        isinstance(name, str) and 0 < len(name) <= _TEXT_MOST for name in listed
    ):
        raise NotAuthzen(f"`{key}.properties.fields` must be a list of names")
    return tuple(dict.fromkeys(listed))


def _semantic(top: Mapping[str, Any]) -> Semantic:
    named = _object(top.get("options", {}), "`options`").get("evaluations_semantic", "execute_all")
    if named not in _SEMANTICS:
        raise NotAuthzen(f"`options.evaluations_semantic` must be one of {', '.join(_SEMANTICS)}")
    return _SEMANTICS[_SEMANTICS.index(named)]


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotAuthzen(f"{where} must be an object")
    return value


def _text(entity: Mapping[str, Any], key: str, member: str) -> str:
    value = entity.get(member)
    if not isinstance(value, str) or not 0 < len(value) <= _TEXT_MOST:
        raise NotAuthzen(f"`{key}.{member}` must be a text of 1 to {_TEXT_MOST} characters")
    return value


def _optional(context: Mapping[str, Any], member: str, most: int) -> str | None:
    """Return a text of the context; one of another form is some other party's, and passed over."""
    value = context.get(member)
    return value if isinstance(value, str) and 0 < len(value) <= most and value.isprintable() else None
