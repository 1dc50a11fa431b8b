"""Which sources anybody may have: noted by what the origin said of them alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.media.public import LIFE
from proxy.media.refs import SourceRef
from proxy.media.store import MediaStore
from tests.clocks import HandClock
from tests.media_desk import START

REF = SourceRef(origin="lms", url="https://lms.test/a.mp4", etag='"v1"', length_bytes=9, private=False, learner="anna")


async def opened(folder: Path, clock: HandClock) -> MediaStore:
    store = MediaStore(folder, max_bytes=1 << 20, clock=clock)
    await store.open()
    return store


async def test_a_source_that_is_everybodys_is_known_to_another_learner_after_a_restart(tmp_path: Path) -> None:
    clock = HandClock(START)
    store = await opened(tmp_path, clock)
    await store.public.note(REF, "video/mp4")
    await store.close()
    store = await opened(tmp_path, clock)
    found = await store.public.of(REF.url, "boris")
    assert found is not None
    ref, content_type = found
    assert (ref.key, ref.learner, content_type) == (REF.key, "boris", "video/mp4")
    clock.moves((LIFE + timedelta(seconds=1)).total_seconds())
    assert await store.public.of(REF.url, "boris") is None
    await store.close()


@pytest.mark.parametrize(
    "ref",
    [
        replace(REF, private=True),
        replace(REF, private=True, etag='"' + "a1" * 20 + '"'),  # the same for all, and still hers to be let have
        replace(REF, etag=""),
        replace(REF, url="https://lms.test/tokenpluginfile.php/0123456789abcdef0123456789abcdef/1/a.mp4"),
    ],
    ids=["private", "private by content", "no validator", "a secret in the address"],
)
async def test_anything_else_is_not_noted(ref: SourceRef, tmp_path: Path) -> None:
    store = await opened(tmp_path, HandClock(START))
    await store.public.note(ref, "video/mp4")
    assert await store.public.of(ref.url, "boris") is None
    await store.close()
