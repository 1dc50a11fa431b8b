"""What may stop a light copy: two exceptions and the limits that raise them. No I/O."""

from __future__ import annotations

MIN_GAIN = 0.10  # a copy that saves less isn't worth a choice
MAX_PIXELS = 60_000_000  # of one picture; a larger one stays as it is
MAX_OBJECTS = 500_000
MAX_STREAM_BYTES = 256 << 20  # of one part, unpacked
MAX_UNPACKED_BYTES = 1 << 30  # of a package, unpacked
MAX_PARTS = 10_000


class NoCopy(Exception):
    """The document has no light copy; the text is the reason: "signed", "encrypted", "not-smaller" …"""


class Hostile(Exception):
    """The document must not be opened any further; the text is the reason."""
