"""What commands that change something share: everything opened, and who is at the terminal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, ClassVar, Literal, TypeVar

from cyclopts import Parameter

from whosaw.app.clocks import clock_of
from whosaw.app.errors import AppError
from whosaw.app.looks import operator
from whosaw.app.services import Services, open_services, own_database
from whosaw.app.settings import Settings
from whosaw.store import Database
from whosaw.store.numbers import assign, find
from whosaw.terms import SubjectRef

Outcome = TypeVar("Outcome")

Flag = Annotated[bool, Parameter(negative="")]
AsJson = Annotated[bool, Parameter(name="--json", negative="")]
Space = Literal["subject", "actor"]


class UnknownPerson(AppError, LookupError):
    """The record has no number for this key."""

    code: ClassVar[str] = "app.unknown_person"
    hint = "write a subject as customer:C-000017, a member of staff as actor:E-0417; who was erased has no number"


def with_services(work: Callable[[Services], Awaitable[Outcome]]) -> Outcome:
    """Open everything, do `work`, and close it again."""
    settings = Settings()

    async def go(url: str) -> Outcome:
        async with open_services(settings, clock_of(settings), url, door=f"command-{os.getpid()}") as services:
            return await work(services)

    with own_database(settings) as url:
        return asyncio.run(go(url))


def person(text: str) -> tuple[Space, str]:
    """Return in which map a person on the command line stands, and under which key.

    A bare key is a customer's, as everywhere on the command line; ``actor:E-0417`` is staff.

    Raises:
        BadReference: it is not written as a reference.
    """
    reference = SubjectRef.parse(text if ":" in text else f"customer:{text}")
    return ("actor", reference.key) if reference.kind == "actor" else ("subject", str(reference))


async def number_of(db: Database, who: tuple[Space, str]) -> int:
    """Return the number of a person.

    Raises:
        UnknownPerson: the record has none.
    """
    number = await find(db, *who)
    if number is None:
        raise UnknownPerson(f"the record knows no {'member of staff' if who[0] == 'actor' else 'subject'} of this key")
    return number


async def operators_number(db: Database) -> int:
    """Return the number of the person at this terminal."""
    name = operator()
    return (await assign(db, "actor", [name]))[name]
