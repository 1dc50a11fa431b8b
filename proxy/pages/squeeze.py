"""Our scripts as they are served: without comments, indentation and the spaces around operators.

Laws of this file: pure; strings stay as they are and no statement is changed. So a script of ours has strings in
double quotes alone, without an escaped quote or anything like a comment, comments on lines of their own or behind a
statement's end, and no two signs that only a space keeps apart.
"""

from __future__ import annotations

import re

_INDENT = re.compile(r"^[ ]+", re.MULTILINE)
_COMMENT = re.compile(r"^(?://.*)?\n|(?<=[;{},]) //.*$", re.MULTILINE)
# Line breaks stay: they may end a statement.
_SPACES = re.compile(r"(\"[^\"\n]*\")|[ ]*([=+*<>?:&|,{}()\[\];-])[ ]*")


def squeezed(script: str) -> str:
    """The script, smaller. script: whole lines."""
    return _SPACES.sub(lambda found: found[1] or found[2], _COMMENT.sub("", _INDENT.sub("", script)))
