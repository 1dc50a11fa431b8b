"""What the origin's own pages say: is the form there, with which token; do her words stand there already.

Laws of this file: pure; reads HTML as it comes from an origin, raises on nothing; what isn't found is None or 0, and
whoever asks takes that for "not known", never for a yes.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from policies.model import OutboxForm
from proxy.outbox.form import words

LEAST_TELLING_CHARS = 12  # "Спасибо!" stands in many a discussion and proves nothing
_UNSEEN = re.compile(
    r"<(script|style|textarea|template|noscript)\b[^>]{0,2000}>.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL
)


# Moodle's word for nobody and for its guest, whom a whole school may share.
_NOBODY = frozenset(("", "0", "1"))


def named_on(page: str, rule: OutboxForm) -> str:
    """The one person whom a page names as its reader; "" for none, or for more than one."""
    found = _readers(page, rule)
    return found.pop() if len(found) == 1 and not found & _NOBODY else ""


def is_a_guests(page: str, rule: OutboxForm) -> bool:
    """Whether a page says that nobody is logged in: who could read it may not write there."""
    found = _readers(page, rule)
    return bool(found) and found <= _NOBODY


def _readers(page: str, rule: OutboxForm) -> set[str]:
    return {match[1] for pattern in rule.person for match in pattern.finditer(page)}


class _Forms(HTMLParser):
    """The value of one field in the first form that goes to one path."""

    def __init__(self, page_url: str, target_path: str, name: str) -> None:
        super().__init__(convert_charrefs=True)
        self._page_url, self._path, self._name = page_url, target_path, name
        self._within = False
        self.found_form = False
        self.value: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._within = self._goes_there(given.get("action") or "") and (given.get("method") or "").lower() == "post"
            self.found_form = self.found_form or self._within
        elif self._within and self.value is None and tag in ("input", "button") and given.get("name") == self._name:
            self.value = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._within = False

    def _goes_there(self, action: str) -> bool:
        try:
            return urlsplit(urljoin(self._page_url, action)).path == self._path
        except ValueError:
            return False


def fresh_token(page: str, *, page_url: str, target_path: str, field: str) -> str | None:
    """The token in the form that goes to target_path; None: the page has no such form."""
    forms = _Forms(page_url, target_path, field)
    forms.feed(page)
    if not forms.found_form:
        return None
    return forms.value if field else ""


def occurrences(page: str, text: str) -> int:
    """How often these words stand on the page where a reader sees them."""
    needle = words(text)
    return words(_UNSEEN.sub(" ", page)).count(needle) if needle else 0


def tells(text: str) -> bool:
    """Whether these words are long enough to be recognised among others'."""
    return len(words(text)) >= LEAST_TELLING_CHARS
