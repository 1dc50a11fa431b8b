from __future__ import annotations

import pytest

from policies.facts import ResponseFacts
from policies.streams import extension_of, is_segment, manifest_of, manifest_of_bytes
from policies.values import Audience


@pytest.mark.parametrize(
    ("content_type", "path", "proven", "manifest"),
    [
        ("application/vnd.apple.mpegurl", "/", "", "hls"),
        ("application/x-mpegurl", "/", "", "hls"),
        ("audio/x-mpegurl", "/", "", "hls"),
        ("application/dash+xml", "/", "", "dash"),
        ("text/plain", "/a/MASTER.M3U8", "", "hls"),
        ("application/octet-stream", "/a/x.mpd", "", "dash"),
        ("application/vnd.apple.mpegurl", "/", "dash", "dash"),  # bytes are believed before types
        ("application/vnd.ms-sstr+xml", "/a.ism/manifest", "", ""),
        ("video/mp4", "/a.mp4", "", ""),
    ],
)
def test_a_manifest_is_told_by_bytes_then_type_then_name(
    content_type: str, path: str, proven: str, manifest: str
) -> None:
    response = ResponseFacts(status=200, content_type=content_type, path=path, manifest=proven)  # type: ignore[arg-type]
    assert manifest_of(response) == manifest


@pytest.mark.parametrize(
    ("prefix", "manifest"),
    [
        (b"#EXTM3U\n#EXT-X-VERSION:3", "hls"),
        (b"\xef\xbb\xbf#EXTM3U\r\n", "hls"),
        (b'<?xml version="1.0"?>\n<!-- made by x -->\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">', "dash"),
        (b"<SmoothStreamingMedia>", ""),
        (b"", ""),
    ],
)
def test_the_first_bytes_tell_a_manifests_language(prefix: bytes, manifest: str) -> None:
    assert manifest_of_bytes(prefix) == manifest


@pytest.mark.parametrize(
    ("content_type", "path", "partial", "size_bytes", "audience", "segment"),
    [
        ("video/mp2t", "/1", False, 900_000, Audience.MEDIA, True),
        ("video/mp4", "/1.m4s", False, None, Audience.MEDIA, True),
        ("audio/mp4", "/1.cmfa", False, 900_000, Audience.PAGE, True),
        ("video/mp2t", "/film.ts", False, 32_000_001, Audience.API, False),
        ("video/mp2t", "/film.ts", True, 900_000_000, Audience.MEDIA, True),
        ("video/mp4", "/1.mp4", True, 900_000_000, Audience.API, True),
        ("video/mp4", "/1.mp4", False, 4_000_000, Audience.API, True),
        ("video/mp4", "/1.mp4", False, 4_000_001, Audience.API, False),
        ("video/mp4", "/1.mp4", False, None, Audience.API, False),
        ("video/mp4", "/1.mp4", True, 900_000_000, Audience.MEDIA, False),
        ("video/mp4", "/1.mp4", False, 1000, Audience.PAGE, False),
    ],
)
def test_a_segment_is_told_by_name_type_or_who_fetches_it(
    content_type: str, path: str, partial: bool, size_bytes: int | None, audience: Audience, segment: bool
) -> None:
    response = ResponseFacts(status=206 if partial else 200, content_type=content_type, path=path, partial=partial)
    assert is_segment(response, size_bytes, audience) is segment


@pytest.mark.parametrize(("path", "extension"), [("/a/b.TS", "ts"), ("/a.b/c", ""), ("/.ts", ""), ("/", ""), ("", "")])
def test_an_extension_is_the_last_names(path: str, extension: str) -> None:
    assert extension_of(path) == extension
