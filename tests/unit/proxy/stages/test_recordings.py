"""Recordings of BigBlueButton: where their files lie, and how all of them are had as one source."""

from __future__ import annotations

import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.demo.course.recordings import recording_file
from proxy.stages.recordings import folder_of, recording_fetch, recording_title

HOME = "https://lms.example.org"
FOLDER = f"{HOME}/presentation/m202-1700000001/"
SMALL = ("metadata.xml", "shapes.svg", "slides_new.xml", "presentation_text.json")


def test_a_recording_names_itself() -> None:
    told = "<recording><meta><meetingName>Вебинар: тонкие каналы</meetingName></meta></recording>"
    assert recording_title(told.encode()) == "Вебинар: тонкие каналы"
    named = '<recording><meeting id="m" name="Вебинар  2"/><meta><isBreakout>false</isBreakout></meta></recording>'
    assert recording_title(named.encode()) == "Вебинар 2"
    assert recording_title(b"<html>login") == recording_title(b"") == ""


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        (f"{HOME}/playback/presentation/2.3/m202-1700000001", FOLDER),
        (f"{HOME}/playback/presentation/2.3/m202-1700000001/#t=5", FOLDER),
        (f"{HOME}/playback/presentation/2.0/playback.html?meetingId=m202-1700000001", FOLDER),
        (f"{HOME}/playback/presentation/2.3/../../secret", None),
        (f"{HOME}/playback/presentation/2.3/m202-1700000001/static/app.js", None),
        (f"{HOME}/playback/video/m202-1700000001", None),
        (f"{HOME}/mod/page/view.php?id=1", None),
    ],
)
def test_a_playback_page_tells_where_its_files_lie(url: str, folder: str | None) -> None:
    assert folder_of(url) == folder


def asking(files: dict[str, bytes]) -> tuple[Any, list[str]]:
    asked: list[str] = []

    @asynccontextmanager
    async def ask(url: str) -> AsyncIterator[Any]:
        asked.append(url)
        body = files.get(url.removeprefix(FOLDER))

        async def chunks(max_bytes: int) -> AsyncIterator[bytes]:
            for at in range(0, len(body or b""), 100):
                yield (body or b"")[at : at + 100]

        length = None if body is None else len(body)
        yield SimpleNamespace(status=404 if body is None else 200, content_length=length, iter_chunks=chunks)

    return ask, asked


def of_the_course() -> dict[str, bytes]:
    found = {name: recording_file(name, "Разбор") for name in SMALL}
    files = {name: told[0].encode() for name, told in found.items() if told is not None}
    return files | {f"slides/{n}": bytes([n]) * 700 for n in range(1, 9)} | {"video/webcams.mp4": b"v" * 1500}


async def test_everything_that_is_shown_and_heard_comes_in_one_bundle() -> None:
    files = of_the_course()
    ask, asked = asking(files)
    async with recording_fetch(FOLDER, ask)(0, None, None) as fetched:
        body = b"".join([chunk async for chunk in fetched.chunks])
    with tarfile.open(fileobj=BytesIO(body)) as tar:
        held = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    assert held == files
    assert all(url.startswith(FOLDER) for url in asked)
    assert FOLDER + "video/webcams.webm" in asked and FOLDER + "audio/audio.webm" not in asked


async def test_slides_that_lead_out_of_the_recording_are_not_asked_for() -> None:
    files = of_the_course()
    files["shapes.svg"] = files["shapes.svg"].replace(b"slides/1", b"../../../etc/1").replace(b"slides/2", b"//evil/2")
    ask, asked = asking(files)
    async with recording_fetch(FOLDER, ask)(0, None, None) as fetched:
        _ = [chunk async for chunk in fetched.chunks]
    assert not any("etc" in url or "evil" in url for url in asked)


async def test_what_is_no_recording_is_an_empty_bundle() -> None:
    ask, _ = asking({})
    async with recording_fetch(FOLDER, ask)(0, None, None) as fetched:
        body = b"".join([chunk async for chunk in fetched.chunks])
    assert body == bytes(1024)
