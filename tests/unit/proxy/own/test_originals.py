"""What learners took as "original"."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from proxy.account.sqlite import SqliteState
from proxy.exchange import Inbound
from proxy.own.originals import GRANT_LIFETIME, Originals
from tests.exchanges import NOON
from tests.inbounds import an_inbound

FILM = "https://lms.example.org/pluginfile.php/1/film.mp4"
SECOND = timedelta(seconds=1)


def asking(url: str) -> Inbound:
    return an_inbound(url.removeprefix("https://lms.example.org"))


async def test_a_grant_is_one_learners_and_one_urls_for_a_day(state: SqliteState) -> None:
    originals = Originals(state)
    await originals.grant("hers", FILM, NOON)
    assert originals.covers("hers", asking(FILM), NOON)
    assert not originals.covers("his", asking(FILM), NOON)
    assert originals.covers("hers", asking(FILM + "?forcedownload=1"), NOON)  # the same file, to keep
    assert not originals.covers("hers", asking(FILM.replace("film", "other")), NOON)
    assert originals.urls("hers", NOON) == {FILM} and originals.urls("his", NOON) == frozenset()
    end = NOON + GRANT_LIFETIME
    assert originals.covers("hers", asking(FILM), end - SECOND) and not originals.covers("hers", asking(FILM), end)
    assert originals.urls("hers", end) == frozenset()


async def test_a_grant_for_a_script_says_nothing_of_its_other_parameters(state: SqliteState) -> None:
    script = "https://lms.example.org/file.php"
    originals = Originals(state)
    await originals.grant("hers", script + "?file=/film.mp4", NOON)
    assert not originals.covers("hers", asking(script + "?file=/other.mp4"), NOON)
    assert not originals.covers("hers", asking(script), NOON)


async def test_a_streams_grant_covers_its_segments_and_nothing_beside_them(state: SqliteState) -> None:
    originals = Originals(state)
    await originals.grant("hers", "https://lms.example.org/v/7/index.m3u8?token=a", NOON)
    assert originals.covers("hers", asking("https://lms.example.org/v/7/seg-001.ts"), NOON)
    assert originals.covers("hers", asking("https://lms.example.org/v/7/index.m3u8?token=a"), NOON)
    assert not originals.covers("hers", asking("https://lms.example.org/v/8/seg-001.ts"), NOON)


async def test_a_grant_outlives_a_restart_as_a_digest_alone(state: SqliteState, tmp_path: Path) -> None:
    await Originals(state).grant("hers", FILM, NOON)
    anew = Originals(state)
    await anew.start(NOON + SECOND)
    assert anew.covers("hers", asking(FILM), NOON + SECOND)
    assert not anew.covers("hers", asking(FILM), NOON + GRANT_LIFETIME)
    assert all(b"film.mp4" not in file.read_bytes() for file in tmp_path.iterdir())


async def test_the_origins_logout_ends_it_for_good(state: SqliteState) -> None:
    originals = Originals(state)
    await originals.grant("hers", FILM, NOON)
    await originals.grant("his", FILM, NOON)
    await originals.forget("hers")
    assert not originals.covers("hers", asking(FILM), NOON) and originals.urls("hers", NOON) == frozenset()
    assert originals.covers("his", asking(FILM), NOON)
    anew = Originals(state)
    await anew.start(NOON)
    assert not anew.covers("hers", asking(FILM), NOON)


async def test_what_has_ended_is_swept_and_what_has_not_stays(state: SqliteState) -> None:
    originals = Originals(state)
    await originals.grant("hers", FILM, NOON)
    await originals.grant("hers", FILM + "?2", NOON + SECOND)
    originals.sweep(NOON + GRANT_LIFETIME)
    assert not originals.covers("hers", asking(FILM), NOON)
    assert originals.covers("hers", asking(FILM + "?2"), NOON + SECOND)


async def test_many_learners_cost_bounded_memory_and_the_longest_ago_is_asked_again(state: SqliteState) -> None:
    originals = Originals(state, max_learners=3)
    for learner in ("a", "b", "c", "a", "d"):
        await originals.grant(learner, FILM, NOON)
    assert {who for who in "abcd" if originals.covers(who, asking(FILM), NOON)} == {"a", "c", "d"}
    assert {who for who in "abcd" if originals.urls(who, NOON)} == {"a", "c", "d"}
