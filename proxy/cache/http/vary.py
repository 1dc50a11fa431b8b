"""Which of several stored responses a request is for (RFC 9111 section 4.1).

Laws: what isn't the same after tidying doesn't match; the values themselves are never kept, only their digest: among
them may be cookies. Content codings are matched by what they mean: a body that an origin coded for one client is for
every client that takes this coding, and one that it left uncoded for everybody who offered it no more.
"""

from __future__ import annotations

from hashlib import blake2b

from policies.frozen import Frozen
from proxy.cache.http.directives import Fields

_ENCODING = "accept-encoding"
_CODINGS = frozenset({"gzip", "br", "zstd", "deflate", "compress"})


def vary_names(headers: Fields) -> tuple[str, ...]:
    """The fields that a response's Vary names, lower case, sorted; ("*",) where it says that nothing ever matches."""
    if "Vary" not in headers:
        return ()
    names = {name.strip().lower() for value in headers.getall("Vary") for name in value.split(",")} - {""}
    return ("*",) if "*" in names else tuple(sorted(names))


class Selecting(Frozen, frozen=True, kw_only=True):
    """What a stored response was selected by.

    names    the fields that matter, without Accept-Encoding
    offered  the codings that were offered to the origin; None: they don't matter
    coding   the body's own
    """

    names: tuple[str, ...] = ()
    offered: frozenset[str] | None = None
    coding: str = ""

    def digest(self, request: Fields) -> bytes:
        """What those fields of a request say, as 16 bytes, the coding with them; b"" where nothing matters."""
        if not self.names and self.offered is None:
            return b""
        text = "\x1f".join(f"{name}\x1e{_tidied(name, request)}" for name in self.names)
        return blake2b(f"{self.coding}\x1d{text}".encode("utf-8", "surrogateescape"), digest_size=16).digest()

    def fits(self, digest: bytes, request: Fields) -> bool:
        """Whether the response with this digest is for this request."""
        if self.offered is not None:
            takes = accepted_codings(request)
            named = _codings(self.coding)
            if not (named <= takes if named else takes <= self.offered):
                return False
        return digest == self.digest(request)

    def written(self) -> str:
        """As the index keeps it."""
        codings = () if self.offered is None else (f"{_ENCODING}:{','.join(sorted(self.offered))}",)
        return " ".join((*codings, *self.names))


def selecting(response: Fields, request: Fields) -> Selecting:
    """By what this response was selected for this request."""
    names = vary_names(response)
    offered = accepted_codings(request) if _ENCODING in names else None
    coding = response.get("Content-Encoding", "").strip().lower()
    return Selecting(names=tuple(name for name in names if name != _ENCODING), offered=offered, coding=coding)


def read_selecting(text: str, coding: str) -> Selecting:
    """From what `written` gave. coding: of the stored head."""
    words = text.split()
    offered = next((word.partition(":")[2] for word in words if word.startswith(_ENCODING + ":")), None)
    return Selecting(
        names=tuple(word for word in words if not word.startswith(_ENCODING + ":")),
        offered=None if offered is None else frozenset(filter(None, offered.split(","))),
        coding=coding.strip().lower(),
    )


def _tidied(name: str, request: Fields) -> str:
    """Section 4.1 lets white space, order of no meaning and letter case be evened out. Absent isn't empty."""
    if name not in request:
        return "\x00"
    parts = [" ".join(part.split()) for value in request.getall(name) for part in value.split(",")]
    return ",".join(part for part in parts if part)


def accepted_codings(request: Fields) -> frozenset[str]:
    """The content codings that a request takes, q=0 left out; the order of preference says nothing of what may come."""
    found = set()
    for value in request.getall("Accept-Encoding", ()):
        for part in value.split(","):
            name, _, weight = part.strip().lower().partition(";")
            if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
                found.add(name.strip())
    if "*" in found:
        found |= _CODINGS
    return frozenset(found - {"", "*", "identity"})


def is_acceptable(coding: str, request: Fields) -> bool:
    """Whether a body in this Content-Encoding may be sent for this request."""
    return _codings(coding) <= accepted_codings(request)


def _codings(coding: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in coding.split(",")) - {"", "identity"}
