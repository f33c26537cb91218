"""What catalogs of tests begin with: a company, its database, its customers, and their e-mail address."""

from __future__ import annotations

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
