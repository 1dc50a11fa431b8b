"""A manifest through the stage: capped, remembered, coded, or as it was."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from multidict import CIMultiDict

from policies.decision import PassThrough, Price, RewriteLadder, Withhold
from policies.facts import ResponseFacts
from policies.treatments import PASS_ALL, Action, Form, NothingFits, VideoTreatment
from policies.values import MediaKind
from proxy.cache.variants import VariantStore
from proxy.clock import OffsetClock
from proxy.deliver.answer import Answer
from proxy.deliver.read_ahead import ReadAhead
from proxy.deliver.sticky import Sticky
from proxy.errors import ExchangeError
from proxy.stages.context import Exchange, Fetched
from proxy.stages.ladder import LadderStage
from proxy.stages.ladder_book import LadderBook
from proxy.stages.ladder_terms import NOT_FOUND_TO_FIT, REMOVED_RUNG
from proxy.stages.rung import NOT_MADE, RungMaker
from proxy.stages.rung_pieces import PieceMaker, bench_in
from proxy.transforms.media.spec import Workbench
from proxy.upstream.response import UpstreamResponse
from tests.exchanges import NOON, a_decision, an_answer, an_exchange
from tests.inbounds import an_inbound
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

CASES = Path(__file__).parents[3] / "cases" / "ladder"
MASTER = (CASES / "every-tag.m3u8").read_bytes()
MUXED = (CASES / "muxed.m3u8").read_bytes()
MANIFEST = (CASES / "every-element.mpd").read_bytes()
MEDIA = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n" + b"#EXTINF:6,\nseg.ts\n" * 100 + b"#EXT-X-ENDLIST\n"
LOW = VideoTreatment(action=Action.ADAPT, max_height_px=144)


@dataclass(slots=True)
class FromTheOrigin:
    """What is left of an origin's answer once its body is read."""

    headers: CIMultiDict[str]
    reason: str = "OK"


class Stage:
    """A stage with all that it stands on."""

    def __init__(self, maker: PieceMaker | None = None) -> None:
        self.book, self.read_ahead, self.sticky = LadderBook(), ReadAhead(), Sticky()
        self.refused: list[Withhold] = []
        clock = OffsetClock(NOON)
        nowhere = Path("/nowhere")
        self.lying: dict[str, bytes] = {}  # what the origin gives when it is asked for by the rungs' maker
        self.asked: list[str] = []
        maker = maker or PieceMaker(VariantStore(nowhere, max_bytes=1, clock=clock), nowhere)
        self.rungs = RungMaker(maker, self._piece)
        self.stage = LadderStage(self.book, self.read_ahead, self.sticky, clock, self._withheld, self.rungs)

    async def _piece(
        self, exchange: Exchange, url: str, *, max_bytes: int, first: int = 0, last: int | None = None
    ) -> bytes | None:
        path = url.removeprefix(f"{exchange.inbound.scheme}://{exchange.inbound.authority}")
        self.asked.append(path)
        body = self.lying.get(path)
        return body[first : None if last is None else last + 1] if body is not None else None

    def _withheld(self, exchange: Exchange, what: Withhold) -> Answer:
        self.refused.append(what)
        return an_answer(403)

    async def get(
        self, body: bytes, stream: VideoTreatment = LOW, target: str = "/l/master.m3u8", **fields: Any
    ) -> Answer:
        exchange = fields.pop("exchange", None) or watching(target, stream)
        plan = RewriteLadder(stream=stream, manifest="dash" if target.endswith("mpd") else "hls")
        return await self.stage.answer(exchange, fetched(body, **fields), plan)


def watching(target: str = "/l/master.m3u8", stream: VideoTreatment = LOW, **fields: Any) -> Exchange:
    headers = {"Accept_Encoding": fields.pop("accepts", "identity"), "Sec_Fetch_Dest": "empty"}
    headers |= fields.pop("headers", {})
    decision = a_decision(treatments=replace(PASS_ALL, stream=stream), price=Price(amount=Decimal("0.4")), **fields)
    return an_exchange(an_inbound(target, **headers), decision=decision)


