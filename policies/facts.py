"""What is known about an exchange: the inputs of `decide` and `plan`.

Laws of this file: frozen values without behaviour; nothing here refers to a socket, a header map or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec import field

from policies.frozen import Frozen
from policies.values import Audience, Direction, MediaKind, Mode, Scope


class Hints(Frozen, frozen=True, kw_only=True):
    """What the browser says of its link and screen (Save-Data, Network Information and client hints)."""

    save_data: bool = False
    downlink_bps: int | None = None
    rtt_ms: int | None = None
    ect: str | None = None  # "slow-2g", "2g", "3g", "4g"
    mobile: bool = False
    viewport_width_px: int | None = None
    dpr: float | None = None


NO_HINTS = Hints()


class RequestFacts(Frozen, frozen=True, kw_only=True, gc=False):
    """One request as the policy sees it, before a byte is fetched.

    host is lower case without port; path is the raw path without query; query the raw query without "?".
    origin is the id of a configured origin, or "" for any other host (forward mode).
    kind is what the request asks for where that is known (Sec-Fetch-Dest, file name), else None.
    measured_bps is the link as measured from delivered bytes, None while unknown.
    """

    region: str
    site: str | None = None
    learner: str | None = None
    groups: frozenset[str] = frozenset()
    mode: Mode = Mode.REVERSE
    method: str = "GET"
    scheme: str = "https"
    host: str
    port: int = 443
    path: str = "/"
    query: str = ""
    origin: str = ""
    audience: Audience = Audience.PAGE
    kind: MediaKind | None = None
    direction: Direction = Direction.DOWN
    upload_bytes: int | None = None
    hints: Hints = NO_HINTS
    measured_bps: int | None = None
    wants_original: bool = False  # the learner's own grant for this URL is in force


class AllowanceUse(Frozen, frozen=True, kw_only=True, gc=False):
    """What is used of one allowance in its current period.

    used_bytes counts metered bytes settled and reserved.
    """

    scope: Scope
    used_bytes: int
    amount_bytes: int
    renews_at: datetime


class Usage(Frozen, frozen=True, kw_only=True, gc=False):
    """What the deciding moment knows of budgets and load. Empty where nothing is limited."""

    allowances: tuple[AllowanceUse, ...] = ()
    encoder_busy: bool = False


NO_USAGE = Usage()


class ResponseFacts(Frozen, frozen=True, kw_only=True, gc=False):
    """The response's head and what its first bytes are.

    content_type is the lower-case essence ("text/html"), "" if absent. sniffed is the kind that the body's first
    bytes prove (None: they prove nothing). length_bytes is the decoded-free Content-Length, None if unknown.
    content_coding is the lower-case Content-Encoding, "" for identity. An attachment is a download by the
    origin's own word (Content-Disposition). manifest is the language of a ladder that the first bytes prove.
    """

    status: int
    content_type: str = ""
    charset: str | None = None
    sniffed: MediaKind | None = None
    length_bytes: int | None = None
    content_coding: str = ""
    attachment: bool = False
    no_transform: bool = False
    private: bool = False
    immutable: bool = False
    partial: bool = False  # 206
    path: str = "/"  # the request's, raw, without query
    manifest: Literal["", "hls", "dash"] = ""
    request_kind: MediaKind | None = None
    accepts: frozenset[str] = frozenset()  # image types the browser accepts: "image/avif", "image/webp"
    headers: Mapping[str, str] = field(default_factory=dict)  # lower-case names; only for rules of presets
