"""Which optional parts are installed."""

from importlib.util import find_spec


def lake_installed() -> bool:
    """Return whether what the lake needs (extra ``lake``) can be imported; it imports nothing."""
    return find_spec("duckdb") is not None and find_spec("pyarrow") is not None
