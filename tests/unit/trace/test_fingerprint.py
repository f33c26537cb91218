"""A found sample is traced to the export it came from, however it was shuffled and reformatted."""

import numpy as np
import pytest

from whosaw.trace import InputRefused
from whosaw.trace.fingerprint import Export, match_sample, print_row

SALT = b"a salt of the record"
POPULATION = 60_000


def row(customer: int) -> list[str]:
    return [f"Name {customer}", f"c{customer}@Example.com", f"{customer * 7} Long Street"]


def exports(generator: np.random.Generator, seeds: bool = True) -> list[Export]:
    """Thirty exports of one analyst and sixty of others, of a thousand rows and more, with five seeded rows each."""
    made = []
    for at in range(90):
        size = int(generator.integers(1_000, 2_500))
        customers = generator.choice(POPULATION, size, replace=False)
        seeded = frozenset(print_row(row(10**6 + at * 10 + s), SALT) for s in range(5)) if seeds else frozenset()
        prints = tuple(print_row(row(int(c)), SALT) for c in customers)
        made.append(Export(f"export-{at}", at % 3, prints + tuple(sorted(seeded)), seeded))
    return made


@pytest.fixture(scope="module")
def record() -> list[Export]:
    return exports(np.random.default_rng(6))


def test_case_spacing_accents_and_cell_order_do_not_change_a_print() -> None:
    assert print_row(["José  Müller", "J.M@X.com"], SALT) == print_row(["j.m@x.com", "JOSE\u0301 mu\u0308ller "], SALT)
    assert print_row(["a", "b"], SALT) != print_row(["a", "c"], SALT)
    assert print_row(["a"], SALT) != print_row(["a"], b"another salt")


def test_forty_shuffled_rows_name_the_export(record: list[Export]) -> None:
    right = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        source = record[int(generator.integers(90))]
        plain = [r for r in source.rows if r not in source.seeds]
        sample = [plain[i] for i in generator.choice(len(plain), 40, replace=False)]
        found = match_sample(sample, record, POPULATION)
        right += found.sources[0].reference == source.reference and found.sources[0].probability >= 0.95
    assert right == 20


def test_a_sample_from_elsewhere_is_from_none(record: list[Export]) -> None:
    for seed in range(20):
        generator = np.random.default_rng(seed)
        sample = [print_row(row(int(c)), SALT) for c in generator.choice(POPULATION, 40, replace=False)]
        assert match_sample(sample, record, POPULATION).none > 0.95


def test_a_seeded_row_is_counted_and_order_is_seen(record: list[Export]) -> None:
    source = record[17]
    found = match_sample(source.rows[100:140] + tuple(source.seeds)[:1], record, POPULATION)
    assert found.sources[0].reference == "export-17"
    assert found.sources[0].seeds == 1
    assert found.sources[0].in_order > 0.9
    assert found.sources[0].probability > 0.999


def test_two_exports_with_the_same_rows_share_the_probability(record: list[Export]) -> None:
    twin = Export("twin", 9, record[3].rows[::-1], record[3].seeds)
    generator = np.random.default_rng(1)
    sample = [record[3].rows[i] for i in generator.choice(900, 60, replace=False)]
    first, second = match_sample(sample, [*record, twin], POPULATION).sources[:2]
    assert {first.reference, second.reference} == {"export-3", "twin"}
    assert first.probability < 0.95


def test_an_empty_sample_is_refused(record: list[Export]) -> None:
    with pytest.raises(InputRefused):
        match_sample([], record, POPULATION)
    with pytest.raises(InputRefused):
        match_sample([b"x"], record, 0)
    with pytest.raises(InputRefused):
        match_sample([b"x"], record, 10, prior_none=1.0)
