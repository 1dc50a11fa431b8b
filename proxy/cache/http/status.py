"""The Cache-Status field (RFC 9211): what was done, in the standard's words."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")


def hit(name: str, ttl_s: float, *, collapsed: bool = False) -> str:
    """Served without asking the origin. A ttl below 0: it was stale."""
    return f"{_name(name)}; hit; ttl={int(ttl_s // 1)}" + ("; collapsed" if collapsed else "")


def forwarded(
    name: str, why: str, *, status: int | None = None, stored: bool = False, collapsed: bool = False, detail: str = ""
) -> str:
    """Asked of the origin. why: uri-miss, vary-miss, stale, request, partial, bypass, method (section 2.2)."""
    text = f"{_name(name)}; fwd={why}"
    if status is not None:
        text += f"; fwd-status={status}"
    if stored:
        text += "; stored"
    if collapsed:
        text += "; collapsed"
    return f"{text}; detail={detail}" if detail and _TOKEN.fullmatch(detail) else text


def _name(name: str) -> str:
    """A token where it is one, else a string (RFC 9651 section 3.3)."""
    if _TOKEN.fullmatch(name):
        return name
    plain = "".join(c for c in name if " " <= c <= "~").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'
