"""What a page or card is told: values, filled by the pipeline once per exchange.

Laws of this file: frozen values; nothing here reads a clock, a file or a socket. What the context lacks (a token,
a support code, a free window) is simply not offered: a page never promises what nobody can keep.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal

from msgspec import field

from policies.decision import Decision
from policies.facts import AllowanceUse
from policies.frozen import Frozen
from policies.model import Territory
from policies.values import Text
from proxy.pages.versions import OfferFor
from proxy.transforms.spec import Heavy

# A token bound to the URL it is given, for one action; it carries the URL, since no form ever names one freely.
TokenFor = Callable[[str], str]


class PageContext(Frozen, frozen=True, kw_only=True):
    """For whom, where and when something is rendered.

    language      "ru" or "en"
    now           aware; the only clock that a page knows
    origin_title  the site's name in the reader's language
    page_url      absolute URL that the learner asked for
    support_code  None: none is shown
    tokens        action -> maker of its token; actions are "original", "tonight", "report", "place", "language";
                  an action without one is not offered
    charset       of the page that cards go into; pages of our own are always UTF-8
    allowance     the tightest one that what she opens now draws on; None: none, and then nothing is told of it
    keeps         her browser's own store is on here, so that it can fetch in the free hours
    script        our script element for a page of our own, "" for none
    nightly       whether an address can be had in the free hours without her; None: nothing can
    left          how many messages of hers wait from another login
    by_night      whether one of these versions of a thing can be made in the free hours; None: as far as policy allows
    ready         how many things of hers have come since she last looked at her receipts
    media         what makes lighter versions of a thing possible; None: none can be had here
    """

    language: str
    territory: Territory
    decision: Decision
    now: datetime
    origin_title: str = ""
    page_url: str = ""
    support_code: str | None = None
    tokens: Mapping[str, TokenFor] = field(default_factory=dict)
    charset: str = "utf-8"
    allowance: AllowanceUse | None = None
    media: OfferFor | None = None
    script: str = ""
    nightly: Callable[[str], bool] | None = None
    by_night: Callable[[Heavy, Collection[str]], bool] | None = None
    ready: int = 0
    left: int = 0
    keeps: bool = False

    def token(self, action: str, url: str = "") -> str | None:
        """The token for this action on this URL, None where the action is not offered."""
        make = self.tokens.get(action)
        return make(url) if make else None


class Savings(Frozen, frozen=True, kw_only=True):
    """What was saved for this learner. None: not known, and then not shown. money 0: nothing to show."""

    page_bytes: int | None = None
    today_bytes: int | None = None
    month_bytes: int | None = None
    today_money: Decimal = Decimal(0)
    month_money: Decimal = Decimal(0)
    currency: str = "RUB"


class PlaceChoice(Frozen, frozen=True, kw_only=True):
    """A place that a learner may say she is at. site None: the region itself."""

    region: str
    site: str | None
    title: Text


class PlaceView(Frozen, frozen=True, kw_only=True):
    """What the place page shows beside the context.

    known_by     "header" | "login" | "choice" | "network" | "listener" | "default", as in `Who`
    choices      regions marked selectable; empty: the place can't be changed
    allowances   what is used of each allowance now
    stale        she came here by a button whose token no longer opens: nothing was changed, and the page says so
    """

    known_by: str
    choices: tuple[PlaceChoice, ...] = ()
    allowances: tuple[AllowanceUse, ...] = ()
    savings: Savings = Savings()
    stale: bool = False
