"""What has to stand before the first employee comes to work: two databases, a catalog, keys, tokens, and the clock."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import ClassVar

import psycopg

from whosaw.app.errors import AppError
from whosaw.app.settings import Settings
from whosaw.market import ShopPasswords, Truth, World, create_shop, store_truth, write_truth
from whosaw.market.schema import CONNECTOR, READER
from whosaw.store import EmbeddedFailed, EmbeddedPostgres, upgrade
from whosaw.store.database import with_database, with_login
from whosaw.store.migrate import engine_url
from whosaw.terms import SharedClock


class DemoRunning(AppError, RuntimeError):
    """Another demonstration uses the folder."""

    code: ClassVar[str] = "app.demo_running"
    hint = "end it first, or give this one a folder of its own: --folder DIR"


class NotADemo(AppError, RuntimeError):
    """The folder holds something else, and a demonstration would delete it."""

    code: ClassVar[str] = "app.not_a_demo"
    hint = "choose an empty folder, or one that an earlier demonstration made"


@dataclass(frozen=True, slots=True)
class Ground:
    """The places of one demonstration.

    Attributes:
        settings: of whosaw itself; its state folder is the demonstration's.
        url: the owner's address of whosaw's database.
        admin_url: the owner's address of the server's maintenance database.
        shop_url: the shop as its owner: what the company itself does there.
        reader_url: the shop as whosaw reads it.
        connector_url: the shop as whosaw acts on it.
        truth_url: the shop as only the final comparison reads it.
        clock: the simulated clock, shared with the door's process.
    """

    folder: Path
    settings: Settings
    url: str
    admin_url: str
    shop_url: str
    reader_url: str
    connector_url: str
    truth_url: str
    clock: SharedClock

    @property
    def truth_file(self) -> Path:
        """Return where the truth lies; no stage is given this path."""
        return self.folder / "truth.json"


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """Lend an empty demonstration folder; what an earlier or interrupted demonstration left in it is removed.

    Raises:
        NotADemo: something else lies there.
        DemoRunning: another demonstration uses it.
    """
    mark = folder / ".whosaw-demo"
    try:
        foreign = folder.exists() and any(folder.iterdir()) and not mark.exists()
        if not foreign:
            folder.mkdir(parents=True, exist_ok=True)
            handle = mark.open("a")
    except OSError as cause:
        raise NotADemo(f"cannot use the folder `{folder}`: {cause.strerror}") from cause
    if foreign:
        raise NotADemo(f"`{folder}` is not empty and not a demonstration's folder")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            raise DemoRunning(f"a demonstration is running in `{folder}`") from cause
        _clear(folder, keep=mark)
        yield folder


@contextmanager
def lay_ground(folder: Path, world: World, truth: Truth) -> Iterator[Ground]:
    """Start the server, fill the shop, migrate whosaw's database, write catalog and clock; stop it at the end."""
    with EmbeddedPostgres(folder / "postgres") as server:
        passwords = ShopPasswords(reader=secrets.token_urlsafe(18), connector=secrets.token_urlsafe(18))
        truth_password = secrets.token_urlsafe(18)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("create database shop")
            connection.execute("create database whosaw")
        shop = with_database(server.url(), "shop")
        create_shop(shop, world, passwords)
        write_truth(truth, folder / "truth.json")
        store_truth(shop, truth, truth_password)
        own = with_database(server.url(), "whosaw")
        upgrade(own)
        reader = with_login(shop, READER, passwords.reader)
        _write_catalog(folder / "whosaw.toml", reader)
        yield Ground(
            folder=folder,
            settings=Settings(state=folder, catalog=folder / "whosaw.toml"),
            url=own,
            admin_url=server.url(),
            shop_url=shop,
            reader_url=reader,
            connector_url=with_login(shop, CONNECTOR, passwords.connector),
            truth_url=with_login(shop, "market_truth", truth_password),
            clock=SharedClock(folder / "clock", world.start),
        )


def _write_catalog(path: Path, reader_url: str) -> None:
    text = (resources.files("whosaw.app.demo") / "catalog.toml").read_text(encoding="utf-8")
    address = engine_url(reader_url).render_as_string(hide_password=False)
    path.touch(mode=0o600)
    path.write_text(text.replace('"{shop_url}"', json.dumps(address)))


def _clear(folder: Path, keep: Path) -> None:
    postgres = folder / "postgres"
    if (postgres / "data").exists():
        with contextlib.suppress(EmbeddedFailed):
            EmbeddedPostgres(postgres).stop()
    for entry in folder.iterdir():
        if entry == keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            os.unlink(entry)  # noqa: PTH108 - a link must go, not what it points at
