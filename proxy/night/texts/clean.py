"""A course's own HTML made fit for a page of ours.

Laws of this file: pure; nothing that runs, frames, loads from elsewhere or styles comes through, whatever was sent;
the sanitiser has the last word (nh3: the parser that browsers agree with, then a list of what may stay); stored files
are named as learners' pages name them, never with a token; a film becomes a numbered place, for its address is sealed
anew for each reader.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import nh3

from policies.frozen import Frozen
from proxy.account.language import LANGUAGES
from proxy.night.addresses import stored_url
from proxy.night.texts.spoken import in_language, is_marked

FILM_PLACE = "/.tropa/film/"
_WORDS = (
    "a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption "
    "figure h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup "
    "table tbody td tfoot th thead tr u ul var"
)
_TAGS = frozenset(_WORDS.split())
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_GONE = {"script", "style", "template", "noscript", "textarea", "select", "title", "math", "svg"}
_PLAYED, _FRAMED = frozenset(("video", "audio")), frozenset(("iframe", "embed", "object"))
_FILM_ENDS = re.compile(r"\.(mp4|m4v|webm|mov|ogv|avi|mkv|mp3|m4a|ogg|oga|opus|wav|flac)$", re.IGNORECASE)
_RECORDING = "/playback/presentation/"
_NAME = re.compile(r"[^\x00-\x1f]{1,150}")


class Clean(Frozen, frozen=True, kw_only=True):
    """html: safe to stand in a page. pictures, films, files: absolute addresses as learners' pages have them.

    spoken: the same by language, where it is written in several; html is one of them then. A link to films[n] leads
    to FILM_PLACE + n, in any language.
    """

    html: str
    spoken: tuple[tuple[str, str], ...] = ()
    pictures: tuple[str, ...] = ()
    films: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def clean(markup: str, base: str) -> Clean:
    """base: the address that it would stand under at the site, without a secret."""
    found = _Found(base)
    spoken = tuple((one, _safe(in_language(markup, one), found)) for one in LANGUAGES) if is_marked(markup) else ()
    html = spoken[0][1] if spoken else _safe(markup, found)
    return Clean(
        html=html,
        spoken=spoken,
        pictures=tuple(found.pictures),
        films=tuple(found.films),
        files=tuple(found.files),
    )


def _safe(markup: str, found: _Found) -> str:
    plain = _Unplayed()
    plain.feed(markup)
    plain.close()
    safe = nh3.clean(
        "".join(plain.out),
        tags=set(_TAGS),
        clean_content_tags=set(_GONE),
        attributes=_ATTRIBUTES,
        attribute_filter=found.attribute,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
    )
    return safe.strip()


class _Unplayed(HTMLParser):
    """The same markup with players as links; made anew by the sanitiser's own parser afterwards."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._within = ""  # the player that is open; its fallback isn't read
        self._source = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        source = next((value for name, value in attrs if name in ("src", "data") and value), "")
        if self._within:
            self._source = self._source or (source if tag == "source" else "")
        elif tag in _PLAYED:
            self._within, self._source = tag, source
        elif tag in _FRAMED:
            self.out.append(_link(source))
        else:
            self.out.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self.out.append(_link(self._source))
            self._within = self._source = ""
        elif not self._within and tag not in _FRAMED:
            self.out.append(f"</{tag}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag == self._within:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        self._said(data)

    def handle_entityref(self, name: str) -> None:
        self._said(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._said(f"&#{name};")

    def _said(self, text: str) -> None:
        if not self._within:
            self.out.append(text)

    def close(self) -> None:
        super().close()
        if self._within:
            self.out.append(_link(self._source))


def _link(source: str) -> str:
    name = unquote(urlsplit(source).path.rstrip("/").rpartition("/")[2]) if _parses(source) else ""
    shown = name if _NAME.fullmatch(name) else source
    return f'<a href="{html.escape(source)}">{html.escape(shown)}</a>' if source else ""


class _Found:
    """What stays of an attribute, and what it names."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._home = urlsplit(base).netloc
        self.pictures: dict[str, None] = {}
        self.films: dict[str, None] = {}
        self.files: dict[str, None] = {}

    def attribute(self, tag: str, name: str, value: str) -> str | None:
        match tag, name:
            case "img", "src":
                return self._picture(value)
            case "a", "href":
                return self._link(value)
            case "img", "width" | "height":
                return value if value.isdigit() else None
            case _:
                return value

    def _picture(self, value: str) -> str | None:
        """The course's own stored pictures; anything else would be asked of somebody else."""
        url = self._stored(value)
        if url is None:
            return None
        self.pictures[url] = None
        return _target(url)

    def _link(self, value: str) -> str | None:
        if not _parses(value) or value.startswith("#"):
            return None
        url = urljoin(self._base, value.strip())
        stored = self._stored(value)
        if stored is not None and _FILM_ENDS.search(urlsplit(stored).path):
            return self._film(stored)
        if urlsplit(url).netloc == self._home and _RECORDING in url:
            return self._film(url.partition("#")[0])
        if stored is not None:
            self.files[stored] = None
            return _target(stored)
        parts = urlsplit(url)
        return url if parts.netloc != self._home else url.removeprefix(f"{parts.scheme}://{parts.netloc}") or "/"

    def _film(self, url: str) -> str:
        self.films.setdefault(url, None)
        return f"{FILM_PLACE}{list(self.films).index(url)}"

    def _stored(self, value: str) -> str | None:
        if not _parses(value):
            return None
        url = stored_url(urljoin(self._base, value.strip()), download=False)
        return url if url is not None and urlsplit(url).netloc == self._home else None


def _target(url: str) -> str:
    return urlsplit(url).path


def _parses(value: str) -> bool:
    try:
        urlsplit(value)
    except ValueError:
        return False
    return True
