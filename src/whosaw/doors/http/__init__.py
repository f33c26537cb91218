"""The HTTP door: ``POST /v1/disclosures`` and ``POST /v1/actions`` for staff tools that hold a personal token."""

from whosaw.doors.http.problems import problem_response
from whosaw.doors.http.routes import HttpDoor

__all__ = ["HttpDoor", "problem_response"]
