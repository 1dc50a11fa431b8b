"""Uploads in pieces as a page's script, a broken link and a stranger meet them."""

from __future__ import annotations

import asyncio
import re
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import web

from proxy.catalogues import publish_file
from tests.serving import Reply, Served, served
from tests.uploads import (
    BOUNDARY,
    BROWSER,
    HERS,
    OTHERS,
    PIECE,
    TUS,
    Sending,
    b64,
    crc32,
    field_part,
    file_part,
    form,
    header,
    mark,
)

PHOTO = bytes(range(256)) * 4000  # 1,024,000 bytes
PAGE = "<!DOCTYPE html><html><head><title>x</title></head><body><form></form></body></html>"


class Course:
    """An origin that remembers what was posted, and answers as it is told."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 303
        self.gate: asyncio.Event | None = None

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(text=PAGE, content_type="text/html")
        body = await request.read()
        self.posts.append((request.path_qs, dict(request.headers), body))
        if self.gate is not None:
            await self.gate.wait()
        if self.status == 0:  # dies without a word
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if self.status == 303:
            head = {"Location": "/mod/forum/discuss.php?d=1#p9", "Set-Cookie": "notice=1; Path=/"}
            return web.Response(status=303, headers=head)
        return web.Response(status=self.status, text="<h1>Нет</h1>", content_type="text/html")


def a_form(content: bytes) -> bytes:
    return form(field_part("sesskey", "k1"), file_part("files", "Фото урока.jpg", content), field_part("message", "Да"))


def marked(data: bytes = PHOTO) -> bytes:
    return a_form(mark(0, len(data)))


async def test_it_arrives_once_byte_for_byte_as_the_browsers_own_form(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course) as there:
        sending = Sending(there, PHOTO, headers={**HERS, "Referer": there.base_url + "/mod/forum/discuss.php?d=1"})
        created = await sending.create()
        assert (created.status, header(created, "Upload-Offset")) == (201, "0")
        await sending.all_pieces()
        assert course.posts == [], "nothing is sent before the form is"
        begun = await sending.send(marked())
        assert begun.status == 202
        status = await sending.status()
        assert (status["state"], status["status"], status["answer"]) == ("accepted", 303, True)
        answer = await sending.answer()
    assert answer.status == 303
    assert header(answer, "Location") == "/mod/forum/discuss.php?d=1#p9"
    assert "notice=1" in header(answer, "Set-Cookie")
    [(path, headers, body)] = course.posts
    assert path == "/mod/forum/post.php"
    assert body == a_form(PHOTO)
    assert headers["Content-Length"] == str(len(body))
    assert headers["Content-Type"] == f"multipart/form-data; boundary={BOUNDARY}"
    assert "MoodleSession=hers" in headers["Cookie"] and headers["Referer"].endswith("/mod/forum/discuss.php?d=1")
    assert (headers["Sec-Fetch-Dest"], headers["Sec-Fetch-Mode"]) == ("document", "navigate")
    assert "Tropa-Upload" not in headers


async def test_the_same_request_again_is_the_same_attempt(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course) as there:
        sending = Sending(there, PHOTO)
        await sending.create()
        await sending.all_pieces()
        answers = await asyncio.gather(*(sending.send(marked()) for _ in range(5)))
        assert sorted(one.status for one in answers) == [200, 200, 200, 200, 202]
        await sending.status()
        assert (await sending.send(marked())).status == 200, "the answer was lost, and she asks again"
        assert (await sending.send(marked(), attempt=2)).status == 409, "it is accepted: there is no second attempt"
        assert (await sending.answer()).status == (await sending.answer()).status == 303, "a page loaded again"
    assert len(course.posts) == 1


async def test_what_the_origin_turned_down_can_be_sent_again_without_its_bytes(tmp_path: Path) -> None:
    course = Course()
    course.status = 403
    async with served(tmp_path, course) as there:
        sending = Sending(there, PHOTO)
        await sending.create()
        await sending.all_pieces()
        await sending.send(marked())
        assert (await sending.status())["state"] == "refused"
        said = await sending.answer()
        assert (said.status, "Нет" in said.body.decode()) == (403, True)
        course.status = 303
        assert header(await sending.create(), "Tropa-Upload") == "refused 1"
        assert await sending.offset() == len(PHOTO)
        assert (await sending.send(marked(), attempt=2)).status == 202
        assert (await sending.status())["state"] == "accepted"
    assert len(course.posts) == 2


async def test_a_lost_answer_is_a_question_and_only_her_word_sends_it_again(tmp_path: Path) -> None:
    course = Course()
    course.status = 0
    async with served(tmp_path, course) as there:
        sending = Sending(there, PHOTO)
        await sending.create()
        await sending.all_pieces()
        await sending.send(marked())
        status = await sending.status()
        assert (status["state"], status["answer"], len(course.posts)) == ("in-doubt", False, 1)
        assert (await sending.send(marked())).status == 200
        assert (await sending.answer()).status == 404
        assert len(course.posts) == 1
        course.status = 303
        assert (await sending.send(marked(), attempt=2)).status == 202
        assert (await sending.status())["state"] == "accepted"


async def test_an_origin_out_of_reach_has_had_nothing(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course) as there:
        sending = Sending(there, PHOTO)
        await sending.create()
        await sending.all_pieces()
        await _unreachable(there, tmp_path)
        await sending.send(marked())
        status = await sending.status()
        assert (status["state"], status["attempts"]) == ("ready", 1)
    assert course.posts == []


async def _unreachable(there: Served, folder: Path) -> None:
    """The operator publishes an address at which nobody answers."""
    regions = folder / "regions.yaml"
    regions.write_text(regions.read_text("utf-8").replace(f"127.0.0.1:{there.origin_port}", "127.0.0.1:9"), "utf-8")
    publish_file(regions, there.state_dir, now=there.tropa._clock.now(), note="")
    async with asyncio.timeout(20):
        while there.tropa._current().origins["course"].upstream != "http://127.0.0.1:9":
            await asyncio.sleep(0.05)


async def test_a_piece_counts_only_whole_and_as_it_was_sent(tmp_path: Path) -> None:
    async with served(tmp_path, Course()) as there:
        sending = Sending(there, PHOTO)
        await sending.create()
        wrong = {"Upload-Checksum": crc32(b"something else")}
        assert (await sending.piece(0, 1000, **wrong)).status == 460
        assert await sending.offset() == 0
        assert (await sending.piece(500, 1000)).status == 409
        assert (await sending.piece(0, 1000)).status == 204
        assert (await sending.piece(0, 1000)).status == 409, "the same again"
        sha = {"Upload-Checksum": "sha256 " + b64(sha256(PHOTO[1000:3000]).digest())}
        assert (await sending.piece(1000, 3000, **sha)).status == 204
        assert (await sending.piece(3000, 4000, **{"Upload-Checksum": "md4 AAAA"})).status == 400
        assert (await sending.piece(3000, 4000, **{"Upload-Offset": "3,000"})).status == 400
        assert (await sending.piece(3000, 4000, **{"Content-Type": "text/plain"})).status == 415
        assert (await sending.piece(3000, 4000, **{"Tus-Resumable": "0.2.2"})).status == 412
        assert await sending.offset() == 3000
        await sending.all_pieces()
        tail = await there.get(
            sending.address, "PATCH", data=b"more",
            headers={**HERS, **PIECE, "Upload-Offset": str(len(PHOTO))},
        )  # fmt: skip
        assert tail.status == 409


async def test_bytes_beyond_the_end_are_not_taken(tmp_path: Path) -> None:
    async with served(tmp_path, Course()) as there:
        sending = Sending(there, b"12345")
        await sending.create()
        sending.data = b"1234567890"
        assert (await sending.piece(0, 10)).status == 413
        assert await sending.offset() == 0


async def test_a_form_that_does_not_fit_the_upload_goes_nowhere(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course) as there:
        sending = Sending(there, PHOTO)
        await sending.create()
        assert (await sending.send(marked())).status == 409, "not all of it is here"
        await sending.all_pieces()
        assert (await sending.send(a_form(mark(0, 5)))).status == 400
        assert (await sending.send(marked(), target="/mod/assign/view.php")).status == 404, "another form's"
        assert (await sending.send(a_form(bytes(1_100_000)))).status == 413
        assert (await sending.status(wait=False))["state"] == "ready"
        nonsense = await there.get("/mod/forum/post.php", "POST", headers={**HERS, "Tropa-Upload": "do it"}, data=b"")
        assert nonsense.status == 400
    assert course.posts == []


async def test_another_learner_finds_nothing_of_it(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course) as there:
        hers = Sending(there, PHOTO)
        await hers.create()
        token = await hers.token()
        stranger = Sending(there, PHOTO, headers=OTHERS, address=hers.address)
        assert (await there.get(hers.address, "HEAD", headers={**OTHERS, **TUS})).status == 404
        assert (await stranger.piece(0, 1000)).status == 404
        assert (await there.get(hers.address, "DELETE", headers={**OTHERS, **TUS})).status == 404
        assert (await stranger.create(token)).status == 403, "a page's token is its learner's"
        assert header(await stranger.create(), "Upload-Offset") == "0", "the same file of hers is another upload"
        stranger.address = hers.address
        await hers.all_pieces()
        assert (await stranger.send(marked())).status == 404
        await hers.send(marked())
        await hers.status()
        assert (await stranger.answer()).status == 404
        assert (await hers.answer()).status == 303


async def test_the_logout_ends_it(tmp_path: Path) -> None:
    async with served(tmp_path, Course()) as there:
        sending = Sending(there, PHOTO)
        await sending.create()
        await sending.piece(0, 300_000)
        folder = there.state_dir / "uploads"
        assert len(list(folder.iterdir())) == 1
        assert all(path.stat().st_mode & 0o77 == 0 for path in folder.rglob("*"))
        assert b"post.php" not in b"".join(path.read_bytes() for path in folder.rglob("*.json"))
        await there.get("/login/logout.php?sesskey=1", headers=HERS)
        assert list(folder.iterdir()) == []
        assert (await there.get(sending.address, "HEAD", headers={**HERS, **TUS})).status == 404


async def test_her_logout_while_the_form_is_sent_keeps_its_answer_from_whoever_comes(tmp_path: Path) -> None:
    course = Course()
    course.gate = asyncio.Event()
    async with served(tmp_path, course) as there:
        sending = Sending(there, PHOTO)
        await sending.create()
        await sending.all_pieces()
        await sending.send(marked())
        assert (await sending.status(wait=False))["state"] == "sending"
        await there.get("/login/logout.php?sesskey=1", headers=HERS)
        course.gate.set()
        assert (await sending.answer()).status == 404


async def test_the_same_files_chosen_again_go_on_where_they_stopped(tmp_path: Path) -> None:
    async with served(tmp_path, Course()) as there:
        first = Sending(there, PHOTO)
        await first.create()
        await first.piece(0, 400_000)
        again = Sending(there, PHOTO)
        assert header(await again.create(), "Upload-Offset") == "400000"
        other_form = Sending(there, PHOTO, target="/mod/assign/view.php")
        assert header(await other_form.create(), "Upload-Offset") == "0"
        assert (await there.get(again.address, "DELETE", headers={**HERS, **TUS})).status == 204
        assert header(await Sending(there, PHOTO).create(), "Upload-Offset") == "0"


@pytest.mark.parametrize(
    ("limits", "status"),
    [("max_upload: 1 MB", 413), ("upload_store: 1 MB", 507), ("uploads_per_learner: 0", 429)],
)
async def test_what_has_no_room_goes_as_the_browser_sends_it(tmp_path: Path, limits: str, status: int) -> None:
    async with served(tmp_path, Course(), tropa=f"limits: {{{limits}}}") as there:
        assert (await Sending(there, PHOTO).create()).status == status


async def test_policy_says_whether_and_where(tmp_path: Path) -> None:
    async with served(tmp_path, Course(), policy="open") as there:
        page = await there.get("/mod/forum/discuss.php?d=1", headers={**HERS, "Accept": "text/html"})
        assert b"data-upload" not in page.body
        assert (await Sending(there, PHOTO).create(token="x")).status == 403


async def test_a_spent_allowance_stops_a_forums_film_and_never_an_assignment(tmp_path: Path) -> None:
    async with served(tmp_path, Course(), allowance="1 MB") as there:
        files = Sending(there, PHOTO, target="/user/files.php")
        await files.create()
        await files.piece(0, 600_000)
        await files.piece(600_000, 1_000_000)
        assert (await files.piece(1_000_000, len(PHOTO))).status == 503, "it opens when the allowance renews"
        assignment = Sending(there, PHOTO, target="/mod/assign/view.php")
        page = await there.get("/mod/assign/view.php?id=1", headers={**HERS, **BROWSER})
        assert (await assignment.create(_token_of(page))).status == 201
        await assignment.all_pieces()
        assert (await assignment.send(marked())).status == 202
        assert (await assignment.status())["state"] == "accepted"


def _token_of(page: Reply) -> str:
    found = re.search(r'data-upload-token="([^"]+)"', page.body.decode())
    assert found is not None
    return found[1]


async def test_the_protocol_says_what_it_can(tmp_path: Path) -> None:
    async with served(tmp_path, Course()) as there:
        options = await there.get("/.tropa/uploads", "OPTIONS")
        assert options.status == 204
        assert header(options, "Tus-Version") == "1.0.0"
        assert header(options, "Tus-Extension") == "creation,expiration,checksum,termination"
        assert header(options, "Tus-Max-Size") == str(2 * 1024**3)
        assert (await there.get("/.tropa/uploads", headers=HERS)).status == 405
        assert "Access-Control-Allow-Origin" not in options.headers


async def test_bytes_are_counted_once_on_the_learners_link(tmp_path: Path) -> None:
    async with served(tmp_path, Course()) as there:
        sending = Sending(there, PHOTO)
        await sending.create()
        await sending.all_pieces()
        await sending.send(marked())
        await sending.status()
        state = await _use(there)
    assert len(PHOTO) * 1.06 <= state <= len(PHOTO) * 1.06 + 40_000


async def test_at_a_school_they_count_as_they_go_out_on_its_uplink(tmp_path: Path) -> None:
    async with served(tmp_path, Course(), region="costly_hop: site_uplink", tropa="place: school") as there:
        sending = Sending(there, PHOTO)
        await sending.create()
        await sending.all_pieces()
        before = await _use(there)
        await sending.send(marked())
        await sending.status()
        after = await _use(there)
    assert before < 40_000
    assert len(PHOTO) * 1.06 <= after <= len(PHOTO) * 1.06 + 40_000


async def _use(there: Served) -> int:
    accountant, territory = there.tropa.parts.ground.accountant, next(iter(there.tropa._current().territories.values()))
    learners = {entry.owner for entry in there.tropa.parts.halves.uploads.desk._entries.values()}
    [learner] = learners
    [use] = accountant.usage(territory, learner, there.tropa._clock.now()).allowances
    return use.used_bytes
