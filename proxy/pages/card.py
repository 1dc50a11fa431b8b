"""The readable stand-in for something withheld, and the bar at a page's end.

Laws of this file:
- A card is at most 4 kB whatever a page or a token brings: folded parts go first, then the original's button.
- No inline style or script; class names begin with "tropa-"; it reads well unstyled.
- Cards hold no form of their own: a form inside a page's form would break it, and one inside a paragraph splits it.
  Their buttons belong, by id, to the one form of `page_bar` (or `forms_foot`), which stands last in the page.
"""

from __future__ import annotations

from datetime import datetime

from policies.frozen import Frozen
from policies.money import metered
from policies.treatments import Form
from policies.values import CostlyHop, MediaKind, Store, TrafficClass
from policies.windows import current_close
from proxy.pages.context import PageContext, Savings
from proxy.pages.figures import money_text, size_text, transfer_text
from proxy.pages.moments import moment_text, span_text
from proxy.pages.offer import Advice, Offer, offer_for
from proxy.pages.phrases import Phrases, phrases
from proxy.pages.reasons import why_withheld
from proxy.pages.render import encode, render
from proxy.pages.versions import credit_text, versions_for
from proxy.transforms.spec import Heavy

MAX_CARD_BYTES = 4096
_MAX_TITLE = 120  # characters; Cyrillic takes two bytes each, and a longer title is read in the course itself


class CardText(Frozen, frozen=True, kw_only=True):
    """A card's sentences, ready to be set."""

    label: str
    what: str
    title: str
    host: str
    figures: tuple[str, ...]
    why: str
    advice: Advice
    advised: str
    facts: tuple[str, ...]
    offer: Offer
    credit: str
    in_browser: str = ""


def card(heavy: Heavy, context: PageContext) -> bytes:
    """The card for one heavy thing: a block of its own, or a phrase inside a line of text. At most 4 kB."""
    text = card_text(heavy, context)
    name = "card.html" if heavy.block else "inline.html"
    for folded, buttons, others in (
        (True, True, True),
        (True, True, False),
        (False, True, False),
        (False, False, False),
    ):
        parts = {"folded": folded, "buttons": buttons, "others": others}
        markup = render(name, context.language, card=text, context=context, **parts)
        body = encode(markup, context.charset)
        if len(body) <= MAX_CARD_BYTES:
            return body
    return encode(render("least.html", context.language, card=text), context.charset)


def other_versions(heavy: Heavy, context: PageContext) -> bytes:
    """What stands behind a film's player that stays: its other versions, folded; b"" for none."""
    text = card_text(heavy, context)
    others = tuple(version for version in text.offer.versions if version.form != Form.CAPPED)
    if not others:
        return b""
    return encode(render("versions_below.html", context.language, card=text, versions=others), context.charset)


def light_copies(heavy: Heavy, context: PageContext) -> bytes:
    """What stands behind a link to a document: its recommended light copy, in three words; b"" for none.

    The others are a second, shorter link away: rows of files have little room.
    """
    versions = versions_for(heavy, context)
    if not versions:
        return b""
    say, size = phrases(context.language), versions[0].short_size
    label = say("version.light_size", size=size) if size else say("version.light")
    markup = render("light.html", context.language, version=versions[0], label=label, more=len(versions) > 1)
    return encode(markup, context.charset)


def page_bar(context: PageContext, savings: Savings) -> bytes:
    """The discreet line at a page's end, and the form that the cards' buttons belong to."""
    saved = savings.page_bytes or savings.today_bytes
    key = "bar.saved_page" if savings.page_bytes else "bar.saved_today"
    told = phrases(context.language)(key, size=size_text(saved, context.language)) if saved else ""
    ready = phrases(context.language).plural("bar.ready", context.ready) if context.ready else ""
    waits = phrases(context.language).plural("bar.waits", context.left) if context.left else ""
    markup = render("bar.html", context.language, saved=told, left=_left_to_spend(context), ready=ready, waits=waits)
    return encode(markup, context.charset)


def _left_to_spend(context: PageContext) -> str:
    """What is left of her allowance, the school's or the area's, and until when; "" where nothing is counted."""
    use = context.allowance
    if use is None:
        return ""
    say, minute = phrases(context.language), context.now.replace(second=0, microsecond=0)
    left = max(use.amount_bytes - use.used_bytes, 0)
    when = moment_text(use.renews_at, minute, context.territory.zone, context.language)
    key = f"bar.left.{use.scope}" if left else f"bar.spent.{use.scope}"
    return say(key, left=size_text(left, context.language), when=when)


def forms_foot(context: PageContext) -> bytes:
    """Only the form that the cards' buttons belong to, for pages without a bar."""
    return encode(render("forms.html", context.language), context.charset)


def card_text(heavy: Heavy, context: PageContext) -> CardText:
    """What a card says, before it is set."""
    say = phrases(context.language)
    offer = offer_for(heavy, context)
    what = _what(heavy, context, say)
    title = _shortened(heavy.title)
    return CardText(
        label=say("card.label", what=what),
        what=what,
        title=title,
        host=_host(heavy.host_name, say),
        figures=_figures(heavy, context, offer, say),
        why=why_withheld(heavy, context.decision, context.language),
        advice=offer.advice,
        advised=_advised(context, offer, say),
        facts=_facts(heavy, context, offer, say),
        offer=offer,
        credit=credit_text(heavy, context, versions=bool(offer.versions)),
        in_browser=_in_browser(context, offer, say),
    )


