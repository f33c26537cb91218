"""What can go wrong while a marketplace is built, stored or acted on."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError


class MarketError(WhosawError):
    """Base of the errors of the synthetic marketplace."""

    code: ClassVar[str] = "market.error"


class BadSize(MarketError, ValueError):
    """A world of this size cannot hold the story."""

    code: ClassVar[str] = "market.bad_size"


class ShopExists(MarketError, ValueError):
    """The database already holds the tables of a shop."""

    code: ClassVar[str] = "market.shop_exists"
    hint = "use an empty database, or replace the shop that is there"


class MeasureUnreadable(MarketError, ValueError):
    """A message orders what the shop does not know."""

    code: ClassVar[str] = "market.measure_unreadable"
    hint = "send what `whosaw.market.receiver` lists"


class UnknownSeller(MarketError, LookupError):
    """The shop has no such seller."""

    code: ClassVar[str] = "market.unknown_seller"
    hint = "name the seller by the shop's own key, for example S-0088"
