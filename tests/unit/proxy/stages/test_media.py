"""A film in its own place: made smaller while it plays, wound when it is done, shared without being given away."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.media_course import CONTENT, IN_ASSESSMENT, IN_PLAYER, PAGE, Learner, MediaCourse, logged
from tests.media_samples import FFMPEG, film, hostile, sound
from tests.serving import Served, served
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = needs_ffmpeg
FILM = CONTENT + "film.mp4"
CAPPED = "school-adsl"  # a smaller film stands in the film's place


def a_course(body: Path | bytes | None = None, folder: str = CONTENT) -> MediaCourse:
    course = MediaCourse()
    path = course.put("film.mp4", body if body is not None else film(), folder)
    return course.with_page(f'<video controls src="{path}"></video>')


def is_whole_film(body: bytes, folder: Path) -> bool:
    """Whether it plays to its end."""
    path = folder / "got.mp4"
    path.write_bytes(body)
    told = subprocess.run(
        [FFMPEG, "-v", "error", "-i", str(path), "-f", "null", "-"], capture_output=True, text=True, timeout=60
    )
    return told.returncode == 0 and not told.stderr


# -- playing -----------------------------------------------------------------------------------------------------------


async def test_a_film_plays_from_its_first_byte_while_the_source_is_still_arriving(tmp_path: Path) -> None:
    course = a_course(film(seconds=12))
    course.gate, course.open_bytes = asyncio.Event(), 1_600_000
    async with served(tmp_path, course, policy=CAPPED) as there:
        anna = Learner(there, "anna")
        assert "<video" in await anna.read()  # the player stays
        url = there.base_url + FILM
        headers = {"Cookie": "MoodleSession=anna", "Sec-Fetch-Dest": "video", "Range": "bytes=0-"}
        async with asyncio.timeout(60), there.session.get(url, headers=headers) as answer:
            assert answer.status == 200 and answer.content_type == "video/mp4"
            assert "Content-Length" not in answer.headers and "Accept-Ranges" not in answer.headers
            assert answer.headers["Cache-Control"] == "no-store"
            first = await answer.content.readany()
            assert first[4:8] == b"ftyp" and not course.gate.is_set()
            course.gate.set()
            body = first + await answer.content.read()
        assert is_whole_film(body, tmp_path) and len(body) < len(course.files[FILM]) / 2


async def test_a_finished_film_can_be_wound(tmp_path: Path) -> None:
    async with served(tmp_path, a_course(), policy=CAPPED) as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        done = await anna.until_whole(FILM)
        size, etag = len(done.body), done.headers["ETag"]
        assert done.status == 200 and is_whole_film(done.body, tmp_path)
        for learner, more in ((boris, {}), (anna, {}), (boris, {"If_Range": etag})):
            part = await learner.play(FILM, Range="bytes=100-199", **more)
            assert (part.status, part.body) == (206, done.body[100:200])
            assert part.headers["Content-Range"] == f"bytes 100-199/{size}"
        other = await anna.play(FILM, Range="bytes=100-", If_Range='"other"')
        assert (other.status, other.body) == (200, done.body)
        beyond = await anna.play(FILM, Range=f"bytes={size}-")
        assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
        unchanged = await anna.play(FILM, If_None_Match=etag)
        assert (unchanged.status, unchanged.body) == (304, b"")
        head = await anna.play(FILM, "HEAD")
        assert (head.status, head.headers["Content-Length"], head.body) == (200, str(size), b"")


async def test_a_growing_film_is_never_continued_with_bytes_of_the_finished_one(tmp_path: Path) -> None:
    async with served(tmp_path, a_course(), policy=CAPPED) as there:
        anna = Learner(there, "anna")
        begun = await anna.play(FILM)
        assert "Accept-Ranges" not in begun.headers  # it was still being made
        done = await Learner(there, "boris").until_whole(FILM)
        went_on = await anna.play(FILM, Range=f"bytes={len(begun.body) // 2}-")
        assert (went_on.status, went_on.body) == (200, done.body)
        anew = await anna.play(FILM, Range="bytes=0-")
        assert (anew.status, anew.body) == (206, done.body)
        wound = await anna.play(FILM, Range="bytes=5000-")
        assert (wound.status, wound.body) == (206, done.body[5000:])


async def test_a_head_alone_begins_no_making(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course, policy=CAPPED) as there:
        head = await Learner(there, "anna").play(FILM, "HEAD")
        assert head.status == 200 and head.headers["Content-Type"] == "video/mp4"
        assert "Accept-Ranges" not in head.headers and "Content-Length" not in head.headers
        assert "ETag" not in head.headers
    assert course.downloads(FILM) == 0


async def test_a_person_who_opens_a_films_address_is_shown_its_versions(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course, policy=CAPPED) as there:
        page = await Learner(there, "anna").read(FILM)
    assert "make/capped" in page and "make/slidecast" in page
    assert course.downloads(FILM) <= 1  # her own request


async def test_sound_files_are_made_smaller_in_their_place(tmp_path: Path) -> None:
    course = MediaCourse()
    path = course.put("запись.mp3", sound("mp3"))
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        done = await anna.until_whole(path)
        on_a_phone = await Learner(there, "anna", {"User-Agent": "Mozilla/5.0 (iPhone; CPU OS 9)"}).until_whole(path)
    assert done.headers["Content-Type"] == "audio/webm" and done.body[:4] == b"\x1a\x45\xdf\xa3"
    assert len(done.body) < len(course.files[path]) / 4
    assert on_a_phone.headers["Content-Type"] == "audio/mp4" and on_a_phone.body[4:8] == b"ftyp"


# -- once, and for whom ------------------------------------------------------------------------------------------------


async def test_two_learners_cost_one_download_and_one_making(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course, policy=CAPPED) as there:
        learners = [Learner(there, name) for name in ("anna", "boris", "vera", "gleb")]
        bodies = await asyncio.gather(*(learner.play(FILM) for learner in learners))
        done = [await learner.until_whole(FILM) for learner in learners]
        stats = there.tropa.parts.halves.media.desk.stats()
    assert len({reply.body for reply in done}) == 1 and {reply.status for reply in bodies} == {200}
    assert stats.made == 1
    # Each asked by herself, and one of the requests was read to its end.
    assert {one.learner for one in course.requests(FILM)} == {"anna", "boris", "vera", "gleb"}


async def test_what_is_one_learners_own_is_fetched_and_made_for_each(tmp_path: Path) -> None:
    course = a_course()
    course.content_digests = False  # nothing proves that two learners get the same
    async with served(tmp_path, course, policy=CAPPED) as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        first = await anna.until_whole(FILM)
        course.files[FILM] = film(seconds=4).read_bytes()
        second = await boris.until_whole(FILM)
        again = await anna.until_whole(FILM)
    assert first.body != second.body
    assert again.body != first.body  # her own answer has another length now


async def test_whom_the_origin_refuses_gets_its_refusal(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course, policy=CAPPED) as there:
        await Learner(there, "anna").until_whole(FILM)
        for status in (302, 403, 404):
            course.refused["boris"] = status
            reply = await Learner(there, "boris").play(FILM)
            assert (reply.status, reply.body) == (status, b"")
            ranged = await Learner(there, "boris").play(FILM, Range="bytes=0-99")
            assert (ranged.status, ranged.body) == (status, b"")


# -- what goes as it is, and what can't go -----------------------------------------------------------------------------


async def test_a_film_that_is_small_already_goes_byte_for_byte_and_can_be_wound(tmp_path: Path) -> None:
    course = a_course(film(width=320, height=180, fps=10, kbps=60))
    body = course.files[FILM]
    async with served(tmp_path, course, policy=CAPPED) as there:
        anna = Learner(there, "anna")
        await anna.until(PAGE, lambda page: "<video" in page)
        reply = await anna.play(FILM)
        assert reply.body == body
        part = await Learner(there, "boris").play(FILM, Range="bytes=500-999")
        assert (part.status, part.body) in ((206, body[500:1000]), (200, body))


async def test_what_no_tool_can_read_is_withheld_and_its_page_offers_the_original(tmp_path: Path) -> None:
    course = a_course(hostile(tmp_path / "hostile")["truncated-index.mp4"].read_bytes().ljust(2_000_000, b"\0"))
    async with served(tmp_path, course, policy=CAPPED) as there:
        anna = Learner(there, "anna")
        refused = await anna.play(FILM)
        assert refused.status == 403 and b"<" not in refused.body[:10]
        page = await anna.read(FILM)
        assert "/.tropa/original" in page and "make/capped" not in page


async def test_a_film_whose_index_stands_at_its_end_is_begun_while_it_drips_in(tmp_path: Path) -> None:
    course = a_course(film(seconds=12, faststart=False))
    course.gate, course.open_bytes = asyncio.Event(), 400_000
    async with served(tmp_path, course, policy=CAPPED) as there:
        held = asyncio.create_task(Learner(there, "anna").play(FILM))
        async with asyncio.timeout(90):
            while not there.tropa.parts.halves.media.desk.stats().running:
                await asyncio.sleep(0.05)
        assert not held.done()
        course.gate.set()
        reply = await held
        assert reply.status == 200 and is_whole_film(reply.body, tmp_path)
    assert [one.range[:7] for one in course.requests(FILM)].count("bytes=-") == 1


LITTLE_ROOM = "limits: {media_queue: 1, media_workers: 1}"


async def test_more_films_than_may_wait_are_told_to_come_again(tmp_path: Path) -> None:
    course = a_course()
    second = course.put("second.mp4", film(seconds=5))
    course.gate, course.gated = asyncio.Event(), FILM
    async with served(tmp_path, course, policy=CAPPED, tropa=LITTLE_ROOM) as there:
        anna = Learner(there, "anna")
        held = asyncio.create_task(anna.play(FILM))
        await taken_in(there)
        reply = await anna.play(second)
        assert reply.status == 503 and 5 <= int(reply.headers["Retry-After"]) <= 120
        assert reply.headers["Cache-Control"] == "no-store"
        course.gate.set()
        assert (await held).status == 200  # who was first was held, and plays
        assert (await anna.until_whole(second)).status == 200


async def taken_in(there: Served) -> None:
    """Until the desk fetches something."""
    async with asyncio.timeout(30):
        while not there.tropa.parts.halves.media.desk.stats().fetching:
            await asyncio.sleep(0.05)


# -- where a film must stay --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["satellite-metered", CAPPED])
async def test_a_film_in_an_assessment_plays_smaller_in_its_place(tmp_path: Path, policy: str) -> None:
    course = a_course(folder=IN_ASSESSMENT)
    path = IN_ASSESSMENT + "film.mp4"
    course.with_page(f'<video controls src="{path}"></video>', path="/mod/quiz/attempt.php?attempt=3")
    async with served(tmp_path, course, policy=policy) as there:
        anna = Learner(there, "anna")
        page = await anna.read("/mod/quiz/attempt.php?attempt=3")
        assert f'<video controls src="{path}"></video>' in page
        done = await anna.until_whole(path)
        opened = await anna.open(path)
    assert len(done.body) < len(course.files[path]) / 2 and is_whole_film(done.body, tmp_path)
    assert opened.headers["Content-Type"] == "video/mp4"  # nor is it a card when it is opened by itself


async def test_a_film_in_an_assessment_that_cannot_be_made_smaller_goes_as_it_is(tmp_path: Path) -> None:
    course = a_course(hostile(tmp_path / "hostile")["truncated-index.mp4"].read_bytes(), IN_ASSESSMENT)
    path = IN_ASSESSMENT + "film.mp4"
    async with served(tmp_path, course) as there:
        reply = await Learner(there, "anna").play(path)
    assert (reply.status, reply.body) == (200, course.files[path])


async def test_a_film_in_an_assessment_goes_as_it_is_where_there_is_no_time_to_make_it_smaller(tmp_path: Path) -> None:
    course = a_course()
    path = course.put("film.mp4", film(seconds=5), IN_ASSESSMENT)
    course.gate, course.gated = asyncio.Event(), FILM
    async with served(tmp_path, course, policy=CAPPED, tropa=LITTLE_ROOM) as there:
        anna = Learner(there, "anna")
        held = asyncio.create_task(anna.play(FILM))
        await taken_in(there)
        begun = await anna.play(path)
        assert (begun.status, begun.body) == (200, course.files[path])
        course.gate.set()
        await held
        done = await Learner(there, "boris").until_smaller(path, len(begun.body))
        went_on = await anna.play(path, Range="bytes=1000-")
        assert (went_on.status, went_on.body) == (200, done.body)  # whole: she holds bytes of the other one


async def test_a_player_that_must_see_the_film_keeps_it(tmp_path: Path) -> None:
    course = a_course(folder=IN_PLAYER)
    path = IN_PLAYER + "film.mp4"
    page_path = "/mod/interactivevideo/view.php?id=9"
    course.with_page(f'<video controls src="{path}"></video>', path=page_path)
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        page = await anna.read(page_path)
        assert "<video" in page
        done = await anna.until_whole(path)
    assert len(done.body) < len(course.files[path]) / 2


# -- where nothing changes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [{"policy": "observe"}, {"region": "observe: true", "policy": CAPPED}, {"policy": "open"}],
    ids=["observe-policy", "observe-region", "open"],
)
async def test_who_only_observes_changes_nothing_and_makes_nothing(tmp_path: Path, told: dict[str, str]) -> None:
    course = a_course()
    async with served(tmp_path, course, **told) as there:
        anna = Learner(there, "anna")
        page, reply = await anna.read(), await anna.play(FILM)
        part = await anna.play(FILM, Range="bytes=10-19")
        stats = there.tropa.parts.halves.media.desk.stats()
    assert page == course.pages[PAGE] and reply.body == course.files[FILM]
    assert (part.status, part.body) == (206, course.files[FILM][10:20])
    assert (stats.made, stats.queued, stats.fetching) == (0, 0, 0)


async def test_a_school_behind_its_own_dear_uplink_makes_nothing_there(tmp_path: Path) -> None:
    course = a_course()
    region = "costly_hop: site_uplink"
    async with served(tmp_path, course, policy=CAPPED, tropa="place: school", region=region) as there:
        anna = Learner(there, "anna")
        assert "make/" not in await anna.read()
        reply = await anna.play(FILM)
        assert reply.status == 403 and there.tropa.parts.halves.media.desk.stats().made == 0


# -- what it is counted as ---------------------------------------------------------------------------------------------


async def test_receipts_of_a_film_in_its_place(tmp_path: Path) -> None:
    course = a_course()
    weighs = len(course.files[FILM])
    async with served(tmp_path, course, policy=CAPPED) as there:
        anna = Learner(there, "anna")
        first = await anna.play(FILM)
        line = await logged(there, FILM, treatment="media")
        assert len(first.body) <= line["bytes_to_learner"] and line["kind"] == "video"
        assert abs(line["bytes_direct"] - weighs) < 2000 and line["bytes_withheld"] == 0
        done = await anna.until_whole(FILM)
        half = await Learner(there, "boris").play(FILM, Range=f"bytes=0-{len(done.body) // 2 - 1}")
        assert half.status == 206
        line = await logged(there, FILM, status=206)
    assert line["treatment"] == "media" and abs(line["bytes_direct"] - weighs / 2) < weighs / 50


async def test_who_leaves_a_growing_film_is_not_said_to_have_saved_all_of_it(tmp_path: Path) -> None:
    course = a_course(film(seconds=12))
    weighs = len(course.files[FILM])
    course.gate, course.open_bytes = asyncio.Event(), 1_600_000
    async with served(tmp_path, course, policy=CAPPED) as there:
        url = there.base_url + FILM
        headers = {"Cookie": "MoodleSession=anna", "Sec-Fetch-Dest": "video"}
        async with asyncio.timeout(60), there.session.get(url, headers=headers) as answer:
            await answer.content.readany()
            answer.close()
        line = await logged(there, FILM, treatment="media")
        course.gate.set()
    assert line["bytes_direct"] < weighs / 2 and line["error"] is not None