def fetched(body: bytes, *, coding: str = "", status: int = 200, **headers: str) -> Fetched:
    head = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    head["Content-Length"] = str(len(body))
    if coding:
        head["Content-Encoding"] = coding
    facts = ResponseFacts(status=status, content_coding=coding, length_bytes=len(body))
    upstream = cast("UpstreamResponse", FromTheOrigin(head))
    return Fetched(upstream=upstream, headers=head, facts=facts, prefix=body, complete=True)


def text_of(answer: Answer) -> bytes:
    assert isinstance(answer.body, bytes)
    assert answer.headers["Content-Length"] == str(len(answer.body))
    return answer.body


async def test_a_master_goes_out_with_what_may_stay_and_is_private() -> None:
    answer = await Stage().get(MASTER, ETag='"v1"', Cache_Control="max-age=600, immutable", Digest="sha-256=x")
    assert b"144.m3u8" in text_of(answer) and b"720.m3u8" not in text_of(answer)
    assert answer.headers["ETag"].startswith('"t1.') and "Digest" not in answer.headers
    assert "private" in answer.headers["Cache-Control"] and "immutable" not in answer.headers["Cache-Control"]


async def test_a_dash_manifest_is_capped_too_and_decoded_before() -> None:
    answer = await Stage().get(gzip.compress(MANIFEST), target="/l/m.mpd", coding="gzip")
    assert b'id="v144"' in text_of(answer) and b'id="v720"' not in text_of(answer)
    assert "Content-Encoding" not in answer.headers


async def test_a_capped_manifest_is_coded_for_the_way() -> None:
    answer = await Stage().get(MASTER, exchange=watching(accepts="gzip"))
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"720.m3u8" not in gzip.decompress(text_of(answer))


async def test_lists_of_segments_pass_byte_for_byte() -> None:
    answer = await Stage().get(MEDIA, target="/l/144.m3u8", ETag='"v1"')
    assert text_of(answer) == MEDIA and answer.headers["ETag"] == '"v1"'
    coded = await Stage().get(MEDIA, exchange=watching("/l/144.m3u8", accepts="gzip"), ETag='"v1"')
    assert gzip.decompress(text_of(coded)) == MEDIA and coded.headers["ETag"] == 'W/"v1"'


