"""Which of several stored responses a request is for (RFC 9111 section 4.1).

Laws: what isn't the same after tidying doesn't match; the values themselves are never kept, only their digest: among
them may be cookies.
"""

from __future__ import annotations

from hashlib import blake2b

from proxy.cache.http.directives import Fields

_CODINGS = frozenset({"gzip", "br", "zstd", "deflate", "compress"})


def vary_names(headers: Fields) -> tuple[str, ...]:
    """The fields that a response's Vary names, lower case, sorted; ("*",) where it says that nothing ever matches."""
    if "Vary" not in headers:
        return ()
    names = {name.strip().lower() for value in headers.getall("Vary") for name in value.split(",")} - {""}
    return ("*",) if "*" in names else tuple(sorted(names))


def vary_digest(names: tuple[str, ...], request: Fields) -> bytes:
    """What those fields of a request say, as 16 bytes; b"" where no field matters."""
    if not names:
        return b""
    text = "\x1f".join(f"{name}\x1e{_tidied(name, request)}" for name in names)
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _tidied(name: str, request: Fields) -> str:
    """Section 4.1 lets white space, order of no meaning and letter case be evened out. Absent isn't empty."""
    if name not in request:
        return "\x00"
    parts = [" ".join(part.split()) for value in request.getall(name) for part in value.split(",")]
    if name == "accept-encoding":
        return ",".join(sorted(accepted_codings(request)))
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
    named = {name.strip().lower() for name in coding.split(",")} - {"", "identity"}
    return named <= accepted_codings(request)
