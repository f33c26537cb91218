"""Reveal: a decision, a receipt and a row become the values that may leave; pure.

It cannot be called without a ``Receipt``: *no record, no reveal* is a type error here, not a habit. Stands behind
``record`` in the flow and knows neither database nor door.
"""

from whosaw.reveal.masks import mask
from whosaw.reveal.values import Aliased, Masked, Refused, Shown, Value, reveal

__all__ = ["Aliased", "Masked", "Refused", "Shown", "Value", "mask", "reveal"]
