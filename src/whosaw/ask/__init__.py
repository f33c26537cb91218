"""Ask: what a door received becomes one plain value; pure, no database and no policy.

A door authenticates and translates; what it hands to the gate is an ``Ask`` or an ``ActionAsk``. Nothing in one of them
was checked beyond its form.
"""

from whosaw.ask.http import action_from_json, ask_from_json
from whosaw.ask.model import ActionAsk, Ask, AskError, AskInvalid, new_ask_id

__all__ = ["ActionAsk", "Ask", "AskError", "AskInvalid", "action_from_json", "ask_from_json", "new_ask_id"]
