"""What Prometheus may see: counts and times, of kinds and outcomes that are words of this program.

No label ever carries who asked, about whom, for what, or any text that came from outside: a metric is kept for years,
copied to where the record's rules do not reach, and read by people who may not see a customer.
"""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

KINDS = ("action", "bulk", "disclosure", "evaluation", "lookup")
OUTCOMES = ("alias", "allow", "cancelled", "deny", "failed", "invalid", "mask")
STATUSES = ("none", "witnessed", "waiting", "unwitnessed", "contradicted")

_ASK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_APPEND_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


@dataclass(frozen=True, slots=True)
class Now:
    """How the trail stands while it is scraped; what cannot be said is None.

    Args:
        entries: in the trail.
        unsigned: those beyond the last checkpoint.
        checkpoint_age_s: seconds since it was signed.
        witnesses: one of `STATUSES`.
        lake_lag: signed entries that are not in the lake yet.
        unread: alerts that nobody read.
        oldest_unread_s: seconds since the oldest of them was raised.
        covered: share of accesses that went through doors, by the last daily entry, 0 … 1.
    """

    entries: int
    unsigned: int
    checkpoint_age_s: float | None
    witnesses: str
    lake_lag: int | None
    unread: int
    oldest_unread_s: float
    covered: float | None


class Metrics:
    """The metrics of one process, in a registry of their own: what other libraries register is not shown."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        self._asks = Counter("whosaw_asks", "Asks answered, by kind and outcome.", ("kind", "outcome"), registry=own)
        self._seconds = Histogram(
            "whosaw_ask_seconds",
            "Time from an ask to its answer, its entry durable.",
            ("kind",),
            buckets=_ASK_S,
            registry=own,
        )
        self._appended = Counter("whosaw_trail_appended", "Entries that this process made durable.", registry=own)
        self._append = Histogram(
            "whosaw_append_seconds", "Time of one durable commit of entries.", buckets=_APPEND_S, registry=own
        )
        self._gauges = {
            name: Gauge(f"whosaw_{name}", said, registry=own)
            for name, said in {
                "trail_entries": "Entries in the trail.",
                "trail_unsigned_entries": "Entries beyond the last signed checkpoint.",
                "checkpoint_age_seconds": "Time since the last checkpoint was signed.",
                "lake_lag_entries": "Signed entries that are not in the lake yet.",
                "alerts_unread": "Alerts that nobody read.",
                "alert_oldest_unread_seconds": "Age of the oldest alert that nobody read.",
                "coverage_share": "Share of accesses that went through doors, by the last daily entry.",
            }.items()
        }
        self._witnesses = Gauge("whosaw_witnesses", "1 for how the witnessing stands.", ("status",), registry=own)
        for kind in KINDS:  # so that a rate can be asked for before the first ask of a kind
            for outcome in OUTCOMES:
                self._asks.labels(kind, outcome)

    def answered(self, kind: str, outcome: str, count: int, seconds: float) -> None:
        """Count `count` asks that were answered together.

        Raises:
            ValueError: kind or outcome is none of `KINDS` and `OUTCOMES`.
        """
        if kind not in KINDS or outcome not in OUTCOMES:
            raise ValueError("a label is a word that this module knows")
        self._asks.labels(kind, outcome).inc(count)
        self._seconds.labels(kind).observe(seconds)

    def appended(self, entries: int, seconds: float) -> None:
        """Count one durable commit."""
        self._appended.inc(entries)
        self._append.observe(seconds)

    def text(self, now: Now | None) -> bytes:
        """Return everything in Prometheus' text format; without `now` the gauges stay as they were."""
        if now is not None:
            self._stand(now)
        return generate_latest(self._registry)

    def _stand(self, now: Now) -> None:
        values = {
            "trail_entries": now.entries,
            "trail_unsigned_entries": now.unsigned,
            "checkpoint_age_seconds": now.checkpoint_age_s,
            "lake_lag_entries": now.lake_lag,
            "alerts_unread": now.unread,
            "alert_oldest_unread_seconds": now.oldest_unread_s,
            "coverage_share": now.covered,
        }
        for name, value in values.items():
            self._gauges[name].set(float("nan") if value is None else value)
        for status in STATUSES:
            self._witnesses.labels(status).set(status == now.witnesses)