@pytest.mark.parametrize("body", [b"<html>", b"", b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n"])
async def test_what_is_not_understood_passes(body: bytes) -> None:
    answer = await Stage().get(body, ETag='"v1"')
    assert text_of(answer) == body and answer.headers["ETag"] == '"v1"'


async def test_a_broken_coding_is_the_origins_fault() -> None:
    with pytest.raises(ExchangeError):
        await Stage().get(b"no gzip", coding="gzip")


async def test_the_cap_stays_when_the_policy_changes_in_mid_lecture() -> None:
    stage = Stage()
    first = await stage.get(MANIFEST, target="/l/m.mpd")
    wider = replace(LOW, max_height_px=720)
    assert text_of(await stage.get(MANIFEST, wider, target="/l/m.mpd")) == text_of(first)
    assert b'id="v720"' in text_of(await stage.get(MANIFEST, wider, target="/l/other.mpd"))


async def test_a_lecture_that_is_watched_keeps_its_cap_when_everything_may_pass() -> None:
    stage, kept = Stage(), VideoTreatment(action=Action.KEEP)
    facts = ResponseFacts(status=200, content_type="application/dash+xml")
    assert stage.stage.continued(watching("/l/m.mpd", kept), facts, PassThrough()) == PassThrough()
    first = await stage.get(MANIFEST, target="/l/m.mpd")
    planned = stage.stage.continued(watching("/l/m.mpd", kept), facts, PassThrough())
    assert isinstance(planned, RewriteLadder) and planned.manifest == "dash"
    again = await stage.stage.answer(watching("/l/m.mpd", kept), fetched(MANIFEST), planned)
    assert text_of(again) == text_of(first)
    for passes in (watching("/l/m.mpd", kept, bypassed=True), watching("/l/other.mpd", kept)):
        assert stage.stage.continued(passes, facts, PassThrough()) == PassThrough()


async def test_a_range_that_is_the_whole_manifest_is_capped_as_the_whole() -> None:
    stage, length = Stage(), len(MASTER)
    exchange = watching(headers={"Range": "bytes=0-"})
    for covers, capped in ((f"bytes 0-{length - 1}/{length}", True), (f"bytes 0-99/{length}", False)):
        facts = ResponseFacts(
            status=206, partial=True, content_type="application/x-mpegurl", headers={"content-range": covers}
        )
        planned = stage.stage.continued(exchange, facts, PassThrough())
        assert isinstance(planned, RewriteLadder) == capped
        if isinstance(planned, RewriteLadder):
            whole = fetched(MASTER, Content_Range=covers)
            answer = await stage.stage.answer(exchange, replace(whole, facts=facts), planned)
            assert answer.status == 200 and "Content-Range" not in answer.headers
            assert b"720.m3u8" not in text_of(answer)


async def test_a_rung_that_was_taken_away_is_withheld_by_itself() -> None:
    stage = Stage()
    await stage.get(MASTER)
    gone = watching("/l/media/v1/720.m3u8")
    found = stage.stage.withholds(gone)
    assert found is not None and found.reason.rule == REMOVED_RUNG
    assert stage.stage.withholds(watching("/l/audio/ru-lo.m3u8")) is None
    for free in (
        watching("/l/media/v1/720.m3u8", VideoTreatment(action=Action.KEEP)),
        watching("/l/media/v1/720.m3u8", bypassed=True),
        watching("/l/media/v1/720.m3u8", exempt=True),
    ):
        assert stage.stage.withholds(free) is None


async def test_where_nothing_fits_policy_says_what_goes() -> None:
    stage = Stage()
    tiny = VideoTreatment(action=Action.ADAPT, max_height_px=90, nothing_fits=NothingFits.CARD)
    assert (await stage.get(MASTER, tiny)).status == 403
    assert stage.refused[0].reason.rule == NOT_FOUND_TO_FIT and stage.refused[0].kind is MediaKind.STREAM
    lowest = await stage.get(MASTER, replace(tiny, nothing_fits=NothingFits.LOWEST), target="/l/b.m3u8")
    assert b"144.m3u8" in text_of(lowest) and b"240.m3u8" not in text_of(lowest)


async def test_sound_that_is_only_inside_the_pictures_comes_with_the_least_of_them() -> None:
    sound = VideoTreatment(action=Action.ADAPT, form=Form.SOUND)
    answer = await Stage().get(MUXED, sound)
    assert b"144.m3u8" in text_of(answer) and b"360.m3u8" not in text_of(answer)


async def test_the_way_follows_the_cap_that_is_watched() -> None:
    stage = Stage()
    before = stage.stage.known(watching(headers={"Sec_Fetch_Dest": "empty"}))
    assert before is not None
    tag = (await stage.get(MASTER, ETag='"v1"')).headers["ETag"]
    assert f".{before.way}." in tag
    wider = stage.stage.known(watching(stream=replace(LOW, max_height_px=720)))
    assert wider is not None and wider.way == before.way


async def test_a_head_request_tells_no_length_of_another_body() -> None:
    exchange = an_exchange(
        an_inbound("/l/master.m3u8", method="HEAD"), decision=a_decision(treatments=replace(PASS_ALL, stream=LOW))
    )
    answer = await Stage().get(MASTER, exchange=exchange, ETag='"v1"')
    assert answer.body is None and not {"Content-Length", "ETag"} & set(answer.headers)


@pytest.mark.parametrize(
    ("fields", "waits"),
    [({}, True), ({"free_now": True}, False), ({"price": Price()}, False), ({"bypassed": True}, False)],
    ids=["paid", "free window", "free link", "bypassed"],
)
async def test_segments_wait_only_where_megabytes_cost(fields: dict[str, Any], waits: bool) -> None:
    stage, learner = Stage(), watching().who.learner
    lines = "".join(f"#EXTINF:6,\n{number}.ts\n" for number in range(20))
    await stage.get(f"#EXTM3U\n{lines}#EXT-X-ENDLIST\n".encode(), target="/l/144.m3u8")
    for number in range(3):
        exchange = watching(f"/l/{number}.ts")
        await stage.stage.pace(replace(exchange, decision=replace(exchange.decision, **fields)))
    # What didn't wait wasn't counted either: the fourth is then the first of all.
    now_s = OffsetClock(NOON).steady_s()
    assert (stage.read_ahead.hold_s(learner, "https://lms.example.org/l/3.ts", 0, now_s) > 0) == waits


Making = Callable[..., Awaitable["Stage"]]
MAKE = VideoTreatment(action=Action.ADAPT, max_height_px=96, max_fps=10, nothing_fits=NothingFits.MAKE)
LIST = b"#EXTM3U\n#EXTINF:2,\n0.ts\n#EXT-X-ENDLIST\n"


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of 240 lines as MPEG-TS."""
    path = tmp_path_factory.mktemp("segment") / "0.ts"
    picture = "testsrc2=size=426x240:rate=25:duration=2,noise=alls=20:allf=t"
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, "-c:v", "libx264", "-preset", "ultrafast", str(path)]
    subprocess.run(argv, check=True, capture_output=True)
    return path.read_bytes()


TEMPLATE = (
    b'<SegmentTemplate timescale="1" duration="2" initialization="$RepresentationID$/init.mp4" '
    b'media="$RepresentationID$/$Number$.m4s"/>'
)
SMALL_MPD = b"""<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S"><Period>
<AdaptationSet mimeType="video/mp4" maxHeight="360">
<Representation id="high" bandwidth="900000" width="640" height="360" codecs="avc1.64001e">TEMPLATE</Representation>
<Representation id="low" bandwidth="300000" width="426" height="240" codecs="avc1.64001e">TEMPLATE</Representation>
</AdaptationSet></Period></MPD>""".replace(b"TEMPLATE", TEMPLATE)


@pytest.fixture(scope="module")
def fragments(segment: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as one fragment behind its head."""
    folder = tmp_path_factory.mktemp("fragments")
    (folder / "0.ts").write_bytes(segment)
    argv = ["ffmpeg", "-v", "error", "-i", str(folder / "0.ts"), "-c", "copy", "-f", "hls", "-hls_segment_type", "fmp4"]
    argv += ["-hls_segment_filename", str(folder / "%d.m4s"), "-hls_time", "9", str(folder / "list.m3u8")]
    subprocess.run(argv, check=True, capture_output=True)
    return folder


@pytest.fixture
async def making(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Stage]]]:
    """Stages that make what they are asked for."""
    stores: list[VariantStore] = []

    async def made(open_bench: Callable[[Path], Workbench | None] = bench_in) -> Stage:
        folder = tmp_path / str(len(stores))
        stores.append(VariantStore(folder / "variants", max_bytes=1 << 30, clock=OffsetClock(NOON)))
        await stores[-1].open()
        return Stage(PieceMaker(stores[-1], folder / "making", open_bench))

    yield made
    for store in stores:
        await store.close()


