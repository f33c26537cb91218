"""Watch: how much of what was shown has a reason that the company's own work records bear out.

Reads entries of the trail, and accuses and names nobody.
"""

from whosaw.watch.explained import Explained, explained_share

__all__ = ["Explained", "explained_share"]
