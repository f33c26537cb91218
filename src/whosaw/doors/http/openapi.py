"""The OpenAPI document of the door, from one table: every route, what goes in, every answer, with examples."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from whosaw import __version__
from whosaw.doors.http import authzenmodels as authzen
from whosaw.doors.http import examples, models
from whosaw.doors.http import peoplemodels as people

_REF = "#/components/schemas/{model}"
_ALWAYS = {401: "no token, or one that is none", 429: "too many requests, or too many tokens that were none"}
_BODY = {400: "not JSON in UTF-8", 408: "the body came too slowly", 413: "too large", 422: "not what the route takes"}
_DOWN = {503: "nothing was revealed and nothing was done: it could not be recorded"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        path: as OpenAPI writes it.
        method: in lower case.
        summary: one line.
        asks: form of the body, or None.
        answers: form of the good answer.
        status: of the good answer.
        example: of the body.
        problems: status of further problems → when.
        token: whether a token is needed.
        keyed: whether an ``Idempotency-Key`` is taken.
        query: names of the parameters of the query string → their schema.
    """

    path: str
    method: str
    summary: str
    answers: type[BaseModel]
    asks: type[BaseModel] | None = None
    status: int = 200
    example: Mapping[str, object] | None = None
    problems: Mapping[int, str] = field(default_factory=dict)
    token: bool = True
    keyed: bool = False
    query: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


_DENIED = {403: "decided and recorded: nothing is shown or allowed"}
_REFUSED = {403: "this person may not; an attempt to decide is recorded"}
_GONE = {404: "there is none of this number"}
_PAGED: Mapping[str, Mapping[str, object]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
    "cursor": {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"},
}
_WHOSE: Mapping[str, Mapping[str, object]] = {
    "whose": {"type": "string", "enum": ["mine", "waiting"], "default": "mine"}
}
_BAD_QUERY = {400: "the query string holds what this route does not take"}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "/v1/disclosures", "post", "Ask for fields of one subject", models.Disclosure, models.DisclosureAsk,
        example=examples.DISCLOSURE, problems=_DENIED, keyed=True,
    ),
    Operation(
        "/v1/disclosures/bulk", "post", "Ask for the same fields of many subjects", models.BulkDisclosure,
        models.BulkAsk, example=examples.BULK, problems=_DENIED, keyed=True,
    ),
    Operation(
        "/v1/lookups", "post", "Ask whose an exact value is", models.LookedUp, models.LookupAsk,
        example=examples.LOOKUP, problems=_DENIED, keyed=True,
    ),
    Operation(
        "/v1/actions", "post", "Ask to do something", models.Allowed, models.ActionAsk,
        example=examples.ACTION, problems=_DENIED, keyed=True,
    ),
    Operation(
        "/v1/grants", "post", "Ask for access that others must approve", people.Grant, people.GrantAsk, 201,
        example=examples.GRANT, problems=_REFUSED, keyed=True,
    ),
    Operation(
        "/v1/grants", "get", "List grants: one's own, or the requests one may decide", people.GrantPage,
        problems=_REFUSED | _BAD_QUERY, query={**_PAGED, **_WHOSE},
    ),
    Operation(
        "/v1/grants/{number}/approve", "post", "Approve a request", people.Grant, people.Word,
        example=examples.WORD, problems=_REFUSED | _GONE,
    ),
    Operation(
        "/v1/grants/{number}/refuse", "post", "Refuse a request", people.Grant, people.ReasonedWord,
        example=examples.WORD, problems=_REFUSED | _GONE,
    ),
    Operation(
        "/v1/grants/{number}/revoke", "post", "End a grant before its time", people.Grant, people.ReasonedWord,
        example=examples.WORD, problems=_REFUSED | _GONE,
    ),
    Operation(
        "/v1/break-glass", "post", "Take access now, against policy", people.Glass, people.GlassAsk, 201,
        example=examples.GLASS, problems=_REFUSED, keyed=True,
    ),
    Operation(
        "/v1/break-glass", "get", "List broken glass: one's own, and what one may review", people.GlassPage,
        problems=_REFUSED | _BAD_QUERY, query=_PAGED,
    ),
    Operation(
        "/v1/break-glass/{number}/review", "post", "Say whether it was justified", people.Glass, people.GlassReview,
        example=examples.REVIEW, problems=_REFUSED | _GONE,
    ),
    Operation(
        "/v1/break-glass/{number}/close", "post", "End one's own access before its time", people.Glass, people.Nothing,
        example={}, problems=_REFUSED | _GONE,
    ),
    Operation(
        "/v1/suspensions", "post", "Stop somebody at every door", people.SuspensionChange, people.SuspensionAsk,
        example=examples.SUSPENSION, problems=_REFUSED,
    ),
    Operation(
        "/v1/suspensions", "get", "List who is stopped", people.SuspendedList, problems=_REFUSED | _BAD_QUERY,
    ),
    Operation(
        "/v1/suspensions/{actor}/lift", "post", "Let somebody in again", people.SuspensionChange, people.ReasonedWord,
        example=examples.WORD, problems=_REFUSED | {404: "nobody is named so"},
    ),
    Operation(
        "/v1/sightings", "post", "Report that somebody's data turned up outside", models.SightingTaken,
        models.SightingAsk, example=examples.SIGHTING, keyed=True,
        problems={403: "without the role for it", 404: "the company knows nobody of this key"},
    ),
    Operation("/v1/me", "get", "Say who asks, and how he stands", people.Me, problems=_BAD_QUERY),
    Operation(
        "/v1/conduct", "get", "Show the code of conduct in force", people.Conduct, problems=_REFUSED | _BAD_QUERY,
    ),
    Operation(
        "/v1/conduct/acknowledgements", "post", "Acknowledge the code of conduct", people.Acknowledged,
        people.Acknowledgement, example={}, problems=_REFUSED,
    ),
    Operation(
        "/access/v1/evaluation", "post", "AuthZEN: answer one question", authzen.Decision, authzen.EvaluationAsk,
        example=examples.EVALUATION, problems={403: "about others than oneself, without the role for it"},
    ),
    Operation(
        "/access/v1/evaluations", "post", "AuthZEN: answer several questions", authzen.Decisions,
        authzen.EvaluationsAsk, example=examples.EVALUATIONS,
        problems={403: "about others than oneself, without the role for it"},
    ),
    Operation(
        "/access/v1/search/subject", "post", "AuthZEN: who could see this subject?", authzen.SearchAnswer,
        authzen.SearchAsk, example=examples.SEARCH, problems={403: "without the role for it"},
    ),
    Operation(
        "/access/v1/search/action", "post", "AuthZEN: what may this actor do with this subject?",
        authzen.ActionSearchAnswer, authzen.ActionSearchAsk, example=examples.ACTION_SEARCH,
        problems={403: "about others than oneself, without the role for it"},
    ),
    Operation(
        "/.well-known/authzen-configuration", "get", "AuthZEN: where the endpoints are", authzen.Configuration,
        problems=_BAD_QUERY, token=False,
    ),
    Operation("/healthz", "get", "Whether the server answers", models.Health, token=False),
)  # fmt: skip


