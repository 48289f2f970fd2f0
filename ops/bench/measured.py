"""What was measured, and what it comes to."""

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

TARGETS = {
    "read_order_vs_bare_select": ("read_order", "bare_select", 0.45),
    "list_50_of_10k_vs_bare_select": ("list_50_of_10k", "bare_select", 0.20),
    "create_order_vs_bare_insert": ("create_order", "bare_insert", 0.25),
    "webhook_accept_vs_bare_insert": ("webhook_accept", "bare_insert", 0.35),
    "task_roundtrip_vs_noop_task": ("task_roundtrip", "noop_task", 0.50),
    "mail_vs_plain_smtplib": ("mail", "plain_smtplib", 0.50),
    "csv_vs_bare_copy": ("csv", "bare_copy", 0.35),
    "upload_bytes_vs_bare_stream": ("upload", "bare_stream", 0.60),
}
"""Name of the ratio: ours, the limit, and the least that is asked for (answers per second, ours over limit)."""

CEILINGS = {
    "mail_idle_latency_ms": 60.0,
    "upload_rss_growth_mb": 64.0,
    "csv_rss_growth_mb": 32.0,
    "cold_start_s": 3.0,
    "slots_cpu_ms": 30.0,
    "page_1000_vs_page_1": 1.3,
    "list_1m_vs_10k": 1.2,
    "board_statements": 4.0,
    "slots_statements": 6.0,
    "booking_statements": 10.0,
    "public_booking_statements": 18.0,
    "list_p95_in_flood_vs_quiet": 2.0,
    "sign_in_in_flood_s": 3.0,
    "retention_longest_statement_s": 1.0,
    "retention_delay_to_create_ms": 100.0,
}
"""Name of a result that must stay below this."""

FLOORS = {"janitor_deletes_per_s": 300.0, "exports_per_s": 150.0}
"""Name of a result that must stay above this."""

PERCENTILES = (50, 95, 99)


@dataclass(slots=True)
class Rate:
    """One path over all rounds: answers per second in each, all latencies in seconds, and CPU time in seconds that the
    servers (`workers`: gunicorn's or Celery's; `postgres`) spent on all of `count` answers."""

    rounds: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    client_cpu: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    count: int = 0

    @property
    def per_second(self) -> float:
        return statistics.median(self.rounds)

    @property
    def cpu_us(self) -> dict[str, int]:
        """CPU time of the servers for one answer, in microseconds; empty when it was not measured."""
        return {name: round(seconds / self.count * 1e6) for name, seconds in self.cpu.items()} if self.count else {}

    def add_cpu(self, before: Mapping[str, float], after: Mapping[str, float]) -> None:
        """Count the CPU seconds between two readings."""
        for name, seconds in after.items():
            self.cpu[name] = self.cpu.get(name, 0.0) + seconds - before[name]

    def as_json(self) -> dict[str, Any]:
        """Median rate, the rounds' spread, percentiles in ms, CPU in µs for each answer."""
        found: dict[str, Any] = {"per_second": round(self.per_second, 1), "rounds": [round(r, 1) for r in self.rounds]}
        if self.latencies:
            found |= {f"p{p}_ms": round(ms, 2) for p, ms in percentiles(self.latencies).items()}
        if self.cpu_us:
            found["cpu_us"] = self.cpu_us
        if self.client_cpu:
            found["client_cpu"] = round(statistics.median(self.client_cpu), 3)
        return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ratio or a ceiling beside its target; `rounds` is what each round alone would have said.

    `by_cpu` is a ratio's other view, the limit's CPU time for one answer over ours: it moves less when the machine is
    busy with other things.
    """

    value: float
    target: float
    met: bool
    rounds: list[float]
    by_cpu: float | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def percentiles(seconds: list[float]) -> dict[int, float]:
    """p50, p95 and p99 of `seconds`, in milliseconds."""
    ordered = sorted(seconds)
    return {p: ordered[min(len(ordered) - 1, len(ordered) * p // 100)] * 1000 for p in PERCENTILES}


def ratios(rates: Mapping[str, Rate]) -> dict[str, Verdict]:
    """Every ratio whose two sides were measured: the quotient of the medians."""
    verdicts = {}
    for name, (ours, limit, target) in TARGETS.items():
        if ours in rates and limit in rates:
            value = rates[ours].per_second / rates[limit].per_second
            pairs = zip(rates[ours].rounds, rates[limit].rounds, strict=True)
            each = [round(mine / bare, 3) for mine, bare in pairs]
            verdicts[name] = Verdict(round(value, 3), target, value >= target, each, _by_cpu(rates[ours], rates[limit]))
    return verdicts


def _by_cpu(ours: Rate, limit: Rate) -> float | None:
    if not (ours.cpu_us and limit.cpu_us):
        return None
    return round(sum(limit.cpu_us.values()) / sum(ours.cpu_us.values()), 3)


def quotients(ours: list[list[float]], others: list[list[float]]) -> list[float]:
    """The median of ours over the median of the others, round by round."""
    pairs = zip(ours, others, strict=True)
    return [round(statistics.median(mine) / statistics.median(other), 3) for mine, other in pairs]


def ceilings(values: Mapping[str, list[float]]) -> dict[str, Verdict]:
    """Every measured result that has a ceiling: the median of its rounds."""
    return {
        name: Verdict(round(statistics.median(rounds), 2), limit, statistics.median(rounds) < limit, rounds)
        for name, limit in CEILINGS.items()
        if (rounds := values.get(name))
    }


def floors(values: Mapping[str, list[float]]) -> dict[str, Verdict]:
    """Every measured result that has a floor: the median of its rounds."""
    return {
        name: Verdict(round(statistics.median(rounds), 2), limit, statistics.median(rounds) >= limit, rounds)
        for name, limit in FLOORS.items()
        if (rounds := values.get(name))
    }
