"""Watch on a lake, from log files to flags: the commands as an operator calls them."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from whosaw.app.cli import run as command
from whosaw.app.watchfiles import WatchFileInvalid, read_config, read_table
from whosaw.app.watching import (
    FlagNotFound,
    NothingToWatch,
    WatchFiles,
    replay_flag,
    replayed_beside,
    watch_actors,
)
from whosaw.app.watchingreviews import watch_reviews, watch_sellers
from whosaw.app.watchobserved import observe
from whosaw.app.watchwork import Told
from whosaw.catalog import CatalogInvalid
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.watch.errors import ForbiddenAttribute, NothingLeft
from whosaw.watch.flags import VERSION
from whosaw.watch.signals import FAMILIES

START = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE, CUSTOMERS, SELLERS, LOOKS, DAYS = 40, 1_000, 60, 8_000, 56


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everybody works on tickets; 2 % of the looks have none; e5 looks up ten customers of s7 without one."""
    folder, rng = tmp_path_factory.mktemp("watch"), np.random.default_rng(1)
    seller = rng.integers(0, SELLERS, CUSTOMERS)
    rows = []
    for n in range(LOOKS):
        customer, ticket = int(rng.integers(0, CUSTOMERS)), f"T-{n}" if rng.random() > 0.02 else ""
        at = START + timedelta(days=float(rng.random()) * DAYS)
        rows.append(f"e{rng.integers(0, PEOPLE)},c{customer},{at.isoformat()},{ticket}")
    for customer in rng.choice(np.flatnonzero(seller == 7), 10).tolist():
        at = START + timedelta(days=30 + float(rng.random()) * 25)
        rows.append(f"e5,c{customer},{at.isoformat()},")
    log = write(folder, "log.csv", "actor,subject,at,ticket", *rows)
    columns = {name: name for name in ("actor", "subject", "at", "ticket")}
    import_log(log, read_mapping({"kind": "accesses", "columns": columns}), folder / "lake")
    orders = [f"c{customer},{START.isoformat()},s{of}" for customer, of in enumerate(seller.tolist())]
    file = write(folder, "orders.csv", "subject,at,beneficiary", *orders)
    columns = {name: name for name in ("subject", "at", "beneficiary")}
    import_log(file, read_mapping({"kind": "orders", "columns": columns}), folder / "lake")
    return folder / "lake"


@pytest.fixture(scope="module")
def staff(lake: Path) -> Path:
    rows = [f"e{n},desk-{n % 2},{'night' if n % 3 == 0 else 'day'},vendor-{n % 4}" for n in range(PEOPLE)]
    return write(lake.parent, "staff.csv", "actor,role,shift,employer", *rows)


def test_the_bribed_becomes_a_case_by_number_and_the_seller_is_told(lake: Path, staff: Path) -> None:
    told = json.loads(json.dumps(watch_actors(lake, WatchFiles(actors=staff), nightly=True), allow_nan=False))
    cases = [flag for flag in told["flags"] if flag["tier"] in ("case", "escalate")]
    assert [flag["beneficiary"] for flag in cases] == ["s7"]
    assert cases[0]["actor"].startswith("a-") and not re.search(r"\be5\b", json.dumps(told))
    assert len(cases[0]["accesses"]) >= 8 and 0.95 < told["explained_share"] < 1
    assert "beneficiary" not in told["off"] and cases[0]["signals"][0]["name"] == "beneficiary"
    assert told["missing"] == []
    rates = {(rate["attribute"], rate["group"]): rate for rate in told["rates_by_group"]}
    assert rates["shift", "night"]["people"] == 14 * 5 and ("employer", "vendor-3") in rates
    assert not any(rate["above"] for rate in rates.values())


def test_a_flag_is_replayed_with_the_same_seal_and_not_from_other_files(lake: Path, staff: Path) -> None:
    files = WatchFiles(actors=staff)
    flag = watch_actors(lake, files)["flags"][0]
    assert replay_flag(lake, files, flag["id"])["seal"] == flag["seal"]
    with pytest.raises(FlagNotFound):
        replay_flag(lake, WatchFiles(), flag["id"])


