"""A request that comes back to the process that sent it would go round until everything is used up.

Law: told by our own name in Via, which is unique to the process: a school's box and its hub are two.
"""

from __future__ import annotations

from multidict import CIMultiDictProxy

from proxy.errors import loop_detected


def check_loop(headers: CIMultiDictProxy[str], pseudonym: str) -> None:
    """Raises ExchangeError for a request that has passed here before (RFC 9110 section 7.6.3)."""
    if "Via" not in headers:
        return
    via = ",".join(headers.getall("Via"))
    if pseudonym in via and any(pseudonym in entry.split() for entry in via.split(",")):
        raise loop_detected(via[:200])
