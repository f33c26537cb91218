"""What unit tests of several packages share: a time-stamp authority (openssl's), and the one session of Spark."""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from whosaw.prove.stamp import read_roots

CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = {name}
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[signer]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = t
[t]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """openssl as a time-stamp authority in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "c.cnf").write_text(CONFIG.format(name=name))
        (folder / "serial").write_text("01\n")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "c.cnf"]
        self.openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-extensions", "ca", "-days", "9")
        self.openssl("req", *key, "-subj", "/CN=signer", "-keyout", "tsa.key", "-out", "tsa.csr")
        self.openssl(
            *("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", "9", "-extfile", "c.cnf", "-extensions", "signer", "-out", "tsa.pem"),
        )
        self.roots = read_roots((folder / "ca.pem").read_bytes())

    def openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def reply(self, request: bytes, *extra: str) -> bytes:
        (self.folder / "q.tsq").write_bytes(request)
        self.openssl(
            *("ts", "-reply", "-config", "c.cnf", "-section", "t", "-queryfile", "q.tsq", "-out", "r.tsr"),
            *("-signer", "tsa.pem", "-inkey", "tsa.key", *extra),
        )
        return (self.folder / "r.tsr").read_bytes()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa") / "a", "root a")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa") / "b", "root b")


def _archive_of_classes() -> Path:
    """Return where Java keeps Spark's classes as it has read them; another Spark's archive has another name.

    Java passes an archive over that is of other jars, of another Java or cut.
    """
    import pyspark

    jars = Path(pyspark.__file__).parent / "jars"
    made_of = hashlib.sha256(f"{jars} {jars.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    folder = Path(__file__).parents[2] / ".tools"
    folder.mkdir(exist_ok=True)
    return folder / f"spark-{made_of}.jsa"


def _end_java() -> None:
    """End the JVM and wait until it has written what it writes at its end."""
    from pyspark import SparkContext

    gateway, SparkContext._gateway, SparkContext._jvm = SparkContext._gateway, None, None
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(300)


@pytest.fixture(scope="session")
def spark_engine() -> Iterator[str]:
    """A master for all tests on Spark: another one would be another session, and to start one takes longest."""
    from whosaw.lake import spark  # takes a while: only where it is asked for

    with pytest.MonkeyPatch.context() as patch:
        # small questions: the quick compiler alone, one collector thread with room that need not grow, classes of
        # Spark's own taken as they are, and no code generated or plan made anew for each of them
        quick = (
            "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:MetaspaceSize=256m -XX:+UnlockDiagnosticVMOptions"
            " -XX:-BytecodeVerificationRemote"
        )
        patch.setenv("JDK_JAVA_OPTIONS", quick)
        archive = _archive_of_classes()
        known = archive.exists()  # if not, this run is slower and leaves one for the next
        classes = f"-XX:{'SharedArchiveFile' if known else 'ArchiveClassesAtExit'}={archive}"
        own = f"-Xms1g -Xmn400m {classes}"  # of Spark, not its launcher
        patch.setitem(spark._SETTINGS, "spark.driver.extraJavaOptions", own)
        for name, value in {
            "codegen.wholeStage": "false",
            "adaptive.enabled": "false",
            "shuffle.partitions": "2",
        }.items():
            patch.setitem(spark._SETTINGS, f"spark.sql.{name}", value)
        yield "local[2]"
    spark.stop()
    if not known:
        _end_java()
