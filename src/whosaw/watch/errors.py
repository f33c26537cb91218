"""What watch refuses: inputs that contradict one another, templates and settings that mean nothing."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError


class WatchError(WhosawError):
    """Base of every refusal of this stage."""

    code: ClassVar[str] = "watch.error"


class RowsRefused(WatchError, ValueError):
    """Arrays differ in length, or an index points outside its range."""

    code: ClassVar[str] = "watch.rows"
    hint = "give arrays of one length, and dense indices that start at 0; -1 stands for none"


class TemplateRefused(WatchError, ValueError):
    """A template says something that cannot be carried out."""

    code: ClassVar[str] = "watch.template"
    hint = "docs/watch.md lists what a template may say"


class WatchSettingRefused(WatchError, ValueError):
    """A setting lies outside the range in which the method means anything."""

    code: ClassVar[str] = "watch.setting"
    hint = "leave the setting out to use the default that was measured"


class ForbiddenAttribute(WatchError, ValueError):
    """A stratum, weight or signal would read something about a person that no signal may read."""

    code: ClassVar[str] = "watch.forbidden_attribute"
    hint = "strata are role, queue, month and product; nationality, pay, age, sex, language, union and health are not"


class TooLittleToLearn(WatchError, ValueError):
    """There are too few accesses to measure how strong an excuse is."""

    code: ClassVar[str] = "watch.too_little"
    hint = "learn on a longer stretch of the record"


class NothingLeft(WatchError, ValueError):
    """No signal has rows, or the settings switch every one off."""

    code: ClassVar[str] = "watch.nothing_left"
    hint = "bring more of the record into the lake, or take signals out of `off`"
