"""Players and links to films: `<video>`, `<audio>`, `<iframe>`, `<object>`, `<embed>`, script-made players, `<a>`.

Laws of this file: an element that doesn't close in time is never deleted with what follows; its card takes the place
of its start tag (and of the <source> and <track> right behind), the rest stays.
"""

from __future__ import annotations

import re

from policies.treatments import Action
from policies.values import MediaKind
from proxy.transforms.html.grammar import SPACE
from proxy.transforms.html.kinds import kind_of
from proxy.transforms.html.page import Page, Step
from proxy.transforms.html.scan import MORE, Lookahead, Waiting
from proxy.transforms.html.sources import Source, action_for, best, host_of, sources
from proxy.transforms.html.tag import Tag
from proxy.transforms.spec import Heavy

_FIGCAPTION = re.compile(
    SPACE + rb"*+<[fF][iI][gG][cC][aA][pP][tT][iI][oO][nN]" + rb"[^>]*>([^<]*(?:<(?!/[fF])[^<]*)*)</[fF]"
)
_LIGHT_FROM_BYTES = 300_000  # below that a copy saves less than its button costs
_FIGCAPTION_HEAD = b"<figcaption"
_MAX_CAPTION_BYTES = 2048
_LEADING_SOURCES = re.compile(rb"(?:" + SPACE + rb"*+<(?:[sS][oO][uU][rR][cC][eE]|[tT][rR][aA][cC][kK])\b[^<>]*+>)*+")
_LINK = re.compile(rb"<[aA][\t\n\f\r ][^>]*+>")
_LINK_END = re.compile(rb"</[aA]")


def player(page: Page, tag: Tag, ahead: Lookahead) -> Step | Waiting | None:
    """`<video>` and `<audio>`: a card, or kept but fetching nothing until somebody presses play."""
    end = ahead.element(tag.name, tag.end)
    if end is MORE:
        return MORE
    inner = ahead.buf[tag.end : end[0]] if isinstance(end, tuple) else _leading(ahead, tag)
    found = sources(page, tag, inner, MediaKind.AUDIO if tag.name == b"audio" else MediaKind.VIDEO)
    step = _withheld(page, tag, ahead, inner, found, end[1] if isinstance(end, tuple) else tag.end + len(inner))
    if step is None:
        _calm(tag)
        if isinstance(end, tuple):
            return _with_versions(page, tag, ahead, found, end[1])
    return step


def _with_versions(page: Page, tag: Tag, ahead: Lookahead, found: list[Source], end: int) -> Step | None:
    """A film's player that stays, with its other versions behind it; None if there are none."""
    films = [source for source in found if source.kind is MediaKind.VIDEO and not page.is_granted(source.url)]
    if not films or page.spec.render_versions is None or page.spec.video is not Action.ADAPT:
        return None
    versions = page.versions(_heavy(best(films), tag.value(b"aria-label") or tag.value(b"title"), ""))
    return Step(end, tag.spliced() + ahead.buf[tag.end : end] + versions) if versions else None


def frame(page: Page, tag: Tag, ahead: Lookahead) -> Step | Waiting | None:
    """`<iframe>` and `<object>`: a card if a video host's player or a film is in it; else at most loaded late."""
    if tag.name == b"iframe":
        found = [source for source in sources(page, tag, b"", None) if _is_film(source)]
        if not found and page.is_tracker(page.attribute_url(tag, b"src")):
            end = ahead.element(tag.name, tag.end)
            return MORE if end is MORE else page.dropped(end[1]) if isinstance(end, tuple) else None
        if not found and page.spec.lazy_images and tag.has(b"src") and not tag.has(b"loading"):
            tag.set(b"loading", b"lazy")
    else:
        end = ahead.element(tag.name, tag.end)
        if end is MORE:
            return MORE
        inner = ahead.buf[tag.end : end[0]] if isinstance(end, tuple) else b""
        found = [source for source in sources(page, tag, inner, None) if _is_film(source)]
    if not found or all(action_for(page, source) is Action.KEEP for source in found):
        return None
    end = ahead.element(tag.name, tag.end)
    if end is MORE:
        return MORE
    return _withheld(page, tag, ahead, b"", found, end[1] if isinstance(end, tuple) else tag.end)


def embed(page: Page, tag: Tag, ahead: Lookahead) -> Step | Waiting | None:
    found = [source for source in sources(page, tag, b"", None) if _is_film(source)]
    return _withheld(page, tag, ahead, b"", found, tag.end)


def scripted_player(page: Page, tag: Tag, ahead: Lookahead) -> Step | Waiting | None:
    """An element that the site's script would turn into a player: a card before any script sees it."""
    end = ahead.element(tag.name, tag.end)
    if end is MORE:
        return MORE
    inner = ahead.buf[tag.end : end[0]] if isinstance(end, tuple) else b""
    found = sources(page, tag, inner, None)
    if tag.name == b"a" and not found and (url := page.attribute_url(tag, b"href")):
        found = [Source(url=url, kind=MediaKind.VIDEO, host=host_of(page, url), size_bytes=page.size_of(url))]
    if not found:
        if b"<audio" in inner.lower():
            return None
        found = [Source(url="", kind=MediaKind.VIDEO)]
    if isinstance(end, tuple):
        return _withheld(page, tag, ahead, inner, found, end[1])
    step = _withheld(page, tag, ahead, b"", found, tag.end)
    if not isinstance(step, Step):
        return step
    # Its end isn't known: the element stays, but nothing tells a script that it is a player.
    tag.remove(*[name for name in tag.attributes if name in (b"class", b"id") or name.startswith(b"data-")])
    return Step(step.end, step.out + tag.spliced())


