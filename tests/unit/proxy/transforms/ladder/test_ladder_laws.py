"""What holds for every ladder under every spec."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st
from lxml import etree

from proxy.transforms.ladder import Capped, LadderSpec, cap_dash, cap_hls

HEIGHTS = (144, 240, 360, 480, 720, 1080)
SPECS = st.builds(
    LadderSpec,
    max_height_px=st.none() | st.sampled_from((100, *HEIGHTS)),
    max_bitrate_bps=st.none() | st.integers(50_000, 4_000_000),
    sound_only=st.booleans(),
)
# Rates grow with heights, as in every ladder that was made on purpose.
RUNGS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40_000), st.booleans()), min_size=1, max_size=8)
OTHER_LINES = st.lists(
    st.sampled_from(["", "# words", "#EXT-X-UNHEARD-OF:1", "#EXT-X-VERSION:7", '#EXT-X-SESSION-DATA:DATA-ID="a"']),
    max_size=6,
)


def rate(level: int, more: int) -> int:
    return 100_000 * 2**level + more


def playlist(rungs: list[tuple[int, int, bool]], others: list[str], end: str) -> bytes:
    lines = ["#EXTM3U", '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,URI="a.m3u8"']
    for place, (level, more, tells_height) in enumerate(rungs):
        lines += others[place : place + 1]
        size = f",RESOLUTION=1x{HEIGHTS[level]}" if tells_height else ""
        stream = f'#EXT-X-STREAM-INF:BANDWIDTH={rate(level, more)}{size},CODECS="avc1.1,mp4a.40.2",AUDIO="a"'
        lines += [stream, f"{place}.m3u8"]
    return (end.join(lines) + end).encode()


def manifest(rungs: list[tuple[int, int, bool]]) -> bytes:
    def rung(place: int, level: int, more: int, tells: bool) -> str:
        size = f' height="{HEIGHTS[level]}"' if tells else ""
        own = '<x:own xmlns:x="urn:x"/>'
        return f'<Representation id="{place}" bandwidth="{rate(level, more)}"{size}>{own}</Representation>'

    inner = "\n  ".join(rung(place, *told) for place, told in enumerate(rungs))
    sound = '<AdaptationSet contentType="audio"><Representation id="a" bandwidth="32000"/></AdaptationSet>'
    start = '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Unheard/><Period>'
    return f'{start}<AdaptationSet contentType="video">\n  {inner}\n</AdaptationSet>{sound}</Period></MPD>'.encode()


def ids(body: bytes) -> list[str]:
    return [one.get("id") or "" for one in etree.fromstring(body).iter("{*}Representation")]


def uris(body: bytes) -> list[str]:
    return [line for line in body.decode().split() if line.endswith(".m3u8") and "#" not in line]


@given(RUNGS, OTHER_LINES, st.sampled_from(["\n", "\r\n"]), SPECS)
def test_a_playlist_loses_rungs_and_nothing_else(
    rungs: list[tuple[int, int, bool]], others: list[str], end: str, spec: LadderSpec
) -> None:
    source = playlist(rungs, others, end)
    outcome = cap_hls(source, spec)
    if not isinstance(outcome, Capped):
        return
    before, after = source.decode().split(end), outcome.body.decode().split(end)
    if not spec.sound_only:
        left = iter(before)
        assert all(line in left for line in after), "lines were added or moved"
        assert uris(outcome.body)
    own = [
        line for line in before if not line.startswith(("#EXT-X-STREAM-INF", "#EXT-X-MEDIA")) and ".m3u8" not in line
    ]
    assert [line for line in after if line in own] == own
    again = cap_hls(outcome.body, spec)
    assert not isinstance(again, Capped) or again.body == outcome.body


@given(RUNGS, SPECS)
def test_a_manifest_loses_representations_and_nothing_else(
    rungs: list[tuple[int, int, bool]], spec: LadderSpec
) -> None:
    source = manifest(rungs)
    outcome = cap_dash(source, spec)
    if not isinstance(outcome, Capped):
        return
    left = iter(ids(source))
    assert all(one in left for one in ids(outcome.body)), "representations were added or moved"
    assert b"<Unheard/>" in outcome.body and "a" in ids(outcome.body)
    again = cap_dash(outcome.body, spec)
    assert not isinstance(again, Capped) or again.body == outcome.body


@given(RUNGS, SPECS, st.sampled_from(HEIGHTS), st.integers(50_000, 4_000_000))
def test_a_tighter_limit_never_lets_more_through(
    rungs: list[tuple[int, int, bool]], spec: LadderSpec, height_px: int, bitrate_bps: int
) -> None:
    assume(not spec.sound_only)
    by_height = [(level, more, True) for level, more, _ in rungs]
    tighter = replace(
        spec,
        max_height_px=min(height_px, spec.max_height_px or height_px),
        max_bitrate_bps=min(bitrate_bps, spec.max_bitrate_bps or bitrate_bps),
    )
    for source, cap, rungs_of in (
        (playlist(by_height, [], "\n"), cap_hls, uris),
        (manifest(by_height), cap_dash, ids),
    ):
        wide, narrow = cap(source, spec), cap(source, tighter)
        wide_body = wide.body if isinstance(wide, Capped) else source
        narrow_body = narrow.body if isinstance(narrow, Capped) else source
        assert set(rungs_of(narrow_body)) <= set(rungs_of(wide_body))


@given(st.binary(max_size=400), SPECS)
def test_any_bytes_get_an_outcome(source: bytes, spec: LadderSpec) -> None:
    for text in (source, b"#EXTM3U\n#EXT-X-STREAM-INF:" + source, b"<MPD>" + source):
        cap_hls(text, spec)
        cap_dash(text, spec)
