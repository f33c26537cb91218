"""Who there is: customers, sellers and staff, drawn from the small lists of names."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from whosaw.market import names
from whosaw.market.timeline import Int64, Size, stream
from whosaw.market.values import REGIONS, ROLES, Customers, Sellers, Staff

_ROLE_SHARES = (0.55, 0.12, 0.10, 0.15, 0.08)  # in the order of ROLES
_REGION_CYCLE = (0, 1, 2, 0, 1)  # so that every role has somebody in every region
_QUEUE_AGENTS = 14
_SLOTS = {0: (2, 3), 1: (1, 2), 2: (0, 1)}  # the two quarters of the UTC day that a region works in


def draw_customers(seed: int, size: Size) -> Customers:
    """Draw the customers.

    What makes a customer write to support (`propensity`) is independent of how much the customer buys, and it also
    decides who complains: busy customers are seen by more staff and complain more, leak or no leak.
    """
    rng = stream(seed, "customers")
    count = size.customers
    region = rng.choice(3, count, p=(0.42, 0.38, 0.20)).astype(np.int64)
    given, family = _draw_names(rng, region)
    return Customers(
        name=[f"{first} {last}" for first, last in zip(given, family, strict=True)],
        email=_addresses(rng, given, family),
        phone=_phones(rng, region),
        address=_places(rng, region),
        region=region,
        buying=rng.lognormal(0.0, 0.8, count),
        propensity=rng.lognormal(0.0, 0.6, count),
    )


def draw_sellers(seed: int, size: Size) -> Sellers:
    """Draw the sellers; popularity falls with the rank, about as its inverse."""
    rng = stream(seed, "sellers")
    count = size.seller_count
    popularity = 1.0 / (rng.permutation(count) + 6.0)
    first = rng.integers(len(names.SHOP_FIRST), size=count).tolist()
    second = rng.integers(len(names.SHOP_SECOND), size=count).tolist()
    titles = _numbered([f"{names.SHOP_FIRST[a]} {names.SHOP_SECOND[b]}" for a, b in zip(first, second, strict=True)])
    return Sellers(
        name=titles,
        mail_domain=[f"{title.lower().replace(' ', '-')}.example" for title in titles],
        region=rng.choice(3, count, p=(0.30, 0.25, 0.45)).astype(np.int64),
        balance_cents=np.round(rng.lognormal(13.0, 1.0, count) * (0.5 + count * popularity / popularity.sum())).astype(
            np.int64
        ),
        popularity=popularity / popularity.sum(),
        bad_share=rng.beta(2.0, 10.0, count),
    )


def draw_staff(seed: int, size: Size) -> Staff:
    """Draw the staff: every role in every region, in queues of about fourteen, in half-day shifts."""
    rng = stream(seed, "staff")
    count = size.staff
    role, region = _posts(rng, count)
    given, family = _draw_names(rng, region)
    slots = np.array([_SLOTS[index] for index in range(len(REGIONS))])
    first_off = rng.integers(7, size=count)
    off = np.zeros((count, 7), np.bool_)
    off[np.arange(count), first_off] = True
    off[np.arange(count), (first_off + 1) % 7] = True
    vendor = rng.choice(len(names.VENDORS), count, p=names.VENDOR_SHARES).tolist()
    return Staff(
        name=[f"{first} {last}" for first, last in zip(given, family, strict=True)],
        role=role,
        region=region,
        queue=_queues(role, region),
        vendor=[names.VENDORS[index] for index in vendor],
        slot=slots[region, rng.integers(2, size=count)].astype(np.int64),
        off=off,
        activity=rng.lognormal(0.0, 0.35, count),
        sloppiness=rng.lognormal(0.0, 1.0, count),
    )


def _posts(rng: np.random.Generator, count: int) -> tuple[Int64, Int64]:
    edges = np.round(np.cumsum((0.0, *_ROLE_SHARES)) * count).astype(np.int64)
    role = np.repeat(np.arange(len(ROLES)), np.diff(edges))
    within = np.arange(count) - edges[role]
    region = np.array(_REGION_CYCLE)[within % len(_REGION_CYCLE)]
    order = rng.permutation(count)
    return role[order].astype(np.int64), region[order].astype(np.int64)


def _queues(role: Int64, region: Int64) -> list[str]:
    groups: dict[tuple[int, int], list[int]] = {}
    for index, group in enumerate(zip(role.tolist(), region.tolist(), strict=True)):
        groups.setdefault(group, []).append(index)
    queues = [""] * len(role)
    for (which_role, which_region), members in groups.items():
        parts = max(1, round(len(members) / _QUEUE_AGENTS))
        for position, index in enumerate(members):
            queues[index] = f"{ROLES[which_role]}-{REGIONS[which_region].lower()}-{position % parts + 1:02d}"
    return queues


def _draw_names(rng: np.random.Generator, region: Int64) -> tuple[list[str], list[str]]:
    given = rng.random(len(region)).tolist()
    family = rng.random(len(region)).tolist()
    firsts = [names.GIVEN[code] for code in REGIONS]
    lasts = [names.FAMILY[code] for code in REGIONS]
    where = region.tolist()
    return (
        [firsts[r][int(u * len(firsts[r]))] for r, u in zip(where, given, strict=True)],
        [lasts[r][int(u * len(lasts[r]))] for r, u in zip(where, family, strict=True)],
    )


def _addresses(rng: np.random.Generator, given: Sequence[str], family: Sequence[str]) -> list[str]:
    plain = {word: _plain(word) for word in {*given, *family}}
    style = rng.integers(4, size=len(given)).tolist()
    digits = rng.integers(10, 100, size=len(given)).tolist()
    domain = rng.integers(len(names.MAIL_DOMAINS), size=len(given)).tolist()
    taken: dict[str, int] = {}
    found = []
    for index, (first, last) in enumerate(zip(given, family, strict=True)):
        a, b = plain[first], plain[last]
        local = (f"{a}.{b}", f"{a[0]}{b}{digits[index]}", f"{a}_{b}", f"{a}{b}{digits[index]}")[style[index]]
        local_at = f"{local}@{names.MAIL_DOMAINS[domain[index]]}"
        again = taken[local_at] = taken.get(local_at, -1) + 1
        # a dash never ends a fresh local part, so a numbered address cannot meet another one
        found.append(f"{local}-{again}@{names.MAIL_DOMAINS[domain[index]]}" if again else local_at)
    return found


def _plain(word: str) -> str:
    flat = unicodedata.normalize("NFKD", word.replace("ø", "o").replace("Ø", "O").replace("ł", "l"))
    return flat.encode("ascii", "ignore").decode().lower()


def _phones(rng: np.random.Generator, region: Int64) -> list[str]:
    # numbers in ranges without subscribers: 555-01xx in North America, prefixes 129 and 120 as mobile numbers elsewhere
    area = rng.integers(201, 990, size=len(region)).tolist()
    tail = rng.integers(0, 10_000_000, size=len(region)).tolist()
    forms = {
        0: lambda a, t: f"+1{a}55501{t % 100:02d}",
        1: lambda a, t: f"+49129{t:07d}",
        2: lambda a, t: f"+86120{a % 10}{t:07d}",
    }
    return [forms[r](a, t) for r, a, t in zip(region.tolist(), area, tail, strict=True)]


def _places(rng: np.random.Generator, region: Int64) -> list[str]:
    house = rng.integers(1, 400, size=len(region)).tolist()
    code = rng.integers(10_000, 99_999, size=len(region)).tolist()
    pick = rng.random((2, len(region))).tolist()
    streets = [names.STREETS[key] for key in REGIONS]
    cities = [names.CITIES[key] for key in REGIONS]
    found = []
    for r, number, postal, u, v in zip(region.tolist(), house, code, *pick, strict=True):
        city, country = cities[r][int(v * len(cities[r]))]
        found.append(f"{number} {streets[r][int(u * len(streets[r]))]}, {postal} {city}, {country}")
    return found


def _numbered(titles: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for title in titles:
        seen[title] = seen.get(title, 0) + 1
        found.append(title if seen[title] == 1 else f"{title} {seen[title]}")
    return found
