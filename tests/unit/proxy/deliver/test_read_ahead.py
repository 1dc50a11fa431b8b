"""Segments come at the pace of watching; the clock is an argument."""

from __future__ import annotations

from proxy.deliver.read_ahead import ALLOWED_AHEAD_S, FREE_SEGMENTS, LONGEST_HOLD_S, ReadAhead
from proxy.transforms.ladder.spec import Part
from proxy.transforms.ladder.timeline import hls_timeline

SECONDS = 6.0


def names(rung: str, count: int = 100) -> list[str]:
    return [f"https://lms.example.org/{rung}/{number}.ts" for number in range(count)]


def reading(*rungs: str, part: Part = Part.PICTURE, count: int = 100, **limits: int) -> ReadAhead:
    read_ahead = ReadAhead(**limits)
    for rung in rungs:
        learn(read_ahead, "anna", rung, part=part, count=count)
    return read_ahead


def learn(
    read_ahead: ReadAhead,
    learner: str,
    rung: str,
    *,
    part: Part = Part.PICTURE,
    count: int = 100,
    stream: str = "lecture",
) -> None:
    lines = "".join(f"#EXTINF:{SECONDS},\n{number}.ts\n" for number in range(count))
    url = f"https://lms.example.org/{rung}/index.m3u8"
    timeline = hls_timeline(f"#EXTM3U\n{lines}#EXT-X-ENDLIST\n".encode(), url, part)
    assert timeline is not None
    read_ahead.learn(learner, url, stream, [timeline])


def ask_all(read_ahead: ReadAhead, urls: list[str], until_s: float) -> tuple[int, list[float]]:
    """A player that asks for the next as soon as it has one: how many it has by then, and how long each waited."""
    now_s, waits = 0.0, []
    for url in urls:
        waits.append(read_ahead.hold_s("anna", url, 0, now_s))
        now_s += waits[-1] + 0.05
        if now_s > until_s:
            break
    return len(waits), waits


def test_the_first_ones_never_wait_and_later_ones_come_as_they_are_watched() -> None:
    got, waits = ask_all(reading("v"), names("v"), until_s=60)
    assert waits[:FREE_SEGMENTS] == [0.0] * FREE_SEGMENTS
    assert max(waits) <= LONGEST_HOLD_S
    ahead_s = got * SECONDS - 60
    assert ahead_s <= ALLOWED_AHEAD_S + 2 * SECONDS + 60 / SECONDS  # a hold is a second shorter than a segment


def test_without_a_list_nothing_waits() -> None:
    read_ahead = reading("v")
    assert read_ahead.knows("anna") and not read_ahead.knows("boris")
    assert all(read_ahead.hold_s("boris", url, 0, 0.0) == 0 for url in names("v"))
    assert read_ahead.hold_s("anna", "https://lms.example.org/other.ts", 0, 0.0) == 0


def test_a_jump_begins_anew() -> None:
    read_ahead = reading("v")
    ask_all(read_ahead, names("v")[:6], until_s=60)
    for first in (60, 5):  # forward, then far back
        waits = [read_ahead.hold_s("anna", url, 0, 20.0) for url in names("v")[first : first + 5]]
        assert waits[:FREE_SEGMENTS] == [0.0] * FREE_SEGMENTS and waits[-1] > 0, first


def test_another_rung_of_what_was_released_never_waits() -> None:
    read_ahead = reading("low", "high")
    ask_all(read_ahead, names("low")[:5], until_s=60)
    assert read_ahead.hold_s("anna", names("high")[4], 0, 3.0) == 0
    assert read_ahead.hold_s("anna", names("high")[5], 0, 3.0) > 0


def test_sound_and_picture_are_paced_apart() -> None:
    read_ahead = reading("v")
    learn(read_ahead, "anna", "a", part=Part.SOUND)
    for picture, sound in zip(names("v")[:3], names("a")[:3], strict=True):
        assert read_ahead.hold_s("anna", picture, 0, 0.0) == read_ahead.hold_s("anna", sound, 0, 0.0) == 0


def test_a_pause_buys_nothing_ahead() -> None:
    read_ahead = reading("v")
    ask_all(read_ahead, names("v")[:5], until_s=60)
    waits = [read_ahead.hold_s("anna", url, 0, 600.0) for url in names("v")[5:10]]
    assert waits[-1] > 0


def test_a_slow_link_never_waits() -> None:
    read_ahead = reading("v")
    assert [read_ahead.hold_s("anna", url, 0, place * 7.0) for place, url in enumerate(names("v")[:20])] == [0.0] * 20


def test_memory_is_bounded_and_the_oldest_learner_goes_first() -> None:
    read_ahead = ReadAhead(max_segments=250)
    for learner in ("anna", "boris", "vera"):
        learn(read_ahead, learner, "v", count=100)
    assert [read_ahead.knows(learner) for learner in ("anna", "boris", "vera")] == [False, True, True]


def test_a_list_that_is_loaded_again_takes_its_own_place() -> None:
    read_ahead = ReadAhead(max_segments=250)
    for _ in range(10):
        learn(read_ahead, "anna", "v", count=200)
    assert read_ahead.knows("anna")