def test_a_seal_of_another_version_is_told_from_a_forged_one() -> None:
    def none() -> dict[str, object]:
        raise FlagNotFound("no flag `f` follows from these rows and settings")

    current, before = f"{VERSION}.{'0' * 64}", "0" * 64
    assert replayed_beside(current, dict) == {"other_version": ""}
    said = replayed_beside(before, dict)["other_version"]
    assert said == f"it was made by version 1 of watch, and this is version {VERSION}"
    with pytest.raises(FlagNotFound, match="rows and settings: it was made by version 1 of watch"):
        replayed_beside(before, none)
    with pytest.raises(FlagNotFound, match=r"rows and settings$"):
        replayed_beside(current, none)


def test_a_declared_account_manager_is_no_case(lake: Path, staff: Path) -> None:
    managers = write(lake.parent, "managers.csv", "actor,beneficiary", "e5,s7")
    told = watch_actors(lake, WatchFiles(actors=staff, managers=managers))
    assert not [flag for flag in told["flags"] if flag["tier"] in ("case", "escalate") and flag["beneficiary"] == "s7"]


def test_every_file_is_read_and_what_lacks_is_said(lake: Path) -> None:
    folder, at = lake.parent, (START + timedelta(days=50)).isoformat()
    files = WatchFiles(
        harms=write(folder, "harms.csv", "subject,at", f"c1,{at}"),
        decisions=write(
            folder,
            "decisions.csv",
            "actor,at,kind,favourable,beneficiary,second,routed,appealed_at",
            *[f"e{n % PEOPLE},{at},deletion,{n % 2},s1,{n % 2},1,{at}" for n in range(80)],
        ),
        prints=write(folder, "prints.csv", "side,name,print", "actor,e3,iban-1", "beneficiary,s4,iban-1"),
        canaries=write(folder, "canaries.csv", "subject", "c2"),
        config=write(folder, "watch.toml", "[watch]", "false_cases_a_month = 1.0"),
    )
    told = watch_actors(lake, files)
    assert set(told["weights"]) == {"beneficiary", "volume", "harm", "decisions", "picks", "canary", "sharing"}
    assert told["false_cases_a_month"] == 1.0
    assert told["missing"] == ["nobody's role is known: everybody is everybody's peer"]


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("actor,role,nationality", ForbiddenAttribute),
        ("actor,role,monthly_pay", ForbiddenAttribute),
        ("actor,role,herkunft", ForbiddenAttribute),
        ("actor,role,dob_year", ForbiddenAttribute),
        ("actor,role,hobby", WatchFileInvalid),
        ("actor", WatchFileInvalid),
    ],
)
def test_a_file_with_what_nothing_may_read_is_refused_whole(
    header: str, error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error) as refused:
        read_table(write(tmp_path, "staff.csv", header, "e1,x,y"), ("actor", "role"), ("shift",))
    assert "e1" not in str(refused.value)


@pytest.mark.parametrize(
    ("column", "cells", "read"),
    [("queue", ("m", "f"), False), ("shift", ("männlich", "weiblich"), False), ("shift", ("F", "M", "S", "N"), True)],
)
def test_peers_are_not_made_by_sex_under_another_name_and_no_run_fails_for_a_column(
    column: str, cells: tuple[str, ...], read: bool, tmp_path: Path, lake: Path
) -> None:
    rows = [f"e{n},support,{cells[n % len(cells)]}" for n in range(PEOPLE)]
    files = WatchFiles(actors=write(tmp_path, "staff.csv", f"actor,role,{column}", *rows))
    watched = observe(lake, files, Told())
    assert (getattr(watched.observed, column) is not None) is read
    assert watched.missing == (() if read else (f"`{column}` holds what looks like sexes: nobody's peers by it",))
    assert getattr(observe(lake, files, Told(whole_staff=True)).observed, column) is not None, "as runs of before"
    told = watch_actors(lake, files, nightly=True)
    assert told["missing"] == list(watched.missing)
    assert ("m" in {each["group"] for each in told["rates_by_group"]}) is False


