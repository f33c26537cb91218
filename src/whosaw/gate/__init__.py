"""Gate: the one hot path, ``ask → decide → record → reveal``, that every door and the bulk path call.

It verifies the purpose on the company's own tables, asks who is suspended, decides, records, and only then fetches and
reveals. If anything on the way fails, nothing is revealed. Doors authenticate with ``tokens`` and translate; they never
decide.
"""

from whosaw.gate.acting import Deed
from whosaw.gate.disclosing import Disclosure, Evaluation
from whosaw.gate.errors import GateError
from whosaw.gate.gate import Gate
from whosaw.gate.lookups import Found
from whosaw.gate.suspension import Suspensions
from whosaw.gate.tokens import TokenRefused, Tokens, add_token, add_tokens, revoke_tokens

__all__ = [
    "Deed",
    "Disclosure",
    "Evaluation",
    "Found",
    "Gate",
    "GateError",
    "Suspensions",
    "TokenRefused",
    "Tokens",
    "add_token",
    "add_tokens",
    "revoke_tokens",
]
