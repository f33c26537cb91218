"""Dense 64-bit integers that stand for people and purposes in the record.

The map from number to key is an erasable row in ``store``; everything downstream of it holds numbers only.
"""

from __future__ import annotations

from typing import NewType

ActorNumber = NewType("ActorNumber", int)
SubjectNumber = NewType("SubjectNumber", int)
PurposeNumber = NewType("PurposeNumber", int)
