"""The customers' door: a form for messages that somebody got because his data leaked. Public.

What is written there becomes a mail in a Maildir, unverified like any text without a signature, and is read by the same
intake. Nothing is looked up while the form is answered, so its answer cannot tell who is a customer.
"""

from whosaw.doors.complaint.routes import COMPLAINT_PATH, ComplaintDoor
from whosaw.doors.complaint.spool import Spool

__all__ = ["COMPLAINT_PATH", "ComplaintDoor", "Spool"]
