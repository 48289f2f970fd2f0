from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared.storage_deletes.model import DeleteState


class StorageNumbers(Collector):
    """The photo panel: per backend what waits and is stuck, and bytes. A backend that is set up is always shown, so
    that a graph begins at zero."""

    def __init__(
        self,
        backends: Sequence[str],
        deletes: Sequence[Any],
        taken: Mapping[str, int],
        under_way: Mapping[tuple[str, str], int],
    ) -> None:
        self._backends = sorted({*backends, *taken, *(row.backend for row in deletes)})
        self._deletes = {(row.backend, row.state): row for row in deletes}
        self._taken = taken
        self._under_way = under_way

    def collect(self) -> Iterator[Metric]:
        """The metrics, with every label value that there is."""
        labels = ["backend", "state"]
        number = GaugeMetricFamily(
            "crewline_storage_deletes", "Files that are to be deleted and are due", labels=labels
        )
        oldest = GaugeMetricFamily(
            "crewline_storage_delete_oldest_seconds", "For how long the oldest of them is due", labels=labels
        )
        for backend in self._backends:
            for state in map(str, DeleteState):
                row = self._deletes.get((backend, state))
                number.add_metric([backend, state], row.number if row else 0)
                oldest.add_metric([backend, state], max(float(row.oldest_seconds), 0.0) if row else 0.0)
        yield number
        yield oldest
        taken = GaugeMetricFamily(
            "crewline_photo_bytes", "What photos take, those on their way included", labels=["backend"]
        )
        for backend in self._backends:
            taken.add_metric([backend], self._taken.get(backend, 0))
        yield taken
        under_way = GaugeMetricFamily(
            "crewline_photos_under_way", "Photos that are being uploaded, processed or moved", labels=labels
        )
        for (backend, state), count in sorted(self._under_way.items()):
            under_way.add_metric([backend, state], count)
        yield under_way
