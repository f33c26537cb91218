"""Lake: the record as data. The own trail and foreign logs become Parquet that holds numbers only and answer questions.

Stands after ``gate`` in the flow and before ``trace``. Every row counts once, however often and in whatever order its
log is imported; nothing is ever half there. A missing row is never read as "did not look": each answer carries how
whole the record is. References of persons lie in one file of the lake's folder and nowhere else but in the rejects,
both for the owner alone.
"""

from whosaw.lake.completeness import Completeness
from whosaw.lake.errors import LakeError
from whosaw.lake.exposure import NEVER, Exposure, load_exposure
from whosaw.lake.importer import ImportReport, import_log
from whosaw.lake.mapping import Mapping, load_mapping, read_mapping
from whosaw.lake.questions import Overview, Sight, SourceOverview, WhoSaw, overview, who_saw
from whosaw.lake.sightings import Complaints, Sighting, choose, read_sightings
from whosaw.lake.trail import (
    Order,
    Ticket,
    TrailNames,
    Worked,
    export_orders,
    export_tickets,
    export_trail,
    export_worked,
)

__all__ = [
    "NEVER",
    "Complaints",
    "Completeness",
    "Exposure",
    "ImportReport",
    "LakeError",
    "Mapping",
    "Order",
    "Overview",
    "Sight",
    "Sighting",
    "SourceOverview",
    "Ticket",
    "TrailNames",
    "WhoSaw",
    "Worked",
    "choose",
    "export_orders",
    "export_tickets",
    "export_trail",
    "export_worked",
    "import_log",
    "load_exposure",
    "load_mapping",
    "overview",
    "read_mapping",
    "read_sightings",
    "who_saw",
]
