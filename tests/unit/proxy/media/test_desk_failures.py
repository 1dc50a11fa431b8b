"""What can't be made or fetched is told, tried again where that may help, and not asked for at every look."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from proxy.exchange import Refused, Unchanged
from proxy.media import store_folders
from proxy.media.views import State
from proxy.transforms.media.spec import MediaMade, Recipe, SoundCodec, SoundSpec
from tests.media_desk import FakeOrigin
from tests.unit.proxy.media.desks import BODY, Office, a_watcher, an_order, until


async def test_a_tools_failure_is_tried_once_more_and_simpler(office: Office) -> None:
    office.runner.outcomes = [Refused(why="timed-out")]
    order = an_order(FakeOrigin(BODY), Recipe.SLIDECAST)
    view = await office.made(order)
    assert view is not None and view.state is State.READY
    assert [(ran.recipe, type(ran.spec)) for ran in office.runner.ran][1] == (Recipe.AUDIO, SoundSpec)
    media = await office.desk.ready(order.key, learner="anna")
    assert media is not None and media.recipe == "audio"
    assert office.desk.stats().retried == 1


async def test_two_failures_are_enough_for_a_day(office: Office) -> None:
    office.runner.outcomes = [Refused(why="killed"), ValueError("a fault of ours")]
    order = an_order(FakeOrigin(BODY))
    view = await office.made(order)
    assert view is not None and (view.state, view.why) == (State.REFUSED, "recipe-failed")
    assert [ran.spec.codec for ran in office.runner.ran if isinstance(ran.spec, SoundSpec)] == list(SoundCodec)
    again = await office.desk.ask(order, a_watcher())
    assert again.view.state is State.REFUSED
    office.clock.moves(24 * 3600 + 1)
    assert (await office.desk.ask(order, a_watcher())).view.is_open


@pytest.mark.parametrize("outcome", [Refused(why="damaged"), Unchanged(why="already-light")])
async def test_what_is_the_sources_fault_is_not_tried_again(office: Office, outcome: Refused | Unchanged) -> None:
    office.runner.outcomes = [outcome]
    order = an_order(FakeOrigin(BODY))
    view = await office.made(order)
    assert view is not None and view.why == outcome.why
    assert len(office.runner.ran) == 1
    await office.reopened()
    assert (await office.desk.ask(order, a_watcher())).view.why == outcome.why


async def test_a_medium_that_is_no_smaller_than_its_source_is_not_kept(office: Office) -> None:
    office.runner.made = lambda folder, body: _copied(folder)  # type: ignore[method-assign]
    view = await office.made(an_order(FakeOrigin(BODY)))
    assert view is not None and (view.state, view.why) == (State.UNCHANGED, "not-smaller")
    assert office.store.stats().media == 0


def _copied(folder: Path) -> MediaMade:
    (folder / "copy").write_bytes(BODY)
    return MediaMade(main="copy", content_type="x", files=("copy",), length_bytes=len(BODY), facts={})


async def test_a_source_that_can_not_be_had_is_told_and_not_asked_for_at_every_look(office: Office) -> None:
    origin = FakeOrigin(BODY, status=404)
    order = an_order(origin)
    view = await office.made(order)
    assert view is not None and (view.state, view.why) == (State.REFUSED, "origin-404")
    await office.made(order)
    assert len(origin.requests) == 1
    office.clock.moves(61)
    await office.made(order)
    assert len(origin.requests) == 2


async def test_a_source_over_the_limit_is_refused_without_being_fetched(office: Office) -> None:
    office.max_source_bytes = 100_000
    await office.reopened()
    origin = FakeOrigin(BODY)
    view = await office.made(an_order(origin))
    assert view is not None and (view.state, view.why) == (State.REFUSED, "too-large")
    assert origin.sent_bytes == 0


async def test_a_full_disk_is_a_reason_and_nothing_stays(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_folders, "_sync", full)
    order = an_order(FakeOrigin(BODY))
    view = await office.made(order)
    monkeypatch.undo()
    assert view is not None and (view.state, view.why) == (State.REFUSED, "disk-full")
    await until(lambda: not any((office.folder / "media" / "work").iterdir()))
    office.clock.moves(601)
    view = await office.made(order)
    assert view is not None and view.state is State.READY


async def test_what_fails_on_a_full_disk_is_no_fault_of_the_source(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(office.folder)
    monkeypatch.setattr(store_folders.shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    office.runner.outcomes = [Refused(why="damaged")]
    order = an_order(FakeOrigin(BODY))
    view = await office.made(order)
    monkeypatch.undo()
    assert view is not None and view.why == "disk-full"
    office.clock.moves(601)
    view = await office.made(order)
    assert view is not None and view.state is State.READY
