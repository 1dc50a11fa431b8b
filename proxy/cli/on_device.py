"""What `tropa explain` says of the learner's own store: whether her browser may keep this page, and what is in the way.

Law of this file: what the running Tropa has seen (a worker of the course's own, a page's policy) is told as seen, with
the state that it was read from; without it nothing is said of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from policies.paths import meant
from policies.values import Mode
from policies.words import size

if TYPE_CHECKING:
    from policies.explain import Explanation
    from policies.model import Catalogue
    from proxy.cli.command import Call


def on_device(
    call: Call, catalogue: Catalogue, explained: Explanation, seen: Mapping[str, frozenset[str]]
) -> str | None:
    """One sentence; None where the origin has no such store. seen: kind of mark -> ids of origins."""
    from proxy.own.own_workers import BY_POLICY, OWN_WORKER

    decision, words = explained.decision, call.words
    origin = catalogue.origins.get(decision.origin)
    if origin is None or not origin.own_store.enabled:
        return None
    store, path = origin.own_store, urlsplit(explained.url).path
    if explained.mode is not Mode.REVERSE:
        return words("нет: только в обратном режиме", "no: in reverse mode alone")
    if decision.observe or decision.bypassed:
        return words("нет: Tropa здесь ничего не меняет", "no: Tropa changes nothing here")
    if decision.exempt:
        return words("никогда: здесь отвечают на задания", "never: answers count here")
    if any(pattern.search(meant(path)) for pattern in store.never):
        return words("никогда: так сказано в never или never_kept", "never: never or never_kept says so")
    if origin.id in seen.get(OWN_WORKER, ()):
        return words("нет: у сайта свой service worker", "no: the site has a service worker of its own")
    days = round(store.keep_s / 86_400)
    kept = words(f"до {size(store.max_bytes)}, {days} дн.", f"up to {size(store.max_bytes)}, {days} days")
    if origin.id in seen.get(BY_POLICY, ()):
        but = words(
            "Content-Security-Policy некоторых страниц это запрещает", "some pages' Content-Security-Policy forbids it"
        )
        return f"{kept}; {but}"
    return kept
