"""Appeals that read like their approver, from files: whom it lists, and which innocent stories it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from whosaw.app.cli import run as command
from whosaw.app.watchfiles import WatchFileInvalid
from whosaw.app.watchwording import watch_wording
from whosaw.watch.errors import ForbiddenAttribute

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
FORM = "we ask you to look at our account again because we have followed every rule of the marketplace"


def words(seed: object, count: int = 60) -> str:
    random = Random(str(seed))
    return " ".join("".join(random.choice("aeioulnrst") for _ in range(5)) for _ in range(count))


def write(folder: Path, name: str, header: str, rows: Sequence[tuple[str, ...]]) -> Path:
    path = folder / name
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


@pytest.fixture
def written() -> list[tuple[str, ...]]:
    return [(f"e{n}", at(0), f"{FORM} {words(f'staff {n}')}") for n in range(40)]


def test_an_appeal_drafted_by_its_approver_is_listed_and_what_sellers_wrote_is_not(
    tmp_path: Path, written: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    draft = words("the draft")
    written.append(("e8", at(1), draft))
    appeals = [(f"A-{n}", f"e{n}", at(2 + n), f"{FORM} {words(f'seller {n}')}") for n in range(20)]
    appeals.append(("A-bought", "e8", at(1.2), f"{FORM} {draft} instead"))
    files = (
        write(tmp_path, "appeals.csv", "appeal,approver,at,text", appeals),
        write(tmp_path, "written.csv", "actor,at,text", written),
    )
    told = watch_wording(*files)
    (found,) = told["like_the_approver"]
    assert found["appeal"] == "A-bought" and found["share"] > 0.7 and found["evidence"].endswith(" : 1")
    assert (told["appeals"], told["weighed"], told["by_chance"]) == (21, 21, round(21 / 40, 2))
    arguments = ["watch", "wording", "--appeals", str(files[0]), "--written", str(files[1])]
    assert command(arguments) == 0
    printed = capsys.readouterr().out
    assert "A-bought" in printed and "no probability of guilt" in printed and draft.split()[0] not in printed
    assert command([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told


def test_an_answer_that_quotes_the_appeal_and_a_seller_who_repeats_himself_accuse_nobody(
    tmp_path: Path, written: list[tuple[str, ...]]
) -> None:
    plea = words("the seller's own")
    written.append(("e8", at(5), plea))  # e8 answers the first appeal and quotes it
    appeals = [("A-1", "e8", at(4), plea), ("A-2", "e8", at(9), f"{plea} {words('and more', 10)}")]
    told = watch_wording(
        write(tmp_path, "appeals.csv", "appeal,approver,at,text", appeals),
        write(tmp_path, "written.csv", "actor,at,text", written),
    )
    assert told["weighed"] == 2 and told["like_the_approver"] == []


def test_among_few_writers_or_of_an_approver_who_never_wrote_nothing_is_said(
    tmp_path: Path, written: list[tuple[str, ...]]
) -> None:
    appeals = write(tmp_path, "appeals.csv", "appeal,approver,at,text", [("A-1", "e1", at(4), written[1][2])])
    few = write(tmp_path, "few.csv", "actor,at,text", written[:10])
    others = write(tmp_path, "others.csv", "actor,at,text", written[2:])
    for file in (few, others):
        assert watch_wording(appeals, file)["weighed"] == 0


def test_files_that_say_too_little_or_too_much_are_refused(tmp_path: Path, written: list[tuple[str, ...]]) -> None:
    good = write(tmp_path, "written.csv", "actor,at,text", written)
    for bad in (("A-1", "", at(1), "x"), ("", "e1", at(1), "x"), ("A-1", "e1", "2026-03-01", "x")):
        with pytest.raises(WatchFileInvalid):
            watch_wording(write(tmp_path, "appeals.csv", "appeal,approver,at,text", [bad]), good)
    with pytest.raises(ForbiddenAttribute):
        watch_wording(write(tmp_path, "appeals.csv", "appeal,approver,at,text,language", []), good)
