"""What a player plays: every URL that its markup names, in attributes, children, set-up data and fallback links.

Law: what a player names is read and judged here, and changed elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from policies.frozen import Frozen
from policies.model import EmbedHost
from policies.treatments import Action
from policies.values import MediaKind
from proxy.transforms.html.grammar import TAG
from proxy.transforms.html.kinds import kind_of
from proxy.transforms.html.page import Page
from proxy.transforms.html.tag import Tag

_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_URL_IN_DATA = re.compile(
    r"""(?:https?:)?\\?/\\?/[^\s"'<>]+|(?<=["'])[^\s"'<>]+\.(?:mp4|webm|m3u8|mpd|mov)[^\s"'<>]*"""
)
_URL_ATTRIBUTES = (
    b"src",
    b"data",
    b"data-src",
    b"data-lazy-src",
    b"data-video-src",
    b"data-video",
    b"data-url",
    b"data-embed",
)
_CHILD_ATTRIBUTES = {b"source": b"src", b"embed": b"src", b"iframe": b"src", b"video": b"src", b"audio": b"src"}


class Source(Frozen, frozen=True, kw_only=True):
    """One thing that a player could play. host: the video host it belongs to, None for a file."""

    url: str
    kind: MediaKind
    host: EmbedHost | None = None
    size_bytes: int | None = None


def sources(page: Page, tag: Tag, inner: bytes, otherwise: MediaKind | None) -> list[Source]:
    """Every source in the order of the markup; otherwise: the kind of one that doesn't tell, None leaves it out."""
    found: dict[str, Source] = {}
    for url, declared_type in _candidates(page, tag, inner):
        if not url or url in found:
            continue
        host = host_of(page, url)
        kind = MediaKind.VIDEO if host else kind_of(url, declared_type) or otherwise
        if kind is not None:
            found[url] = Source(url=url, kind=kind, host=host, size_bytes=page.size_of(url))
    return list(found.values())


def host_of(page: Page, url: str) -> EmbedHost | None:
    return next((host for host in page.spec.embed_hosts if host.pattern.search(url)), None)


def best(found: list[Source]) -> Source:
    """The one a card speaks of: of a video host, else the smallest known file, else the first file, else a stream."""
    for source in found:
        if source.host:
            return source
    sized = [source for source in found if source.size_bytes is not None]
    if sized:
        return min(sized, key=lambda source: source.size_bytes or 0)
    return next((source for source in found if source.kind is not MediaKind.STREAM), found[0])


def action_for(page: Page, source: Source) -> Action:
    """KEEP, CARD or DROP, as the spec says for this kind and size.

    ADAPT keeps the element, since its file is adapted, unless a film's recommended version is none.
    """
    spec = page.spec
    action, max_bytes = {
        MediaKind.STREAM: (spec.stream, None),
        MediaKind.AUDIO: (spec.audio, spec.audio_max_bytes),
    }.get(source.kind, (spec.video, spec.video_max_bytes))
    if source.host:
        action, max_bytes = spec.embed, None
    if action in (Action.CARD, Action.DROP):
        return action
    if action is Action.ADAPT and spec.video_stand_in and source.kind is MediaKind.VIDEO and not source.host:
        return Action.CARD
    too_big = max_bytes is not None and source.size_bytes is not None and source.size_bytes > max_bytes
    return Action.CARD if too_big else Action.KEEP


def _candidates(page: Page, tag: Tag, inner: bytes) -> Iterator[tuple[str, str]]:
    declared_type = tag.value(b"type")
    for name in _URL_ATTRIBUTES:
        if tag.has(name):
            yield page.url(tag.value(name)), declared_type
    for child in _children(inner, tag.decode):
        if child.name in _CHILD_ATTRIBUTES:
            yield page.attribute_url(child, b"src", b"data-src"), child.value(b"type")
        elif child.name == b"param" and child.value(b"name").lower() in ("movie", "src", "url"):
            yield page.url(child.value(b"value")), ""
        elif child.name == b"a":
            url = page.attribute_url(child, b"href")
            if kind_of(url) in (MediaKind.VIDEO, MediaKind.STREAM, MediaKind.AUDIO) or host_of(page, url):
                yield url, ""
        yield from _in_data(page, child)
    yield from _in_data(page, tag)


def _children(inner: bytes, decode: Callable[[bytes], str]) -> Iterator[Tag]:
    for match in TAG.finditer(_COMMENT.sub(b"", inner)):
        if not match[1]:
            yield Tag(match, match[2].lower(), decode)


def _in_data(page: Page, tag: Tag) -> Iterator[tuple[str, str]]:
    """URLs inside `data-setup='{"sources": …}'`, `data-config`, `srcdoc` and the like."""
    if b"data-" not in tag.raw and b"srcdoc" not in tag.raw:
        return
    for name in tag.attributes:
        if name == b"srcdoc" or (name.startswith(b"data-") and name not in _URL_ATTRIBUTES and name != b"data-poster"):
            for match in _URL_IN_DATA.finditer(tag.value(name)):
                url = page.url(match[0].replace("\\/", "/"))
                if kind_of(url) in (MediaKind.VIDEO, MediaKind.STREAM, MediaKind.AUDIO) or host_of(page, url):
                    yield url, ""
