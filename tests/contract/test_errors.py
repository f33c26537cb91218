"""What every error of whosaw promises, whichever stage it comes from."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter

import pytest

import whosaw
from whosaw.terms import WhosawError

_CODE = re.compile(r"[a-z]+\.[a-z][a-z0-9_]*")


def every_error() -> list[type[WhosawError]]:
    """Return every error class of the installed package."""
    for module in pkgutil.walk_packages(whosaw.__path__, "whosaw."):
        if not module.name.startswith("whosaw.store.migrations") and not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as missing:  # an optional extra that is not installed
                if (missing.name or "whosaw").startswith("whosaw"):
                    raise
    found, waiting = [], [WhosawError]
    while waiting:
        children = [child for child in waiting.pop().__subclasses__() if child.__module__.startswith("whosaw.")]
        found += children
        waiting += children
    return list(dict.fromkeys(found))


ERRORS = every_error()
LEAVES = [error for error in ERRORS if not any(issubclass(other, error) and other is not error for other in ERRORS)]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_has_a_code_of_its_stage_and_a_line_on_what_it_means(error: type[WhosawError]) -> None:
    assert _CODE.fullmatch(error.code), error.code
    assert error.__doc__
    assert error.diagnostics is WhosawError.diagnostics


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: error.__name__)
def test_a_leaf_is_also_the_builtin_that_fits(error: type[WhosawError]) -> None:
    builtins = [base for base in error.__mro__ if base.__module__ == "builtins"]
    assert set(builtins) - {Exception, BaseException, object}, error


def test_a_code_stands_for_one_error() -> None:
    counted = Counter(error.code for error in LEAVES)
    assert [code for code, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_a_hint_is_one_line_without_a_final_period(error: type[WhosawError]) -> None:
    assert "\n" not in error.hint
    assert not error.hint.endswith(".")
