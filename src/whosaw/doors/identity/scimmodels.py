"""What the SCIM server serves: people, with what decisions need and no more, and groups.

Attributes that a provider sends besides are accepted and dropped: whosaw keeps no photos, telephone numbers or
passwords of staff. A custom extension carries what the standard has no word for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field
from scim2_models import (
    URN,
    CaseExact,
    ComplexAttribute,
    Context,
    Email,
    Extension,
    GroupMembership,
    InvalidValueException,
    Meta,
    Mutability,
    Name,
    Reference,
    Required,
    Resource,
    ResourceType,
    ScimPolicy,
    ServiceProviderConfig,
    Uniqueness,
)
from scim2_models.resources.resource import AnyExtension

from whosaw.gate.identitydirectory import ENTERPRISE, STAFF
from whosaw.gate.identitystaff import GroupDraft, PersonDraft
from whosaw.gate.identitystaffqueries import Group, Person

PAGE_MOST = 200
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,  # as Entra sends it
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
KEYS = ("userName", "externalId", "employeeNumber")
_KEY_CHARS_MOST = 200


class StaffExtension(Extension):
    """What whosaw needs to know about somebody at work and SCIM has no attribute for."""

    __schema__ = URN(STAFF)

    region: str | None = None
    """The region he works in, as the catalog's policies call it."""

    site: str | None = None
    """Where he sits."""

    employer: str | None = None
    """Whose employee he is; a vendor's name for a contractor."""

    function: str | None = None
    """His function, as the catalog names those who approve."""

    manager: str | None = None
    """The staff key of whom he answers to: who may not work on a case about him."""

    since: datetime | None = None
    """When his contract begins."""

    until: datetime | None = None
    """When it ends."""


class EnterpriseExtension(Extension):
    """Of the enterprise extension, what whosaw reads."""

    __schema__ = URN(ENTERPRISE)

    employee_number: str | None = None
    """The company's number for him."""

    organization: str | None = None
    """Read as employer."""

    division: str | None = None
    """Read as site."""

    department: str | None = None
    """Read as function."""


class StaffUser(Resource[AnyExtension]):
    """A person of the staff."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """What he signs in with."""

    name: Name | None = None
    """His name."""

    display_name: str | None = None
    """How he is shown."""

    title: str | None = None
    """His title."""

    user_type: str | None = None
    """Employee, contractor, …"""

    active: bool | None = None
    """Whether he may work; without it he is suspended."""

    emails: list[Email] | None = None
    """His addresses."""

    groups: Annotated[list[GroupMembership] | None, Mutability.read_only] = None
    """His groups."""


class Member(ComplexAttribute):
    """A member of a group: a person, for groups in groups are not taken."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """His identifier."""

    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(  # noqa: UP037 - SCIM's name of the kind
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """His address."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """Always ``User``."""


class StaffGroup(Resource[Any]):
    """A group of staff."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    """The name that the settings give roles to."""

    members: list[Member] | None = None
    """Who is in it."""

    Members: ClassVar[type[ComplexAttribute]] = Member


User: Any = StaffUser.__class_getitem__(EnterpriseExtension | StaffExtension)
MODELS: tuple[Any, ...] = (StaffUser, StaffGroup, EnterpriseExtension, StaffExtension)


def user_of(person: Person, base: str) -> Any:
    """Return somebody as SCIM shows him; `base` is the server's own address."""
    groups = [
        {"value": i, "$ref": f"{base}/Groups/{i}", "display": name, "type": "direct"} for i, name in person.groups
    ]
    told: dict[str, Any] = {**person.resource, "userName": person.user_name}
    if "active" in told or not person.active:  # whoever never said it reads nothing about it
        told["active"] = person.active
    shown = User.model_validate(told, scim_policy=POLICY)
    shown.id, shown.external_id = str(person.id), person.external_id
    shown.groups = [GroupMembership.model_validate(each) for each in groups] or None
    shown.meta = _meta("User", f"{base}/Users/{person.id}", person)
    return shown


