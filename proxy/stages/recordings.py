"""Recordings of BigBlueButton: where their files lie, and how all of them are had as one source.

Laws: what is asked for is asked in the learner's own name and only under the recording's own folder; the small files
say which others there are; a file that isn't there is left out; everything is bounded, and streams.
Source: BigBlueButton's presentation format (record-and-playback/presentation).
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

from lxml.etree import XMLSyntaxError

from proxy.media.refs import Fetch, Fetched
from proxy.transforms.media.lecture import bundle
from proxy.transforms.media.lecture.bbb import SHARES, SOUNDS
from proxy.transforms.media.lecture.bbb_plan import NotARecording, recording
from proxy.transforms.media.lecture.workers import SMALL_FILES
from proxy.upstream.response import UpstreamResponse

_PLAYBACK = re.compile(
    r"(?P<home>https?://[^/]+)/playback/presentation/[\d.]+/(?:playback\.html\?meetingId=)?(?P<id>[A-Za-z0-9-]{6,80})/?"
)
_DESCRIBES = "metadata.xml"
_MAX_SMALL_BYTES = 16 << 20
_MAX_SLIDES = 600
# Answers one file of the recording, by its whole address.
Ask = Callable[[str], AbstractAsyncContextManager[UpstreamResponse]]


def folder_of(url: str) -> str | None:
    """Where a recording's files lie, by the address of its playback page; None: it is no such page."""
    if "/playback/presentation/" not in url:
        return None
    found = _PLAYBACK.fullmatch(url.partition("#")[0])
    return f"{found['home']}/presentation/{found['id']}/" if found else None


def recording_title(metadata: bytes) -> str:
    """What a recording calls itself, by the file that describes it; "" where that can't be read."""
    try:
        return recording({_DESCRIBES: metadata}).title
    except (NotARecording, XMLSyntaxError):
        return ""


def recording_fetch(folder: str, ask: Ask) -> Fetch:
    """All files of the recording as one bundle; it begins anew whatever offset is asked for, as a server may."""

    @asynccontextmanager
    async def fetch(offset: int, validator: str | None, tail: int | None) -> AsyncIterator[Fetched]:
        async with aclosing(_bundled(folder, ask)) as chunks:
            yield Fetched(status=200, headers={"content-type": "application/x-tar"}, chunks=chunks)

    return fetch


async def _bundled(folder: str, ask: Ask) -> AsyncGenerator[bytes, None]:
    small: dict[str, bytes] = {}
    for name in SMALL_FILES:
        body = await _small(folder + name, ask)
        if body is not None:
            small[name] = body
            yield bundle.entry(name, len(body)) + body + bundle.padding(len(body))
    for name in _slides(small):
        body = await _small(folder + name, ask)
        if body is not None:
            yield bundle.entry(name, len(body)) + body + bundle.padding(len(body))
    for name in _captions(small):
        async for chunk in _whole(folder + name, name, ask):
            yield chunk
    for group in (SOUNDS, SHARES):  # the first that is there of each
        found = False
        for name in group:
            async for chunk in _whole(folder + name, name, ask):
                found = True
                yield chunk
            if found:
                break
    yield bundle.END


def _slides(small: dict[str, bytes]) -> tuple[str, ...]:
    """The pictures that the recording shows, each once."""
    try:
        plan = recording(small)
    except (NotARecording, XMLSyntaxError):
        return ()
    return tuple(dict.fromkeys(file for showing in plan.showings for file in showing.page.files))[:_MAX_SLIDES]


def _captions(small: dict[str, bytes]) -> tuple[str, ...]:
    try:
        return tuple(f"caption_{locale}.vtt" for locale, _ in recording(small).captions)
    except (NotARecording, XMLSyntaxError):
        return ()


async def _small(url: str, ask: Ask) -> bytes | None:
    async with ask(url) as response:
        if response.status != 200:
            return None
        held = bytearray()
        async for chunk in response.iter_chunks(65536):
            held += chunk
            if len(held) > _MAX_SMALL_BYTES:
                return None
        return bytes(held)


async def _whole(url: str, name: str, ask: Ask) -> AsyncIterator[bytes]:
    """One long file as it comes; nothing where it isn't there, or doesn't say how long it is."""
    async with ask(url) as response:
        length = response.content_length
        if response.status != 200 or length is None:
            return
        yield bundle.entry(name, length)
        async for chunk in response.iter_chunks(65536):
            yield chunk
        yield bundle.padding(length)
