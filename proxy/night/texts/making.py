"""What every text of a course is made of: its activity, its cleaned words, its title, its place at the site: pure."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit

from policies.frozen import Frozen
from proxy.night.answers import JSON, instant
from proxy.night.texts.clean import Clean, clean
from proxy.night.texts.values import Text, TextKind

MAX_HTML_CHARS = 1 << 20  # of one text; longer ones are no reading matter
_MAX_TITLE_CHARS = 600


class Module(Frozen, frozen=True, kw_only=True):
    """An activity that everybody in the course may open. told: as the answer has it."""

    number: int
    kind: str
    title: str
    section: str
    told: dict[str, JSON]

    @property
    def url(self) -> str:
        return str(self.told.get("url") or "")


def cleaned(markup: JSON, base: str) -> Clean | None:
    """None: there is nothing to read in it."""
    if not isinstance(markup, str) or not markup.strip() or len(markup) > MAX_HTML_CHARS:
        return None
    made = clean(markup, base)
    return made if made.html or any(words for _, words in made.spoken) else None


def made_text(key: str, kind: TextKind, section: str, title: str, made: Clean) -> Text:
    """It has no place at the site yet."""
    return Text(
        key=key,
        kind=kind,
        section=section,
        title=title or section,
        html=made.html,
        spoken=made.spoken,
        films=made.films,
    )


def placed(text: Text, url: str, changed: JSON) -> Text:
    """The same at its address there. changed: as the answer has it, in seconds; what makes no sense is not known."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return replace(text, target=target, changed=instant(changed))


def titled(value: JSON) -> str:
    """Names come with character references, as for a page, and in all languages that they are written in."""
    return " ".join(unescape(str(value or "")).split())[:_MAX_TITLE_CHARS]
