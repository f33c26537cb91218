"""The console door: read-only pages for a browser. Who saw a customer, a case, the trail.

Pages are drawn on the server, need no script, and load nothing from anywhere else. The door shows what `Reads` answers
and decides nothing; it never writes, and it never keeps what it showed. Whoever looks came in by a one-time link.
"""

from whosaw.doors.console.logins import LoginLinks, Sessions
from whosaw.doors.console.reads import Reads
from whosaw.doors.console.routes import ConsoleDoor

__all__ = ["ConsoleDoor", "LoginLinks", "Reads", "Sessions"]
