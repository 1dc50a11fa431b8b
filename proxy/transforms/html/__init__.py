"""The HTML transform: a page goes through it in pieces and comes out with its heavy parts replaced.

Laws of this package: an untouched page is byte-identical; the output doesn't depend on where the input was cut; the
first rewritten byte leaves before the input ends, and a bounded part is held back; what isn't understood passes; no
more than an element is ever taken out; a failure leaves the rest of the page as it was.
"""

from __future__ import annotations

from typing import Protocol

from proxy.transforms.html.stream import Splicer
from proxy.transforms.spec import HtmlSpec, PageChanges


class PageRewriter(Protocol):
    """One page's rewriting. changes: counted while it streams, complete after end()."""

    @property
    def changes(self) -> PageChanges: ...

    def write(self, chunk: bytes) -> bytes:
        """The next piece of the page in, what may go out by now out (b"" if all of it waits)."""
        ...

    def end(self) -> bytes:
        """The page is complete: what is left. Nothing may be written after it."""
        ...


def rewriter(spec: HtmlSpec, *, prefix: bytes = b"") -> PageRewriter:
    """A rewriter for one page; it holds back at most 64 KiB and one written piece.

    prefix: the page's first bytes as far as they are known (up to 64 KiB), to look ahead only; they still have to be
    written. Without it nothing is left out whose need can't be judged (DietItem.unless).
    """
    return Splicer(spec, prefix)


__all__ = ["PageRewriter", "rewriter"]
