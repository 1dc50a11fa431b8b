"""For how long a learner's own page is kept for her alone, so that she can read it while there is no link.

Laws: only where the store lies on her side of the link, at a school's box; only of who is known by a login, since
others sit at the same place and browser; only lessons, forums and recordings, with the parts of their pages; never
where answers count, nor where Tropa was told to keep out.
"""

from __future__ import annotations

from policies.values import Audience, Place, Store, TrafficClass
from proxy.stages.context import Exchange

_DAY_S = 86_400
_PAGES = frozenset((TrafficClass.LESSON, TrafficClass.FORUM, TrafficClass.RECORDING))
_PARTS = _PAGES | {TrafficClass.GENERAL}
_KNOWN_ALONE = frozenset(("session", "header", "login"))


def own_life_s(exchange: Exchange) -> int:
    """0: it isn't kept. Whether it may be at all (`no-store`) is the store's to judge."""
    if not keeps_for_her(exchange) or exchange.inbound.request.method != "GET":
        return 0
    kept = _PAGES if exchange.facts.audience is Audience.PAGE else _PARTS
    return exchange.limits.own_pages_days * _DAY_S if exchange.decision.traffic_class in kept else 0


def keeps_for_her(exchange: Exchange) -> bool:
    """Whether anything is kept here for this learner alone."""
    here = exchange.catalogue.settings.place is Place.SCHOOL and exchange.who.territory.store is Store.SCHOOL_BOX
    return here and exchange.who.learner_by in _KNOWN_ALONE
