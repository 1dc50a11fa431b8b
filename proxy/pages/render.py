"""Templates into bytes.

Laws of this file: everything is autoescaped; templates are read once per process, at first use; a line break and
the indentation behind it carry no meaning in a template and are taken out, so that cards stay small.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined, Template

from proxy.pages.phrases import phrases
from proxy.pages.static import static_href

_FOLDER = Path(__file__).parent / "templates"
_LINE_BREAK = re.compile(r"\n\s*")
# One byte a character and ASCII below 128: what a page may be in beside UTF-8. Anything else gets references.
_SINGLE_BYTE = re.compile(r"(cp125\d|koi8-[ru]|iso8859-\d+|mac-cyrillic)")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    sources = {path.name: _LINE_BREAK.sub("", path.read_text("utf-8")) for path in _FOLDER.glob("*.html")}
    environment = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, auto_reload=False, cache_size=64
    )
    environment.globals["static"] = static_href
    environment.filters.update(tel=_dialled, lower_first=_lower_first)
    return environment


def _dialled(phone: str) -> str:
    """RFC 3966: what a telephone dials of a number as people write it."""
    digits = "".join(char for char in phone.partition(",")[0][:40] if char.isdigit())
    return f"+{digits}" if phone.strip().startswith("+") else digits


def _lower_first(text: str) -> str:
    """A name of a thing inside a sentence; abbreviations stay ("PDF")."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


@lru_cache(maxsize=64)
def _template(name: str) -> Template:
    return _environment().get_template(name)


def render(name: str, language: str, **values: object) -> str:
    """The template filled in, with `t` (phrase) and `p` (plural) of the language at hand."""
    say = phrases(language)
    return _template(name).render(t=say, p=say.plural, language=say.language, **values)


def encode(text: str, charset: str) -> bytes:
    """The text in a page's own charset; what that can't say becomes character references."""
    return text.encode(_codec(charset), "xmlcharrefreplace")


@lru_cache(maxsize=128)
def _codec(charset: str) -> str:
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return "ascii"
    return name if name == "utf-8" or _SINGLE_BYTE.fullmatch(name) else "ascii"
