"""The witness's door: a witness over HTTP (c2sp.org/tlog-witness). It needs no database, no catalog, no gate."""

from whosaw.doors.witness.routes import WitnessDoor

__all__ = ["WitnessDoor"]
