"""Heads that were read before: what a browser sends over a kept connection differs in little but its target.

llhttp, the objects around it and the checks of `strict` read the same lines again and again. A head that they have
read whole is remembered by its bytes without the request line; the next one that is equal to the byte takes what they
made of it.

Laws: only what llhttp itself has read as one whole request without a body is remembered; only between two requests,
and only a target of plain characters, is taken so: all else, in any doubt, goes the ordinary way; `strict` still
looks at target and size of each; memory is bounded by number and length. Cookies are part of what is compared, so
nobody takes another's head; nothing of it is written anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field

from aiohttp import HttpVersion11, web
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDict
from yarl import URL

from policies.memory import remember
from policies.model import Catalogue, Limits

_MOST = 2048
_MAX_BYTES = 4096  # of head and target
# RFC 3986 without "#", and without what yarl or llhttp might read in a way of its own ("//", an absolute address).
_LINE = re.compile(rb"(GET|HEAD) (/(?:[A-Za-z0-9._~!$&'()*+,;=:@?%-][A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?) HTTP/1\.1")
_BODY_OR_MORE = ("Content-Length", "Transfer-Encoding", "Upgrade", "Expect", "HTTP2-Settings")
_NO_URL = URL("/")  # nobody asks a request for it: targets go as received


@dataclass(slots=True)
class KnownHead:
    """field_bytes: as `strict` counts them; checked: the limits under which `strict` let it pass, None: not yet;
    made: see `Inbound.made`."""

    message: RawRequestMessage
    field_bytes: int
    checked: Limits | None = None
    made: dict[Hashable, tuple[Catalogue, CIMultiDict[str]]] = field(default_factory=dict)

    def is_within(self, target: str, limits: Limits) -> bool:
        """Whether `strict` has nothing against this head, and nothing against its size with this target."""
        return self.checked is limits and self.field_bytes + len(target) <= limits.max_header_bytes


class KnownHeads:
    """One listener's."""

    def __init__(self) -> None:
        self._heads: dict[bytes, KnownHead] = {}

    def find(self, data: bytes) -> tuple[RawRequestMessage, KnownHead] | None:
        """What `data` says if it is a known head with a plain target, and nothing else."""
        if len(data) > _MAX_BYTES:
            return None
        end = data.find(b"\r\n")
        known = self._heads.get(data[end:])
        line = _LINE.fullmatch(data, 0, max(end, 0)) if known is not None else None
        if known is None or line is None:
            return None
        old = known.message
        message = RawRequestMessage(
            line[1].decode(),
            line[2].decode(),
            HttpVersion11,
            old.headers,
            old.raw_headers,
            old.should_close,
            None,
            False,
            False,
            _NO_URL,
        )
        return message, known

    def keep(self, data: bytes, message: RawRequestMessage) -> None:
        """Remember what llhttp has read from exactly these bytes."""
        end = data.find(b"\r\n")
        plain = _LINE.fullmatch(data, 0, max(end, 0)) is not None and data.find(b"\r\n\r\n") == len(data) - 4
        if not plain or len(data) > _MAX_BYTES or message.upgrade or message.compression:
            return
        if any(name in message.headers for name in _BODY_OR_MORE):
            return
        field_bytes = sum(len(name) + len(value) + 4 for name, value in message.raw_headers)
        remember(self._heads, data[end:], KnownHead(message, field_bytes), _MOST)


def made_before(request: web.BaseRequest) -> dict[Hashable, tuple[Catalogue, CIMultiDict[str]]] | None:
    """What was made of heads that are equal to this request's; None: there was none."""
    known: KnownHead | None = getattr(request.protocol, "known", None)
    return None if known is None else known.made
