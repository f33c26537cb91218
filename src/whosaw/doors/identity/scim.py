"""The SCIM 2.0 server (RFC 7643, 7644): staff and groups, as the company's identity provider keeps them."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import ValidationError
from scim2_models import (
    Context,
    InvalidValueException,
    ListResponse,
    PatchOp,
    ResponseParameters,
    SCIMException,
    SearchRequest,
    TooManyException,
)
from scim2_models.path import CompareOperator, Comparison
from starlette.requests import Request
from starlette.responses import Response

from whosaw.doors.identity import scimmodels as models
from whosaw.doors.identity.scimbody import body, error_response, json_response, refused_response
from whosaw.gate.identitycredentials import CredentialRefused, Credentials
from whosaw.gate.identitystaff import NoSuchStaff, Order, Staff, StaffChanged, StaffConflict
from whosaw.gate.identitystaffqueries import By, Group, Person
from whosaw.terms import WhosawError

_LOG = logging.getLogger(__name__)
_SCANNED_MOST = 10_000
_PART = 500
_TAG = re.compile(r'(?:W/)?"([0-9]{1,18})"')
_QUERY = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes")
# the kind of resource is a value here, and mypy reads an index of a class as a type
_SEARCH: Any = SearchRequest
_LIST: Any = ListResponse
_SHOWN: Any = ResponseParameters
_PATCH: Any = PatchOp
_Answer = Callable[[Request, str], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of resource is read and shown."""

    model: Any
    by: dict[str, str]
    read: Callable[[By, int, int], Awaitable[list[Any]]]
    show: Callable[[Any, str], Any]
    count: Callable[[], Awaitable[int]]


