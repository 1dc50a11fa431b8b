"""Which media time a segment's address stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.transforms.ladder.spec import Part
from proxy.transforms.ladder.timeline import Span, dash_timelines, hls_timeline

CASES = Path(__file__).parents[4] / "cases" / "ladder"
BASE = "https://lms.example.org/media/index.m3u8?t=1"


def dash(period: str, kind: str = "static") -> bytes:
    return f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="{kind}"><Period>{period}</Period></MPD>'.encode()


def test_segments_follow_each_other() -> None:
    found = hls_timeline(b"#EXTM3U\n#EXTINF:6.0,\na.ts\n#EXTINF:4.5,Name, with comma\nb.ts\n#EXT-X-ENDLIST\n", BASE)
    assert found is not None
    assert found.find("https://lms.example.org/media/b.ts", 0) == Span(6.0, 4.5)
    assert found.find("https://lms.example.org/media/c.ts", 0) is None


def test_byte_ranges_of_one_file_are_told_apart_by_where_they_begin() -> None:
    every_tag = (CASES / "every-media-tag.m3u8").read_bytes().replace(b"#EXT-X-I-FRAMES-ONLY\n", b"")
    found = hls_timeline(every_tag, BASE)
    assert found is not None
    span = found.find("https://lms.example.org/media/all.mp4", 720)
    assert span is not None and span.start_s == 0
    chained = b"#EXTM3U\n#EXTINF:2,\n#EXT-X-BYTERANGE:10@5\nx\n#EXTINF:2,\n#EXT-X-BYTERANGE:7\nx\n#EXT-X-ENDLIST"
    found = hls_timeline(chained, BASE)
    assert found is not None and found.find("https://lms.example.org/media/x", 15) == Span(2.0, 2.0)


@pytest.mark.parametrize(
    "source",
    [
        b"#EXTM3U\n#EXTINF:6,\na.ts\n",  # a live window
        b"#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:6,\na.ts\n#EXT-X-ENDLIST",
        b"#EXTM3U\n#EXT-X-ENDLIST",
    ],
)
def test_what_has_nothing_to_read_ahead_has_no_timeline(source: bytes) -> None:
    assert hls_timeline(source, BASE) is None


def test_a_list_that_grows_from_its_beginning_has_one() -> None:
    assert hls_timeline(b"#EXTM3U\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:6,\na.ts\n", BASE) is not None


def test_numbers_of_one_duration() -> None:
    media = 'media="$RepresentationID$/$Number%05d$.m4s"'
    template = f'<SegmentTemplate {media} timescale="1000" duration="6000" startNumber="1"/>'
    inner = f'<AdaptationSet contentType="video">{template}<Representation id="v" bandwidth="1"/></AdaptationSet>'
    (found,) = dash_timelines(dash(inner), "https://lms.example.org/d/m.mpd")
    assert found.part is Part.PICTURE
    assert found.find("https://lms.example.org/d/v/00003.m4s", 0) == Span(12.0, 6.0)
    assert found.find("https://lms.example.org/d/w/00003.m4s", 0) is None


def test_times_and_listed_numbers() -> None:
    lines = '<SegmentTimeline><S t="900" d="600" r="1"/><S d="300"/></SegmentTimeline>'
    for media, name in (("$Time$.m4s", "2100.m4s"), ("$Number$.m4s", "3.m4s")):
        template = (
            f'<SegmentTemplate media="{media}" timescale="100" presentationTimeOffset="900">{lines}</SegmentTemplate>'
        )
        inner = f'<AdaptationSet contentType="audio">{template}<Representation id="a"/></AdaptationSet>'
        (found,) = dash_timelines(dash(inner), "https://lms.example.org/m.mpd")
        span = found.find(f"https://lms.example.org/{name}", 0)
        assert span is not None and span.start_s == 12.0 and found.part is Part.SOUND


def test_one_file_is_guessed_from_its_rate() -> None:
    inner = '<AdaptationSet contentType="video"><Representation id="v" bandwidth="800000"><BaseURL>v.mp4</BaseURL>'
    (found,) = dash_timelines(dash(inner + "</Representation></AdaptationSet>"), "https://lms.example.org/m.mpd")
    span = found.find("https://lms.example.org/v.mp4", 1_000_000)
    assert span is not None and span.start_s == 10.0


def test_a_live_manifest_has_no_timeline() -> None:
    inner = '<AdaptationSet contentType="video"><Representation id="v" bandwidth="1"><BaseURL>v</BaseURL>'
    assert dash_timelines(dash(inner + "</Representation></AdaptationSet>", "dynamic"), "https://a/m.mpd") == ()


def test_periods_follow_each_other() -> None:
    one = '<AdaptationSet contentType="video"><Representation id="v{0}" bandwidth="8"><BaseURL>v{0}</BaseURL>'
    one += "</Representation></AdaptationSet>"
    text = f'<MPD><Period duration="PT1M30S">{one.format(1)}</Period><Period>{one.format(2)}</Period></MPD>'
    spans = [timeline.find("https://a/v2", 0) for timeline in dash_timelines(text.encode(), "https://a/m.mpd")]
    assert Span(90.0, 6.0) in spans
