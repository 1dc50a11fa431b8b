"""What is known of the page while it streams: its address, its charset, its rules; and how things are put into it.

Laws of this file: a card is at most MAX_CARD_BYTES; what a given function raises never reaches the page; text that the
page's charset lacks is written as character references.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from policies.frozen import Frozen
from policies.model import DietItem
from proxy.transforms.html.charset import codec_name
from proxy.transforms.html.grammar import any_case
from proxy.transforms.html.kinds import kind_of
from proxy.transforms.html.late import LateStyles
from proxy.transforms.html.scan import Lookahead, Waiting
from proxy.transforms.html.tag import Tag
from proxy.transforms.spec import Heavy, HtmlSpec, PageChanges

MAX_CARD_BYTES: Final = 4096
MAX_HEAVY_URLS: Final = 200
MAX_SHELL_URLS: Final = 32
TRACKERS: Final = "trackers"  # the diet item whose snippets, pixels and frames go too
MAX_TITLE_CHARS: Final = 200
_SAFE = "%/:?#[]@!$&'()*+,;=~-._|"
_SCRIPT = any_case("script")
_SCRIPT_BODY = re.compile(rb"<" + _SCRIPT + rb"(?![^>]*math/)[^>]*+>(?:[^<]++|<(?!/" + _SCRIPT + rb"))*+")
# URLs that resolving would not change: nothing relative, nothing to be quoted.
_PLAIN_URL = re.compile(r"https?://[a-z0-9.:-]+/(?:[A-Za-z0-9%?#@!$&'()*+,;=:~_|-]|\.(?![./])|/(?!\.))*+")
_PLAIN_PATH = re.compile(r"/(?![/.])(?:[A-Za-z0-9%?#@!$&'()*+,;=:~_|-]|\.(?![./])|/(?!\.))*+")
_ORIGIN = re.compile(r"https?://[^/?#]+")
_MARKUP = re.compile(r"<[^>]*>")


class Step(Frozen, frozen=True):
    """What a handler did: buf[tag.start:end] is replaced by out. drop_content: the raw text behind goes too."""

    end: int
    out: bytes
    drop_content: bool = False


# None: the tag stays (with the handler's changes to it, if any).
Handler = Callable[["Page", Tag, Lookahead], Step | Waiting | None]


class Page:
    """The state of one page's rewriting that handlers share."""

    __slots__ = (
        "_base",
        "_literals",
        "_origin",
        "_prefix",
        "_readable",
        "candidates",
        "changes",
        "charset",
        "images",
        "late",
        "other_charset",
        "spec",
    )

    def __init__(self, spec: HtmlSpec, prefix: bytes) -> None:
        self.spec = spec
        self.changes = PageChanges()
        self.charset = codec_name(spec.charset) or "ascii"
        self.other_charset: str | None = None  # a <meta> that contradicts: readers may believe either
        self.base = spec.page_url
        self.images = 0
        self.candidates = False  # of the <picture> whose <img> comes next
        self.late = LateStyles(spec.late_styles) if spec.late_styles else None
        self._prefix = prefix
        self._literals: dict[str, bool] = {}
        self._readable: bytes | None = None  # the prefix without its scripts, made when somebody asks

    @property
    def has_policy(self) -> bool:
        """Whether the page's beginning holds a policy of its own in its markup (CSP Level 3 section 3.3)."""
        return b"content-security-policy" in self._prefix.lower()

    @property
    def base(self) -> str:
        """What relative URLs are resolved against."""
        return self._base

    @base.setter
    def base(self, url: str) -> None:
        self._base = url
        origin = _ORIGIN.match(url)
        self._origin = origin[0] if origin else ""

    # -- reading ------------------------------------------------------------------------------------------------

    def decode(self, raw: bytes) -> str:
        """Text in the page's charset; in the one that a <meta> names where the bytes are not in the first."""
        try:
            return raw.decode(self.charset)
        except UnicodeError:
            return raw.decode(self.other_charset or self.charset, "replace")

    def text(self, raw: bytes) -> str:
        """The readable text of a piece of HTML, in one line."""
        decoded = self.decode(raw)
        end = decoded.rfind(">") + 1  # what opens behind it never closes, and isn't worth a look each
        plain = html.unescape(_MARKUP.sub(" ", decoded[:end]) + decoded[end:])
        return " ".join(plain.split())[:MAX_TITLE_CHARS]

    def url(self, value: str) -> str:
        """An absolute URL as a browser would send it (WHATWG URL), "" for none or one that isn't http(s)."""
        if _PLAIN_URL.fullmatch(value):
            return value
        if self._origin and _PLAIN_PATH.fullmatch(value):
            return self._origin + value
        value = value.strip("\t\n\f\r \0").translate(_NOT_IN_URLS)
        if not value:
            return ""
        try:
            absolute = urljoin(self.base, value)
            parts = urlsplit(absolute)
            if "/." in parts.path:  # urljoin leaves the dots of what was absolute already
                absolute = urljoin(absolute, urlunsplit(("", "", parts.path, parts.query, parts.fragment)))
        except ValueError:
            return ""
        if parts.scheme not in ("http", "https"):
            return ""
        return quote(absolute, safe=_SAFE)

    def attribute_url(self, tag: Tag, *names: bytes) -> str:
        """The first of these attributes that holds a URL, absolute; "" if none does."""
        for name in names:
            if tag.has(name) and (url := self.url(tag.value(name))):
                return url
        return ""

    def is_granted(self, url: str) -> bool:
        granted = self.spec.granted
        if not granted or not url:
            return False
        url = url.partition("#")[0]
        bare = url.partition("?")[0]  # the same file asked for as a download ("?forcedownload=1") is the same file
        return url in granted or (kind_of(bare) is not None and bare in granted)

    def size_of(self, url: str) -> int | None:
        if not url:
            return None
        try:
            return self.spec.size_of(url.partition("#")[0])
        except Exception:  # a look-up that fails knows no size
            return None

    def is_tracker(self, url: str) -> bool:
        """True for a picture or frame that is there to count the reader."""
        return any(item.name == TRACKERS and item.pattern.search(url) for item in self.spec.diet) if url else False

    def dieted(self, url: str) -> DietItem | None:
        """The diet item that leaves this URL out, None if it stays.

        An item with conditions goes only when the look-ahead was given and shows none of them.
        """
        for item in self.spec.diet:
            if url and item.pattern.search(url) and self._may_go(item):
                return item
        return None

    def _may_go(self, item: DietItem) -> bool:
        literals = [literal for literal in item.unless if literal]
        if not literals:
            return True
        return bool(self._prefix) and not any(self._holds(literal) for literal in literals)

    def _holds(self, literal: str) -> bool:
        """True if the literal stands in what is known of the page, scripts apart."""
        if literal not in self._literals:
            if self._readable is None:
                self._readable = _SCRIPT_BODY.sub(b"", self._prefix)
            self._literals[literal] = literal.encode(self.charset, "ignore") in self._readable
        return self._literals[literal]

    # -- writing ------------------------------------------------------------------------------------------------

    def encode(self, made: bytes) -> bytes:
        """HTML made by Tropa, in UTF-8 or in the page's charset, in the page's charset.

        Where a <meta> contradicts the header, in ASCII with character references: right whichever is believed.
        """
        made = self._at_home(made)
        target = "ascii" if self.other_charset else self.charset
        if made.isascii():
            return made
        try:
            text = made.decode("utf-8")
        except UnicodeDecodeError:
            if target == self.charset:
                return made
            text = made.decode(self.charset, "replace")
        return made if target == "utf-8" else text.encode(target, "xmlcharrefreplace")

    def _at_home(self, made: bytes) -> bytes:
        """With our own addresses spelt out where the page's <base> would send them to another site."""
        home = _ORIGIN.match(self.spec.page_url)
        if home is None or home[0] == self._origin:
            return made
        return made.replace(b'"/.tropa/', b'"' + home[0].encode("latin-1", "ignore") + b"/.tropa/")

    def card(self, heavy: Heavy) -> bytes:
        """The card for a heavy thing, counted; a minimal link if its rendering fails or is too long."""
        self.changes.cards += 1
        self.note(heavy.url, heavy.size_bytes)
        try:
            card = self.encode(self.spec.render_card(heavy))
        except Exception:
            card = b""
        if card and len(card) <= MAX_CARD_BYTES:
            return card
        return self.encode(_minimal(heavy).encode())

    def versions(self, heavy: Heavy) -> bytes:
        """What offers the versions of a film whose player stays; b"" for nothing."""
        return self._made(self.spec.render_versions, heavy)

    def light(self, heavy: Heavy) -> bytes:
        """What offers the light copies of a document behind its link; b"" for nothing."""
        return self._made(self.spec.render_light, heavy)

    def _made(self, render: Callable[[Heavy], bytes] | None, heavy: Heavy) -> bytes:
        try:
            made = self.encode(render(heavy)) if render is not None else b""
        except Exception:
            return b""
        return made if len(made) <= MAX_CARD_BYTES else b""

    def note(self, url: str, size_bytes: int | None) -> None:
        self.changes.withheld_bytes += size_bytes or 0
        if url and len(self.changes.heavy_urls) < MAX_HEAVY_URLS:
            self.changes.heavy_urls.append(url)

    def note_shell(self, url: str) -> None:
        if url and len(self.changes.shell_urls) < MAX_SHELL_URLS:
            self.changes.shell_urls.append(url)

    def dropped(self, end: int, out: bytes = b"", *, drop_content: bool = False) -> Step:
        self.changes.dropped += 1
        return Step(end, out, drop_content)


_NOT_IN_URLS = {ord(char): None for char in "\t\n\r"}


def _minimal(heavy: Heavy) -> str:
    title = html.escape(heavy.title[:MAX_TITLE_CHARS] or heavy.host_name[:MAX_TITLE_CHARS] or heavy.kind.value)
    url = html.escape(heavy.url)
    return f'<a href="{url}">{title}</a>' if url and len(url) <= 2048 else f"<span>{title}</span>"
