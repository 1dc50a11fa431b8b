"""The store of responses as exchanges meet it: one fetch for many, parts, fills, her own pages, a full disk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event

import pytest
from multidict import CIMultiDict

from proxy.cache.asked import Pace
from proxy.cache.body_files import BodyFiles
from proxy.cache.stored import confirmed_key
from proxy.errors import ExchangeError
from proxy.upstream.reply import Whose
from tests.caching import Cached, Says, Told, cached, ranged, read

HASH = '"da39a3ee5e6b4b0d3255bfef95601890afd80709"'
BIG = bytes(range(256)) * 4000  # a megabyte
PUBLIC = {"Cache-Control": "public, max-age=600"}
PRIVATE = {"Cache-Control": "private, max-age=600, no-transform"}
WEEK_S = 7 * 86_400


def a_file(body: bytes = BIG, headers: dict[str, str] | None = None, etag: str = HASH):  # type: ignore[no-untyped-def]
    return lambda told: ranged(told, body, etag, headers or PUBLIC)


async def full_pace(nbytes: int) -> bool:
    return True


def stopping_after(limit_bytes: int) -> Pace:
    taken = 0

    async def pace(nbytes: int) -> bool:
        nonlocal taken
        taken += nbytes
        return taken < limit_bytes

    return pace


# -- one fetch ----------------------------------------------------------------------------------------------------


async def test_fifty_who_ask_at_once_are_one_fetch(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def slow(told: Told) -> Says:
        await go_on.wait()
        return Says(200, {**PUBLIC, "Content-Type": "text/css"}, BIG)

    async with cached(tmp_path, slow) as there:

        async def one(number: int):  # type: ignore[no-untyped-def]
            headers = {"Cookie": f"s={number}"}
            return await read(await there.cache.open(there.asked("/styles.css", headers=headers)))

        asking = asyncio.gather(*(one(number) for number in range(50)))
        while not there.told:
            await asyncio.sleep(0)
        go_on.set()
        got = await asking
        await there.settled()
    assert len(there.told) == 1
    assert all(reply.body == BIG for reply in got)
    assert sum(reply.from_origin for reply in got) == 1


async def test_who_comes_while_it_arrives_reads_what_is_arriving(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file()) as there:
        first = await there.cache.open(there.asked())
        assert await first.read_up_to(1000, 5.0) == BIG[:1000]
        second = await read(await there.cache.open(there.asked()))
        rest = b"".join([chunk async for chunk in first.iter_chunks()])
        first.release()
        await there.settled()
        third = await there.get()
    assert second.body == BIG and not second.from_origin and "collapsed" in second.way.cache_status
    assert rest == BIG[1000:] and first.from_origin
    assert third.body == BIG and len(there.told) == 1


async def test_what_was_changed_while_it_arrived_is_confirmed_before_it_is_used_again(tmp_path: Path) -> None:
    editions = ["old"]

    def page(request: Told) -> Says:
        if request.method == "POST":
            editions.append("new")
        return Says(200, PUBLIC | {"ETag": f'"{editions[-1]}"'}, editions[-1].encode() * 100_000)

    async with cached(tmp_path, page) as there:
        first = await there.cache.open(there.asked())
        assert (await first.read_up_to(3, 5.0)) == b"old"
        await there.get(method="POST")
        while_it_arrives = await there.get()
        rest = b"".join([chunk async for chunk in first.iter_chunks()])
        first.release()
        await there.settled()
        afterwards = await there.get()
    assert rest.endswith(b"old")
    assert while_it_arrives.body[:3] == afterwards.body[:3] == b"new"


async def test_two_learners_requests_for_a_page_never_wait_for_each_other(tmp_path: Path) -> None:
    both = asyncio.Event()
    told: list[Told] = []

    async def page(request: Told) -> Says:
        told.append(request)
        if len(told) == 2:
            both.set()
        await both.wait()  # the first is answered only when the second has been asked
        return Says(200, {"Content-Type": "text/html", "Cache-Control": "private"}, request.headers["Cookie"].encode())

    async with cached(tmp_path, page) as there:
        asked = [there.asked("/my/", headers={"Cookie": who}, document=True) for who in ("a", "b")]
        replies = await asyncio.gather(*(there.cache.open(one) for one in asked))
        assert [(await read(reply)).body for reply in replies] == [b"a", b"b"]


async def test_who_waits_for_anothers_answer_hears_of_its_failure(tmp_path: Path) -> None:
    async with cached(tmp_path, lambda told: Says(200, {**PUBLIC, "Content-Type": "text/css"}, b"x")) as there:
        there.origin = there.origin.__class__(**{**_fields(there.origin), "upstream": "http://127.0.0.1:9"})
        asked = [there.cache.open(there.asked("/a.css")) for _ in range(3)]
        got = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(error, ExchangeError) and error.code == "upstream-unreachable" for error in got)


def _fields(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}  # type: ignore[attr-defined]


# -- parts ---------------------------------------------------------------------------------------------------------


async def test_a_transfer_that_broke_is_gone_on_with_where_it_broke(tmp_path: Path) -> None:
    def answers(told: Told) -> Says:
        says = ranged(told, BIG, HASH, PUBLIC)
        says.cut_at = 500_000 if says.status == 200 else None
        return says

    async with cached(tmp_path, answers) as there:
        with pytest.raises(ExchangeError):
            await there.get()
        await there.settled()
        got = await there.get()
        again = await there.get()
    assert got.body == BIG and got.status == 200
    first = int(there.told[1].headers["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < first <= 500_000 and there.told[1].headers["If-Range"] == HASH
    assert again.body == BIG and len(there.told) == 2


async def test_a_part_of_something_that_changed_is_never_joined_to_the_new(tmp_path: Path) -> None:
    other = BIG[::-1]
    now = {"body": BIG, "etag": HASH}

    def answers(told: Told) -> Says:
        says = ranged(told, now["body"], now["etag"], PUBLIC)  # type: ignore[arg-type]
        says.cut_at = 500_000 if now["body"] is BIG else None
        return says

    async with cached(tmp_path, answers) as there:
        with pytest.raises(ExchangeError):
            await there.get()
        await there.settled()
        now.update(body=other, etag='"' + "1" * 40 + '"')
        got = await there.get()
        again = await there.get()
    assert got.body == other and again.body == other


async def test_ranges_that_were_had_one_by_one_become_the_whole(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file()) as there:
        for first, last in ((0, 299_999), (600_000, 899_999), (300_000, 599_999)):
            got = await there.get(headers={"Range": f"bytes={first}-{last}"})
            assert (got.status, got.body) == (206, BIG[first : last + 1])
        asked = len(there.told)
        held = await there.get(headers={"Range": "bytes=100000-800000"})
        assert (held.status, held.body, len(there.told)) == (206, BIG[100_000:800_001], asked)
        whole = await there.get()
    assert whole.body == BIG and there.told[-1].headers["Range"] == "bytes=900000-"


async def test_a_private_part_is_completed_by_a_learner_whom_the_origin_lets(tmp_path: Path) -> None:
    def answers(told: Told) -> Says:
        if told.headers.get("Cookie") == "s=stranger":
            return Says(403, {}, b"no")
        return ranged(told, BIG, HASH, PRIVATE)

    async with cached(tmp_path, answers) as there:
        reply = await there.cache.open(there.asked(headers={"Cookie": "s=anna"}, learner="anna"))
        await reply.read_up_to(200_000, 5.0)
        reply.release()  # she left
        await there.settled()
        assert (await there.get(headers={"Cookie": "s=stranger"}, learner="stranger")).status == 403
        got = await there.get(headers={"Cookie": "s=boris"}, learner="boris")
    assert got.body == BIG and got.way.whose is Whose.CONFIRMED
    assert there.told[-1].headers["Cookie"] == "s=boris" and "Range" in there.told[-1].headers


async def test_who_leaves_stops_a_fetch_that_nobody_else_reads(tmp_path: Path) -> None:
    sent = 0

    async with cached(tmp_path, a_file(BIG * 20)) as there:
        reply = await there.cache.open(there.asked())
        sent += len(await reply.read_up_to(65_536, 5.0))
        reply.release()
        await there.settled()
        (stored,) = await there.store.find(next(iter(await _keys(there))))
    assert stored.extents is not None and stored.there.total_bytes < 4 * len(BIG)


async def _keys(there: Cached) -> list[bytes]:
    return [one.row.key for one in await there.store.listing(10)]


# -- confirmed -------------------------------------------------------------------------------------------------------


async def test_forty_learners_of_a_private_file_are_one_download_and_small_answers(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file(headers=PRIVATE)) as there:
        for number in range(40):
            got = await there.get(headers={"Cookie": f"s={number}"}, learner=str(number))
            assert got.body == BIG and got.from_origin is (number == 0)
    assert [told.headers.get("If-None-Match") for told in there.told] == [None] + [HASH] * 39


async def test_a_range_of_a_private_file_is_confirmed_too(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file(headers=PRIVATE)) as there:
        await there.get(headers={"Cookie": "s=1"}, learner="1")
        got = await there.get(headers={"Cookie": "s=2", "Range": "bytes=10-19"}, learner="2")
    assert (got.status, got.body, got.from_origin) == (206, BIG[10:20], False)
    assert there.told[-1].headers["If-None-Match"] == HASH


async def test_a_new_version_of_a_private_file_replaces_the_old(tmp_path: Path) -> None:
    now = {"body": b"old" * 100, "etag": HASH}
    async with cached(tmp_path, lambda told: ranged(told, now["body"], now["etag"], PRIVATE)) as there:  # type: ignore[arg-type]
        await there.get(headers={"Cookie": "s=1"}, learner="1")
        now.update(body=b"new" * 100, etag='"' + "2" * 40 + '"')
        got = await there.get(headers={"Cookie": "s=2"}, learner="2")
        again = await there.get(headers={"Cookie": "s=1"}, learner="1")
    assert got.body == again.body == b"new" * 100 and not again.from_origin


async def test_session_keys_in_an_address_make_no_other_file_of_it(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file(headers=PRIVATE)) as there:
        await there.get("/file?token=anna&rev=1", learner="anna")
        got = await there.get("/file?token=boris&rev=1", learner="boris")
        other = await there.get("/file?token=boris&rev=2", learner="boris")
    assert not got.from_origin and other.from_origin
    assert [told.target for told in there.told] == [
        "/file?token=anna&rev=1",
        "/file?token=boris&rev=1",
        "/file?token=boris&rev=2",
    ]


async def test_what_only_one_learner_has_had_is_in_no_list(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file(headers=PRIVATE)) as there:
        await there.get(headers={"Cookie": "s=1"}, learner="1")
        assert await there.cache.inspect() == []
        await there.get(headers={"Cookie": "s=2"}, learner="2")
        await there.get(headers={"Cookie": "s=3"}, learner="3")
        (shown,) = await there.cache.inspect()
        there.clock.moves(25 * 3600)
        await there.store.sweep()
        assert there.store.stats().objects == 0
    assert shown.whose is Whose.CONFIRMED


async def test_a_range_that_was_had_from_the_origin_never_takes_the_wholes_place(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file(headers=PRIVATE)) as there:
        for _ in range(5):  # at once after one another, while what came before is still being stored
            await read(await there.cache.open(there.asked(learner="1")))
            half = {"Range": f"bytes={len(BIG) // 2}-", "If-Range": HASH}
            assert (await read(await there.cache.open(there.asked(headers=half, learner="1")))).status == 206
            tail = await read(await there.cache.open(there.asked(headers={"Range": "bytes=-100"}, learner="1")))
            assert (tail.status, tail.body) == (206, BIG[-100:])
        await there.settled()
        (stored,) = await there.store.find(confirmed_key(there.asked(), "http://lms.test/a"))
    assert stored.extents is None


# -- her own ---------------------------------------------------------------------------------------------------------


async def test_a_page_of_hers_is_kept_for_her_alone_until_it_is_wiped(tmp_path: Path) -> None:
    def answers(told: Told) -> Says:
        headers = {"Content-Type": "text/html", "Cache-Control": "private, max-age=0, no-transform"}
        return Says(200, headers, told.headers["Cookie"].encode())

    async with cached(tmp_path, answers) as there:

        async def kept(who: str, target: str = "/course"):  # type: ignore[no-untyped-def]
            asked = there.asked(target, headers={"Cookie": f"s={who}"}, learner=who, document=True)
            reply = await there.cache.kept(asked, there.clock.now())
            return await read(reply) if reply is not None else None

        for who in ("anna", "boris"):
            await there.get("/course", headers={"Cookie": f"s={who}"}, learner=who, document=True, own_life_s=WEEK_S)
        await there.get("/other", headers={"Cookie": "s=anna"}, learner="anna", document=True)
        there.clock.moves(3600)
        hers = await kept("anna")
        assert hers is not None and hers.body == b"s=anna"
        assert (hers.way.whose, hers.way.age_s, hers.from_origin) == (Whose.OWN, 3600, False)
        assert await kept("anna", "/other") is None and await kept("clara") is None
        assert len(there.told) == 3, "keeping asks nobody"
        assert await there.cache.forget("anna") == 1
        assert await kept("anna") is None
        (boris,) = [await kept("boris")]
        assert boris is not None and boris.body == b"s=boris"
        there.clock.moves(WEEK_S)
        assert await kept("boris") is None


async def test_a_page_that_must_not_be_stored_isnt_kept_for_her_either(tmp_path: Path) -> None:
    async with cached(tmp_path, lambda told: Says(200, {"Cache-Control": "no-store"}, b"secret")) as there:
        await there.get("/a", learner="anna", document=True, own_life_s=WEEK_S)
        assert await there.cache.kept(there.asked("/a", learner="anna"), there.clock.now()) is None


async def test_a_file_that_was_confirmed_to_her_is_hers_during_an_outage_and_nobody_elses(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file(headers=PRIVATE)) as there:
        for who in ("anna", "boris"):
            await there.get("/f", headers={"Cookie": who}, learner=who, own_life_s=WEEK_S)
        for who, has in (("anna", True), ("boris", True), ("clara", False)):
            reply = await there.cache.kept(there.asked("/f", learner=who), there.clock.now())
            assert (reply is not None) is has, who
        await there.cache.forget("boris")
        assert await there.cache.kept(there.asked("/f", learner="boris"), there.clock.now()) is None


# -- fills -----------------------------------------------------------------------------------------------------------


async def test_a_fill_needs_no_reader_and_is_free_the_second_time(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file()) as there:
        first = await there.cache.fill(there.asked(), full_pace)
        second = await there.cache.fill(there.asked(), full_pace)
        got = await there.get()
    assert (first.stored, first.complete, first.fetched_bytes, first.length_bytes) == (True, True, len(BIG), len(BIG))
    assert (second.stored, second.fetched_bytes) == (True, 0)
    assert got.body == BIG and not got.from_origin and len(there.told) == 1


async def test_a_fill_that_is_stopped_goes_on_next_time(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file(headers=PRIVATE)) as there:
        first = await there.cache.fill(there.asked(), stopping_after(400_000))
        assert not first.complete and not first.stored and 0 < first.fetched_bytes < len(BIG)
        second = await there.cache.fill(there.asked(), full_pace)
        third = await there.cache.fill(there.asked(), full_pace)
    assert second.complete and second.stored and first.fetched_bytes + second.fetched_bytes == len(BIG)
    assert there.told[1].headers["Range"] == f"bytes={first.fetched_bytes}-"
    assert (third.status, third.fetched_bytes) == (304, 0)


async def test_a_fill_tells_why_something_cant_be_stored(tmp_path: Path) -> None:
    async with cached(tmp_path, lambda told: Says(200, {"Cache-Control": "no-store"}, b"x")) as there:
        filled = await there.cache.fill(there.asked(), full_pace)
    assert not filled.stored and filled.why == "no-store"


async def test_what_a_service_had_by_its_own_address_serves_learners_at_theirs(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file(headers=PRIVATE)) as there:
        asked = there.asked("/webservice/pluginfile.php/5/a.pdf?token=t", kept_as="/pluginfile.php/5/a.pdf")
        await there.cache.fill(asked, full_pace)
        got = await there.get("/pluginfile.php/5/a.pdf", headers={"Cookie": "s=1"}, learner="1")
    assert got.body == BIG and not got.from_origin and got.way.whose is Whose.CONFIRMED
    assert there.told[-1].target == "/pluginfile.php/5/a.pdf"


# -- when things fail ------------------------------------------------------------------------------------------------


async def test_a_stale_picture_stands_in_where_the_origin_cant_be_reached(tmp_path: Path) -> None:
    headers = {"Cache-Control": "max-age=10", "Content-Type": "image/png"}
    async with cached(tmp_path, lambda told: Says(200, CIMultiDict({**headers, "ETag": '"1"'}), b"png")) as there:
        await there.get("/a.png")
        there.clock.moves(3600)
        there.origin = there.origin.__class__(**{**_fields(there.origin), "upstream": "http://127.0.0.1:9"})
        got = await there.get("/a.png")
    assert got.body == b"png" and got.headers["Age"] == "3600" and "ttl=-3590" in got.way.cache_status


async def test_a_stored_body_that_was_damaged_is_fetched_again_and_never_sent(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file()) as there:
        await there.get()
        (stored,) = await there.store.listing(1)
        path = there.store.files.path(stored.row.file)
        broken = bytearray(path.read_bytes())
        broken[10] ^= 1
        path.write_bytes(broken)
        got = await there.get()
        assert got.body == BIG and got.from_origin and there.store.stats().damaged == 1
        path = there.store.files.path((await there.store.listing(1))[0].row.file)
        path.write_bytes(path.read_bytes()[:700_000])
        with pytest.raises(ExchangeError):  # what was sent before the damage was right, and it isn't called whole
            await there.get()
        assert (await there.get()).body == BIG


async def test_the_least_worth_makes_room(tmp_path: Path) -> None:
    """A small thing that many use outlives a large one that nobody does."""

    def answers(told: Told) -> Says:
        size = 1000 if "small" in told.target else 300_000
        return Says(200, PUBLIC, b"x" * size)

    async with cached(tmp_path, answers, max_bytes=1_300_000) as there:
        await there.get("/small")
        for number in range(8):
            await there.get(f"/large{number}")
            there.clock.moves(1)
        await there.store.sweep()
        asked = len(there.told)
        await there.get("/small")
        assert len(there.told) == asked
        stats = there.store.stats()
    assert stats.disk_bytes <= 1_300_000 and stats.evicted >= 4


async def test_an_origin_that_says_cache_false_is_never_stored(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file(), cache=False) as there:
        await there.get()
        got = await there.get()
    assert got.from_origin and len(there.told) == 2 and got.way.cache_status == ""


async def test_another_process_may_purge_while_this_one_serves(tmp_path: Path) -> None:
    async with cached(tmp_path, a_file()) as there:
        await there.get("/course/1/a")
        await there.get("/course/2/a")
        async with cached(tmp_path, a_file()) as other:
            assert await other.cache.purge(pattern="http://lms.test/course/1/*") == 1
        await there.store.notice_changes()
        first, second = await there.get("/course/1/a"), await there.get("/course/2/a")
    assert first.from_origin and not second.from_origin


async def test_a_body_without_a_length_is_stored_when_it_ends(tmp_path: Path) -> None:
    async with cached(tmp_path, lambda told: Says(200, PUBLIC, BIG, chunked=True)) as there:
        await there.get()
        got = await there.get()
    assert got.body == BIG and not got.from_origin and got.headers["Content-Length"] == str(len(BIG))


# -- what may not be stored ---------------------------------------------------------------------------------------


async def test_those_who_ask_for_what_may_not_be_stored_wait_for_nobody(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def held(told: Told) -> Says:
        if len(there.told) > 1:
            await go_on.wait()
        return Says(200, {"Cache-Control": "no-store"}, b"hers")

    async with cached(tmp_path, held) as there:
        await there.get("/page")
        asking = asyncio.gather(*(there.get("/page") for _ in range(5)))
        while len(there.told) < 6:
            await asyncio.sleep(0)
        go_on.set()
        assert [reply.body for reply in await asking] == [b"hers"] * 5


async def test_an_address_whose_answer_may_be_stored_again_is_stored_again(tmp_path: Path) -> None:
    says = [Says(200, {"Cache-Control": "no-store"}, b"old"), Says(200, PUBLIC, b"new")]

    async with cached(tmp_path, lambda told: says[min(len(there.told) - 1, 1)]) as there:
        for expected in (b"old", b"new", b"new", b"new"):
            assert (await there.get("/page")).body == expected
        assert len(there.told) == 2


class StandingDisk(BodyFiles):
    """Takes no body until it is let."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.goes_on = Event()

    def keep(self, name: str, body: bytes) -> int:
        assert self.goes_on.wait(60)
        return super().keep(name, body)


