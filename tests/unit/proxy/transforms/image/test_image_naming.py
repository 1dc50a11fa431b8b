"""A saved image opens under its name."""

from __future__ import annotations

import pytest

from proxy.transforms.image.naming import saved_name


@pytest.mark.parametrize(
    ("path", "content_type", "plain"),
    [
        ("/pluginfile.php/12/lake.jpg", "image/webp", 'filename="lake.webp"'),
        ("/a/lake.PNG", "image/jpeg", 'filename="lake.jpg"'),
        ("/image.php/boost/theme/1/icon", "image/webp", 'filename="icon.webp"'),
        ("/pluginfile.php/3/plan.v2", "image/avif", 'filename="plan.v2.avif"'),
        ("/", "image/webp", 'filename="image.webp"'),
    ],
)
def test_the_name_follows_the_bytes(path: str, content_type: str, plain: str) -> None:
    value = saved_name(path, content_type)
    assert value is not None and value.startswith("inline; ") and plain in value


@pytest.mark.parametrize("path", ["/a/lake.jpg", "/a/lake.JPEG"])
def test_a_name_that_fits_needs_no_header(path: str) -> None:
    assert saved_name(path, "image/jpeg") is None


def test_a_name_in_russian_is_given_in_both_forms_of_the_header() -> None:
    value = saved_name("/f/%D0%9E%D0%B7%D0%B5%D1%80%D0%BE.jpg", "image/webp")
    assert value == "inline; filename=\"_____.webp\"; filename*=UTF-8''%D0%9E%D0%B7%D0%B5%D1%80%D0%BE.webp"


def test_no_path_can_break_the_header() -> None:
    value = saved_name("/x%0d%0aSet-Cookie:%20a=b%22;%20x=.jpg", "image/webp")
    assert value is not None and value.isascii() and "\r" not in value and "\n" not in value
    assert value.count('"') == 2


def test_what_is_no_variant_of_ours_gets_no_name() -> None:
    assert saved_name("/a/lake.jpg", "image/svg+xml") is None
