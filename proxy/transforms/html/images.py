"""Pictures: smaller candidates, loaded late, or their words in their place.

Laws: no address is made that the page didn't name; a list of candidates loses some and gains none.
"""

from __future__ import annotations

import html
import re
from typing import Final

from policies.treatments import Action
from policies.values import MediaKind
from proxy.transforms.html.moving import film_instead
from proxy.transforms.html.page import Page, Step
from proxy.transforms.html.scan import Lookahead
from proxy.transforms.html.tag import Tag, escaped
from proxy.transforms.spec import Heavy

EAGER_IMAGES: Final = 2  # what stands first is likely in sight; loading it late would only delay it
MAX_SRCSET_CHARS: Final = 8192
# Each possessive: a srcset of nothing but commas must cost no more than any other.
_BETWEEN = re.compile(r"[\s,]*+")
_URL = re.compile(r"\S++")
_DESCRIPTOR = re.compile(r"(?:[^,(]++|\([^)]*+\)?)*+")


def image(page: Page, tag: Tag, ahead: Lookahead) -> Step | None:
    """`<img>`: dropped trackers, text in its place by policy, else fewer candidates and `loading=lazy`."""
    spec = page.spec
    asked = spec.diet or spec.image in (Action.CARD, Action.DROP) or spec.granted or spec.film_of is not None
    url = page.attribute_url(tag, b"src") if asked else ""
    among_candidates, page.candidates = page.candidates, False
    if page.is_tracker(url):
        return page.dropped(tag.end)
    if url and spec.image in (Action.CARD, Action.DROP) and not page.is_granted(url):
        return _words(page, tag, url)
    page.images += 1
    if spec.film_of is not None and not among_candidates and not page.is_granted(url):
        film = film_instead(page, tag, url)
        if film is not None:
            return film
    if not page.is_granted(url):
        narrow_candidates(page, tag)
    if spec.lazy_images and page.images > EAGER_IMAGES and not tag.has(b"loading") and not _is_inline(tag):
        tag.set(b"loading", b"lazy")
    return None


def picture_source(page: Page, tag: Tag, ahead: Lookahead) -> Step | None:
    """`<source srcset>` of a `<picture>`; a player's `<source src>` is left alone."""
    if not tag.has(b"srcset"):
        return None
    if page.spec.image in (Action.CARD, Action.DROP):
        return Step(tag.end, b"")
    page.candidates = True
    narrow_candidates(page, tag)
    return None


def narrow_candidates(page: Page, tag: Tag) -> None:
    """Leave in `srcset` the smallest candidate that fills the width limit, or the largest below it."""
    limit = page.spec.max_image_width_px
    if limit is None or not tag.has(b"srcset"):
        return
    written = tag.value(b"srcset")
    candidates = parse_srcset(written) if len(written) <= MAX_SRCSET_CHARS else []
    if len(candidates) < 2:
        return
    url, descriptor, _ = choose(candidates, limit)
    tag.set(b"srcset", escaped(f"{url} {descriptor}".strip(), page.charset))


Candidate = tuple[str, str, float]  # URL, descriptor as written, its width in px (or density below 0.01 px)


def parse_srcset(text: str) -> list[Candidate]:
    """The candidates of a srcset in order (WHATWG HTML, 4.8.4.2.2), those with a broken descriptor left out."""
    found = []
    at = _behind(_BETWEEN, text, 0)
    while at < len(text):
        end = _behind(_URL, text, at)
        url = text[at:end].rstrip(",")
        ends_there = len(url) < end - at  # by a comma of its own
        at = end if ends_there else _behind(_DESCRIPTOR, text, end)
        descriptor = text[end:at].strip()
        size = _size(descriptor)
        if size is not None:
            found.append((url, descriptor, size))
        at = _behind(_BETWEEN, text, at)
    return found


def _behind(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match is not None else at


def choose(candidates: list[Candidate], limit_px: int) -> Candidate:
    """The smallest of at least limit_px, else the largest; of densities (1x, 2x) the smallest."""
    if all(_width(descriptor) for _, descriptor, _ in candidates):
        enough = [candidate for candidate in candidates if candidate[2] >= limit_px]
        if not enough:
            return max(candidates, key=lambda candidate: candidate[2])
        candidates = enough
    return min(candidates, key=lambda candidate: candidate[2])


def _size(descriptor: str) -> float | None:
    if not descriptor:
        return 1.0
    number = _width(descriptor) or descriptor.split()[0].removesuffix("x")
    try:
        return float(number)
    except ValueError:
        return None


def _width(descriptor: str) -> str:
    """The number of its width descriptor ("900w 600h"), "" if it has none."""
    return next((part[:-1] for part in descriptor.split() if part.endswith("w")), "")


def _words(page: Page, tag: Tag, url: str) -> Step:
    alt = " ".join(tag.value(b"alt").split())
    if page.spec.image is Action.DROP:
        page.note(url, page.size_of(url))
        return page.dropped(tag.end, html.escape(alt).encode(page.charset, "xmlcharrefreplace"))
    heavy = Heavy(url=url, kind=MediaKind.IMAGE, title=alt[:200], size_bytes=page.size_of(url), block=False)
    return Step(tag.end, page.card(heavy))


def _is_inline(tag: Tag) -> bool:
    return tag.raw_value(b"src").lstrip()[:5].lower() == b"data:"
