"""Style sheets without web fonts: a font that isn't declared isn't asked for.

Laws of this file: only whole `@font-face` blocks and `@import`s of font hosts are taken out, all else stays byte for
byte; what stands in comments and strings is never taken for a rule; a block that doesn't close stays.
"""

from __future__ import annotations

import re
from typing import Final

MAX_CSS_BYTES: Final = 2 * 1024 * 1024
FONT_HOSTS: Final = frozenset(
    ["fonts.googleapis.com", "fonts.bunny.net", "use.typekit.net", "fonts.cdnfonts.com", "fast.fonts.net"]
)

# What is not closed reaches to the end (a string: of its line), as in browsers; so nothing is looked at twice.
STRING = rb""""(?:[^"\\\n]|\\.)*+(?:"|(?=\n)|\Z)|'(?:[^'\\\n]|\\.)*+(?:'|(?=\n)|\Z)"""
COMMENT = rb"/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)"
_URL = rb"""[uU][rR][lL]\((?![\t\n\f\r ]*["'])(?:[^)\\]|\\.)*+(?:\)|\Z)"""
SKIPPED = COMMENT + rb"|" + STRING + rb"|" + _URL
_BLOCK = rb"\{(?:" + SKIPPED + rb"""|[^{}"'/uU]++|["'/uU])*+\}"""
_HOST = rb"|".join(re.escape(host.encode()) for host in sorted(FONT_HOSTS))
_IMPORT_TARGET = (
    rb"""(?:[uU][rR][lL]\([\t\n\f\r ]*+["']?|["'])[\t ]*+(?:https?:)?//(?:"""
    + _HOST
    + rb""")[/?#](?:[^"')\\]|\\.)*+["']?"""
)
_RULES = re.compile(
    rb"(?P<font>@[fF][oO][nN][tT]-[fF][aA][cC][eE](?![\w-])(?:[\t\n\f\r ]|" + COMMENT + rb")*+" + _BLOCK + rb")"
    rb"|(?P<import>@[iI][mM][pP][oO][rR][tT][\t\n\f\r ]*+" + _IMPORT_TARGET + rb"[^;{}\"']*+(?:;|\Z))"
    rb"|" + SKIPPED,
    re.DOTALL,
)
_WORTH_LOOKING = re.compile(rb"@font-face|@import", re.IGNORECASE)


def drop_font_faces(css: bytes) -> bytes:
    """The style sheet without `@font-face` blocks and without `@import` of font hosts; the same bytes if it has none.

    css: any ASCII-compatible encoding; one longer than MAX_CSS_BYTES (2 MiB) is returned as it is.
    Syntax: CSS Syntax 3, section 4; CSS Fonts 4, section 4.1.
    """
    if len(css) > MAX_CSS_BYTES or css.startswith((b"\xff\xfe", b"\xfe\xff")) or not _WORTH_LOOKING.search(css):
        return css
    return _RULES.sub(_keep_unless_font, css)


def _keep_unless_font(match: re.Match[bytes]) -> bytes:
    return b"" if match.lastgroup else match[0]
