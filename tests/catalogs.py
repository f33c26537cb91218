"""What catalogs of tests begin with: a company, its database, its customers, and their e-mail address."""

from __future__ import annotations

from pathlib import Path

from whosaw.store.migrate import engine_url

EMAIL = """[fields."customer.email"]
column = "email"
class = "contact"
mask = "email"
"""


def head(url: str = "{url}", *, table: str = "company.customers") -> str:
    """Return the head of a catalog; what follows may add to its ``[subjects.customer]``.

    Args:
        url: the address of the source as TOML text without quotes, or a place for `str.format`.
        table: of the customers.
    """
    return f"""
[company]
name = "Company"
contact = "privacy@company.example"
[sources.company]
url = "{url}"
[subjects.customer]
source = "company"
table = "{table}"
key = "id"
"""


def settle(folder: Path, catalog: str, url: str) -> Path:
    """Make the state folder of a whosaw whose catalog is this one; return it.

    Args:
        folder: which is not there yet.
        catalog: its text, with ``{url}`` for the address of the source.
        url: of the company's database.
    """
    folder.mkdir()
    address = engine_url(url).render_as_string(hide_password=False)
    (folder / "whosaw.toml").write_text(catalog.replace("{url}", address), encoding="utf-8")
    return folder
