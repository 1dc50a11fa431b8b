"""Nobody takes all the places there are for running exchanges.

One machine that asks for slow pages and hangs up holds a place for each until the origin has answered; a quarter of
all places is more than a school behind one address ever needs.

Laws: counting costs two look-ups an exchange; whoever can't be told apart (this very machine, a front on a Unix
socket that names nobody) has no share; what isn't running is forgotten.
"""

from __future__ import annotations

from proxy.errors import overloaded
from proxy.exchange import IPAddress

_PART = 4  # a quarter of all
_AT_LEAST = 32


class Shares:
    """One listener's running exchanges by client."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[int, int] = {}

    def take(self, client: IPAddress, of_all: int) -> int:
        """A place for one more; what is to be given back. of_all: how many there are. Raises ExchangeError: 503."""
        holder = _holder(client)
        if not holder:
            return 0
        taken = self._open.get(holder, 0)
        if taken >= max(_AT_LEAST, of_all // _PART):
            raise overloaded(f"{taken} exchanges of one address")
        self._open[holder] = taken + 1
        return holder

    def give_back(self, holder: int) -> None:
        """The exchange has ended."""
        if not holder:
            return
        left = self._open[holder] - 1
        if left:
            self._open[holder] = left
        else:
            del self._open[holder]

    def __len__(self) -> int:
        return len(self._open)


def _holder(client: IPAddress) -> int:
    """Who counts as one: an IPv4 address, or an IPv6 network of 64 bits, which a single machine may have; 0: nobody."""
    number = int(client)
    if client.version == 4:
        return 0 if number >> 24 == 127 else number
    return 0 if number < 2 else -(number >> 64)
