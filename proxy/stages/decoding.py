"""A body of the origin's decoded: what is broken, truncated or a bomb in it is the origin's fault, and said so."""

from __future__ import annotations

from proxy.deliver.codings import CodingError, Decoder
from proxy.errors import upstream_malformed


class OriginDecoder(Decoder):
    """`Decoder` that raises ExchangeError (upstream-malformed) in place of CodingError."""

    __slots__ = ()

    def feed(self, data: bytes) -> bytes:
        try:
            return super().feed(data)
        except CodingError as error:
            raise upstream_malformed(str(error)) from error

    def finish(self) -> None:
        try:
            super().finish()
        except CodingError as error:
            raise upstream_malformed(str(error)) from error
