"""The few files under `/.tropa/static/`.

Laws of this file: read once per process; only listed names are served; an address carries its file's digest, so
that a browser may keep it for as long as it likes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path

from proxy.pages.phrases import LANGUAGES
from proxy.pages.uploads_script import PARTS, script_name, uploads_script

RESERVED = "/.tropa"
_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    "tropa.css": "text/css; charset=utf-8",
    "plain.css": "text/css; charset=utf-8",
    "gate.js": "text/javascript; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "slidecast.css": "text/css; charset=utf-8",
    "slidecast.js": "text/javascript; charset=utf-8",
    "tropa.svg": "image/svg+xml",
    "uploads.css": "text/css; charset=utf-8",
}
_VIEWPORT = ('<meta name="viewport" content="width=device-width,initial-scale=1">',)
_SCRIPT = "text/javascript; charset=utf-8"


def _uploads(part: str, language: str) -> bytes:
    return uploads_script(part, language, href=static_href)


# Scripts with their sentences, put together when they are first asked for.
_MADE: Mapping[str, Callable[[], bytes]] = {
    script_name(part, language): partial(_uploads, part, language) for part in ("", *PARTS) for language in LANGUAGES
}


@lru_cache(maxsize=len(_TYPES) + len(_MADE))
def _read(name: str) -> tuple[bytes, str, str]:
    made = _MADE.get(name)
    body = made() if made is not None else (_FOLDER / name).read_bytes()
    return body, _SCRIPT if made is not None else _TYPES[name], f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def static_file(name: str) -> tuple[bytes, str, str] | None:
    """Body, content type and strong ETag of a file; None: there is no such file."""
    return _read(name) if name in _TYPES or name in _MADE else None


def static_href(name: str) -> str:
    """The file's address with its digest: it may be answered as immutable. Raises KeyError for an unknown name."""
    return f"{RESERVED}/static/{name}?v={_read(name)[2][1:9]}"


@lru_cache(maxsize=2)
def head_link(*, plain: bool = False) -> bytes:
    """What goes first in the head of a page that holds cards: the stylesheet, in ASCII.

    plain: the page loses its own styles, so it gets what it needs to be readable.
    """
    names = ("plain.css", "tropa.css") if plain else ("tropa.css",)
    links = (f'<link rel="stylesheet" href="{static_href(name)}">' for name in names)
    return "".join((*(_VIEWPORT if plain else ()), *links)).encode("ascii")
