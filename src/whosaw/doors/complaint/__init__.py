"""Forms without a session: customers report a message that they got because their data leaked, employees an offer.

What is written there becomes a mail in a Maildir, unverified like any text without a signature, and is read by the same
intake. Nothing is looked up while the form is answered, so its answer cannot tell who is a customer.
"""

from whosaw.doors.complaint.approach import APPROACH_PATH, ApproachDoor, Told
from whosaw.doors.complaint.routes import COMPLAINT_PATH, ComplaintDoor
from whosaw.doors.complaint.spool import Spool

__all__ = ["APPROACH_PATH", "COMPLAINT_PATH", "ApproachDoor", "ComplaintDoor", "Spool", "Told"]
