"""The one script element that a course's page may get: a small loader, told what this page needs.

Laws of this file: one element a page, deferred, so that the page is read and works as if it weren't there; every
address is our own and carries its file's digest; nothing inline, since a course's own policy may forbid it.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from proxy.pages.static import static_href


def page_script(told: Mapping[str, str]) -> bytes:
    """The element, in ASCII; b"" where nothing is told. told: name -> value, each becomes a `data-` attribute.

    A name that `page.js` knows makes it load the script at that address: "keep" at once, "uploads" where files can be
    chosen.
    """
    if not told:
        return b""
    data = "".join(f' data-{name}="{escape(value)}"' for name, value in told.items())
    element = f'<script defer id="tropa-page" src="{static_href("page.js")}"{data}></script>'
    return element.encode("ascii", "xmlcharrefreplace")
