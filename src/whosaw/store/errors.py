"""The errors of the store."""

from whosaw.terms import WhosawError


class StoreError(WhosawError):
    """Base of what can go wrong between whosaw and its database."""

    code = "store.error"
