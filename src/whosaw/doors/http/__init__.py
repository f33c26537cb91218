"""The HTTP door, for tools that hold a token of a person or a service.

It finds out who asks (`entrance`), reads what was sent within limits (`bodies`, `throttle`), hands asks to the gate
(`asks`), serves what people ask of and decide about one another (`grants`, `glass`, `standing`), takes sightings in
(`sightings`), and speaks AuthZEN (`authzen`). It never decides and never reads the company's tables. `openapi` states
all of it.
"""

from whosaw.doors.http.authzen import Pdp
from whosaw.doors.http.entrance import Authenticator, PersonalTokens
from whosaw.doors.http.people import People
from whosaw.doors.http.problems import problem_response
from whosaw.doors.http.repeats import Repeats
from whosaw.doors.http.routes import House, HttpDoor
from whosaw.doors.http.sharing import Sharing
from whosaw.doors.http.sightings import Reporting
from whosaw.doors.http.throttle import Pace, Throttle

__all__ = [
    "Authenticator",
    "House",
    "HttpDoor",
    "Pace",
    "Pdp",
    "People",
    "PersonalTokens",
    "Repeats",
    "Reporting",
    "Sharing",
    "Throttle",
    "problem_response",
]
