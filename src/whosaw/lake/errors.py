"""What can go wrong between a log on disk and an answer from the lake."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError


class LakeError(WhosawError):
    """Base of every error of this stage."""

    code: ClassVar[str] = "lake.error"


class MappingMissing(LakeError, FileNotFoundError):
    """The mapping file cannot be opened."""

    code: ClassVar[str] = "lake.mapping_missing"
    hint = "give the path of a mapping file; `examples/` holds two to start from"


class MappingInvalid(LakeError, ValueError):
    """The mapping file is not TOML, or says something that cannot be carried out."""

    code: ClassVar[str] = "lake.mapping_invalid"
    hint = "compare it with the mappings in `examples/`"


class LogMissing(LakeError, FileNotFoundError):
    """The log file is not there or may not be read."""

    code: ClassVar[str] = "lake.log_missing"
    hint = "give the path of a file you may read"


class LogUnreadable(LakeError, ValueError):
    """The log is damaged, cut short, or of a kind that cannot be read."""

    code: ClassVar[str] = "lake.log_unreadable"
    hint = "fetch the file again if it was cut short; docs/import.md lists what can be read"


class LogEmpty(LakeError, ValueError):
    """The log holds no bytes, or no header."""

    code: ClassVar[str] = "lake.log_empty"
    hint = "check that the export finished; a log begins with a header line that names its columns"


class LogEncoding(LakeError, UnicodeError):
    """The log is not UTF-8."""

    code: ClassVar[str] = "lake.log_encoding"
    hint = "export it as UTF-8, or convert it, for example with `iconv -f WINDOWS-1252 -t UTF-8`"


class LogColumnMissing(LakeError, LookupError):
    """The mapping names a column that the log does not have, or has twice."""

    code: ClassVar[str] = "lake.column_missing"
    hint = "correct the name under [columns] in the mapping"


class ZoneMissing(LakeError, ValueError):
    """The log's times carry no zone and the mapping names none."""

    code: ClassVar[str] = "lake.zone_missing"
    hint = 'say where the log\'s clock stood: [time] zone = "Europe/Amsterdam" in the mapping'


class MappingChanged(LakeError, ValueError):
    """This very log is in the lake already, read through another mapping."""

    code: ClassVar[str] = "lake.mapping_changed"
    hint = "start a new lake folder to read the log differently"


class NotALake(LakeError, ValueError):
    """The folder is no lake, or one that a newer version wrote."""

    code: ClassVar[str] = "lake.not_a_lake"
    hint = "name a folder made by `whosaw import`, or an empty or new one to import into"


class LakeBusy(LakeError, BlockingIOError):
    """Another import is writing to the lake."""

    code: ClassVar[str] = "lake.busy"
    hint = "wait for the other import to end, then start this one again"


class LakeUnwritable(LakeError, OSError):
    """The lake folder cannot be written: no room, no permission."""

    code: ClassVar[str] = "lake.unwritable"
    hint = "make room or choose a folder you may write to; nothing of this import was kept"


class LakeDamaged(LakeError, RuntimeError):
    """A file that the lake's manifest lists is missing or unreadable."""

    code: ClassVar[str] = "lake.damaged"
    hint = "restore the folder from a backup, or import the logs into a new one"


class SubjectUnknown(LakeError, LookupError):
    """No log in the lake names this subject."""

    code: ClassVar[str] = "lake.subject_unknown"
    hint = "write the reference as the imported log writes it"


class BeneficiaryUnknown(LakeError, LookupError):
    """No log in the lake names this beneficiary, although others are known."""

    code: ClassVar[str] = "lake.beneficiary_unknown"
    hint = "write the reference as the imported orders write it"


class KeyUnknown(LakeError, LookupError):
    """No file of the lake holds the key that is to be erased."""

    code: ClassVar[str] = "lake.key_unknown"
    hint = "write the reference as the imported log writes it; who was erased before is no longer known"


class AuditMissing(LakeError, LookupError):
    """The lake holds no import of the database's own audit log."""

    code: ClassVar[str] = "lake.audit_missing"
    hint = 'import the log of pgaudit with log.format = "pgaudit" in its mapping; docs/import.md says how'


class GuessFailed(LakeError, ValueError):
    """Nothing can be drafted from the file: it is not of any kind that can be imported."""

    code: ClassVar[str] = "lake.guess_failed"
    hint = "CSV, JSON, Parquet, XES and PostgreSQL's logs can be read, plain or compressed with gzip or zstd"


class SightingsInvalid(LakeError, ValueError):
    """The sightings file cannot be read, or a line of it says something that cannot be used."""

    code: ClassVar[str] = "lake.sightings_invalid"
    hint = (
        "a CSV file with the header `subject,contacted_at[,reported_at][,beneficiary][,channel][,weight]` "
        "and times as 2026-03-01T12:00:00+01:00"
    )


class BeneficiaryUnclear(LakeError, ValueError):
    """The sightings name several beneficiaries and none was chosen."""

    code: ClassVar[str] = "lake.beneficiary_unclear"
    hint = "choose with --beneficiary (several times for several), or ask about all with --every-beneficiary"


class QuestionUnknown(LakeError, LookupError):
    """No question has this name."""

    code: ClassVar[str] = "lake.question_unknown"
    hint = "`whosaw lake query` without a name lists the questions"


class QuestionIncomplete(LakeError, ValueError):
    """A question lacks what it is about, or is about too many people at once."""

    code: ClassVar[str] = "lake.question_incomplete"
    hint = "name subjects with --subject, staff with --actor"


class EngineMissing(LakeError, RuntimeError):
    """The engine that was asked for is not installed, or cannot read where the lake lies."""

    code: ClassVar[str] = "lake.engine_missing"
    hint = "leave --engine out to use DuckDB; Spark needs the extra `whosaw[spark]` and Java 17"


class EngineFailed(LakeError, RuntimeError):
    """The engine gave up on a question."""

    code: ClassVar[str] = "lake.engine_failed"
    hint = "narrow the question with --since and --until, or give the engine more room"


class OutputUnknown(LakeError, ValueError):
    """An answer cannot be written in the form that the file's name asks for."""

    code: ClassVar[str] = "lake.output_unknown"
    hint = "name a file that ends in .csv, .parquet or .json"


class TrailMismatch(LakeError, RuntimeError):
    """The lake holds more of this trail than the trail has: they are not of one history."""

    code: ClassVar[str] = "lake.trail_mismatch"
    hint = "run `whosaw fsck`; if the trail is whole, export it into a new lake"


class SetMissing(LakeError, LookupError):
    """An entry names a set of subjects that the trail no longer holds, and the entry was not erased."""

    code: ClassVar[str] = "lake.set_missing"
    hint = "run `whosaw fsck`: the trail's database lost a set of subjects"


class CaseNeeded(LakeError, PermissionError):
    """An analyst asked about one member of staff without a case."""

    code: ClassVar[str] = "lake.case_needed"
    hint = "open a case and name it with --case"


class StatementRefused(LakeError, PermissionError):
    """A statement is not a plain reading of the lake's tables."""

    code: ClassVar[str] = "lake.statement_refused"
    hint = "one SELECT over the tables `entries`, `disclosures` and `classes`; no files, no settings"
