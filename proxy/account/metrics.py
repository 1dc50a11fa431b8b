"""Numbers for Prometheus.

Laws of this file: counting one exchange is a few additions; families are built when somebody scrapes; the number of
series is bounded whatever learners and origins send.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from proxy.exchange import Receipt

MAX_SERIES = 20_000
MAX_CODES = 200
_OTHER = "other"
_BUCKETS_S = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_EXCHANGE_LABELS = ("region", "class", "kind", "verdict", "treatment")
_BYTES = (
    ("tropa_bytes_from_origin", "Body bytes taken from origins"),
    ("tropa_bytes_to_learner", "Bytes accepted by learners' connections"),
    ("tropa_bytes_up", "Bytes from learners"),
    ("tropa_metered_bytes", "Bytes on the hop that costs, as the operator counts them"),
    ("tropa_bytes_direct", "Bytes that the same exchanges would have moved without Tropa"),
    ("tropa_bytes_withheld", "Bytes that cards stand for"),
)


class Metrics:
    """Counts exchanges; shows gauges that others offer."""

    def __init__(self) -> None:
        self._exchanges: dict[tuple[object, ...], list[float]] = {}
        self._errors: dict[str, int] = {}
        self._events: dict[tuple[str, str], int] = {}
        self._durations: dict[str, list[float]] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(_Families(self._families))
        ProcessCollector(registry=self.registry)

    def exchange(self, receipt: Receipt) -> None:
        """Count one exchange."""
        key = (receipt.region, receipt.traffic_class, receipt.kind, receipt.verdict, receipt.treatment)
        line = self._exchanges.get(key)
        if line is None:
            line = self._new_line(key)
        line[0] += 1
        line[1] += receipt.bytes_from_origin
        line[2] += receipt.bytes_to_learner
        line[3] += receipt.bytes_up
        line[4] += receipt.metered_bytes
        line[5] += receipt.bytes_direct
        line[6] += receipt.bytes_withheld
        durations = self._durations.get(receipt.traffic_class)
        if durations is None:
            durations = self._durations[receipt.traffic_class] = [0.0] * (len(_BUCKETS_S) + 2)
        durations[bisect_left(_BUCKETS_S, receipt.duration_s)] += 1
        durations[-1] += receipt.duration_s
        if receipt.error is not None:
            self._bump_error(receipt.error)

    def event(self, name: str, outcome: str, count: int = 1) -> None:
        """Count something else: ("transform_image", "replaced"), ("log", "lost") …; both words come from our code."""
        key = (name, outcome)
        if key in self._events or len(self._events) < MAX_CODES:
            self._events[key] = self._events.get(key, 0) + count

    def watch(self, name: str, what: str, read: Callable[[], float]) -> None:
        """Show a gauge, read at each scrape: queue lengths, open tunnels, the variant store's size.

        name: without the prefix `tropa_`.
        """
        self._gauges[f"tropa_{name}"] = (what, read)

    # -- inside -----------------------------------------------------------------------------------------------

    def _new_line(self, key: tuple[object, ...]) -> list[float]:
        if len(self._exchanges) >= MAX_SERIES:
            key = (_OTHER, *key[1:])
        return self._exchanges.setdefault(key, [0] * 7)

    def _bump_error(self, code: str) -> None:
        if code not in self._errors and len(self._errors) >= MAX_CODES:
            code = _OTHER
        self._errors[code] = self._errors.get(code, 0) + 1

    def _families(self) -> Iterator[Metric]:
        yield from self._exchange_families()
        errors = CounterMetricFamily("tropa_errors", "Exchanges that ended in an error", labels=["code"])
        for code, count in self._errors.items():
            errors.add_metric([code], count)
        yield errors
        events = CounterMetricFamily("tropa_events", "What else happened", labels=["name", "outcome"])
        for (name, outcome), count in self._events.items():
            events.add_metric([name, outcome], count)
        yield events
        yield self._duration_family()
        for name, (what, read) in self._gauges.items():
            yield GaugeMetricFamily(name, what, value=read())

    def _exchange_families(self) -> Iterator[Metric]:
        exchanges = CounterMetricFamily("tropa_exchanges", "Exchanges", labels=_EXCHANGE_LABELS)
        sums: dict[tuple[str, str], list[float]] = {}
        for key, line in self._exchanges.items():
            labels = [str(value) for value in key]
            exchanges.add_metric(labels, line[0])
            total = sums.setdefault((labels[0], labels[1]), [0] * 7)
            total[:] = [a + b for a, b in zip(total, line, strict=True)]
        yield exchanges
        for place, (name, what) in enumerate(_BYTES, start=1):
            family = CounterMetricFamily(name, what, labels=("region", "class"))
            for labels_pair, total in sums.items():
                family.add_metric(labels_pair, total[place])
            yield family

    def _duration_family(self) -> Metric:
        family = HistogramMetricFamily("tropa_exchange_seconds", "From head to last byte", labels=["class"])
        for traffic_class, counts in self._durations.items():
            buckets, below = [], 0.0
            for bound, count in zip((*map(str, _BUCKETS_S), "+Inf"), counts, strict=False):
                below += count
                buckets.append((bound, below))
            family.add_metric([str(traffic_class)], buckets, sum_value=counts[-1])
        return family


class _Families(Collector):
    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()


async def metrics_app(metrics: Metrics, listen: str) -> web.AppRunner:
    """Serve `/metrics` on "host:port" or "[v6]:port"; the caller cleans the runner up.

    Raises: ValueError for a malformed address, OSError where it can't be listened on.
    """

    async def scrape(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(metrics.registry), headers={"Content-Type": content_type})

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"expected an address like 127.0.0.1:9101, got {listen!r}")
    app = web.Application()
    app.router.add_get("/metrics", scrape)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host.strip("[]"), int(port)).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner
