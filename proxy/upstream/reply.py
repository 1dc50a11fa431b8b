"""What the stages see of a response, whether an origin sends it now or a store does.

Laws: bytes pass as the origin sent them; a body that ends early raises and is never mistaken for a complete one;
whoever holds a reply ends it with `release` or `abort`; what a reply says of its way is the truth.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from multidict import CIMultiDictProxy


class Whose(StrEnum):
    """Who may be served from a stored response."""

    SHARED = "shared"  # anybody, as RFC 9111 lets a shared cache
    CONFIRMED = "confirmed"  # who the origin has answered 304 to, in her own name
    OWN = "own"  # the learner whose page it was


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a reply came.

    whose         the stored response that it is; None: the origin's own answer to this request
    age_s         seconds since the origin made or last confirmed it
    cache_status  what Cache-Status says of it (RFC 9211), our own name included; "": nothing
    instead       it goes out stale, in the stead of an answer that no link brought
    """

    whose: Whose | None = None
    age_s: int = 0
    cache_status: str = ""
    instead: bool = False


FORWARDED = Way()


class OriginReply(Protocol):
    """A response whose head is complete.

    status, reason   as the origin sent them
    headers          all fields, in order, hop-by-hop ones included
    raw_headers      every field's bytes
    content_length   None where the origin didn't say
    close_delimited  the body ends with the connection: its end can't be told from a break
    at_end           the whole body has been read; True from the start where there is none
    from_origin      the bytes last read came from the origin's side: they crossed the way there for this exchange
    """

    @property
    def status(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def headers(self) -> CIMultiDictProxy[str]: ...
    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]: ...
    @property
    def http_version(self) -> tuple[int, int]: ...
    @property
    def content_length(self) -> int | None: ...
    @property
    def close_delimited(self) -> bool: ...
    @property
    def at_end(self) -> bool: ...
    @property
    def from_origin(self) -> bool: ...
    @property
    def way(self) -> Way: ...

    def iter_chunks(self, max_bytes: int = 16384) -> AsyncIterator[bytes]:
        """What is left of the body, in pieces of at most max_bytes.

        Raises ExchangeError: upstream-truncated, upstream-timeout, upstream-too-large.
        """
        ...

    async def read_up_to(self, max_bytes: int, within_s: float) -> bytes:
        """The body's next bytes: until max_bytes are there, the body ends, or within_s seconds are over.

        They are consumed. Raises ExchangeError as `iter_chunks`.
        """
        ...

    def release(self) -> None:
        """Done with it: what it stands on is given back, or closed where the body was not read to its end."""
        ...

    def abort(self) -> None:
        """Give it up now."""
        ...
