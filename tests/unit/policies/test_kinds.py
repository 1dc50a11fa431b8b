from __future__ import annotations

import pytest

from policies.kinds import kind_of_destination, kind_of_path, kind_of_type
from policies.values import MediaKind


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("text/html", MediaKind.PAGE),
        ("application/xhtml+xml", MediaKind.PAGE),
        ("image/svg+xml", MediaKind.IMAGE),
        ("video/x-anything", MediaKind.VIDEO),
        ("audio/mpegurl", MediaKind.STREAM),
        ("application/dash+xml", MediaKind.STREAM),
        ("application/vnd.ms-fontobject", MediaKind.FONT),
        ("application/vnd.ms-powerpoint", MediaKind.DOCUMENT),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", MediaKind.DOCUMENT),
        ("application/problem+json", MediaKind.DATA),
        ("text/calendar", MediaKind.DATA),
        ("text/css", MediaKind.STYLE),
        ("application/octet-stream", None),
        ("", None),
    ],
)
def test_a_declared_type_names_its_kind(content_type: str, kind: MediaKind | None) -> None:
    assert kind_of_type(content_type) is kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/pluginfile.php/5/film.MP4", MediaKind.VIDEO),
        ("/a/master.m3u8", MediaKind.STREAM),
        ("/a/b.tar.gz", MediaKind.ARCHIVE),
        ("/a.pdf/", None),
        ("/.mp4", None),
        ("/seg1.ts", None),
        ("/view.php", None),
        ("/", None),
        ("", None),
    ],
)
def test_a_file_name_names_its_kind(path: str, kind: MediaKind | None) -> None:
    assert kind_of_path(path) is kind


def test_a_destination_names_its_kind_where_it_says_anything() -> None:
    assert kind_of_destination("image") is MediaKind.IMAGE
    assert kind_of_destination("iframe") is MediaKind.PAGE
    assert kind_of_destination("empty") is None