def document() -> dict[str, Any]:
    """Return the document, as OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "whosaw",
            "version": __version__,
            "description": "No customer's value leaves without a checked reason and a durable record of who saw it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def encoded() -> bytes:
    """Return the document as it is served."""
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": _name(operation),
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": {
            str(operation.status): {
                "description": "done",
                "headers": {"X-Request-Id": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": _ref(operation.answers)}},
            },
            **_problems(operation),
        },
    }
    if operation.token:
        described["security"] = [{"token": []}]
    if operation.asks is not None:
        content: dict[str, Any] = {"schema": _ref(operation.asks)}
        if operation.example is not None:
            content["example"] = operation.example
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _problems(operation: Operation) -> dict[str, Any]:
    told: dict[int, str] = dict(_DOWN)
    if operation.token:
        told |= _ALWAYS
    if operation.asks is not None:
        told |= _BODY
    elif operation.token:
        told |= {422: "a parameter of the path or the query is none"}
    told |= operation.problems
    return {
        str(status): {
            "description": when,
            "content": {
                "application/problem+json": {"schema": _ref(models.Denied if status == 403 else models.Problem)}
            },
        }
        for status, when in sorted(told.items())
    }


def _path_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    if "{number}" in operation.path:
        schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
        yield {"name": "number", "in": "path", "required": True, "schema": schema}
    if "{actor}" in operation.path:
        schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[A-Za-z0-9_.@-]+$"}
        yield {"name": "actor", "in": "path", "required": True, "schema": schema}


def _query_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for name, schema in operation.query.items():
        yield {"name": name, "in": "query", "required": False, "schema": dict(schema)}


def _header_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    if operation.keyed:
        schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,128}$"}
        yield {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema}


def _schemas() -> dict[str, Any]:
    used = {operation.answers for operation in OPERATIONS} | {each.asks for each in OPERATIONS if each.asks}
    used |= {models.Problem, models.Denied}
    ordered = sorted(used, key=lambda model: (model.__module__, model.__name__))
    _, definitions = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)
    return dict(definitions["$defs"])


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _name(operation: Operation) -> str:
    words = operation.path.strip("/.").replace("{", "").replace("}", "").replace("-", "_").replace(".", "")
    return f"{operation.method}_{words.replace('/', '_')}"
