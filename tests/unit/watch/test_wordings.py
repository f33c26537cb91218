"""Texts of one template find one another among thousands, and others stay alone."""

import numpy as np

from whosaw.watch.wordings import ALIKE, run_print, same_wording


def runs(words: list[str]) -> frozenset[int]:
    return frozenset(run_print(run) for run in zip(words, words[1:], words[2:], strict=False))


def likeness(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)


def test_variants_of_a_template_are_one_and_unlike_texts_are_none() -> None:
    rng = np.random.default_rng(1)
    vocabulary = [f"w{n}" for n in range(3_000)]
    texts, truth = [], []
    for template in range(40):
        base = rng.choice(vocabulary, 60).tolist()
        for _ in range(5):  # a name here, an amount there
            words = list(base)
            for at in rng.choice(60, 2, replace=False).tolist():
                words[at] = f"name{rng.integers(1_000_000)}"
            texts.append(runs(words))
            truth.append(template)
    for _ in range(800):
        texts.append(runs(rng.choice(vocabulary, 60).tolist()))
        truth.append(-1)
    found = same_wording(texts)
    assert (found[200:] == -1).all()
    for template in range(40):
        mine = found[5 * template : 5 * template + 5]
        assert mine[0] >= 0 and len(set(mine.tolist())) == 1
    assert len(set(found[:200].tolist())) == 40


def test_only_texts_as_like_as_said_are_joined() -> None:
    rng = np.random.default_rng(2)
    for changed in range(0, 30, 2):
        base = [f"w{n}" for n in range(60)]
        other = list(base)
        for at in rng.choice(60, changed, replace=False).tolist():
            other[at] = f"x{at}"
        one, two = runs(base), runs(other)
        joined = bool((same_wording([one, two]) >= 0).all())
        if likeness(one, two) < ALIKE:
            assert not joined
        elif likeness(one, two) > 0.7:
            assert joined


def test_short_texts_and_no_texts_say_nothing() -> None:
    greeting = runs(["thank", "you", "for", "your", "order"])
    assert same_wording([greeting, greeting]).tolist() == [-1, -1]
    assert same_wording([]).size == 0
    assert same_wording([frozenset(), frozenset()]).tolist() == [-1, -1]
