import gzip
import random
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxy.deliver.codings import KNOWN, CodingError, Decoder, accepted, best_encoder, compress, live_encoder

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, ()),
        ("", ()),
        ("identity", ()),
        ("gzip, deflate, br, zstd", ("br", "zstd", "gzip")),
        ("gzip, deflate", ("gzip",)),
        ("x-gzip", ("gzip",)),
        ("br;q=0, gzip", ("gzip",)),
        ("gzip;q=1.0, br;q=0.5", ("gzip", "br")),
        ("*", ("br", "zstd", "gzip")),
        ("*;q=0, gzip", ("gzip",)),
        ("br;q=nonsense, gzip", ("gzip",)),
        ("GZIP ; Q=0.7", ("gzip",)),
    ],
)
def test_the_clients_own_header_decides(header: str | None, expected: tuple[str, ...]) -> None:
    assert accepted(header) == expected


@pytest.mark.parametrize("coding", ["", *KNOWN])
@pytest.mark.parametrize("make", [live_encoder, best_encoder])
@given(chunks=st.lists(st.binary(max_size=2000), max_size=6), flush=st.booleans())
def test_what_was_coded_in_pieces_is_decoded_in_pieces(coding: str, make, chunks: list[bytes], flush: bool) -> None:
    encoder = make(coding)
    coded = b"".join(encoder.feed(chunk) + (encoder.flush() if flush else b"") for chunk in chunks)
    coded += encoder.finish()
    decoder = Decoder(coding, max_bytes=MB)
    plain = b"".join(decoder.feed(coded[i : i + 7]) for i in range(0, len(coded), 7))
    decoder.finish()
    assert plain == b"".join(chunks)


def test_a_flushed_page_is_readable_before_its_end() -> None:
    for coding in KNOWN:
        encoder = live_encoder(coding)
        first = encoder.feed(b"<h1>first</h1>" * 50) + encoder.flush()
        assert Decoder(coding, max_bytes=MB).feed(first).startswith(b"<h1>first</h1>")


@pytest.mark.parametrize(
    "bomb",
    [
        ("gzip", gzip.compress(bytes(64 * MB))),
        ("br", brotli.compress(bytes(64 * MB), quality=5)),
        ("zstd", zstandard.ZstdCompressor().compress(bytes(64 * MB))),
        ("deflate", zlib.compress(bytes(64 * MB))),
    ],
    ids=lambda pair: pair[0],
)
def test_a_bomb_is_refused_before_it_fills_the_memory(bomb: tuple[str, bytes]) -> None:
    coding, body = bomb
    decoder = Decoder(coding, max_bytes=16 * MB)
    with pytest.raises(CodingError, match="grows beyond"):
        for start in range(0, len(body), 4096):
            decoder.feed(body[start : start + 4096])


@pytest.mark.parametrize("coding", KNOWN)
def test_a_truncated_body_is_an_error_at_its_end(coding: str) -> None:
    # Noise: real content, so that cutting loses something that no coder can guess.
    whole = compress(random.Random(7).randbytes(5000), live_encoder(coding))
    decoder = Decoder(coding, max_bytes=MB)
    decoder.feed(whole[:-20])
    with pytest.raises(CodingError, match="too early"):
        decoder.finish()


@pytest.mark.parametrize("coding", KNOWN)
def test_rubbish_is_a_coding_error_not_a_foreign_one(coding: str) -> None:
    decoder = Decoder(coding, max_bytes=MB)
    with pytest.raises(CodingError):
        decoder.feed(b"\xff\xfe<html>this is not coded at all" * 10)
        decoder.finish()


def test_deflate_is_understood_with_and_without_its_zlib_head() -> None:
    text = b"plain text " * 100
    raw = zlib.compressobj(wbits=-15)
    for body in (zlib.compress(text), raw.compress(text) + raw.flush()):
        assert Decoder("deflate", max_bytes=MB).feed(body) == text


def test_gzip_members_that_follow_each_other_are_one_body() -> None:
    body = gzip.compress(b"one ") + gzip.compress(b"two")
    decoder = Decoder("gzip", max_bytes=MB)
    assert decoder.feed(body[:11]) + decoder.feed(body[11:]) == b"one two"
    decoder.finish()


def test_an_empty_body_is_whole_in_any_coding() -> None:
    Decoder("gzip", max_bytes=MB).finish()
