from __future__ import annotations

from whosaw.watch import explained_share


def test_only_disclosures_count_and_only_verified_ones_are_explained() -> None:
    def entry(kind: str, verified: str, reason: str) -> dict[str, str]:
        return {"kind": kind, "verified": verified, "reason": reason}

    told = explained_share(
        [
            entry("disclosure", "yes", "purpose.verified"),
            entry("disclosure", "yes", "purpose.verified"),
            entry("disclosure", "no", "purpose.missing"),
            entry("disclosure", "no", "purpose.not_found"),
            entry("disclosure", "no", "purpose.not_found"),
            entry("denial", "no", "purpose.other_subject"),
            entry("suspension", "no", ""),
        ]
    )
    assert (told.disclosures, told.explained, told.share) == (5, 2, 0.4)
    assert list(told.unexplained.items()) == [("purpose.not_found", 2), ("purpose.missing", 1)]


def test_where_nothing_was_shown_nothing_is_unexplained() -> None:
    assert explained_share([]).share == 1.0
