"""What a stage hands to the sending side: an answer not yet on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from msgspec import Struct
from multidict import CIMultiDict

from policies.values import MediaKind, Reason
from proxy.cache.stored import StoredResponse
from proxy.deliver.turns import Turn
from proxy.upstream.reply import FORWARDED, Way

Body = bytes | Path | AsyncIterator[bytes] | None


class Tally(Struct):
    """What one exchange counts while it runs; the receipt is made from it at the end.

    treatment  the receipt's word for what was done
    turn       this answer's place in the learner's line, None where it stands in none
    way        how the origin's side was had: from a store, or as the origin sent it
    direct     bytes that the same answer would have moved without Tropa; None: as many as were sent
    made_of    the stored response that the answer was made of, where the next like request gets the same; else None
    """

    treatment: str = "pass"
    kind: MediaKind = MediaKind.OTHER
    from_origin_bytes: int = 0
    up_bytes: int = 0
    direct_bytes: int | None = None
    withheld_bytes: int = 0
    reasons: tuple[Reason, ...] = ()
    support_code: str | None = None
    error: str | None = None
    turn: Turn | None = None
    way: Way = FORWARDED
    made_of: StoredResponse | None = None


class Answer(Struct):
    """Status, head and body of a response.

    headers    end-to-end headers only; Content-Length where the length is known
    body       None for no body at all (HEAD, 204, 304)
    close      what to call when the answer has been sent or given up (releases the upstream connection)
    """

    status: int
    headers: CIMultiDict[str]
    body: Body = None
    reason: str | None = None
    close: Callable[[], Awaitable[None]] | None = None
