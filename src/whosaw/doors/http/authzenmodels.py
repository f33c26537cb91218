"""The forms of AuthZEN 1.0: open, because what is unknown is passed over."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

Text = Annotated[str, Field(min_length=1, max_length=200)]


class Entity(BaseModel):
    """A subject or resource; fields asked for stand in ``properties.fields``."""

    type: Text
    id: Text
    properties: dict[str, Any] | None = None


class TypeOnly(BaseModel):
    """A subject to be found."""

    type: Text


class Action(BaseModel):
    """``reveal``."""

    name: Text
    properties: dict[str, Any] | None = None


class EvaluationAsk(BaseModel):
    """May this actor do this to that? ``context.purpose`` and ``context.reason`` say why."""

    subject: Entity
    action: Action
    resource: Entity
    context: dict[str, Any] | None = None


class EvaluationsAsk(BaseModel):
    """Several at once; the top level stands in where an item has none."""

    subject: Entity | None = None
    action: Action | None = None
    resource: Entity | None = None
    context: dict[str, Any] | None = None
    evaluations: list[dict[str, Any]] | None = Field(None, max_length=100)
    options: dict[str, Any] | None = None


class Page(BaseModel):
    """Which page."""

    token: str | None = Field(None, max_length=1_000)
    limit: int | None = Field(None, ge=0)


class SearchAsk(BaseModel):
    """Who could?"""

    subject: TypeOnly
    action: Action
    resource: Entity
    context: dict[str, Any] | None = None
    page: Page | None = None


class ActionSearchAsk(BaseModel):
    """What may this actor do with that?"""

    subject: Entity
    resource: Entity
    context: dict[str, Any] | None = None
    page: Page | None = None


class Decision(BaseModel):
    """Yes or no, with the reason, the effect on each field, and the receipt."""

    decision: bool
    context: dict[str, Any] | None = None


class Decisions(BaseModel):
    """One for each, in order; or the single one, where no list was sent."""

    evaluations: list[Decision] | None = None
    decision: bool | None = None
    context: dict[str, Any] | None = None


class PageTold(BaseModel):
    """Where the page stands; an empty token: the last one."""

    next_token: str
    count: int
    total: int


class Found(BaseModel):
    """An actor."""

    type: str
    id: str


class SearchAnswer(BaseModel):
    """Who could."""

    page: PageTold | None = None
    context: dict[str, Any] | None = None
    results: list[Found]


class FoundAction(BaseModel):
    """``reveal``."""

    name: str


class ActionSearchAnswer(BaseModel):
    """What he may; the context is that of an evaluation."""

    context: dict[str, Any] | None = None
    results: list[FoundAction]


class Configuration(BaseModel):
    """Where the endpoints are."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str
    search_action_endpoint: str