@needs_ffmpeg
async def test_the_segments_of_a_rung_that_does_not_fit_are_made_smaller_once(making: Making, segment: bytes) -> None:
    opened: list[Path] = []

    def counted(folder: Path) -> Workbench | None:
        opened.append(folder)
        return bench_in(folder)

    stage = await making(counted)
    stage.lying["/l/144.m3u8"] = LIST
    assert b"144.m3u8" in text_of(await stage.get(MUXED, MAKE))
    assert text_of(await stage.get(LIST, MAKE, target="/l/144.m3u8")) == LIST
    for _ in range(2):
        made = await stage.stage.passed(watching("/l/0.ts", MAKE), fetched(segment))
        assert made is not None and len(text_of(made)) < len(segment) / 2 and "private" in made.headers["Cache-Control"]
    assert len(opened) == 1 and not opened[0].exists()
    assert await stage.stage.passed(watching("/l/1.ts", MAKE), fetched(segment)) is None
    broken = await stage.stage.passed(watching("/l/0.ts", MAKE), fetched(b"no segment"))
    assert broken is not None and text_of(broken) == b"no segment"


async def test_the_line_of_a_made_rung_says_what_its_segments_are() -> None:
    stage = Stage()
    stage.lying["/l/144.m3u8"] = LIST
    told = MUXED.replace(b"RESOLUTION", b'CODECS="hvc1.1.6.L93,mp4a.40.2",FRAME-RATE=25.0,SCORE=2,RESOLUTION')
    text = text_of(await stage.get(told, MAKE)).decode()
    assert "RESOLUTION=170x96" in text and 'CODECS="avc1.4D400D,mp4a.40.2"' in text and "360.m3u8" not in text
    assert "BANDWIDTH=200000,AVERAGE-BANDWIDTH=94080" in text and "FRAME-RATE=10.000" in text and "SCORE" not in text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LIST.replace(b"#EXTINF", b'#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF'), "encrypted"),
        (LIST.replace(b"0.ts", b"https://elsewhere.example/0.ts"), "elsewhere"),
        (LIST.replace(b"#EXTINF", b'#EXT-X-MAP:URI="https://elsewhere.example/i"\n#EXTINF'), "elsewhere"),
        (b"<html>", "unreadable"),
        (None, "unreadable"),
    ],
)
@pytest.mark.parametrize("nothing_fits", [NothingFits.MAKE, NothingFits.MAKE_OR_CARD])
async def test_what_cannot_be_made_goes_as_policy_says_with_the_reason(
    text: bytes | None, why: str, nothing_fits: NothingFits
) -> None:
    stage, exchange = Stage(), watching("/l/master.m3u8")
    if text is not None:
        stage.lying["/l/144.m3u8"] = text
    answer = await stage.get(MUXED, replace(MAKE, nothing_fits=nothing_fits), exchange=exchange)
    told = [reason for reason in exchange.tally.reasons if reason.rule == NOT_MADE]
    assert [reason.params for reason in told] == [(("why", why),)]
    if nothing_fits is NothingFits.MAKE_OR_CARD:
        assert answer.status == 403 and stage.refused[0].reason.rule == NOT_FOUND_TO_FIT
    else:
        assert b"144.m3u8" in text_of(answer) and b"4D400D" not in text_of(answer)
        await stage.get(LIST, MAKE, target="/l/144.m3u8")
        assert await stage.stage.passed(watching("/l/0.ts", MAKE), fetched(b"bytes")) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((b'type="static"', b'type="dynamic"'), "live"),
        ((b"<Representation", b"<ContentProtection/><Representation"), "encrypted"),
    ],
)
async def test_of_what_dash_cannot_be_made_the_lowest_goes_with_the_reason(
    change: tuple[bytes, bytes], why: str
) -> None:
    stage, exchange = Stage(), watching("/l/m.mpd")
    answer = await stage.get(SMALL_MPD.replace(*change), MAKE, target="/l/m.mpd", exchange=exchange)
    assert b'id="low"' in text_of(answer) and b'id="high"' not in text_of(answer) and b"4D400D" not in text_of(answer)
    assert exchange.tally.reasons[-1].params == (("why", why),)


