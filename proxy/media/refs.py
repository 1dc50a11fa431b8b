"""Which source is meant, how its bytes are asked for, and how that fails: plain values.

Laws of this file: a source is known by what its origin's own validator proves; what the validator doesn't prove to be
the same content for everybody belongs to one learner. HTTP is somebody else's: a `Fetch` is handed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from policies.frozen import Frozen
from proxy.app_addresses import steady_target
from proxy.cache.variant_keys import is_content_hash, stable_url


class SourceRef(Frozen, frozen=True, kw_only=True):
    """One media file of an origin, as the head of its answer to a learner described it.

    url            as received; sent as it is
    etag           as the origin sent it, quotes included; a weak one is not used (RFC 9110 section 8.8.1)
    last_modified  as the origin sent it; used where there is no strong ETag
    length_bytes   None: the origin didn't say
    private        the answer belongs to one learner (a cookie or a token was asked for)
    learner        her keyed hash
    known_key      its key, where its address was not kept
    """

    origin: str
    url: str
    etag: str = ""
    last_modified: str = ""
    length_bytes: int | None = None
    private: bool = True
    learner: str = ""
    known_key: str = ""

    @property
    def validator(self) -> str:
        """What If-Range names; "": the source can't be resumed, and is nobody else's."""
        return self.etag if len(self.etag) > 2 and self.etag.startswith('"') else self.last_modified

    @property
    def shared(self) -> bool:
        """Equal keys mean equal content, whoever asks."""
        return bool(self.validator) and (not self.private or is_content_hash(self.etag))

    @property
    def key(self) -> str:
        """The provisional key: 64 hexadecimal digits; the same where only the activity's revision counts on."""
        if self.known_key:
            return self.known_key
        learner = "" if self.shared else self.learner
        length = "" if self.length_bytes is None else str(self.length_bytes)
        address = stable_url(self.url)
        if is_content_hash(self.etag):
            address = steady_target(address)
        parts = ("media", self.origin, address, self.validator, length, learner)
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def facts_of(ref: SourceRef, content_type: str) -> dict[str, Any]:
    """What is written down of a source to know it again: neither its address nor its learner."""
    return {
        "origin": ref.origin,
        "etag": ref.etag,
        "modified": ref.last_modified,
        "length": ref.length_bytes,
        "private": ref.private,
        "type": content_type,
    }


def ref_of(facts: Mapping[str, Any], url: str, learner: str) -> tuple[SourceRef, str]:
    """(the source, its type) that was written down so. Raises KeyError."""
    ref = SourceRef(
        origin=facts["origin"],
        url=url,
        etag=facts["etag"],
        last_modified=facts["modified"],
        length_bytes=facts["length"],
        private=facts["private"],
        learner=learner,
    )
    return ref, facts["type"]


class Fetched(Frozen, frozen=True, kw_only=True):
    """The origin's answer. headers: names in lower case; chunks raises where the body ends early."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Fetch(Protocol):
    """Asks the origin for a source with one learner's own conditions and credentials.

    offset     from there on (`Range: bytes=offset-`); 0: the whole, without Range
    validator  sent as If-Range where offset or tail is asked for
    tail       the last so many bytes instead (`Range: bytes=-tail`)

    Raises ExchangeError, OSError or TimeoutError where the origin can't be reached or the body breaks off.
    """

    def __call__(self, offset: int, validator: str | None, tail: int | None) -> AbstractAsyncContextManager[Fetched]:
        """An answer that is closed on leaving, however far it was read."""
        ...


class Whole(Frozen, frozen=True, kw_only=True):
    """A source that is on disk from its first byte to its last."""

    path: Path
    sha256: str
    length_bytes: int


class SourceFailed(Exception):
    """A source can't be had.

    why  "too-large", "disk-full", "disk", "no-room", "changed", "coded", "broken" (the origin broke off too often),
         "needs-visit" (only a learner's own request can fetch it), "closed", or "origin-403" and the like
    """

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why = why
        self.detail = detail
