"""What attribution refuses: inputs that contradict one another and settings that mean nothing."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError


class TraceError(WhosawError):
    """Base of every refusal of this stage."""

    code: ClassVar[str] = "trace.error"


class InputRefused(TraceError, ValueError):
    """Arrays differ in length, or an index points outside its range."""

    code: ClassVar[str] = "trace.input"
    hint = "give arrays of one length, and dense indices that start at 0"


class SettingRefused(TraceError, ValueError):
    """A setting lies outside the range in which the method means anything."""

    code: ClassVar[str] = "trace.setting"
    hint = "leave the setting out to use the default that was measured"
