"""No record, no reveal: a value is not even fetched before its entry is durable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from whosaw.ask import Ask, new_ask_id
from whosaw.record import TrailUnavailable
from whosaw.reveal import Shown
from whosaw.terms import PurposeRef, SubjectRef

if TYPE_CHECKING:
    from tests.store.conftest import Company


def ask(company: Company) -> Ask:
    subject, purpose = SubjectRef.parse("customer:C-1"), PurposeRef.parse("ticket:T-1")
    return Ask("E-1", subject, ("customer.email",), purpose, "http", company.clock.now(), new_ask_id())


@pytest.fixture
def fetched(company: Company, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that the company's database was asked, as they come."""
    statements: list[str] = []
    for source in company.sources.values():
        rows = source.rows

        async def noting(statement: Any, *, rows: Any = rows, **values: object) -> Any:
            statements.append(str(statement))
            return await rows(statement, **values)

        monkeypatch.setattr(source, "rows", noting)
    return statements


def values_in(statements: list[str]) -> list[str]:
    return [statement for statement in statements if '"email"' in statement]


async def test_no_value_is_fetched_where_its_entry_is_not_durable(company: Company, fetched: list[str]) -> None:
    answer = await company.gate.disclose(ask(company))
    assert answer.values["customer.email"] == Shown("ada1@mail.example")
    assert len(values_in(fetched)) == 1
    await company.appender.close()
    with pytest.raises(TrailUnavailable):
        await company.gate.disclose(ask(company))
    assert len(fetched) > 1
    assert len(values_in(fetched)) == 1
