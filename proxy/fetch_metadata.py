"""What a browser says of a request that a service worker passes on (Fetch Metadata).

Law of this file: pure. The destination is "empty" then, as for a script's own request; the mode is "navigate" in
Chromium, and "same-origin" in Firefox, as Fetch says of the Request constructor. What tells such a page from a script's
own request is `Upgrade-Insecure-Requests`, which browsers send with navigations alone.
"""

from __future__ import annotations

from collections.abc import Mapping


def is_passed_on_page(headers: Mapping[str, str]) -> bool:
    """Whether a request with the destination "empty" is for a page that a person opens."""
    mode = headers.get("Sec-Fetch-Mode", "").lower()
    return mode == "navigate" or (mode == "same-origin" and headers.get("Upgrade-Insecure-Requests") == "1")
