"""Microseconds for one decision by `Decider`, with few and with many regions."""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from bench.regions import regions
from bench.suite import Report, Table, Target
from policies.decide import Decider, decide
from policies.facts import AllowanceUse, RequestFacts, Usage
from policies.load import read_catalogue
from policies.model import Catalogue
from policies.values import Audience, MediaKind, Scope

METHOD = (
    "method: {requests} requests over all regions and {paths} paths a round, a learner's allowance running "
    "down, the clock moving; CPU time of this\n"
    "process, {rounds} rounds, median of their means. `remembered` is Decider as the pipeline uses it, `anew` "
    "is decide() without its memory."
)
_POLICIES = ("satellite-metered", "text-first", "school-adsl", "mobile-2g", "open")
_PATHS: tuple[tuple[str, str, Audience, MediaKind | None], ...] = (
    ("/mod/page/view.php", "id=101", Audience.PAGE, None),
    ("/mod/forum/view.php", "id=102", Audience.PAGE, None),
    ("/mod/quiz/attempt.php", "attempt=1", Audience.PAGE, None),
    ("/mod/chat/view.php", "id=201", Audience.PAGE, None),
    ("/pluginfile.php/55/mod_page/content/1/photo.jpg", "", Audience.SUBRESOURCE, MediaKind.IMAGE),
    ("/theme/styles.php/boost/1700000000_1/all", "", Audience.SUBRESOURCE, MediaKind.STYLE),
    ("/lib/javascript.php/1700000000/lib/x.js", "", Audience.SUBRESOURCE, MediaKind.SCRIPT),
    ("/pluginfile.php/55/mod_resource/content/1/lecture.mp4", "", Audience.MEDIA, MediaKind.VIDEO),
)
_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def run(*, quick: bool) -> Report:
    """10 and 1,000 regions."""
    sizes, rounds, requests = ((10, 100), 2, 5_000) if quick else ((10, 1000), 5, 20_000)
    rows, remembered = [], {}
    for size in sizes:
        catalogue = _catalogue(size)
        remembered[size] = _mean_us(catalogue, rounds, requests, anew=False)
        rows.append((f"{size} regions", remembered[size], _mean_us(catalogue, 1, requests // 20, anew=True)))
    few, many = remembered[sizes[0]], remembered[sizes[1]]
    targets = (
        Target(f"mean with {sizes[0]} regions, µs", few, 15),
        Target(f"mean with {sizes[1]} regions, µs", many, 15),
        Target(f"{sizes[1]} regions to {sizes[0]}, times", many / few, 1.3),
    )
    table = Table(title="One decision", head=("", "remembered, µs", "anew, µs"), rows=tuple(rows))
    method = METHOD.format(requests=requests, paths=len(_PATHS), rounds=rounds)
    return Report(suite="decide", method=method, tables=(table,), targets=targets)


def _catalogue(size: int) -> Catalogue:
    places = {f"r{i}": (f"127.0.0.1:{10000 + i}", _POLICIES[i % len(_POLICIES)]) for i in range(size)}
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "regions.yaml"
        file.write_text(regions("http://127.0.0.1:8100", places))
        return read_catalogue(file)


def _mean_us(catalogue: Catalogue, rounds: int, requests: int, *, anew: bool) -> float:
    decider, ticks = Decider(catalogue), count()
    facts = [
        RequestFacts(region=region, host="127.0.0.1", origin="course", learner="l", path=p, query=q, audience=a, kind=k)
        for region in sorted({region for region, _ in catalogue.territories})
        for p, q, a, k in _PATHS
    ]
    means = []
    for _ in range(rounds + 1):  # the first only warms up
        work = [(facts[tick % len(facts)], *_moment(tick)) for tick in (next(ticks) for _ in range(requests))]
        started_s = time.process_time()
        if anew:
            for request, usage, now in work:
                decide(catalogue, request, usage, now)
        else:
            for request, usage, now in work:
                decider.decide(request, usage, now)
        means.append((time.process_time() - started_s) * 1e6 / requests)
    return statistics.median(means[1:])


def _moment(tick: int) -> tuple[Usage, datetime]:
    now = _START + timedelta(milliseconds=tick * 5)
    used = AllowanceUse(
        scope=Scope.LEARNER, used_bytes=tick * 1000, amount_bytes=300_000_000, renews_at=_START + timedelta(days=1)
    )
    return Usage(allowances=(used,)), now
