"""Header facts come from the first bytes, for every format, and never raise."""

from __future__ import annotations

import pytest
from PIL import Image

from proxy.transforms.image.facts import PREFIX_BYTES, image_facts
from tests.pictures import animation, gif_bomb, photo, png_bomb, saved, webp_bomb

PICTURE = photo(321, 123)
STILLS = {
    "jpeg": saved(PICTURE, "JPEG"),
    "png": saved(PICTURE, "PNG"),
    "gif": saved(PICTURE.convert("P"), "GIF"),
    "webp": saved(PICTURE, "WEBP"),
    "avif": saved(PICTURE, "AVIF"),
    "bmp": saved(PICTURE, "BMP"),
}


@pytest.mark.parametrize("name", STILLS)
def test_a_still_image_tells_its_format_and_size(name: str) -> None:
    facts = image_facts(STILLS[name][:PREFIX_BYTES])
    assert facts is not None
    assert (facts.format, facts.width_px, facts.height_px, facts.animated) == (name, 321, 123, False)
    assert facts.pixels == 321 * 123


def test_a_lossless_and_an_extended_webp_tell_their_size() -> None:
    lossless = image_facts(saved(PICTURE, "WEBP", lossless=True))
    extended = image_facts(saved(PICTURE, "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"))
    assert lossless is not None and (lossless.width_px, lossless.height_px) == (321, 123)
    assert extended is not None and (extended.width_px, extended.height_px) == (321, 123)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_is_known_from_its_first_bytes(kind: str) -> None:
    facts = image_facts(animation(kind)[: 4 * 1024])
    assert facts is not None and facts.animated


def test_a_jpeg_whose_size_lies_behind_the_prefix_is_known_without_it() -> None:
    body = saved(PICTURE, "JPEG", exif=b"Exif\0\0" + bytes(60_000), comment=b"x" * 60_000)
    facts = image_facts(body[:PREFIX_BYTES])
    assert facts is not None and facts.format == "jpeg" and facts.pixels is None


def test_bombs_announce_their_size() -> None:
    for bomb, pixels in ((png_bomb(), 3_600_000_000), (gif_bomb(), 65535**2), (webp_bomb(), (1 << 24) ** 2)):
        facts = image_facts(bomb)
        assert facts is not None and facts.pixels == pixels


def test_a_png_in_hdr_is_known() -> None:
    from tests.pictures import png_chunk

    whole = STILLS["png"]
    facts = image_facts(whole[:33] + png_chunk(b"cICP", bytes((9, 16, 0, 1))) + whole[33:])
    assert facts is not None and facts.hdr


def test_svg_is_named_whatever_stands_before_its_root() -> None:
    facts = image_facts(b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg">')
    assert facts is not None and facts.format == "svg"
    assert image_facts(b"<html><body><svg>") is None


@pytest.mark.parametrize("name", STILLS)
def test_a_prefix_cut_anywhere_gives_none_or_partial_facts_and_never_raises(name: str) -> None:
    for cut in range(400):
        facts = image_facts(STILLS[name][:cut])
        assert facts is None or facts.format == name


def test_other_bytes_are_no_image() -> None:
    for body in (
        b"",
        b"%PDF-1.7",
        b"<!doctype html>",
        b"RIFF\0\0\0\0WAVEfmt ",
        bytes(100),
        b"\0\0\0\x18ftypmp42" + bytes(40),
    ):
        assert image_facts(body) is None


def test_pillow_agrees_on_every_size(tmp_path: object) -> None:
    for body in STILLS.values():
        import io

        with Image.open(io.BytesIO(body)) as image:
            facts = image_facts(body)
            assert facts is not None and (facts.width_px, facts.height_px) == image.size
