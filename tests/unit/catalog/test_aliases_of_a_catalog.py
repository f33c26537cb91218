"""[aliases] is read strictly, and a field that cannot be shown as an alias is refused."""

from __future__ import annotations

import pytest
from tests.unit.catalog.test_load import GOOD

from whosaw.catalog import CatalogInvalid, parse

ALIASES = '\n[aliases]\ndomain = "A.acme.example"\nsenders = ["acme.example"]\n'


def test_what_is_left_out_has_a_default() -> None:
    aliases = parse(GOOD + ALIASES).aliases
    assert aliases is not None
    assert (aliases.domain, aliases.canary_domain, aliases.days, aliases.strangers, aliases.query) == (
        "a.acme.example",
        "a.acme.example",
        180.0,
        "forward",
        "",
    )
    assert parse(GOOD).aliases is None


@pytest.mark.parametrize(
    "lines",
    [
        '\n[aliases]\ndomain = "acme"\n',
        '\n[aliases]\ndomain = "a acme.example"\n',
        '\n[aliases]\ndomain = "acme.example"\nsenders = ["acme.example"]\n',
        ALIASES + 'canary_domain = "acme.example"\n',
        ALIASES + 'strangers = "drop"\n',
        ALIASES + "days = 0\n",
        ALIASES + 'query = "select 1"\n',
        ALIASES + 'domian = "x.example"\n',
    ],
)
def test_what_is_none_is_refused(lines: str) -> None:
    with pytest.raises(CatalogInvalid):
        parse(GOOD + lines)


def test_only_an_address_has_an_alias_and_only_with_a_domain() -> None:
    text = GOOD.replace('mask = "email"', 'mask = "email"\nreveal = "alias"')
    assert any(field.as_alias for field in parse(text + ALIASES).fields.values())
    with pytest.raises(CatalogInvalid, match="alias"):
        parse(text)
    with pytest.raises(CatalogInvalid, match="alias"):
        parse(text.replace('mask = "email"', 'mask = "full"') + ALIASES)