async def test_a_disk_that_doesnt_keep_up_holds_back_no_answer_and_no_memory(tmp_path: Path) -> None:
    """Two hundred and fifty-six bodies wait for it, what comes then isn't stored, and is told so."""
    files = StandingDisk(tmp_path)

    async with cached(tmp_path, lambda told: Says(200, PUBLIC, b"x" * 1000), files=files) as there:
        got = [await read(await there.cache.open(there.asked(f"/{number}"))) for number in range(300)]
        assert all(one.body == b"x" * 1000 for one in got)
        behind = [one for one in got if "disk-behind" in one.way.cache_status]
        assert 0 < len(behind) <= 300 - 256
        files.goes_on.set()
        await there.settled()
        assert there.store.stats().objects == 300 - len(behind)
        assert "stored" in (await there.get("/299")).way.cache_status, "and then it is stored as ever"


# -- bytes that are no text -----------------------------------------------------------------------------------------

CP1251 = 'attachment; filename="лекция.zip"'.encode("cp1251").decode("utf-8", "surrogateescape")


async def test_a_file_named_in_windows_1251_is_kept_and_goes_out_as_it_came(tmp_path: Path) -> None:
    body = BIG * 20  # longer than what is named in the index while it comes
    async with cached(tmp_path, a_file(body, PUBLIC | {"Content-Disposition": CP1251})) as there:
        first, second = await there.get(), await there.get()
        assert first.body == second.body == body
        assert first.headers["Content-Disposition"] == second.headers["Content-Disposition"] == CP1251
        assert len(there.told) == 1


@pytest.mark.parametrize("odd", [{"ETag": '"\udce0"'}, {"Vary": "X-\udce0"}])
async def test_what_no_index_can_hold_passes_and_is_not_kept(tmp_path: Path, odd: dict[str, str]) -> None:
    async with cached(tmp_path, lambda told: Says(200, PUBLIC | odd, b"one")) as there:
        assert (await there.get()).body == (await there.get()).body == b"one"
        assert len(there.told) == 2
