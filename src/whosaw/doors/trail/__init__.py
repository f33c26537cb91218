"""The trail's door: checkpoint and hash tiles for everyone, single entries for those whose role opens them."""

from whosaw.doors.trail.routes import NotAReader, ReadEntry, TrailDoor, TrailReads

__all__ = ["NotAReader", "ReadEntry", "TrailDoor", "TrailReads"]
