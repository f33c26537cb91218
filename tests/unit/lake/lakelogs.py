"""Lines and records as other systems write them, for the tests of the lake."""

from __future__ import annotations

import csv
import io
import json

TRAIL = {
    "eventVersion": "1.08",
    "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/desk/kim"},
    "eventTime": "2026-03-01T12:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "sourceIPAddress": "192.0.2.7",
    "requestParameters": {"bucketName": "kyc", "key": "customers/4711/passport.jpg"},
}


XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
 <global scope="trace"><string key="concept:name" value="none"/></global>
 <trace><string key="concept:name" value="case &lt;7&gt;"/>
  <event><string key="org:resource" value="kim"/><date key="time:timestamp" value="2026-03-01T12:00:00+00:00"/>
   <string key="concept:name" value="open"><string key="nested" value="x"/></string></event>
  <event><date key="time:timestamp" value="2026-03-01T12:00:00+00:00"/></event>
 </trace>
</log>"""


def audit(
    statement: str, table: str = "public.customer", command: str = "SELECT", parameters: str = "<none>", **parts: str
) -> str:
    """Return a message of pgaudit as it writes one."""
    kind = parts.get("kind", "READ" if command in ("SELECT", "COPY") else "WRITE")
    cells = [parts.get("type", "SESSION"), parts.get("id", "1"), parts.get("sub", "1"), kind, command]
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([*cells, "TABLE" if table else "", table, statement, parameters])
    return "AUDIT: " + text.getvalue()


def csv_line(message: str, at: str = "2026-03-01 12:00:00.123 UTC", user: str = "kim", session: str = "s1") -> str:
    cells = [""] * 26
    cells[0], cells[1], cells[2], cells[4], cells[5] = at, user, "shop", "192.0.2.7:5544", session
    cells[11], cells[13], cells[22] = "LOG", message, "psql"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def json_line(message: str, at: str = "2026-03-01 12:00:00.123 UTC") -> str:
    fields = {"timestamp": at, "user": "kim", "dbname": "shop", "remote_host": "192.0.2.7", "session_id": "s1"}
    return json.dumps(fields | {"error_severity": "LOG", "message": message, "application_name": "psql"}) + "\n"