def _what(heavy: Heavy, context: PageContext, say: Phrases) -> str:
    recorded = context.decision.traffic_class is TrafficClass.RECORDING
    if recorded and heavy.kind in (MediaKind.VIDEO, MediaKind.STREAM):
        return say("kind.recording")
    return say.first(f"kind.{heavy.kind}", "kind.other")


def _host(name: str, say: Phrases) -> str:
    key = f"host.{name}"
    return say(key) if say.has(key) else name[:40]


def _shortened(title: str) -> str:
    """Pages bring titles of any length; control characters would not be HTML."""
    title = "".join(char if char.isprintable() else " " for char in title[: 20 * _MAX_TITLE])
    title = " ".join(title.split())
    return title if len(title) <= _MAX_TITLE else title[: _MAX_TITLE - 1].rstrip() + "…"


def _figures(heavy: Heavy, context: PageContext, offer: Offer, say: Phrases) -> tuple[str, ...]:
    """How big, how long, how much: what is known of it."""
    decision, figures = context.decision, []
    if heavy.size_bytes is not None:
        figures.append(size_text(heavy.size_bytes, context.language))
        if decision.link.down_bps:
            took = transfer_text(heavy.size_bytes, decision.link.down_bps, context.language)
            figures.append(say("card.on_this_link", time=took))
        figures += _of_left(heavy.size_bytes, context, say)
    else:
        figures.append(say("card.size_unknown"))
    money = _money(context, offer, say)
    return (*figures, money) if money else tuple(figures)


def _of_left(size_bytes: int, context: PageContext, say: Phrases) -> list[str]:
    """Beside a size, what it would be taken from; nothing where no allowance counts it."""
    use = context.allowance
    if use is None:
        return []
    left = max(use.amount_bytes - use.used_bytes, 0)
    key = "card.of_left" if metered(size_bytes, context.territory.tariff) <= left else "card.above_left"
    return [say(key, left=size_text(left, context.language))]


def _money(context: PageContext, offer: Offer, say: Phrases) -> str:
    decision = context.decision
    if decision.costly_hop is CostlyHop.NONE:
        return ""
    if not offer.priced:
        return say("card.free_now") if decision.free_now else ""
    school = decision.costly_hop is CostlyHop.SITE_UPLINK
    if offer.cost is not None:
        money = money_text(offer.cost, decision.price.currency, context.language)
        return say("card.cost_school" if school else "card.cost", money=money)
    money = money_text(decision.price.amount, decision.price.currency, context.language)
    return say("card.per_mb_school" if school else "card.per_mb", money=money)


def _advised(context: PageContext, offer: Offer, say: Phrases) -> str:
    """The sentence beside, or instead of, the recommended button."""
    zone, now, language = context.territory.zone, context.now, context.language
    match offer.advice:
        case Advice.WAIT_OPEN:
            assert offer.opens_at is not None
            return say("advice.wait_open", when=moment_text(offer.opens_at, now, zone, language))
        case Advice.WAIT_FREE:
            return say("advice.wait_free", when=_free(context, offer))
        case Advice.TONIGHT:
            store = "school" if context.decision.store is Store.SCHOOL_BOX else "browser"
            return say(f"advice.tonight_{store}", when=_free(context, offer))
        case Advice.SHOW_FREE:
            return _free_until(context, say)
        case Advice.ASK:
            return say("advice.ask")
        case _:
            return ""


def _in_browser(context: PageContext, offer: Offer, say: Phrases) -> str:
    """When her own browser can fetch it, and what that takes; "" where it can't."""
    if offer.in_browser is None:
        return ""
    when = span_text(*offer.in_browser, context.now, context.territory.zone, context.language)
    return say("advice.tonight_browser", when=when)


def _free(context: PageContext, offer: Offer) -> str:
    assert offer.free is not None
    return span_text(*offer.free, context.now, context.territory.zone, context.language)


def _free_until(context: PageContext, say: Phrases) -> str:
    """Only an open window has an end to tell; a link without a price is free at any hour."""
    until = context.decision.free_now and _window_end(context)
    if not until:
        return ""
    return say("advice.free_until", when=moment_text(until, context.now, context.territory.zone, context.language))


def _window_end(context: PageContext) -> datetime | None:
    return current_close(context.territory.tariff.free, context.now)


def _facts(heavy: Heavy, context: PageContext, offer: Offer, say: Phrases) -> tuple[str, ...]:
    """What stands in the folded part beside buttons and links."""
    facts = []
    if offer.free is not None and offer.advice is not Advice.WAIT_FREE:
        facts.append(say("card.free_at", when=_free(context, offer)))
    limit = context.decision.original_max_bytes
    too_big = bool(limit) and heavy.size_bytes is not None and heavy.size_bytes > (limit or 0)
    if too_big and limit:
        facts.append(say("card.over_limit", limit=size_text(limit, context.language)))
    return tuple(facts)