@needs_ffmpeg
async def test_fragments_are_made_for_the_head_that_was_made(making: Making, fragments: Path) -> None:
    stage = await making()
    await stage.get(SMALL_MPD, MAKE, target="/l/m.mpd")
    head, first = ((fragments / name).read_bytes() for name in ("init.mp4", "0.m4s"))
    made_head = await stage.stage.passed(watching("/l/low/init.mp4", MAKE), fetched(head))
    assert made_head is not None and b"avcC" in text_of(made_head) and text_of(made_head) != head
    made = await stage.stage.passed(watching("/l/low/1.m4s", MAKE), fetched(first))
    assert made is not None and len(text_of(made)) < len(first) / 2 and not stage.asked
    again = await making()  # whose head went by before it knew
    await again.get(SMALL_MPD, MAKE, target="/l/m.mpd")
    again.lying["/l/low/init.mp4"] = head
    made_too = await again.stage.passed(watching("/l/low/1.m4s", MAKE), fetched(first))
    assert made_too is not None and text_of(made_too) == text_of(made) and again.asked == ["/l/low/init.mp4"]


@needs_ffmpeg
async def test_a_fragment_that_is_not_made_is_never_given_behind_a_made_head(making: Making, fragments: Path) -> None:
    stage = await making()
    await stage.get(SMALL_MPD, MAKE, target="/l/m.mpd")
    answer = await stage.stage.passed(watching("/l/low/1.m4s", MAKE), fetched(b"whatever"))
    assert answer is not None and answer.status == 503 and answer.headers["Retry-After"]
    broken = await stage.stage.passed(watching("/l/low/init.mp4", MAKE), fetched(b"no head"))
    assert broken is not None and text_of(broken) == b"no head"  # then all of it goes as it is
    assert await stage.stage.passed(watching("/l/low/1.m4s", MAKE), fetched(b"whatever")) is None


