"""The outputs of `decide` and `plan`.

Laws of this file: frozen values; unions are closed and matched exhaustively; whoever narrows leaves a Reason.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from policies.frozen import Frozen
from policies.treatments import AudioTreatment, ImageTreatment, PageTreatment, Treatments, VideoTreatment
from policies.values import Audience, CostlyHop, Direction, MediaKind, Mode, Reason, Store, TrafficClass


class Verdict(StrEnum):
    """From the widest to the narrowest."""

    ALLOW = "allow"
    DEFER = "defer"  # opens at `opens_at`: 503 with Retry-After
    REFUSE = "refuse"  # 403


class Price(Frozen, frozen=True, kw_only=True):
    """What the learner's side pays for a megabyte now (1 MB = 1,000,000 bytes). amount 0: free."""

    amount: Decimal = Decimal(0)
    currency: str = "RUB"


class LinkSpeed(Frozen, frozen=True, kw_only=True):
    """The link in force now, by the window, the tariff or the measurement. None: unknown."""

    down_bps: int | None = None
    up_bps: int | None = None
    rtt_ms: int | None = None


class Alternative(Frozen, frozen=True, kw_only=True):
    """What a gate offers instead: "recording", "forum", "text-chat" …, with an address on the same origin."""

    what: str
    href: str


class Decision(Frozen, frozen=True, kw_only=True):
    """What may happen to one exchange, until the clock alone may change it.

    valid_until   next instant at which the clock alone may change this decision; None: never
    opens_at      with DEFER: when it opens; None: not within the next 60 days
    closes_at     with ALLOW in a window: when the window ends
    original_max_bytes  how much the learner may take as "original"; 0: not at all; None: no limit
    stored_only   with DEFER or REFUSE: what is stored on the learner's side of the costly hop may go all the same
    exempt        assessment: never cut, deferred or priced away
    observe       decide and count, but change nothing on the wire: verdict and treatments are what would have been
    bypassed      the operator switched Tropa off for this origin: pass everything
    player_must_stay  a player here must be seen to the end for the course part to count: a stand-in says so
    """

    verdict: Verdict
    region: str
    site: str | None
    origin: str
    mode: Mode
    traffic_class: TrafficClass
    treatments: Treatments
    reasons: tuple[Reason, ...]
    valid_until: datetime | None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    alternatives: tuple[Alternative, ...] = ()
    original_max_bytes: int | None = 0
    rate_bps: int | None = None
    price: Price = Price()
    free_now: bool = False
    link: LinkSpeed = LinkSpeed()
    costly_hop: CostlyHop = CostlyHop.LEARNER_LINK
    store: Store = Store.NONE
    stored_only: bool = False
    exempt: bool = False
    observe: bool = False
    bypassed: bool = False
    honour_no_transform: bool = True
    required_for_credit: bool = False
    player_must_stay: bool = False
    audience: Audience = Audience.PAGE
    direction: Direction = Direction.DOWN


class PassThrough(Frozen, frozen=True, kw_only=True):
    """Byte for byte; only content coding and hop-by-hop headers may change."""

    why: Reason | None = None
    may_recompress: bool = True


class RewritePage(Frozen, frozen=True, kw_only=True):
    """Stream the page through the HTML rewriter."""

    page: PageTreatment
    treatments: Treatments


class DownsampleImage(Frozen, frozen=True, kw_only=True):
    """Make or find the image's variant; hold or send as the link allows.

    What becomes of an animation is in the treatment: only the bytes tell whether the picture is one.
    """

    image: ImageTreatment


class CompressText(Frozen, frozen=True, kw_only=True):
    """Static text: best coding once, kept; the fast one until it is ready."""

    kind: MediaKind


class MinifySvg(Frozen, frozen=True, kw_only=True):
    """A drawing as text: without what nobody sees, in its best coding if it is `static`, else coded as it goes."""

    static: bool


class AdaptVideo(Frozen, frozen=True, kw_only=True):
    """A film in one file. form CAPPED: the smaller film goes in its place; else its card, with the versions to choose.

    In an assessment the form is CAPPED, and what can't be made smaller goes as it is.
    """

    video: VideoTreatment
    kind: MediaKind


class AdaptAudio(Frozen, frozen=True, kw_only=True):
    """A recording in one file: the smaller one goes in its place."""

    audio: AudioTreatment


class RewriteLadder(Frozen, frozen=True, kw_only=True):
    """A manifest with fewer rungs. form CAPPED: the rungs within the limits; any other: its sound alone.

    A manifest without rungs (one rung's own list, a live window) passes. Segments are no manifests and pass.
    """

    stream: VideoTreatment
    manifest: Literal["hls", "dash"]


class Withhold(Frozen, frozen=True, kw_only=True):
    """The body stays on this side: a card, a status or an empty stand-in goes instead.

    kind is the media kind withheld; size_bytes what it would have cost, None if unknown.
    """

    kind: MediaKind
    reason: Reason
    size_bytes: int | None = None


Plan = (
    PassThrough
    | RewritePage
    | DownsampleImage
    | MinifySvg
    | CompressText
    | AdaptVideo
    | AdaptAudio
    | RewriteLadder
    | Withhold
)
