"""The distributed engine: Spark, on this machine (`local[*]`) or a cluster (`spark://…`), over the same files.

It needs `pyspark` (the extra `whosaw[spark]`) and Java 17. One session per process is kept: starting one takes seconds.
"""

from __future__ import annotations

import os
import shutil
import threading
from typing import Any

import ibis
import pyarrow as pa

from whosaw.lake.errors import EngineFailed, EngineMissing
from whosaw.lake.lookover import Lookover, entries_sql
from whosaw.lake.place import Folder
from whosaw.lake.trailrows import COLUMNS

_LOCK = threading.Lock()  # temporary views belong to the session, so questions take turns
_sessions: dict[str, Any] = {}
_shown: list[Lookover] = []  # the lake that the session's tables show, where there is one
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}
_TYPES = {pa.string(): "string", pa.int64(): "bigint", pa.bool_(): "boolean"}


def missing() -> str:
    """Return what Spark lacks on this machine, empty where nothing is missing."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "pyspark is not installed: pip install 'whosaw[spark]'"
    java = os.environ.get("JAVA_HOME", "")
    if not (java and os.access(f"{java}/bin/java", os.X_OK)) and shutil.which("java") is None:
        return "no Java: install openjdk-17-jre-headless"
    return ""


def spark_sql(expression: object) -> str:
    """Return an Ibis expression in Spark's SQL."""
    _ = ibis.pyspark  # loads the backend's options, which its compiler reads
    return str(ibis.to_sql(expression, dialect="pyspark"))


def run_spark(look: Lookover, expression: object, master: str) -> pa.Table:
    """Return an expression's rows.

    Args:
        look: the lake; its folder must be there under the same path on every machine of the cluster.
        expression: an Ibis expression over the tables of `whosaw.lake.named`.
        master: `local[N]`, `local[*]` or `spark://HOST:PORT`.

    Raises:
        EngineMissing: pyspark or Java is not there, or the lake lies in an object store.
        EngineFailed: Spark gave up.
    """
    lacking = missing()
    if lacking:
        raise EngineMissing(lacking)
    if not isinstance(look.place, Folder):
        raise EngineMissing("Spark reads lakes in a folder; this one lies in an object store")
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    with _LOCK:
        try:
            session = _session(master)
            if _shown != [look]:  # another than the last question's: files are listed and planned over anew
                _shown.clear()
                _show(session, look, look.place)
                _shown.append(look)
            table: pa.Table = session.sql(spark_sql(expression)).toArrow()
        except (PySparkException, Py4JError) as error:
            raise EngineFailed("Spark could not carry the question out") from error
    return table


def stop() -> None:
    """End the sessions of this process."""
    for session in _sessions.values():
        session.stop()
    _sessions.clear()
    _shown.clear()


def _session(master: str) -> Any:
    from pyspark.sql import SparkSession

    if master not in _sessions:
        stop()  # a process has one context at a time
        builder = SparkSession.builder.master(master).appName("whosaw")
        settings = (
            _SETTINGS if master.startswith("local") else {k: v for k, v in _SETTINGS.items() if "driver" not in k}
        )
        for name, value in settings.items():
            builder = builder.config(name, value)
        _sessions[master] = builder.getOrCreate()
        _sessions[master].sparkContext.setLogLevel("ERROR")
    return _sessions[master]


def _show(session: Any, look: Lookover, place: Folder) -> None:
    """Make the tables `entries` and `classes`."""
    rows, imported = "", {}
    if look.files:
        files = (str(place.path / name) for name in look.files)
        _reader(session, COLUMNS).parquet(*files).createOrReplaceTempView("stored_rows")
        rows = "stored_rows"
    if look.imports is not None and (parts := look.imports.parts("accesses")):
        session.read.parquet(*(str(place.path / name) for name in parts)).createOrReplaceTempView("accesses")
        numbers = [str(place.path / look.imports.numbers)] if look.imports.numbers else []
        held = (
            session.read.parquet(*numbers)
            if numbers
            else session.createDataFrame([], "space string, number long, key string")
        )
        held.createOrReplaceTempView("numbers")
        imported = {"accesses": "accesses", "numbers": "numbers"}
    session.sql(f"CREATE OR REPLACE TEMP VIEW entries AS {entries_sql(look, rows, imported, _literal)}")
    rows = ", ".join("(" + ", ".join(_literal(text) for text in each) + ")" for each in look.classes())
    held = f"VALUES {rows}" if rows else "VALUES ('', '', '') LIMIT 0"
    session.sql(f"CREATE OR REPLACE TEMP VIEW classes AS SELECT * FROM ({held}) AS t(trail, field, `class`)")


def _reader(session: Any, columns: pa.Schema) -> Any:
    """Return a reader of files with these columns: where they are told, Spark runs no job to find them."""
    return session.read.schema(", ".join(f"{each.name} {_TYPES[each.type]}" for each in columns))


def _literal(text: str) -> str:
    """Return a text as Spark writes it: another way than DuckDB's, and no worker in Python is started for it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
