"""The page of what a device keeps, and the same page where another can't be had for want of a link.

Laws of this file: the server knows nothing of what a device keeps; the page's scripts read it from the device itself.
"""

from __future__ import annotations

from proxy.pages.context import PageContext
from proxy.pages.device import script_href
from proxy.pages.full import full_page


def store_page(context: PageContext, *, offline: bool) -> bytes:
    """offline: the page that stands for one that isn't on the device."""
    scripts = tuple(script_href(name, context.language) for name in ("keep", "store"))
    return full_page("store.html", context, offline=offline, scripts=scripts)
