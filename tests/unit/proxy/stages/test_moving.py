"""Moving pictures as films: in pages only once they are made, only for whom the origin lets have the picture."""

from __future__ import annotations

import re
from pathlib import Path

from tests import pictures
from tests.media_course import CONTENT, PAGE, Learner, MediaCourse
from tests.serving import served
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = needs_ffmpeg
POLICY = "school-adsl"  # says `animation: video`
PICTURE = CONTENT + "moving.gif"
_FILM = re.compile(r'<video class="tropa-moving[^"]*"[^>]* src="([^"]+)"></video>')


def a_course(body: bytes | None = None) -> MediaCourse:
    course = MediaCourse()
    path = course.put("moving.gif", body or pictures.animation("GIF"))
    return course.with_page(f'<img src="{path}" alt="Сборка">')


async def look(anna: Learner) -> bytes:
    """As a browser asks for the picture."""
    return (await anna.ask(PICTURE, Accept="image/webp,*/*;q=0.8", Sec_Fetch_Dest="image")).body


async def film_in(page_of: Learner) -> str:
    page = await page_of.until(PAGE, lambda page: "<video" in page)
    found = _FILM.search(page)
    assert found is not None, page
    return found[1]


async def test_a_moving_picture_is_a_film_from_the_next_page_on_and_a_picture_by_its_own_address(
    tmp_path: Path,
) -> None:
    course = a_course()
    async with served(tmp_path, course, policy=POLICY) as there:
        anna = Learner(there, "anna")
        assert "<img" in await anna.read()
        assert (await look(anna))[:4] == b"RIFF"
        film = await film_in(anna)
        page = await anna.read()
        assert 'aria-label="Сборка"' in page and " autoplay muted playsinline" in page and " loop " in page
        assert 'data-films="calm"' in page and f'width="{200}"' in page
        reply = await anna.play(film)
        assert (reply.status, reply.headers["Content-Type"]) == (200, "video/mp4")
        part = await anna.play(film, Range="bytes=0-99")
        assert (part.status, part.body) == (206, reply.body[:100])
        assert (await look(anna))[:4] == b"RIFF"
    assert len(reply.body) < len(course.files[PICTURE])


async def test_a_film_is_only_for_whom_the_origin_lets_have_the_picture(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course, policy=POLICY) as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        await look(anna)
        film = await film_in(anna)
        assert (await boris.play(film)).status == 409  # her token
        assert "<img" in await boris.read()  # of a private picture he is told nothing
        await look(boris)
        assert (await boris.play(await film_in(boris))).status == 200
        course.refused["anna"] = 403
        assert (await look(anna)) == b""
        assert (await anna.play(film)).status == 404


async def test_a_film_that_somebody_removed_is_made_anew(tmp_path: Path) -> None:
    async with served(tmp_path, a_course(), policy=POLICY, tropa="limits: {hold: 60 s}") as there:
        anna = Learner(there, "anna")
        await look(anna)
        film = await film_in(anna)
        before = await anna.play(film)
        for file in (there.state_dir / "media" / "made").rglob("*.mp4"):
            file.unlink()
        after = await anna.play(film)
    assert (after.status, len(after.body)) == (200, len(before.body))


async def test_where_policy_wants_none_pictures_stay(tmp_path: Path) -> None:
    async with served(tmp_path, a_course(), policy="mobile-3g") as there:
        anna = Learner(there, "anna")
        await look(anna)
        page = await anna.read()
        assert "<img" in page and "data-films" not in page


async def test_what_no_film_can_be_made_of_stays_a_picture(tmp_path: Path) -> None:
    async with served(tmp_path, a_course(pictures.gif_bomb()), policy=POLICY) as there:
        anna = Learner(there, "anna")
        await look(anna)
        assert "<img" in await anna.read()
