"""The learner's own page, `/.tropa/`: where she is, what the link costs, what is left, what was saved.

Laws of this file: times are the learner's own; a tariff's hours also stand on the tariff's own clock, because that
is how her contract names them. Whatever changes something is a POST with a token.
"""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlsplit

from babel.dates import get_day_names

from policies.facts import AllowanceUse
from policies.frozen import Frozen
from policies.model import Window
from policies.values import CostlyHop, Store
from proxy.pages.context import PageContext, PlaceView, Savings
from proxy.pages.figures import money_text, size_text
from proxy.pages.moments import clock_text, moment_text, span_text, zone_text
from proxy.pages.offer import free_span
from proxy.pages.phrases import Phrases, phrases
from proxy.pages.render import render
from proxy.pages.static import RESERVED

_MAX_WINDOWS = 6
_DAY_SETS = {
    frozenset(range(7)): "place.all_days",
    frozenset(range(5)): "place.workdays",
    frozenset({5, 6}): "place.weekends",
}


class AllowanceLine(Frozen, frozen=True, kw_only=True):
    title: str
    text: str
    left: int
    amount: int


def place_page(context: PageContext, view: PlaceView) -> bytes:
    """The page behind the bar's link. Forms appear for the tokens that the context has.

    context.page_url is the course's page that she came from (the Referer), not this page's own address.
    """
    territory, language = context.territory, context.language
    say, came_from = phrases(language), _course_page(context.page_url)
    markup = render(
        "place.html",
        language,
        context=context,
        view=view,
        site=context.origin_title,
        home=bool(context.origin_title),
        place=territory.title.in_language(language),
        tariff=_tariff_lines(context, say),
        allowances=[_allowance_line(use, context, say) for use in view.allowances],
        saved=_saved_lines(view.savings, language, say),
        change_token=context.token("place"),
        came_from=came_from,
        report_token=context.token("report", came_from) if came_from else None,
        night=context.nightly is not None and territory.store is Store.SCHOOL_BOX,
        tonight_token=_tonight_token(context, came_from),
        language_token=context.token("language"),
        other_language="en" if say.language == "ru" else "ru",
        institute=territory.institute,
        code=context.support_code,
    )
    return markup.encode("utf-8")


def _tonight_token(context: PageContext, url: str) -> str | None:
    """For the page that she came from, where it can be had in the free hours without her."""
    if not url or context.nightly is None or not context.nightly(url):
        return None
    return context.token("tonight", url)


def _course_page(url: str) -> str:
    """The page she came from, to go back to or report; "" where it is one of our own."""
    return "" if urlsplit(url).path.startswith(f"{RESERVED}/") else url


def _tariff_lines(context: PageContext, say: Phrases) -> list[str]:
    decision, tariff, zone = context.decision, context.territory.tariff, context.territory.zone
    now, language = context.now, context.language
    if decision.costly_hop is CostlyHop.NONE or (decision.price.amount == 0 and not decision.free_now):
        return [say("place.no_price")]
    span = free_span(tariff.free, now)
    lines = []
    if decision.free_now:
        until = span[1] if span and span[0] <= now else None
        when = moment_text(until, now, zone, language) if until else ""
        lines.append(say("place.free_until", when=when) if until else say("place.free_now"))
    else:
        money = money_text(decision.price.amount, decision.price.currency, language)
        lines.append(say("place.price", money=money))
        if span:
            when = span_text(*span, now, zone, language)
            lines.append(say("place.next_free", when=when, zone=zone_text(zone, now, language)))
    if tariff.free.windows:
        windows = "; ".join(_window_text(window, context, say) for window in tariff.free.windows[:_MAX_WINDOWS])
        lines.append(say("place.windows", windows=windows))
    return lines


def _window_text(window: Window, context: PageContext, say: Phrases) -> str:
    end = clock_text(window.end) if window.end else "24:00"
    text = say("place.window", days=_days_text(window.weekdays, say), start=clock_text(window.start), end=end)
    own_time = window.zone.utcoffset(context.now.astimezone(window.zone))
    if own_time != context.now.astimezone(context.territory.zone).utcoffset():
        text = say("place.window_zone", window=text, zone=zone_text(window.zone, context.now, context.language))
    return f"{text}, {say('place.except')}" if window.only or window.not_on else text


def _days_text(weekdays: frozenset[int], say: Phrases) -> str:
    if weekdays in _DAY_SETS:
        return say(_DAY_SETS[weekdays])
    names = get_day_names("abbreviated", locale=say.locale)
    return say("place.some_days", days=", ".join(names[day] for day in sorted(weekdays)))


def _allowance_line(use: AllowanceUse, context: PageContext, say: Phrases) -> AllowanceLine:
    left = max(use.amount_bytes - use.used_bytes, 0)
    when = moment_text(use.renews_at, context.now, context.territory.zone, context.language)
    amount = size_text(use.amount_bytes, context.language)
    text = say("place.left", left=size_text(left, context.language), amount=amount, when=when)
    return AllowanceLine(
        title=say(f"place.scope.{use.scope}"),
        text=text if left else say("place.spent", when=when),
        left=left,
        amount=use.amount_bytes,
    )


def _saved_lines(savings: Savings, language: str, say: Phrases) -> list[tuple[str, str]]:
    told = (
        ("place.saved_today", savings.today_bytes, savings.today_money),
        ("place.saved_month", savings.month_bytes, savings.month_money),
    )
    return [(say(key), _saved_text(size, money, savings.currency, language, say)) for key, size, money in told if size]


def _saved_text(size: int, money: Decimal, currency: str, language: str, say: Phrases) -> str:
    shown = size_text(size, language)
    return say("place.saved_both", size=shown, money=money_text(money, currency, language)) if money else shown