def test_settings_and_times_are_read_strictly(tmp_path: Path, lake: Path) -> None:
    with pytest.raises(CatalogInvalid, match="unknown key `sensitivity`"):
        read_config(write(tmp_path, "a.toml", "[watch]", "sensitivity = 3"))
    with pytest.raises(WatchFileInvalid):
        read_config(write(tmp_path, "b.toml", "[watch"))
    harms = write(tmp_path, "harms.csv", "subject,at", "c1,2026-01-01T00:00:00")
    with pytest.raises(WatchFileInvalid, match="row 2"):
        watch_actors(lake, WatchFiles(harms=harms))


def test_where_every_signal_is_off_by_the_settings_nothing_is_weighed_and_by_the_check_nobody_is_flagged(
    tmp_path: Path, lake: Path, staff: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write(tmp_path, "off.toml", "[watch]", f"off = {sorted(FAMILIES)}")
    with pytest.raises(NothingLeft, match="switch every signal off"):
        watch_actors(lake, WatchFiles(config=config))
    monkeypatch.setattr("whosaw.watch.nightly.MEAN_LIMIT", 0.0)
    told = watch_actors(lake, WatchFiles(actors=staff), nightly=True)
    assert told["flags"] == []
    assert {each["name"] for each in told["health"] if not each["holds"]} == set(told["off"])


def test_a_lake_without_people_says_so(tmp_path: Path) -> None:
    orders = write(tmp_path, "orders.csv", "subject,at,beneficiary", f"c1,{START.isoformat()},s1")
    columns = {name: name for name in ("subject", "at", "beneficiary")}
    import_log(orders, read_mapping({"kind": "orders", "columns": columns}), tmp_path / "lake")
    with pytest.raises(NothingToWatch):
        watch_actors(tmp_path / "lake", WatchFiles())


def test_the_commands_print_for_people_and_for_programs(
    lake: Path, staff: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["--lake", str(lake), "--staff", str(staff)]
    assert command(["watch", "actors", *base, "--json"]) == 0
    flag = json.loads(capsys.readouterr().out)["flags"][0]
    assert command(["watch", "actors", *base]) == 0
    printed = capsys.readouterr().out
    assert flag["id"] in printed and "innocent people a month" in printed and "perhaps" in printed
    assert command(["watch", "replay", flag["id"], *base, "--seal", flag["seal"]]) == 0
    assert flag["seal"].startswith(f"{VERSION}.")
    capsys.readouterr()
    assert command(["watch", "replay", flag["id"], *base, "--seal", "0" * 64, "--json"]) == 1
    assert "version 1 of watch" in json.loads(capsys.readouterr().out)["other_version"]
    capsys.readouterr()
    prints = write(
        tmp_path, "prints.csv", "side,name,print", "beneficiary,s1,iban", "beneficiary,s2,iban", "actor,e1,iban"
    )
    assert command(["watch", "sellers", "--prints", str(prints)]) == 0
    assert "s1, s2" in capsys.readouterr().out
    assert watch_sellers(prints)["clusters"][0]["broker"] is True


def test_reviews_are_watched_from_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = []
    for n in range(3_000):
        at = START + timedelta(days=float(rng.random()) * 200)
        rows.append(f"r{n},a{rng.integers(0, 1_500)},p{rng.integers(0, 60)},{at.isoformat()},{rng.integers(1, 6)}")
    bad = [f"b{n},critic{n},p9,{(START + timedelta(days=10 * n)).isoformat()},1" for n in range(10)]
    reviews = write(tmp_path, "reviews.csv", "review,author,target,at,stars", *rows, *bad)
    deleted = [f"b{n},e4,{(START + timedelta(days=150)).isoformat()}" for n in range(10)]
    deletions = write(tmp_path, "deletions.csv", "review,actor,at", *deleted)
    told = watch_reviews(reviews, deletions)
    assert told["rings"] == [] and len(told["bought_deletions"]) == 1
    assert sorted(told["bought_deletions"][0]["restore"]) == [f"b{n}" for n in range(10)]
    assert command(["watch", "reviews", "--reviews", str(reviews), "--deletions", str(deletions)]) == 0
    stray = write(tmp_path, "stray.csv", "review,actor,at", f"unknown,e4,{START.isoformat()}")
    with pytest.raises(WatchFileInvalid):
        watch_reviews(reviews, stray)
