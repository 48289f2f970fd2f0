from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared.exports.counting import Waiting
from shared.exports.events import Event
from shared.exports.model import UNFINISHED, ExportState

_SHOWN = (*UNFINISHED, ExportState.DEAD)


class ExportNumbers(Collector):
    """The export panel: what waits, what was given up, and targets that take nothing. Every state and event is always
    shown, so that a graph begins at zero, and growth from zero can be seen."""

    def __init__(
        self, unfinished: Mapping[str, Waiting], dead: Mapping[str, Waiting], targets: Mapping[str, int]
    ) -> None:
        oldest = max((waiting.oldest_seconds for waiting in dead.values()), default=0.0)
        all_dead = Waiting(sum(waiting.number for waiting in dead.values()), oldest)
        self._by_state = {**unfinished, str(ExportState.DEAD): all_dead}
        self._dead, self._targets = dead, targets

    def collect(self) -> Iterator[Metric]:
        """The metrics, with every label value that there is."""
        number = GaugeMetricFamily("crewline_exports", "Events that are not delivered", labels=["state"])
        oldest = GaugeMetricFamily(
            "crewline_export_oldest_seconds",
            "How long ago the oldest was made of those that could be delivered now, or were given up",
            labels=["state"],
        )
        for state in map(str, _SHOWN):
            waiting = self._by_state.get(state, Waiting())
            number.add_metric([state], waiting.number)
            oldest.add_metric([state], max(waiting.oldest_seconds, 0.0))
        yield number
        yield oldest
        dead = GaugeMetricFamily("crewline_exports_dead", "Events that were given up", labels=["event"])
        for event in map(str, Event):
            dead.add_metric([event], self._dead.get(event, Waiting()).number)
        yield dead
        targets = GaugeMetricFamily(
            "crewline_webhook_endpoints", "Organizations whose target takes no events now", labels=["state"]
        )
        for state, count in self._targets.items():
            targets.add_metric([state], count)
        yield targets
