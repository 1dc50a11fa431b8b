"""The store of origins' answers: what visits cost a school, memory for 100,000 answers, start and recovery, hits."""

from __future__ import annotations

from bench import cache_hits, cache_peers, cache_store, cache_visits
from bench.suite import Report


def run(*, quick: bool) -> Report:
    """All parts, one after another."""
    visits, visits_targets = cache_visits.measure(quick=quick)
    store, store_targets = cache_store.measure(quick=quick)
    peers, left_out = cache_peers.measure(quick=quick)
    hits, hits_targets, hits_left_out = cache_hits.measure(quick=quick)
    return Report(
        suite="cache",
        method=f"{cache_visits.METHOD}\n{cache_store.METHOD.format(count=10_000 if quick else 100_000)}\n"
        f"{cache_peers.method(quick=quick)}\n{cache_hits.method(quick=quick)}",
        tables=(visits, store, *([peers] if peers is not None else []), hits),
        targets=(*visits_targets, *store_targets, *hits_targets),
        left_out=(*left_out, *hits_left_out),
    )
