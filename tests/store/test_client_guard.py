"""Guarded models, SQLAlchemy's and Django's, over a real door: hidden until shown, never written back."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, exists, func, literal, literal_column, select, text, union, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Bundle, DeclarativeBase, Mapped, Session, aliased, mapped_column, undefer

from whosaw.app.server import Server, bind, build_app
from whosaw.client import Answer, AsyncClient, Client, Denied, DoorError, Guard, GuardRefused, Hidden, guard
from whosaw.client.hidden import DOTS
from whosaw.doors.http import House, HttpDoor
from whosaw.gate import add_tokens
from whosaw.record import entries_from
from whosaw.store.migrate import engine_url

if TYPE_CHECKING:
    from tests.store.conftest import Company

LITERALS = [literal("x").label(name) for name in ("id", "name", "email", "region")]
FIELDS = {"name": "customer.name", "email": "customer.email", "address": "customer.address"}


@dataclass(frozen=True)
class Way:
    """Where the door is, and the token of each member of staff."""

    company: Company
    address: str
    tokens: dict[str, str]


@pytest.fixture
async def way(company: Company, house: House) -> AsyncIterator[Way]:
    actors = ["E-1", "E-2"]
    tokens = dict(zip(actors, await add_tokens(company.db, actors, company.clock.now()), strict=True))
    server = Server(build_app(HttpDoor(house).router), bind("127.0.0.1", 0))
    serving = asyncio.create_task(server.run())
    await server.started()
    yield Way(company, server.address, tokens)
    server.stop()
    await serving


def fresh_model() -> tuple[type[Any], Guard]:
    """Return a new mapped class and the guard before it."""

    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        __table_args__ = {"schema": "company"}  # noqa: RUF012 - SQLAlchemy's own form
        id: Mapped[str] = mapped_column(primary_key=True)
        name: Mapped[str]
        email: Mapped[str | None]
        address: Mapped[str] = mapped_column(deferred=True)
        region: Mapped[str]

    return Customer, guard(Customer, "customer", FIELDS)


@pytest.fixture
def session(database_url: str) -> Iterator[Callable[[], Session]]:
    engine = create_engine(engine_url(database_url))
    yield lambda: Session(engine)
    engine.dispose()


async def in_thread(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


async def test_a_loaded_row_holds_dots_until_the_door_has_shown_it(way: Way, session: Callable[[], Session]) -> None:
    model, customers = fresh_model()

    def work() -> None:
        with session() as opened, Client(way.address, way.tokens["E-1"]) as door:
            customer = opened.get(model, "C-1")
            assert customer.email == DOTS
            assert isinstance(customer.email, Hidden)
            assert repr(customer.email) == "<hidden customer.email>"
            assert customer.region == "EU"
            assert "ada1" not in str(vars(customer))
            answer = customers.disclose(door, customer, ["email"], "ticket:T-1")
            assert isinstance(answer, Answer)
            assert customer.email == "ada1@mail.example"
            assert customer.name == DOTS
            assert not opened.dirty

    await in_thread(work)
    [entry] = [entry.payload async for entry in entries_from(way.company.db)]
    assert entry["fields"] == ["customer.email=reveal"]


async def test_what_the_door_masks_or_refuses_stays_hidden_with_the_rule(
    way: Way, session: Callable[[], Session]
) -> None:
    model, customers = fresh_model()

    def work() -> None:
        with session() as opened, Client(way.address, way.tokens["E-1"]) as door:
            customer = opened.get(model, "C-1")
            masked = customers.disclose(door, customer, ["email"])
            assert isinstance(masked, Answer)
            assert (customer.email, customer.email.rule) == ("a•••@•••.example", "masked.without_reason")
            denied = customers.disclose(door, customer, [], "ticket:T-2")
            assert isinstance(denied, Denied)
            assert (customer.name, customer.name.rule) == (DOTS, "purpose.other_subject")

    await in_thread(work)


async def test_no_way_of_loading_brings_the_value_in(way: Way, session: Callable[[], Session]) -> None:
    model, _ = fresh_model()

    def work() -> None:
        with session() as opened:
            by_query = opened.scalars(select(model).where(model.id == "C-2")).one()
            assert by_query.name == DOTS
            assert by_query.address == DOTS  # deferred: loaded by reading it
            opened.expire(by_query)
            assert by_query.email == DOTS
            opened.refresh(by_query)
            assert by_query.email == DOTS
            eager = opened.scalars(select(model).options(undefer(model.address)).where(model.id == "C-3")).one()
            assert eager.address == DOTS
            opened.expunge_all()
            populated = opened.execute(select(model, model.region).where(model.id == "C-2")).one()
            assert (populated[0].email, populated[1]) == (DOTS, "EU")
            opened.expunge_all()
            through = aliased(model, select(model).where(model.id == "C-2").subquery())
            assert opened.scalars(select(through)).one().email == DOTS
            opened.expunge_all()
            written = select(model).from_statement(text("select * from company.customers where id = 'C-2'"))
            assert opened.scalars(written).one().email == DOTS
            assert opened.scalar(select(func.count()).select_from(select(model).subquery())) == 40
            opened.expunge_all()
            both = union_all(select(model).where(model.id == "C-2"), select(model).where(model.id == "C-3"))
            assert [each.email for each in opened.scalars(select(model).from_statement(both))] == [DOTS, DOTS]
            opened.expunge_all()
            legacy = opened.query(model).filter(model.id == "C-2").union(opened.query(model).filter(model.id == "C-3"))
            assert [each.email for each in legacy] == [DOTS, DOTS]
            # what is written as text and hands out nothing that is guarded
            assert opened.scalar(select(text("count(*)")).select_from(model)) == 40
            assert opened.scalar(select(func.count().label("all")).select_from(model)) == 40
            assert opened.scalar(select(literal_column("1")).where(exists().where(model.name == "nobody"))) is None
            assert opened.scalar(select(exists().where(model.id == "C-2"))) is True
            assert opened.scalar(select(model.id).union(select(model.id)).limit(1)) is not None

    await in_thread(work)


@pytest.mark.parametrize(
    "statement",
    [
        lambda m: select(m.email),
        lambda m: select(m.id, func.lower(m.email)),
        lambda m: select(func.max(m.name)),
        lambda m: select(m.email.label("region")),
        lambda m: select(m.name + m.region),
        lambda m: select(aliased(m).email),
        lambda m: select(select(m.email).subquery().c.email),
        lambda m: select(m.id).where(m.id.in_(select(m.name))),
        lambda m: select(Bundle("both", m.id, m.email)),
        lambda m: select(m.__table__),
        lambda m: select(select(m).subquery()),
        lambda m: select(func.lower(select(m).cte().c.email)),
        lambda m: union(select(m.__table__), select(m.__table__)),
        lambda m: union(select(m), select(m)),
        lambda m: select(m).union_all(select(m)).limit(1),
        lambda m: union_all(select(*LITERALS), union_all(select(*LITERALS), select(m))),
        lambda m: select(union_all(select(*LITERALS), select(m)).subquery().c.email),
        lambda m: select(text("*")).select_from(m.__table__),
        lambda m: select(m.id, text("customers.*")),
        lambda m: select(func.lower(text("email"))).select_from(m),
        lambda m: select(literal_column("email").label("region")).select_from(m),
        lambda m: update(m).where(m.id == "C-0").values(region="EU").returning(m.email),
        lambda m: text("select email from company.customers").columns(m.email),
    ],
)
async def test_a_guarded_column_cannot_be_selected_by_itself(
    way: Way, session: Callable[[], Session], statement: Callable[[Any], Any]
) -> None:
    model, _ = fresh_model()

    def work() -> None:
        with session() as opened, pytest.raises(GuardRefused, match="selected by itself"):
            opened.execute(statement(model)).all()

    await in_thread(work)


async def test_what_is_hidden_is_never_written_back_and_what_is_set_is(
    way: Way, session: Callable[[], Session]
) -> None:
    model, _ = fresh_model()

    def work() -> None:
        with session() as opened:
            customer = opened.get(model, "C-1")
            customer.region = "US"
            opened.commit()
            customer.name = "Ada Newname"
            opened.commit()
            with pytest.raises(GuardRefused, match="cannot be stored"):
                opened.get(model, "C-2").email = customer.email

    await in_thread(work)
    async with way.company.db.connection() as connection:
        rows = await connection.execute("select name, email, address, region from company.customers where id = 'C-1'")
        assert await rows.fetchone() == (
            "Ada Newname",
            "ada1@mail.example",
            "Street 1, 10117 Berlin, Germany",
            "US",
        )


async def test_an_asynchronous_session_is_guarded_alike(way: Way, database_url: str) -> None:
    model, customers = fresh_model()
    engine = create_async_engine(engine_url(database_url))
    async with AsyncSession(engine) as opened, AsyncClient(way.address, way.tokens["E-1"]) as door:
        customer = await opened.get(model, "C-4")
        assert customer is not None
        assert customer.email == DOTS
        await customers.adisclose(door, customer, ["email"], "ticket:T-4")
        assert customer.email == "ada4@mail.example"
    await engine.dispose()


async def test_where_the_door_does_not_answer_everything_stays_hidden(way: Way, session: Callable[[], Session]) -> None:
    model, customers = fresh_model()

    def work() -> None:
        with session() as opened, Client(way.address, "ws_forged") as door:
            customer = opened.get(model, "C-1")
            with pytest.raises(DoorError):
                customers.disclose(door, customer, ["email"], "ticket:T-1")
            assert customer.email == DOTS

    await in_thread(work)


def test_what_cannot_be_guarded_is_refused() -> None:
    model, customers = fresh_model()
    for fields, key, says in (
        ({}, "", "no attribute"),
        ({"email": "customer.email"}, "", "guarded already"),
    ):
        with pytest.raises(GuardRefused, match=says):
            guard(model, "customer", fields, key=key)
    with pytest.raises(GuardRefused, match="neither"):
        guard(dict, "customer", {"email": "customer.email"})
    with pytest.raises(GuardRefused, match="not guarded"):
        customers.disclose(Client("http://127.0.0.1:1"), object(), ["region"])


# Django


@pytest.fixture(scope="session")
def django_model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a Django model over a SQLite file with one customer, guarded."""
    import django
    from django.conf import settings

    path: Path = tmp_path_factory.mktemp("django") / "shop.sqlite"
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}},
        INSTALLED_APPS=[],
        USE_TZ=True,
    )
    django.setup()
    from django.db import connection, models

    class Shopper(models.Model):
        id = models.CharField(primary_key=True, max_length=20)
        name = models.CharField(max_length=80)
        email = models.CharField(max_length=80, null=True)
        region = models.CharField(max_length=10)

        class Meta:
            app_label = "shop"

    with connection.schema_editor() as editor:
        editor.create_model(Shopper)
    Shopper.objects.create(id="C-1", name="Ada Number1", email="ada1@mail.example", region="EU")
    shoppers = guard(Shopper, "customer", {"name": "customer.name", "email": "customer.email"})
    return Shopper, shoppers


