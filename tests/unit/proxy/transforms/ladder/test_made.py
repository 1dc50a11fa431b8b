"""What manifests are told of rungs that are made, and where these stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.transforms.ladder.dash_made import MadeManifest, made_manifest
from proxy.transforms.ladder.hls_made import MadeMaster, listed_segments, made_master
from proxy.transforms.ladder.made import NotMade, Place, RungSpec, rung_spec
from proxy.transforms.media.spec import CappedSpec

CASES = Path(__file__).parents[4] / "cases" / "ladder"
SMALL = CappedSpec(max_height_px=100, max_fps=10, video_bitrate_bps=40_000)
BASE = "https://lms.example/l/m.mpd"


@pytest.mark.parametrize(
    ("height_px", "fps", "codec"),
    [(100, 10, "avc1.4D400D"), (240, 15, "avc1.4D4015"), (360, 25, "avc1.4D401E"), (720, 25, "avc1.4D401F")],
)
def test_the_level_is_the_least_that_holds_the_pictures(height_px: int, fps: int, codec: str) -> None:
    capped = CappedSpec(max_height_px=height_px, max_fps=fps)
    assert rung_spec(capped, (16 * 1080 // 9, 1080)).codec == codec


def test_without_a_told_size_the_level_holds_the_widest() -> None:
    assert RungSpec(capped=CappedSpec(max_height_px=240)).level >= rung_spec(CappedSpec(), (426, 240)).level


@pytest.mark.parametrize(
    ("told_bps", "peak_bps"),
    [
        (None, 138_880),  # 1.12 x (1.5 x 40 + 64) kbit/s
        (100_000, 138_880),
        (200_000, 200_000),  # nothing made is heavier than its source, whatever its sound takes of that
        (5_000_000, 255_360),  # 1.12 x (1.5 x 24 + 192): the least of pictures and the richest of sounds
    ],
)
def test_the_peak_bounds_the_pictures_with_the_richest_sound_that_can_be(told_bps: int | None, peak_bps: int) -> None:
    assert RungSpec(capped=SMALL).peak_bps(told_bps) == peak_bps
    assert RungSpec(capped=SMALL).peak_bps(peak_bps) == peak_bps  # told twice it is the same


@pytest.mark.parametrize("told", [(1920, 1080), (1080, 1920), (64, 48), (3, 3), (7680, 4320)])
def test_a_size_is_even_and_within_the_limit_on_its_shorter_side(told: tuple[int, int]) -> None:
    size = rung_spec(SMALL, told).size_px
    assert size is not None and all(side % 2 == 0 and side >= 16 for side in size) and min(size) <= 100


@pytest.mark.parametrize("told", [None, (99_999, 1), (20_000, 20_000), (640, 100)])
def test_a_size_that_cannot_be_true_is_not_told_on(told: tuple[int, int] | None) -> None:
    assert rung_spec(SMALL, told).size_px is None


def test_a_line_keeps_what_it_does_not_know_and_loses_what_is_not_true_any_more() -> None:
    body = (
        b"#EXTM3U\r\n#EXT-X-OURS:1\r\n"
        b'#EXT-X-STREAM-INF:SCORE=3,BANDWIDTH=700000,RESOLUTION=640x360,CODECS="hvc1.1.6.L93,mp4a.40.2",'
        b'VIDEO-RANGE=PQ,AUDIO="a",X-OURS="{kept}"\r\n360.m3u8?t=1\r\n'
        b'#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000,URI="stills.m3u8"\r\n'
    )
    made = made_master(body, SMALL)
    assert isinstance(made, MadeMaster) and [url for url, _ in made.rungs] == ["360.m3u8?t=1"]
    assert made.body == (
        b"#EXTM3U\r\n#EXT-X-OURS:1\r\n#EXT-X-STREAM-INF:BANDWIDTH=255360,AVERAGE-BANDWIDTH=71680,RESOLUTION=178x100,"
        b'CODECS="avc1.4D400D,mp4a.40.2",AUDIO="a",X-OURS="{kept}"\r\n360.m3u8?t=1\r\n'
    )


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (b'#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="k"\n', "encrypted"),
        (b'#EXT-X-STREAM-INF:BANDWIDTH=1,VIDEO="v"\nb.m3u8\n', "angles"),
        (b"#EXT-X-STREAM-INF:BANDWIDTH=1\n", "unreadable"),
    ],
)
def test_of_some_playlists_nothing_is_made(more: bytes, why: str) -> None:
    assert made_master(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n" + more, SMALL) == NotMade(why=why)


def test_a_list_tells_ranges_and_heads_of_its_segments() -> None:
    text = (
        b'#EXTM3U\n#EXT-X-MAP:URI="all.mp4",BYTERANGE="800@0"\n#EXTINF:6,\n#EXT-X-BYTERANGE:500@800\nall.mp4\n'
        b"#EXTINF:6,\n#EXT-X-BYTERANGE:700\nall.mp4\n"
        b'#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="/other/i.mp4"\n#EXTINF:6,\n1.m4s\n#EXT-X-KEY:METHOD=NONE\n'
    )
    found = listed_segments(text, "https://lms.example/l/list.m3u8")
    assert not isinstance(found, NotMade)
    own = Place(url="https://lms.example/l/all.mp4", first=0, last=799)
    assert [(one.first_byte, one.head) for one in found] == [
        (800, own),
        (1300, own),
        (None, Place(url="https://lms.example/other/i.mp4")),
    ]


@pytest.mark.parametrize(
    "line", [b"#EXT-X-PART:DURATION=1,URI=1", b"{$who}/2.ts", b"#EXT-X-MAP:BYTERANGE=1", b"#EXT-X-KEY:METHOD=AES-128"]
)
def test_lists_that_cannot_be_made_say_why(line: bytes) -> None:
    found = listed_segments(b"#EXTM3U\n#EXTINF:6,\n1.ts\n" + line + b"\n", "https://lms.example/l.m3u8")
    assert found == NotMade(why="encrypted" if b"KEY" in line else "unreadable")


def manifest(inside: str, on_the_set: str = "") -> bytes:
    return (
        f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet mimeType="video/mp4" {on_the_set}>'
        f'<Representation id="v" bandwidth="300000" width="640" height="480">{inside}</Representation>'
        "</AdaptationSet></Period></MPD>"
    ).encode()


def test_a_representation_says_itself_what_its_set_said() -> None:
    template = '<SegmentTemplate media="$RepresentationID$-$Time$.m4s" initialization="$RepresentationID$.mp4"/>'
    told = 'codecs="avc1.64001f,mp4a.40.2" frameRate="30000/1001" sar="4:3" maxHeight="480" par="16:9"'
    made = made_manifest(manifest(template, told), SMALL, BASE)
    assert isinstance(made, MadeManifest)
    text = made.body.decode()
    assert 'codecs="avc1.4D400D,mp4a.40.2"' in text and 'frameRate="10"' in text and 'sar="1:1"' in text
    assert 'width="178" height="100"' in text and 'maxHeight="100"' in text and "64001f" not in text
    assert made.rungs[0].head == Place(url="https://lms.example/l/v.mp4")
    assert made.rungs[0].pattern is not None and made.rungs[0].pattern.fullmatch("https://lms.example/l/v-90.m4s")


def test_lists_and_indexes_are_known_by_their_ranges() -> None:
    parts = made_manifest(
        manifest(
            '<BaseURL>v.mp4</BaseURL><SegmentList><Initialization range="0-9"/><SegmentURL mediaRange="10-19"/>'
            '<SegmentURL media="w.mp4"/></SegmentList>'
        ),
        SMALL,
        BASE,
    )
    assert isinstance(parts, MadeManifest) and parts.rungs[0].head == Place(url="https://lms.example/l/v.mp4", last=9)
    assert parts.rungs[0].listed == (("https://lms.example/l/v.mp4", 10), ("https://lms.example/l/w.mp4", None))
    one = made_manifest(
        manifest('<BaseURL>v.mp4</BaseURL><SegmentBase indexRange="10-99"><Initialization range="0-9"/></SegmentBase>'),
        SMALL,
        BASE,
    )
    assert isinstance(one, MadeManifest)
    assert one.rungs[0].indexed == Place(url="https://lms.example/l/v.mp4", first=10, last=99)


@pytest.mark.parametrize(
    "inside",
    [
        "",
        '<BaseURL>v.mp4</BaseURL><SegmentBase indexRange="10-99"/>',
        '<SegmentTemplate media="$Number$.m4s"/>',
        '<SegmentTemplate media="all.m4s" initialization="i.mp4"/>',
        '<SegmentList><SegmentURL media="1.m4s"/></SegmentList>',
    ],
)
def test_a_representation_without_a_head_is_not_made(inside: str) -> None:
    assert made_manifest(manifest(inside), SMALL, BASE) == NotMade(why="no-head")


def test_every_element_and_tag_that_is_known_is_told_once_or_not_made() -> None:
    for name in sorted(path.name for path in CASES.iterdir() if path.suffix in (".mpd", ".m3u8")):
        body = (CASES / name).read_bytes()
        if name.endswith(".mpd"):
            assert isinstance(made_manifest(body, SMALL, BASE), (MadeManifest, NotMade))
        else:
            made = made_master(body, SMALL)
            if isinstance(made, MadeMaster):
                assert isinstance(again := made_master(made.body, SMALL), MadeMaster) and again.body == made.body


LINES = (
    *("#EXTINF:6,", "1.ts", "//[bad", "#EXT-X-MAP:URI=i.mp4", '#EXT-X-MAP:URI="//[x"', "#EXT-X-BYTERANGE:5@x"),
    *("#EXT-X-BYTERANGE:9", '#EXT-X-MAP:URI="a",BYTERANGE="9@x"', '#EXT-X-MAP:URI="a",BYTERANGE="x"'),
    *("#EXT-X-DISCONTINUITY", "#EXT-X-KEY:METHOD=NONE", "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=0x0", "a.m3u8"),
    *("#EXT-X-STREAM-INF:RESOLUTION=99999x1,CODECS=x", "#EXT-X-STREAM-INF:RESOLUTION=640x360,FRAME-RATE=50"),
)


@given(st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=20)), max_size=12))
def test_whatever_a_playlist_says_there_is_an_answer(lines: list[str]) -> None:
    text = "\n".join(("#EXTM3U", *lines)).encode("utf-8", "surrogateescape")
    found = listed_segments(text, "https://lms.example/l.m3u8")
    assert isinstance(found, (tuple, NotMade))
    made = made_master(text, SMALL)
    if isinstance(made, MadeMaster):
        again = made_master(made.body, SMALL)
        assert isinstance(again, MadeMaster) and again.body == made.body


INSIDE = (
    *("<BaseURL>v.mp4</BaseURL>", "<BaseURL>//[bad</BaseURL>", "<SegmentList/>", "<ContentProtection/>", "<?x?>"),
    '<SegmentBase indexRange="9-1"><Initialization range="x"/></SegmentBase>',
    '<SegmentBase indexRange="10-99"><Initialization range="0-9"/></SegmentBase>',
    '<SegmentList><Initialization/><SegmentURL mediaRange="9"/></SegmentList>',
    '<SegmentTemplate media="$Time$" initialization="//[x"/>',
    '<SegmentTemplate media="$Number%05d$" initialization="i"/>',
)
TOLD = ('sar="1:0"', 'frameRate="x/0"', 'width="0"', 'codecs=""', 'maxWidth="x"', 'maxFrameRate="0/0"')


@given(st.lists(st.sampled_from(INSIDE), max_size=4), st.sets(st.sampled_from(TOLD), max_size=3))
def test_whatever_a_manifest_says_there_is_an_answer(inside: list[str], told: set[str]) -> None:
    made = made_manifest(manifest("".join(inside), " ".join(told)), SMALL, BASE)
    assert isinstance(made, (MadeManifest, NotMade))
