"""What nights made of films is told of in the morning, also by the next process; what isn't there isn't."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from policies.treatments import Action, Form, VideoTreatment
from proxy.media.store_values import StoredMedia
from proxy.night.films import NightFilms
from proxy.night.sources import BY_NIGHT
from proxy.own.had import HadMedia
from proxy.stages.media_book import MediaBook
from proxy.stages.media_orders import order_of, recipe_of
from tests.exchanges import PASS_ALL, a_decision
from tests.media_desk import FakeOrigin
from tests.unit.proxy.media.desks import Office

VIDEO = VideoTreatment(action=Action.ADAPT, form=Form.CAPPED, also=frozenset({Form.SLIDECAST, Form.SOUND}))
DECISION = a_decision(treatments=replace(PASS_ALL, video=VIDEO))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    one = Office(tmp_path)
    await one.open()
    yield one
    await one.close()


async def nine_bytes(version: str, stored: StoredMedia) -> int:
    return 9


async def told(office: Office, had: HadMedia, url: str) -> dict[str, int]:
    """What a process knows of it that has only what is written down."""
    book = MediaBook()
    await NightFilms(had, book, office.desk, nine_bytes).made(url, [DECISION], office.clock.now())
    return dict(book.known(BY_NIGHT, url).ready)


async def test_what_was_made_is_told_of_and_what_was_not_is_not(office: Office) -> None:
    origin, had = FakeOrigin(b"film" * 9), HadMedia(office.state)
    ref = origin.ref(learner=BY_NIGHT)
    await NightFilms(had, MediaBook(), office.desk, nine_bytes).seen(ref, "video/mp4", office.clock.now())
    assert await told(office, had, ref.url) == {}
    recipe = recipe_of(Form.SLIDECAST, DECISION, "video/mp4", {})
    assert recipe is not None
    await office.made(order_of(*recipe, ref, region="koryak", fetch=origin.fetch), BY_NIGHT)
    anew = HadMedia(office.state)
    await anew.start(office.clock.now())
    assert await told(office, anew, ref.url) == {Form.SLIDECAST: 9}


async def test_a_film_that_no_night_saw_is_not_told_of(office: Office) -> None:
    assert await told(office, HadMedia(office.state), "https://lms.example/never.mp4") == {}