async def test_a_django_row_holds_dots_until_the_door_has_shown_it(way: Way, django_model: Any) -> None:
    model, shoppers = django_model

    def work() -> None:
        with Client(way.address, way.tokens["E-1"]) as door:
            shopper = model.objects.get(pk="C-1")
            assert (shopper.email, shopper.region) == (DOTS, "EU")
            assert "ada1" not in str(vars(shopper))
            shopper.refresh_from_db()
            assert shopper.email == DOTS
            answer = shoppers.disclose(door, shopper, ["email"], "ticket:T-1")
            assert isinstance(answer, Answer)
            assert (shopper.email, shopper.name) == ("ada1@mail.example", DOTS)
            masked = shoppers.disclose(door, shopper, ["email"])
            assert isinstance(masked, Answer)
            assert (shopper.email, shopper.email.rule) == ("a•••@•••.example", "masked.without_reason")

    await in_thread(work)


async def test_a_saved_django_row_keeps_what_was_hidden_and_takes_what_was_set(way: Way, django_model: Any) -> None:
    model, shoppers = django_model

    def work() -> None:
        from django.db import connection

        with Client(way.address, way.tokens["E-1"]) as door:
            shopper = model.objects.get(pk="C-1")
            shoppers.disclose(door, shopper, ["email"])  # masked
            shopper.region = "US"
            shopper.save()
            other = model.objects.get(pk="C-1")
            other.name = "Ada Newname"
            other.save()
        with connection.cursor() as cursor:
            cursor.execute("select name, email, region from shop_shopper where id = 'C-1'")
            assert cursor.fetchone() == ("Ada Newname", "ada1@mail.example", "US")

    await in_thread(work)


@pytest.mark.parametrize("example", ["guard_sqlalchemy.py", "guard_django.py"])
async def test_the_examples_run_against_a_door(way: Way, example: str) -> None:
    path = Path(__file__).parents[2] / "examples" / example
    ran = await asyncio.create_subprocess_exec(
        sys.executable, path, way.address, way.tokens["E-1"], stdout=PIPE, stderr=PIPE
    )
    out, problems = await ran.communicate()
    assert (ran.returncode, problems.decode()) == (0, "")
    assert out.decode().splitlines() == ["before: •••", "after:  ada1@mail.example"]
