"""The policies and the schema that ship with whosaw, and reading a company's own."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from whosaw.decide.policy import PolicyInvalid, PolicySet, unparsable


def schema() -> str:
    """Return the Cedar schema every policy must fit."""
    return (resources.files("whosaw.decide") / "policies" / "whosaw.cedarschema").read_text(encoding="utf-8")


def load_policies(files: Sequence[Path] = ()) -> PolicySet:
    """Return the company's own policies, or those that ship with whosaw where it names no file.

    Args:
        files: Cedar files that make one set together, in this order.

    Raises:
        PolicyInvalid: a file cannot be read, or they do not parse or do not validate.
    """
    if not files:
        folder = resources.files("whosaw.decide") / "policies"
        return PolicySet((folder / "whosaw.cedar").read_text(encoding="utf-8"), schema())
    texts = [_read(path) for path in files]
    if len(files) > 1:  # each is to parse by itself; of one, the set itself says so, and it is parsed once
        _refuse_unparsable(files, texts)
    try:
        return PolicySet("\n".join(texts), schema())
    except PolicyInvalid:
        _refuse_unparsable(files, texts)
        raise


def _refuse_unparsable(files: Sequence[Path], texts: Sequence[str]) -> None:
    """Name the first file that does not parse."""
    for path, text in zip(files, texts, strict=True):
        if problem := unparsable(text):
            raise PolicyInvalid(f"the policies `{path}` do not parse: {problem}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as cause:
        raise PolicyInvalid(f"cannot read the policies `{path}`: {cause.strerror}") from cause
    except UnicodeDecodeError as cause:
        raise PolicyInvalid(f"the policies `{path}` are not UTF-8") from cause
