"""What a learner was let have, for the hours without a link."""

from __future__ import annotations

from datetime import timedelta

from proxy.account.sqlite import SqliteState
from proxy.media.refs import SourceRef
from proxy.own.had import HadMedia
from tests.exchanges import NOON

URL = "https://lms.example.org/pluginfile.php/71/mod_page/content/1/lecture.mp4"
DAYS = timedelta(days=14)


def ref(learner: str = "hers") -> SourceRef:
    return SourceRef(origin="lms", url=URL, etag='"abc"', length_bytes=12, learner=learner)


async def test_it_is_hers_alone_and_names_the_same_source(state: SqliteState) -> None:
    had = HadMedia(state)
    await had.note(ref(), "video/mp4", NOON, DAYS)
    known = had.of("hers", URL, NOON)
    assert known == (ref(), "video/mp4") and known[0].key == ref().key
    assert had.of("his", URL, NOON) is None and had.of("hers", URL + "?v=2", NOON) is None
    assert had.of("hers", URL, NOON + DAYS) is None


async def test_it_survives_a_restart_and_no_logout(state: SqliteState) -> None:
    had = HadMedia(state)
    await had.note(ref(), "video/mp4", NOON, DAYS)
    again = HadMedia(state)
    await again.start(NOON)
    assert again.of("hers", URL, NOON) is not None
    await again.forget("hers")
    last = HadMedia(state)
    await last.start(NOON)
    assert again.of("hers", URL, NOON) is None and last.of("hers", URL, NOON) is None