@pytest.mark.parametrize("way", ["bypassed", "observe", "exempt"])
async def test_where_tropa_is_switched_off_segments_pass_too(way: str) -> None:
    stage = Stage()
    await stage.get(SMALL_MPD, MAKE, target="/l/m.mpd")
    assert await stage.stage.passed(watching("/l/low/1.m4s", MAKE, **{way: True}), fetched(b"bytes")) is None


@needs_ffmpeg
async def test_a_range_of_one_file_is_made_as_a_shorter_part_of_it(making: Making, fragments: Path) -> None:
    head, first = ((fragments / name).read_bytes() for name in ("init.mp4", "0.m4s"))
    stage = await making()
    last = len(head) - 1
    index = f'<SegmentBase indexRange="{last + 1}-{last + 100}"><Initialization range="0-{last}"/></SegmentBase>'
    text = SMALL_MPD.replace(TEMPLATE, b"<BaseURL>$RepresentationID$.mp4</BaseURL>" + index.encode())
    await stage.get(text.replace(b"$RepresentationID$", b"low"), MAKE, target="/l/m.mpd")
    total, start = len(head) + 100 + len(first), len(head) + 100

    async def ranged(body: bytes, at: int) -> Answer | None:
        told = f"bytes {at}-{at + len(body) - 1}/{total}"
        exchange = watching("/l/low.mp4", MAKE, headers={"Range": f"bytes={at}-{at + len(body) - 1}"})
        return await stage.stage.passed(exchange, fetched(body, status=206, Content_Range=told))

    made_head, index_too, made = await ranged(head, 0), await ranged(bytes(100), len(head)), await ranged(first, start)
    assert made_head is not None and index_too is None and made is not None
    assert made.status == 206 and len(text_of(made)) < len(first) / 2
    assert made.headers["Content-Range"] == f"bytes {start}-{start + len(text_of(made)) - 1}/{total}"
    assert made.headers["Cache-Control"] == "no-store"


async def test_when_nothing_is_to_be_made_any_more_nothing_is() -> None:
    stage = Stage()
    await stage.get(SMALL_MPD, MAKE, target="/l/m.mpd")
    await stage.stage.forget("0123456789abcdef0123")
    await stage.get(SMALL_MPD, replace(MAKE, max_height_px=720), target="/l/m.mpd")
    assert await stage.stage.passed(watching("/l/low/1.m4s", MAKE), fetched(b"bytes")) is None


async def test_a_rung_that_fits_is_never_made() -> None:
    stage = Stage()
    await stage.get(MUXED, replace(MAKE, max_height_px=144))
    await stage.get(LIST, replace(MAKE, max_height_px=144), target="/l/144.m3u8")
    assert await stage.stage.passed(watching("/l/0.ts", MAKE), fetched(b"bytes")) is None
