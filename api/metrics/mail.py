from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared.messages.model import MessageKind, MessageState

_SHOWN = (MessageState.QUEUED, MessageState.SENDING, MessageState.RETRYING, MessageState.DEAD)

Numbers = Mapping[str, tuple[int, float]]
"""How many there are, and how old the oldest is in seconds, by state or kind."""


class MailNumbers(Collector):
    """The mail panel: what waits and what was given up. Every state and kind is always shown, so that a graph begins at
    zero, and growth from zero can be seen."""

    def __init__(self, unfinished: Numbers, dead: Numbers) -> None:
        total = sum(number for number, _ in dead.values()), max((age for _, age in dead.values()), default=0.0)
        self._by_state = {**unfinished, str(MessageState.DEAD): total}
        self._dead = dead

    def collect(self) -> Iterator[Metric]:
        """The metrics, with every label value that there is."""
        number = GaugeMetricFamily("crewline_messages", "Mails that are not sent", labels=["state"])
        oldest = GaugeMetricFamily(
            "crewline_message_oldest_seconds", "How long ago the oldest of them was written", labels=["state"]
        )
        for state in map(str, _SHOWN):
            count, age = self._by_state.get(state, (0, 0.0))
            number.add_metric([state], count)
            oldest.add_metric([state], max(age, 0.0))
        yield number
        yield oldest
        dead = GaugeMetricFamily("crewline_messages_dead", "Mails that were given up", labels=["kind"])
        for kind in map(str, MessageKind):
            dead.add_metric([kind], self._dead.get(kind, (0, 0.0))[0])
        yield dead