def group_of(group: Group, base: str) -> StaffGroup:
    """Return a group as SCIM shows it."""
    members = [{"value": i, "$ref": f"{base}/Users/{i}", "type": "User"} for i, _ in group.members]
    shown = StaffGroup(display_name=group.name, members=[Member.model_validate(each) for each in members] or None)
    shown.id, shown.external_id = str(group.id), group.external_id
    shown.meta = _meta("Group", f"{base}/Groups/{group.id}", group)
    return shown


def draft_of(user: Any, key_attribute: str) -> PersonDraft:
    """Return what is to be kept of a person that was sent.

    Args:
        user: as read.
        key_attribute: which attribute is the actor's key; of `KEYS`.

    Raises:
        InvalidValueException: the key is missing or cannot be one.
    """
    kept: dict[str, Any] = user.model_dump(scim_ctx=Context.DEFAULT, scim_policy=POLICY)
    for name in ("id", "meta", "groups", "userName", "externalId", "schemas"):
        kept.pop(name, None)
    enterprise = kept.get(ENTERPRISE) or {}
    found = {"userName": user.user_name, "externalId": user.external_id}.get(
        key_attribute, enterprise.get("employeeNumber")
    )
    return PersonDraft(
        key=_key(found, key_attribute),
        user_name=user.user_name,
        external_id=user.external_id,
        active=user.active is not False,
        resource=kept,
    )


def group_draft_of(group: StaffGroup) -> GroupDraft:
    """Return what is to be kept of a group that was sent.

    Raises:
        InvalidValueException: a member is no person.
    """
    members = []
    for member in group.members or []:
        try:
            members.append(UUID(member.value or ""))
        except ValueError:
            raise InvalidValueException(detail="a member is no person of this server") from None
        if (member.type or "User").lower() != "user":
            raise InvalidValueException(detail="groups in groups are not taken")
    return GroupDraft(str(group.display_name), group.external_id, tuple(members))


def version_of(thing: Person | Group) -> str:
    """Return the entity tag of a person or group."""
    return f'W/"{thing.version}"'


def resource_types(base: str) -> list[ResourceType]:
    """Return what ``/ResourceTypes`` says."""
    made = [ResourceType.from_resource(User), ResourceType.from_resource(StaffGroup)]
    for each in made:
        each.meta = Meta(resource_type="ResourceType", location=f"{base}/ResourceTypes/{each.id}")
    return made


def schemas(base: str) -> list[Any]:
    """Return what ``/Schemas`` says."""
    made = [model.to_schema() for model in MODELS]
    for each in made:
        each.meta = Meta(resource_type="Schema", location=f"{base}/Schemas/{each.id}")
    return made


def provider_config(base: str) -> ServiceProviderConfig:
    """Return what ``/ServiceProviderConfig`` says."""
    told: Mapping[str, Any] = {
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": PAGE_MOST},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer credential",
                "description": "A credential that the operator of whosaw made for this provider",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
    }
    made = ServiceProviderConfig.model_validate(told)
    made.meta = Meta(resource_type="ServiceProviderConfig", location=f"{base}/ServiceProviderConfig")
    return made


def _key(found: object, attribute: str) -> str:
    usable = isinstance(found, str) and 0 < len(found) <= _KEY_CHARS_MOST and found.isprintable()
    if not isinstance(found, str) or not usable or ":" in found or found.strip() != found:
        raise InvalidValueException(
            detail=f"{attribute} is the key of the record: a text of up to 200 signs without `:`"
        )
    return found


def _meta(kind: str, location: str, thing: Person | Group) -> Meta:
    return Meta(
        resource_type=kind,
        created=thing.made_at.astimezone(UTC),
        last_modified=thing.changed_at.astimezone(UTC),
        location=location,
        version=version_of(thing),
    )
