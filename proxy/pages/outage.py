"""What a learner reads while a link is down: the bar on a kept page, and the page for what isn't here.

Laws of this file: a kept page is never taken for a fresh one; what is offered is here; nothing pretends that a form
works without a link.
"""

from __future__ import annotations

from datetime import datetime

from policies.frozen import Frozen
from proxy.pages.context import PageContext
from proxy.pages.full import full_page
from proxy.pages.moments import moment_text
from proxy.pages.phrases import phrases
from proxy.pages.render import encode, render


class KeptPage(Frozen, frozen=True, kw_only=True):
    """A page of hers that is here. at: when she opened it."""

    href: str
    title: str
    at: datetime


def kept_bar(context: PageContext, as_of: datetime) -> bytes:
    """The bar on top of a kept page, in the page's own charset. as_of: when the origin sent it."""
    markup = render(
        "kept_bar.html",
        context.language,
        age=age_text(context, as_of),
        as_of=_moment(context, as_of),
        page_url=context.page_url,
    )
    return encode(markup, context.charset)


def missing_page(
    context: PageContext,
    pages: tuple[KeptPage, ...],
    *,
    down_since: datetime | None = None,
    can_queue: bool = False,
    text_href: str = "",
    texts: bool = False,
) -> bytes:
    """There is no link, and this page isn't here. pages: those of hers that are, the latest first.

    can_queue  it can be had in the free hours without her
    text_href  what the page says in words, where a night brought it; "": it didn't
    texts      there are texts of her courses
    """
    rows = [{"page": page, "age": age_text(context, page.at)} for page in pages]
    since = _moment(context, down_since) if down_since is not None else ""
    tonight = context.token("tonight", context.page_url) if can_queue else None
    return full_page("missing.html", context, rows=rows, since=since, tonight=tonight, text_href=text_href, texts=texts)


def _moment(context: PageContext, instant: datetime) -> str:
    return moment_text(instant, context.now, context.territory.zone, context.language)


def age_text(context: PageContext, instant: datetime) -> str:
    """ "3 hours ago", "2 days ago", "just now"; rounded down, for nothing here is that exact."""
    say, seconds = phrases(context.language), int((context.now - instant).total_seconds())
    for key, length in (("outage.days", 86_400), ("outage.hours", 3600), ("outage.minutes", 60)):
        if seconds >= length:
            return say("outage.ago", span=say.plural(key, seconds // length))
    return say("outage.just_now")
