"""The page that tells a learner what is kept about her, and the one after it was forgotten.

Laws of this file: plain words; what is kept and how long stands there as the data map says; the buttons appear for the
tokens that there are.
"""

from __future__ import annotations

from collections.abc import Mapping

from proxy.pages.context import PageContext
from proxy.pages.full import full_page

KEPT = ("visits", "counters", "taken", "asked", "chosen", "codes", "sending", "waiting", "pages")


def mine_page(context: PageContext, *, tokens: Mapping[str, str], log_days: int) -> bytes:
    """tokens: "mine" and "forget"; without them the page says why there are no buttons."""
    return full_page(
        "mine.html", context, kept=KEPT, mine=tokens.get("mine"), forget=tokens.get("forget"), days=log_days
    )


def forgotten_page(context: PageContext, *, whole: bool) -> bytes:
    """whole False: something could not be forgotten, and she is asked to try again."""
    return full_page("forgotten.html", context, whole=whole)