def link(page: Page, tag: Tag, ahead: Lookahead) -> Step | Waiting | None:
    """`<a>` to a film becomes an inline card; the label of other heavy links is `size_label`'s work."""
    url = page.attribute_url(tag, b"href")
    kind = kind_of(url, tag.value(b"type"))
    if kind not in (MediaKind.VIDEO, MediaKind.STREAM) or page.is_granted(url):
        return None
    source = Source(url=url, kind=kind, size_bytes=page.size_of(url))
    if action_for(page, source) is not Action.CARD:
        return None
    end = ahead.element(b"a", tag.end)
    if not isinstance(end, tuple):
        return end
    title = page.text(ahead.buf[tag.end : end[0]]) or tag.value(b"title")
    return Step(end[1], page.card(_heavy(source, title, "", block=False)))


def size_label(page: Page, tag: Tag) -> bytes:
    """What is put behind a link to something heavy of known size; b"" for any other link."""
    if not page.spec.show_sizes:
        return b""
    url = page.attribute_url(tag, b"href")
    size_bytes = page.size_of(url) if kind_of(url) else None
    if size_bytes is None:
        return b""
    label = page.encode(f' <span class="tropa-size">({_plain(page.spec.size_label(size_bytes))})</span>'.encode())
    light = _light_copies(page, tag, url, size_bytes)
    # One element, so that a row of files doesn't squeeze two beside its own columns.
    return b' <span class="tropa-beside">' + label.lstrip() + light + b"</span>" if light else label


def _light_copies(page: Page, tag: Tag, url: str, size_bytes: int) -> bytes:
    if page.spec.render_light is None or kind_of(url) is not MediaKind.DOCUMENT or size_bytes < _LIGHT_FROM_BYTES:
        return b""
    source = Source(url=url, kind=MediaKind.DOCUMENT, size_bytes=size_bytes)
    return page.light(_heavy(source, tag.value(b"title"), "", block=False))


def _withheld(
    page: Page, tag: Tag, ahead: Lookahead, inner: bytes, found: list[Source], end: int
) -> Step | Waiting | None:
    """The card (or nothing, for DROP) up to `end`; None if it stays, MORE if a caption may follow."""
    if not found or any(page.is_granted(source.url) for source in found):
        return None
    source = best(found)
    action = action_for(page, source)
    if action is Action.KEEP:
        return None
    if action is Action.DROP:
        page.note(source.url, source.size_bytes)
        return page.dropped(end)
    title = tag.value(b"aria-label") or tag.value(b"title") or _link_text(page, tag, inner)
    if not title:
        caption = _caption(page, ahead, end)
        if isinstance(caption, Waiting):
            return caption
        title = caption
    poster = page.attribute_url(tag, b"poster", b"data-poster")
    return Step(end, page.card(_heavy(source, title, poster)))


def _heavy(source: Source, title: str, poster: str, *, block: bool = True) -> Heavy:
    return Heavy(
        url=source.url,
        kind=source.kind,
        host_name=source.host.name if source.host else "",
        title=" ".join(title.split())[:200],
        poster=poster,
        size_bytes=source.size_bytes,
        block=block,
    )


def _calm(tag: Tag) -> None:
    """Fetch nothing before play is pressed; a player that started by itself gets its controls."""
    if tag.value(b"preload").lower() != "none":
        tag.set(b"preload", b"none")
    if tag.has(b"autoplay"):
        tag.remove(b"autoplay")
        if not tag.has(b"controls"):
            tag.set(b"controls", None)


def _is_film(source: Source) -> bool:
    return source.host is not None or source.kind in (MediaKind.VIDEO, MediaKind.STREAM)


def _leading(ahead: Lookahead, tag: Tag) -> bytes:
    match = _LEADING_SOURCES.match(ahead.buf, tag.end, ahead.limit)
    return match[0] if match else b""


def _link_text(page: Page, tag: Tag, inner: bytes) -> str:
    """The text of the link that this is, or of the fallback link inside; "" for one that only repeats its address."""
    text = page.text(inner if tag.name == b"a" else _first_link(inner))
    return "" if text.startswith(("http://", "https://")) else text


def _first_link(inner: bytes) -> bytes:
    """What stands in the first link, b"" without one."""
    link = _LINK.search(inner, 0, inner.rfind(b">") + 1)  # without a ">" behind it each "<a" would be looked at in vain
    end = _LINK_END.search(inner, link.end()) if link is not None else None
    return inner[link.end() : end.start()] if link is not None and end is not None else b""


def _caption(page: Page, ahead: Lookahead, pos: int) -> str | Waiting:
    """The text of a <figcaption> right behind, "" if there is none."""
    limit = pos + _MAX_CAPTION_BYTES
    following = ahead.buf[pos:limit].lstrip(b"\t\n\f\r ")[: len(_FIGCAPTION_HEAD)].lower()
    can_grow = not ahead.final and len(ahead.buf) < limit
    if not _FIGCAPTION_HEAD.startswith(following):
        return ""
    match = _FIGCAPTION.match(ahead.buf, pos, limit)
    if match:
        return page.text(match[1])
    return MORE if can_grow else ""


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
