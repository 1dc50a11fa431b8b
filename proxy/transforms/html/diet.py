"""What a first visit can do without: scripts, styles, fonts, trackers, and hints to fetch what won't be used.

Law of this file: things are taken out whole or stay as they are; no URL under an `integrity` is ever changed.
"""

from __future__ import annotations

import re
from typing import Final

from policies.place import host_of
from policies.treatments import Action
from proxy.transforms.css import FONT_HOSTS, drop_font_faces
from proxy.transforms.html.page import TRACKERS, Page, Step
from proxy.transforms.html.scan import MORE, Lookahead, ScriptEnd, Waiting
from proxy.transforms.html.tag import Tag

MAX_SNIPPET_BYTES: Final = 4096
_URL_IN_SCRIPT = re.compile(rb"""(?:https?:)?//[A-Za-z0-9.-]+\.[A-Za-z]{2,}[^\s"'<>\\)`]*""")
_FETCHING = frozenset(["preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch", "prerender"])
_SPECULATIVE = frozenset(["prefetch", "prerender"])
_CONNECTING = frozenset(["preconnect", "dns-prefetch"])


def script(page: Page, tag: Tag, ahead: Lookahead) -> Step | Waiting | None:
    spec = page.spec
    if not spec.keep_scripts:
        return page.dropped(tag.end, drop_content=True)
    if tag.has(b"src"):
        url = page.attribute_url(tag, b"src")
        if page.dieted(url):
            return page.dropped(tag.end, drop_content=True)
        page.note_shell(url)
        return None
    if spec.lazy_images and tag.value(b"type").lower() == "speculationrules":
        return page.dropped(tag.end, drop_content=True)
    if any(item.name == TRACKERS for item in spec.diet):
        return _snippet(page, tag, ahead)
    return None


def _snippet(page: Page, tag: Tag, ahead: Lookahead) -> Step | Waiting | None:
    """An inline script that is short and names a tracker's address does nothing but load it."""
    longest = MAX_SNIPPET_BYTES + len(b"</script>")
    window = ahead.buf[tag.end : tag.end + longest]
    found, end = ScriptEnd().find(window, 0)
    if not found:
        return MORE if not ahead.final and len(window) < longest else None
    for match in _URL_IN_SCRIPT.finditer(window, 0, end):
        item = page.dieted(page.url(match[0].decode("latin-1")))
        if item and item.name == TRACKERS:
            return page.dropped(tag.end, drop_content=True)
    return None


def style(page: Page, tag: Tag, ahead: Lookahead) -> Step | Waiting | None:
    if not page.spec.keep_styles:
        return page.dropped(tag.end, drop_content=True)
    late = page.late if page.late is not None and page.late.waits else None
    if page.spec.keep_fonts and late is None:
        return None
    end = ahead.element(b"style", tag.end)
    if not isinstance(end, tuple):
        if end is None and late is not None:
            late.style(tag, None)
        return end
    css = ahead.buf[tag.end : end[0]]
    lighter = css if page.spec.keep_fonts else drop_font_faces(css)
    if late is not None:
        late.style(tag, lighter)
    return Step(end[0], tag.raw + lighter) if lighter != css else None


def link(page: Page, tag: Tag, ahead: Lookahead) -> Step | None:
    rel = set(tag.value(b"rel").lower().split())
    url = page.attribute_url(tag, b"href")
    goes = ("stylesheet" in rel and _style_goes(page, url)) or (
        bool(rel & _FETCHING) and _hint_goes(page, tag, rel, url)
    )
    if goes:
        return page.dropped(tag.end)
    return _sheet(page, tag, rel, url)


def _sheet(page: Page, tag: Tag, rel: set[str], url: str) -> Step | None:
    """A sheet that stays, here or further down; a hint to fetch one that comes late would bring it first."""
    late = page.late
    if "stylesheet" in rel:
        part = late.link(tag, url, page.charset) if late is not None else None
        if part is None:
            page.note_shell(url)
        return Step(tag.end, part) if part is not None else None
    if late is None:
        return None
    return page.dropped(tag.end) if rel & _FETCHING and url in late else None


def _style_goes(page: Page, url: str) -> bool:
    spec = page.spec
    return not spec.keep_styles or bool(page.dieted(url)) or (not spec.keep_fonts and host_of(url) in FONT_HOSTS)


def _hint_goes(page: Page, tag: Tag, rel: set[str], url: str) -> bool:
    spec = page.spec
    if rel & _CONNECTING:
        return _connection_goes(page, url)
    if page.dieted(url) or (rel & _SPECULATIVE and spec.lazy_images):
        return True
    destination = tag.value(b"as").lower() or ("script" if "modulepreload" in rel else "")
    return {
        "font": not spec.keep_fonts,
        "style": not spec.keep_styles,
        "script": not spec.keep_scripts,
        "video": spec.video is not Action.KEEP,
        "audio": spec.audio is not Action.KEEP,
        "image": spec.image in (Action.CARD, Action.DROP),
        "fetch": spec.stream is not Action.KEEP and ".m3u8" in url,
    }.get(destination, False)


def _connection_goes(page: Page, url: str) -> bool:
    """No connection is opened ahead to a host that only serves what is left out."""
    spec, host = page.spec, host_of(url)
    if not spec.keep_fonts and host in FONT_HOSTS | {"fonts.gstatic.com"}:
        return True
    if spec.embed in (Action.CARD, Action.DROP) and any(host in known.csp_hosts for known in spec.embed_hosts):
        return True
    return bool(page.dieted(url) or page.dieted(url.rstrip("/") + "/"))
