"""Full pages of Tropa's own: the gate, refusals, errors, the original's price, thanks.

Laws of this file: UTF-8 whatever the course's charset; no inline style or script (`PAGE_CSP` holds); everything
works without scripts; an error's detail is for IT staff and never stands here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from policies.facts import AllowanceUse
from policies.model import Institute, Territory
from proxy.errors import ExchangeError, Fault
from proxy.pages.card import card_text
from proxy.pages.context import PageContext
from proxy.pages.figures import duration_text, size_text, wait_text
from proxy.pages.moments import full_moment_text, zone_text
from proxy.pages.phrases import phrases
from proxy.pages.reasons import why_withheld
from proxy.pages.render import render
from proxy.transforms.spec import Heavy

# Only what the pages themselves bring; a page of ours never runs or loads anything of the course's.
PAGE_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
MAX_WAIT_S = 24 * 3600  # beyond a day nobody waits before an open page, and browsers' timers drift


def gate_page(
    context: PageContext, *, retry_after_s: int | None = None, jitter_s: int = 0, ics_href: str | None = None
) -> bytes:
    """The page of a consultation or webinar outside its window.

    retry_after_s  as in the Retry-After header, jitter included: browsers without scripts knock then
    jitter_s       seconds after the opening at which this page's script knocks, 0 or more
    ics_href       None: no calendar entry is offered
    """
    decision, zone, language = context.decision, context.territory.zone, context.language
    opens_at = decision.opens_at
    left_s = _seconds_until(opens_at, context.now)
    refresh_s = max(retry_after_s, 5) if retry_after_s is not None and retry_after_s <= MAX_WAIT_S else None
    return full_page(
        "gate.html",
        context,
        kind=str(decision.traffic_class),
        opens=full_moment_text(opens_at, context.now, zone, language) if opens_at else "",
        zone=zone_text(zone, opens_at or context.now, language),
        left_s=left_s,
        left=wait_text(left_s, language),
        max_left_s=MAX_WAIT_S,
        jitter_s=max(jitter_s, 5),  # never a tight loop, should two clocks disagree
        refresh_s=refresh_s,
        ics_href=ics_href,
        why=why_withheld(None, decision, language),
    )


def refusal_page(context: PageContext, heavy: Heavy | None = None) -> bytes:
    """The 403 page: of one heavy thing that was opened by itself, or (None) of a whole part of a site."""
    text = card_text(heavy, context) if heavy else None
    why = text.why if text else why_withheld(None, context.decision, context.language)
    return full_page("refusal.html", context, card=text, buttons=True, others=True, why=why)


def embed_card(heavy: Heavy, context: PageContext) -> bytes:
    """A small document for a frame, holding only the card and its form."""
    text = card_text(heavy, context)
    markup = render("embed.html", context.language, card=text, context=context, folded=True, buttons=True, others=True)
    return markup.encode("utf-8")


def original_confirm(heavy: Heavy, context: PageContext, *, allowance: AllowanceUse | None = None) -> bytes:
    """What showing the original would cost, before it is spent. allowance: the one it draws on, None if none."""
    return full_page(
        "original_page.html", context, card=card_text(heavy, context), left=_left_after(heavy, context, allowance)
    )


def report_thanks(context: PageContext) -> bytes:
    """The answer to a report of a broken page."""
    return full_page("thanks.html", context)


def nothing_page(context: PageContext) -> bytes:
    """An address of ours where nothing is, or nothing any more."""
    return full_page("nothing.html", context)


def error_page(
    error: ExchangeError,
    language: str,
    *,
    territory: Territory | None = None,
    support_code: str | None = None,
    page_url: str = "",
    origin_title: str = "",
) -> bytes:
    """An error in plain words. territory None: it is not known yet whose page this is.

    page_url  what "try again" opens; leave it empty where repeating could do harm (a POST)
    """
    say = phrases(language)
    own, fault = f"error.{error.code}", f"error.{error.fault}"
    wait = error.retry_after_s
    markup = render(
        "error.html",
        language,
        site=origin_title,
        home=bool(origin_title),
        title=say.first(f"{own}.title", f"{fault}.title"),
        text=say.first(f"{own}.text", f"{fault}.text"),
        calm="" if error.fault is Fault.CLIENT else say("error.calm"),
        again=say("error.again", time=duration_text(max(wait, 60), language)) if wait is not None else "",
        page_url=page_url,
        to_front=error.fault is Fault.CLIENT,
        institute=territory.institute if territory else None,
        code=support_code,
    )
    return markup.encode("utf-8")


def full_page(name: str, context: PageContext, **values: object) -> bytes:
    """One of our own pages by its template; for pages that live in files of their own."""
    institute: Institute = context.territory.institute
    site = context.origin_title or context.territory.title.in_language(context.language)
    markup = render(
        name,
        context.language,
        context=context,
        site=site,
        home=bool(context.origin_title),
        institute=institute,
        code=context.support_code,
        **values,
    )
    return markup.encode("utf-8")


def _seconds_until(instant: datetime | None, now: datetime) -> int:
    """Whole seconds, rounded up: a page must not knock before the opening."""
    if instant is None:
        return 0
    return max(0, -((now - instant) // timedelta(seconds=1)))


def _left_after(heavy: Heavy, context: PageContext, allowance: AllowanceUse | None) -> str:
    if allowance is None:
        return ""
    say, left = phrases(context.language), allowance.amount_bytes - allowance.used_bytes
    after = left - heavy.size_bytes if heavy.size_bytes is not None else None
    if after is None or after < 0:
        return say("original.exceeds", left=size_text(max(left, 0), context.language))
    return say("original.left", left=size_text(after, context.language))
