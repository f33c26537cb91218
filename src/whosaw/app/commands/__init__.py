"""One module per command, or per few that belong together; each prints for a person, or JSON with ``--json``."""
