"""A marketplace that does not exist, with the truth about it known: for the demo, for calibration and for tests.

``build_world`` draws everything from a seed: customers, sellers, orders, reviews, staff, tickets, the moderation queue,
the plan of who asks for what, a bribed moderator (or none) and the complaints. ``create_shop`` makes the company's own
database of it; ``ShopMarketplace`` is what whosaw may do there; ``write_complaints`` writes the mails.

The truth about a world is never part of it: it goes to its own file and its own role, and no stage imports it.
"""

from whosaw.market.complaints import PlannedComplaint
from whosaw.market.connector import ShopMarketplace
from whosaw.market.errors import BadSize, MarketError, ShopExists, UnknownSeller
from whosaw.market.shop import ShopPasswords, create_shop
from whosaw.market.signup import Newcomer, draw_newcomers, sign_up
from whosaw.market.timeline import Size
from whosaw.market.truth import TRUTH_ROLE, Truth, read_truth, store_truth, write_truth
from whosaw.market.work import Plan, PlannedAction, PlannedAsk
from whosaw.market.world import World, build_world

__all__ = [
    "TRUTH_ROLE",
    "BadSize",
    "MarketError",
    "Newcomer",
    "Plan",
    "PlannedAction",
    "PlannedAsk",
    "PlannedComplaint",
    "ShopExists",
    "ShopMarketplace",
    "ShopPasswords",
    "Size",
    "Truth",
    "UnknownSeller",
    "World",
    "build_world",
    "create_shop",
    "draw_newcomers",
    "read_truth",
    "sign_up",
    "store_truth",
    "write_truth",
]
