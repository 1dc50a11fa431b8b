"""What policy says of a film's own address while a page of ours about it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.media_course import CONTENT, PAGE, Learner, MediaCourse, button, buttons
from tests.media_samples import film
from tests.serving import served
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = needs_ffmpeg


async def answer_to(tmp_path: Path, region: str) -> tuple[int, bytes]:
    """What a token for a film opens where its own address is treated otherwise than its page."""
    course = MediaCourse()
    path = course.put("film.mp4", film())
    course.with_page(f'<video controls src="{path}"></video>')
    async with served(tmp_path, course) as there:
        token = button(await Learner(there, "anna").read(), "make/sound")
        base = there.base_url
    async with served(tmp_path, course, region=region) as there:
        reply = await Learner(there, "anna").ask(
            f"/.tropa/media/{token}/", Accept="text/html", Host=base.removeprefix("http://")
        )
    assert course.downloads(path) == 0
    return reply.status, reply.body


@pytest.mark.parametrize(
    ("region", "offered"),
    [
        ("", {"slidecast", "sound", "slides", "capped"}),
        (f'exceptions: [{{path: "{CONTENT}", policy: school-adsl}}]', {"slidecast", "sound", "capped"}),
        (f'exceptions: [{{path: "{CONTENT}", policy: text-first}}]', set()),
        (
            f'exceptions: [{{path: "{PAGE.partition("?")[0]}", policy: text-first}}]',
            {"slidecast", "sound", "slides", "capped"},
        ),
    ],
    ids=["as its page", "by another policy", "not at all", "only its page is thinner"],
)
async def test_the_films_own_address_decides_not_its_page_or_ours(
    tmp_path: Path, region: str, offered: set[str]
) -> None:
    status, body = await answer_to(tmp_path, region)
    page = body.decode()
    assert status == 200
    versions = ("slidecast", "sound", "slides", "capped")
    assert {version for version in versions if buttons(page, f"make/{version}")} == offered
