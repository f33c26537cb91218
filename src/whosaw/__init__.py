"""whosaw: who saw this person's data, why, and who passed it on.

The flow is ``ask → decide → record → reveal → watch → trace → answer → prove``; each stage is one package here, and a
later stage may import an earlier one, never the reverse (``docs/architecture.md``).
"""

__version__ = "0.1.0"