class ScimDoor:
    """Routes under ``/scim/v2``. Who changes staff is who the credential says."""

    def __init__(self, staff: Staff, credentials: Credentials, *, key: str = "userName", public_url: str = "") -> None:
        """Make the door; `router` holds its routes.

        Args:
            staff: keeps and records what is sent.
            credentials: of the providers.
            key: which attribute is the actor's key.
            public_url: whosaw's address as its clients write it; empty means as each request writes it.
        """
        self._staff = staff
        self._credentials = credentials
        self._key = key
        self._public = public_url.rstrip("/")
        self._kinds = {
            "Users": _Kind(
                models.User,
                {"id": "id", "username": "user_name", "externalid": "external_id"},
                lambda by, most, skip: staff.persons(by, most=most, skip=skip),
                models.user_of,
                self._people,
            ),
            "Groups": _Kind(
                models.StaffGroup,
                {"id": "id", "displayname": "name", "externalid": "external_id"},
                lambda by, most, skip: staff.groups(by, most=most, skip=skip),
                models.group_of,
                self._groups,
            ),
        }
        self.router = APIRouter()
        for name in self._kinds:
            self._add(f"/{name}", {"GET": self._list(name), "POST": self._create(name)})
            self._add(f"/{name}/.search", {"POST": self._list(name)})
            self._add(
                f"/{name}/{{id}}",
                {
                    "GET": self._read(name),
                    "PUT": self._change(name, patch=False),
                    "PATCH": self._change(name, patch=True),
                    "DELETE": self._delete(name),
                },
            )
        self._add("/.search", {"POST": self._search})
        self._add("/ServiceProviderConfig", {"GET": self._config})
        for name in ("Schemas", "ResourceTypes"):
            self._add(f"/{name}", {"GET": self._described(name)})
            self._add(f"/{name}/{{id}}", {"GET": self._described(name)})
        self._add("/{rest:path}", {})

    def _add(self, path: str, answers: dict[str, _Answer]) -> None:
        async def endpoint(request: Request) -> Response:
            try:
                by = await self._credentials.check(request.headers.get("authorization", ""))
                if not answers:
                    return error_response(404, "there is no such resource")
                answer = answers.get(request.method)
                if answer is None:
                    return error_response(405, "this resource does not take that method")
                return await answer(request, by)
            except (SCIMException, ValidationError) as problem:
                return refused_response(problem)
            except WhosawError as problem:
                return _failed(problem)

        # every method, so that each refusal has SCIM's form
        self.router.add_route("/scim/v2" + path, endpoint, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])

    def _list(self, name: str) -> _Answer:
        kind = self._kinds[name]

        async def answer(request: Request, _by: str) -> Response:
            if request.method == "POST":
                sent, context = await body(request), Context.SEARCH_REQUEST
            else:
                sent, context = dict(_query(request)), Context.DEFAULT
            asked = _SEARCH[kind.model].model_validate(sent, scim_ctx=context, scim_policy=models.POLICY)
            page = min(models.PAGE_MOST, models.PAGE_MOST if asked.count is None else asked.count)
            skip, base = asked.start_index_0 or 0, self._base(request)
            by = _by_equality(asked, kind)
            if asked.sort_by is None and asked.filter is None:
                total = await kind.count()
                found = [kind.show(each, base) for each in await kind.read(None, page, skip)] if page else []
            else:
                matched = [each async for each in self._scan(kind, by, base, asked)]
                total, found = len(matched), asked.sort(matched)[skip:]
            return _listed(_LIST[kind.model], asked, total, found)

        return answer

    async def _search(self, request: Request, _by: str) -> Response:
        """Search people and groups together."""
        both = models.User | models.StaffGroup
        asked = _SEARCH[both].model_validate(
            await body(request), scim_ctx=Context.SEARCH_REQUEST, scim_policy=models.POLICY
        )
        matched: list[Any] = []
        for kind in self._kinds.values():
            matched += [each async for each in self._scan(kind, _by_equality(asked, kind), self._base(request), asked)]
        return _listed(_LIST[both], asked, len(matched), asked.sort(matched)[asked.start_index_0 or 0 :])

    async def _scan(self, kind: _Kind, by: By, base: str, asked: Any) -> AsyncIterator[Any]:
        """Yield everything that the filter lets through; `by` is what the database could already look up."""
        if by is None and await kind.count() > _SCANNED_MOST:
            raise TooManyException(detail="filter by id, userName, displayName or externalId with eq")
        skip = 0
        while True:
            part = await kind.read(by, _PART, skip)
            for each in part:
                shown = kind.show(each, base)
                if asked.filter is None or asked.filter.match(shown):
                    yield shown
            if len(part) < _PART:
                return
            skip += _PART

    def _create(self, name: str) -> _Answer:
        kind = self._kinds[name]

        async def answer(request: Request, by: str) -> Response:
            sent = kind.model.model_validate(
                await body(request), scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=models.POLICY
            )
            made: Person | Group
            if name == "Users":
                made = await self._staff.add_person(models.draft_of(sent, self._key), Order(f"scim:{by}"))
            else:
                made = await self._staff.add_group(models.group_draft_of(sent), Order(f"scim:{by}"))
            return self._shown(request, kind, made, Context.RESOURCE_CREATION_RESPONSE, 201)

        return answer

    def _read(self, name: str) -> _Answer:
        kind = self._kinds[name]

        async def answer(request: Request, _by: str) -> Response:
            identifier = _identifier(request)
            found: Person | Group = await (
                self._staff.person(identifier) if name == "Users" else self._staff.group(identifier)
            )
            if found.version in (_versions(request.headers.get("if-none-match")) or ()):
                return Response(status_code=304, headers={"ETag": models.version_of(found)})
            return self._shown(request, kind, found, Context.RESOURCE_QUERY_RESPONSE)

        return answer

    def _change(self, name: str, *, patch: bool) -> _Answer:
        kind = self._kinds[name]
        context = Context.RESOURCE_PATCH_RESPONSE if patch else Context.RESOURCE_REPLACEMENT_RESPONSE

        async def answer(request: Request, by: str) -> Response:
            identifier, sent, base = _identifier(request), await body(request), self._base(request)
            order = Order(f"scim:{by}", _versions(request.headers.get("if-match")))

            def made_of(old: Any) -> Any:
                shown = kind.show(old, base)
                return _patched(kind.model, shown, sent) if patch else _replaced(kind.model, shown, sent)

            changed: Person | Group
            if name == "Users":
                changed = await self._staff.change_person(
                    identifier, lambda old: models.draft_of(made_of(old), self._key), order
                )
            else:
                changed = await self._staff.change_group(
                    identifier, lambda old: models.group_draft_of(made_of(old)), order
                )
            return self._shown(request, kind, changed, context)

        return answer

    def _delete(self, name: str) -> _Answer:
        async def answer(request: Request, by: str) -> Response:
            order = Order(f"scim:{by}", _versions(request.headers.get("if-match")))
            remove = self._staff.remove_person if name == "Users" else self._staff.remove_group
            await remove(_identifier(request), order)
            return Response(status_code=204)

        return answer

    def _described(self, name: str) -> _Answer:
        async def answer(request: Request, _by: str) -> Response:
            base = self._base(request)
            if "filter" in request.query_params:  # RFC 7644, 4: such a request SHALL be refused
                return error_response(403, "these resources cannot be filtered")
            found: list[Any] = models.schemas(base) if name == "Schemas" else list(models.resource_types(base))
            told = [each.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE) for each in found]
            wanted = request.path_params.get("id")
            if wanted is not None:
                one = next((each for each in told if str(each["id"]).lower() == wanted.lower()), None)
                return error_response(404, "there is no such resource") if one is None else json_response(one)
            return json_response(
                {
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                    "totalResults": len(told),
                    "startIndex": 1,
                    "itemsPerPage": len(told),
                    "Resources": told,
                }
            )

        return answer

    async def _config(self, request: Request, _by: str) -> Response:
        told = models.provider_config(self._base(request))
        return json_response(told.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))

    def _shown(
        self, request: Request, kind: _Kind, thing: Person | Group, context: Context, status: int = 200
    ) -> Response:
        shown = kind.show(thing, self._base(request))
        asked = _SHOWN[kind.model].model_validate(
            {name: value for name, value in _query(request).items() if "ttributes" in name}, scim_policy=models.POLICY
        )
        told = shown.model_dump(scim_ctx=context, response_parameters=asked, scim_policy=models.POLICY)
        headers = {"ETag": models.version_of(thing), "Location": shown.meta.location}
        return json_response(told, status, headers)

    def _base(self, request: Request) -> str:
        return f"{self._public or str(request.base_url).rstrip('/')}/scim/v2"

    async def _people(self) -> int:
        return (await self._staff.counts())[0]

    async def _groups(self) -> int:
        return (await self._staff.counts())[1]


