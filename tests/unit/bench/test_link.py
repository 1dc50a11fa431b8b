"""The emulated link's queue: rate, delay, and what doesn't fit."""

from __future__ import annotations

from bench.link import UNSHAPED, Queue, Shape

SHAPE = Shape(rate_bps=8_000, one_way_s=0.3, queue_bytes=2_000)  # a thousand bytes a second


def test_a_packet_takes_its_length_over_the_rate_and_then_the_delay() -> None:
    assert Queue(SHAPE).accept(500, now_s=10.0) == 10.0 + 0.5 + 0.3


def test_a_second_packet_waits_for_the_first() -> None:
    queue = Queue(SHAPE)
    queue.accept(500, now_s=10.0)
    assert queue.accept(500, now_s=10.1) == 11.0 + 0.3


def test_an_idle_link_saves_no_time_for_later() -> None:
    queue = Queue(SHAPE)
    queue.accept(500, now_s=10.0)
    assert queue.accept(500, now_s=100.0) == 100.5 + 0.3


def test_what_does_not_fit_the_queue_is_dropped_and_counted() -> None:
    queue = Queue(SHAPE)
    arrivals = [queue.accept(1000, now_s=0.0) for _ in range(3)]
    assert [a is None for a in arrivals] == [False, False, True]
    assert queue.dropped == 1


def test_the_queue_has_room_again_when_it_has_drained() -> None:
    queue = Queue(SHAPE)
    for _ in range(3):
        queue.accept(1000, now_s=0.0)
    assert queue.accept(1000, now_s=1.0) is not None


def test_an_unshaped_link_only_passes_on() -> None:
    queue = Queue(UNSHAPED)
    assert {queue.accept(1400, now_s=5.0) for _ in range(100_000)} == {5.0}
