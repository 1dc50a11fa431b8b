"""A short muted film in the place of a moving picture.

Laws of this file: only an `<img>` of which nothing is written but what a film can have as well (a name that scripts
call, a map, candidates, anything unknown: it stays a picture); its size, words and classes stay; a page whose own
policy stands in its markup keeps its pictures.
"""

from __future__ import annotations

from typing import Final

from proxy.transforms.html.page import Page, Step
from proxy.transforms.html.tag import Tag, escaped
from proxy.transforms.spec import PictureFilm

_KEPT: Final = (b"title", b"style", b"width", b"height", b"lang", b"dir")
_UNDERSTOOD: Final = frozenset(
    (*_KEPT, b"src", b"alt", b"class", b"loading", b"decoding", b"fetchpriority", b"referrerpolicy")
)


def film_instead(page: Page, tag: Tag, url: str) -> Step | None:
    """The film of this picture; None: it stays a picture."""
    look_up = page.spec.film_of
    if look_up is None or not url or not tag.attributes.keys() <= _UNDERSTOOD:
        return None
    film = look_up(url.partition("#")[0])
    if film is None or page.has_policy:
        return None
    page.changes.films += 1
    return Step(tag.end, _element(page, tag, film))


def _element(page: Page, tag: Tag, film: PictureFilm) -> bytes:
    classes = " ".join(filter(None, ("tropa-moving", tag.value(b"class"))))
    out = [b'<video class="', escaped(classes, page.charset), b'" autoplay muted playsinline loading="lazy"']
    out.append(b" loop" if film.loops else b"")
    words = tag.value(b"alt")
    if words:
        out += [b' aria-label="', escaped(words, page.charset), b'"']
    elif tag.has(b"alt"):
        out.append(b' aria-hidden="true"')
    for name in _KEPT:
        if tag.has(name):
            out += [b" ", name, b'="', escaped(tag.value(name), page.charset), b'"']
    if not tag.has(b"width") and not tag.has(b"height"):
        out.append(b' width="%d"' % film.width_px)
    out.append(page.encode(f' src="{film.src}"></video>'.encode()))
    return b"".join(out)