def _patched(model: Any, shown: Any, sent: dict[str, Any]) -> Any:
    patch = _PATCH[model].model_validate(sent, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=models.POLICY)
    patch.patch(shown, scim_policy=models.POLICY)
    return shown


def _replaced(model: Any, shown: Any, sent: dict[str, Any]) -> Any:
    made = model.model_validate(sent, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=models.POLICY)
    made.replace(shown)
    return made


def _listed(kind: Any, asked: Any, total: int, found: list[Any]) -> Response:
    """Return one page of what was found, of which `found` is everything from the page's start on."""
    page = found[: min(models.PAGE_MOST, models.PAGE_MOST if asked.count is None else asked.count)]
    told = kind(
        total_results=total, start_index=(asked.start_index_0 or 0) + 1, items_per_page=len(page), resources=page
    )
    shown = told.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=asked)
    return json_response({"Resources": [], **shown})


def _query(request: Request) -> dict[str, str]:
    found = {name: request.query_params[name] for name in _QUERY if name in request.query_params}
    if any("\x00" in value or len(value) > 4_000 for value in found.values()):
        raise InvalidValueException(detail="a parameter cannot be read")
    return found


def _by_equality(asked: Any, kind: _Kind) -> By:
    """Return the one equality that a filter consists of, if the database can look it up."""
    node = asked.filter.ast if asked.filter is not None else None
    if not isinstance(node, Comparison) or node.op is not CompareOperator.eq or not isinstance(node.value, str):
        return None
    path = node.attr_path
    column = kind.by.get(path.attr.lower()) if path.sub_attr is None else None
    return None if column is None else (column, node.value)


def _identifier(request: Request) -> str:
    try:
        return str(UUID(request.path_params["id"]))
    except ValueError:
        raise NoSuchStaff("there is no such resource") from None


def _versions(header: str | None) -> frozenset[int] | None:
    """Return the versions that a condition names; None where there is none, or where any will do."""
    if header is None or header.strip() == "*":
        return None
    return frozenset(int(tag) for tag in _TAG.findall(header))


def _failed(problem: WhosawError) -> Response:
    if isinstance(problem, CredentialRefused):
        return error_response(401, str(problem))
    if isinstance(problem, NoSuchStaff):
        member = "member" in str(problem)
        return error_response(400 if member else 404, str(problem), "invalidValue" if member else None)
    if isinstance(problem, StaffConflict):
        return error_response(409, str(problem), "uniqueness")
    if isinstance(problem, StaffChanged):
        return error_response(412, str(problem))
    _LOG.error("a provisioning request failed: %s", problem.code)
    return error_response(503, "nothing was changed: the request could not be recorded")
