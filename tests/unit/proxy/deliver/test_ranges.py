"""A finished file as an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.deliver.answer import Answer
from proxy.deliver.ranges import Span, Unsatisfiable, file_answer, span_of

BODY = bytes(range(256)) * 1000
ETAG = '"abc"'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "video.mp4"
    path.write_bytes(BODY)
    return path


async def asked(path: Path, *, spliced: bool = False, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await file_answer(path, named, content_type="video/mp4", etag=ETAG, spliced=spliced)
    assert answer is not None
    return answer


async def status_of(file: Path, *, spliced: bool = False, **headers: str) -> int:
    """What an answer that nobody reads begins with."""
    answer = await asked(file, spliced=spliced, **headers)
    if answer.close is not None:
        await answer.close()
    return answer.status


async def body_of(answer: Answer) -> bytes:
    assert isinstance(answer.body, AsyncIterator)
    return b"".join([chunk async for chunk in answer.body])


@pytest.mark.parametrize(
    ("value", "span"),
    [
        (None, None),
        ("bytes=0-", Span(0, 9)),
        ("bytes=3-5", Span(3, 5)),
        ("bytes=3-500", Span(3, 9)),
        ("bytes=-4", Span(6, 9)),
        ("bytes=-400", Span(0, 9)),
        ("bytes=5-3", None),
        ("bytes=0-1,4-5", None),
        ("items=0-1", None),
        ("bytes=-", None),
        ("Bytes = 1 - 2", Span(1, 2)),
    ],
)
def test_a_range_header_asks_for_one_span_or_the_whole(value: str | None, span: Span | None) -> None:
    assert span_of(value, 10) == span


@pytest.mark.parametrize("value", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_satisfied(value: str) -> None:
    with pytest.raises(Unsatisfiable):
        span_of(value, 10)


async def test_the_whole_file_goes_without_a_range(file: Path) -> None:
    answer = await asked(file)
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(BODY)))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert await body_of(answer) == BODY


async def test_a_range_gets_exactly_its_bytes(file: Path) -> None:
    answer = await asked(file, Range="bytes=70000-200000")
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes 70000-200000/{len(BODY)}"
    assert await body_of(answer) == BODY[70000:200001]


async def test_a_known_file_is_not_sent_again(file: Path) -> None:
    assert await status_of(file, If_None_Match='W/"abc"') == 304


async def test_a_range_of_another_version_gets_the_whole_of_this_one(file: Path) -> None:
    assert await status_of(file, Range="bytes=5-", If_Range='"old"') == 200
    assert await status_of(file, Range="bytes=5-", If_Range=ETAG) == 206


async def test_bytes_of_two_forms_are_never_spliced(file: Path) -> None:
    assert await status_of(file, spliced=True, Range="bytes=5-") == 200
    assert await status_of(file, spliced=True, Range="bytes=5-", If_Range=ETAG) == 206
    assert await status_of(file, spliced=True, Range="bytes=0-") == 206


async def test_a_range_beyond_the_end_says_how_long_the_file_is(file: Path) -> None:
    answer = await asked(file, Range=f"bytes={len(BODY)}-")
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(BODY)}")


async def test_a_file_that_is_gone_is_no_answer(tmp_path: Path) -> None:
    assert await file_answer(tmp_path / "none", {}, content_type="video/mp4", etag=ETAG) is None


async def test_a_file_that_is_evicted_in_mid_delivery_goes_on(file: Path) -> None:
    answer = await asked(file)
    file.unlink()
    assert await body_of(answer) == BODY
