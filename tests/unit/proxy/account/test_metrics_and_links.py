"""Metrics as Prometheus reads them, the link as measured, reports of broken pages."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from policies.values import TrafficClass
from proxy.account import metrics as metrics_module
from proxy.account.link import LinkMeter, kernel_estimate_bps, unsent_bytes
from proxy.account.metrics import Metrics, metrics_app
from proxy.account.reports import BrokenPages
from proxy.account.sqlite import SqliteState
from tests.receipts import a_receipt

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ORDER = ("region", "class", "kind", "verdict", "treatment", "code", "name", "outcome", "le")
PAGE = "https://lms.example.org/course/view.php?id=7"


# -- metrics ---------------------------------------------------------------------------------------------------


async def scraped(metrics: Metrics) -> dict[str, float]:
    """Sample name and labels -> value, through HTTP and Prometheus's own parser."""
    runner = await metrics_app(metrics, "127.0.0.1:0")
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
            text = await response.text()
    finally:
        await runner.cleanup()
    return {
        ",".join([sample.name, *(sample.labels[name] for name in ORDER if name in sample.labels)]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_exchanges_bytes_errors_and_durations_are_scraped() -> None:
    metrics = Metrics()
    for duration_s in (0.005, 0.25, 1000):
        metrics.exchange(a_receipt(bytes_to_learner=10, metered_bytes=11, duration_s=duration_s))
    metrics.exchange(a_receipt(error="upstream-timeout", traffic_class=TrafficClass.FORUM))
    metrics.event("transform_image", "replaced", 3)
    metrics.watch("image_queue", "Images that wait", lambda: 4)
    seen = await scraped(metrics)
    assert seen["tropa_exchanges_total,koryak,lesson,page,allow,page"] == 3
    assert seen["tropa_bytes_to_learner_total,koryak,lesson"] == 30
    assert seen["tropa_metered_bytes_total,koryak,lesson"] == 33
    assert seen["tropa_errors_total,upstream-timeout"] == 1
    assert seen["tropa_events_total,transform_image,replaced"] == 3
    assert seen["tropa_image_queue"] == 4
    assert seen["tropa_exchange_seconds_bucket,lesson,0.01"] == 1
    assert seen["tropa_exchange_seconds_bucket,lesson,0.3"] == 2
    assert seen["tropa_exchange_seconds_bucket,lesson,+Inf"] == 3
    assert seen["tropa_exchange_seconds_count,lesson"] == 3
    assert seen["process_resident_memory_bytes"] > 0


async def test_series_stay_bounded_and_nothing_is_lost_from_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "MAX_SERIES", 5)
    metrics = Metrics()
    for number in range(100):
        metrics.exchange(a_receipt(region=f"r{number}", error=f"e{number}"))
    seen = await scraped(metrics)
    exchanges = {name: value for name, value in seen.items() if name.startswith("tropa_exchanges_total")}
    assert len(exchanges) == 6
    assert sum(exchanges.values()) == 100


@pytest.mark.parametrize("listen", ["", "9101", "host:", ":9101", "h:x"])
async def test_a_malformed_address_is_refused_by_name(listen: str) -> None:
    with pytest.raises(ValueError, match="expected an address"):
        await metrics_app(Metrics(), listen)


# -- the link --------------------------------------------------------------------------------------------------


def test_the_link_is_the_median_of_what_was_delivered() -> None:
    meter = LinkMeter()
    for seconds in (1.0, 1.1, 0.9, 100.0, 1.0):
        meter.delivered("olga", 32_000, seconds, 0.0)
    assert meter.bps("olga", 1.0) == 256_000
    assert meter.bps("ivan", 1.0) is None


def test_small_and_instant_deliveries_measure_nothing() -> None:
    meter = LinkMeter()
    meter.delivered("olga", 16_383, 10.0, 0.0)
    meter.delivered("olga", 10**6, 0.001, 0.0)
    assert meter.bps("olga", 1.0) is None


def test_a_slow_origin_never_makes_a_link_look_slow() -> None:
    meter = LinkMeter()
    meter.delivered("olga", 10**6, 1.0, 0.0, held_up=True)
    meter.delivered("olga", 10**6, 500.0, 1.0, held_up=False)
    assert meter.bps("olga", 1.0) == 8_000_000
    meter.delivered("ivan", 10**6, 500.0, 1.0, held_up=False)
    assert meter.bps("ivan", 1.0) is None


def test_a_measurement_is_forgotten_after_half_an_hour() -> None:
    meter = LinkMeter()
    meter.delivered("olga", 32_000, 1.0, 0.0)
    assert meter.bps("olga", 1800.0) == 256_000
    assert meter.bps("olga", 1800.5) is None
    meter.delivered("olga", 64_000, 1.0, 1900.0)
    assert meter.bps("olga", 1900.0) == 512_000


def test_an_estimate_changes_when_its_oldest_sample_is_forgotten_and_with_each_new_one() -> None:
    meter = LinkMeter()
    for at_s, seconds in ((0.0, 1.0), (600.0, 2.0), (1200.0, 4.0)):
        meter.delivered("olga", 32_000, seconds, at_s)
    assert meter.bps("olga", 1200.0) == meter.bps("olga", 1800.0) == 128_000
    assert meter.bps("olga", 1800.5) == 96_000  # the median of the two that are left
    meter.delivered("olga", 32_000, 1.0, 1801.0)
    assert meter.bps("olga", 1801.0) == 128_000


def test_the_number_of_measured_learners_is_bounded() -> None:
    meter = LinkMeter(max_keys=10)
    for number in range(50):
        meter.delivered(str(number), 32_000, 1.0, float(number))
    assert [str(n) for n in range(50) if meter.bps(str(n), 50.0)] == [str(n) for n in range(40, 50)]


async def test_what_a_stalled_reader_has_not_taken_is_known() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    _, writer = await asyncio.open_connection(*listener.getsockname())
    reader, _ = await loop.sock_accept(listener)
    size = 8 * 1024 * 1024
    assert unsent_bytes(writer.transport) == 0
    writer.write(b"x" * size)
    taken = len(await loop.sock_recv(reader, 65536))
    await asyncio.sleep(0.2)
    unsent = unsent_bytes(writer.transport)
    received = 0
    reader.setblocking(False)
    while received < size - unsent - taken:
        received += len(await loop.sock_recv(reader, 65536))
    assert size // 4 < unsent < size
    writer.transport.abort()
    assert unsent_bytes(writer.transport) in range(size)
    reader.close()
    listener.close()


async def test_the_kernels_own_estimate_is_read_and_absent_where_there_is_no_tcp() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    _, writer = await asyncio.open_connection(*listener.getsockname())
    reader, _ = listener.accept()
    writer.write(b"x" * 500_000)
    received = 0
    while received < 500_000:
        received += len(await asyncio.to_thread(reader.recv, 65536))
    estimate = kernel_estimate_bps(writer.transport)
    assert estimate is not None
    assert 1_000_000 < estimate[0] <= 10_000_000_000
    writer.transport.abort()
    reader.close()
    listener.close()
    assert kernel_estimate_bps(None) is None
    assert unsent_bytes(None) == 0


# -- broken pages ----------------------------------------------------------------------------------------------


def test_whoever_reports_a_page_is_helped_at_once_for_a_day() -> None:
    pages = BrokenPages()
    pages.report("olga", PAGE, NOW)
    assert pages.is_broken("olga", PAGE, NOW + timedelta(hours=23))
    assert not pages.is_broken("olga", PAGE, NOW + timedelta(hours=24))
    assert not pages.is_broken("ivan", PAGE, NOW)
    assert not pages.is_broken("olga", "https://lms.example.org/other", NOW)


def test_three_different_learners_help_everybody_and_one_alone_never_does() -> None:
    pages = BrokenPages()
    for _ in range(5):
        pages.report("olga", PAGE, NOW)
    assert not pages.is_broken("ivan", PAGE, NOW)
    pages.report("anna", PAGE, NOW)
    pages.report("pavel", PAGE, NOW)
    assert pages.is_broken("ivan", PAGE, NOW)


async def test_reports_survive_a_restart_and_keep_no_url(tmp_path: Path) -> None:
    state = SqliteState(tmp_path / "s.sqlite3")
    await state.start()
    pages = BrokenPages()
    pages.report("olga", PAGE, NOW)
    changes = pages.changes()
    assert "lms.example.org" not in repr(changes)
    await state.commit(changes)
    fresh = BrokenPages()
    await fresh.start(state, NOW)
    assert fresh.is_broken("olga", PAGE, NOW)
    fresh.sweep(NOW + timedelta(days=1))
    assert not fresh._pages
    await state.close()
