"""What the store of origins' responses is asked, and what it tells of a fetch that nobody waits for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

from multidict import CIMultiDict

from policies.frozen import Frozen
from policies.model import Origin

NOT_STORED = "not-stored"  # the error's code

# Told of bytes about to be taken: may sleep for the rate's sake; False: stop now and keep the part.
Pace = Callable[[int], Awaitable[bool]]


class Asked(Frozen, frozen=True, kw_only=True):
    """One request to an origin, and for whom.

    scheme, host, port  of the public URL; target raw, path and query
    headers             final and end-to-end, Host included; ours to change
    content_length      of a body that streams; None: it goes out in chunks
    expect_continue     as `Upstream.open` takes it
    learner             whose request it is; "": nobody's in particular
    untouched           neither stored nor served from a store: an assessment, or where Tropa was told to keep out
    document            a page or a frame: two learners' requests for it are never joined
    kept_as             the target under which it is kept where that isn't the one asked (a service account's address
                        of what learners have under their own); None: the same
    also_kept_as        targets under which the same may be found besides, where it must be confirmed
    to_save             whoever asks for it under that target gets a file to keep, whatever the one asked says of it
    confirmed_life_s    how long what the origin must confirm is kept after it was last had
    only_stored         no byte may cross to the origin: what isn't stored and fresh raises NOT_STORED
    own_life_s          how long a page of hers may be kept for her alone; 0: not at all
    link_bps, price     what fetching it again costs here (price of a megabyte): an eviction counts it
    """

    origin: Origin | None
    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: CIMultiDict[str]
    body: AsyncIterator[bytes] | bytes | None = None
    content_length: int | None = None
    expect_continue: Callable[[], None] | None = None
    learner: str = ""
    untouched: bool = False
    document: bool = False
    kept_as: str | None = None
    also_kept_as: tuple[str, ...] = ()
    to_save: bool = False
    confirmed_life_s: int = 86_400
    only_stored: bool = False
    own_life_s: int = 0
    link_bps: int | None = None
    price: Decimal = Decimal(0)


class Filled(Frozen, frozen=True, kw_only=True):
    """What came of a fetch for the store.

    status         the origin's; 304: what was stored is still right; 0: `why` says why there is none
    stored         a whole response is in the store now
    complete       the body was taken to its end; False: the part is kept where the origin's validator lets it go on
    fetched_bytes  body bytes taken from the origin's side now
    length_bytes   of the whole, None where it isn't known
    why            the reason for what isn't stored, a word for the log; ""
    retry_s        how long the origin asks to be left alone (Retry-After); None: it doesn't
    head_bytes     what its answers' heads weighed
    """

    status: int
    stored: bool
    complete: bool
    fetched_bytes: int
    length_bytes: int | None = None
    why: str = ""
    retry_s: float | None = None
    head_bytes: int = 0
