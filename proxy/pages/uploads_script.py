"""The script for files that a learner sends, with its sentences in her language: one file, kept by browsers for a year.

Law of this file: what goes out is the written scripts without their comments and indentation, and nothing else of them
is changed; a line that begins with a comment's slashes is a comment.
"""

from __future__ import annotations

import json
from pathlib import Path

from proxy.pages.phrases import phrases

PARTS = ("uploads.js", "photos.js")
_FOLDER = Path(__file__).parent / "static"
_KEYS = "uploads."


def uploads_script(language: str, *, stylesheet: str) -> bytes:
    """The script. stylesheet: its address."""
    say = phrases(language)
    says = {key.removeprefix(_KEYS): text for key, text in say.texts.items() if key.startswith(_KEYS)}
    says |= {"lang": language, "css": stylesheet, "mb": say("unit.mb"), "kb": say("unit.kb")}
    written = json.dumps(says, ensure_ascii=False, separators=(",", ":"))
    lines = [line.strip() for part in PARTS for line in (_FOLDER / part).read_text("utf-8").splitlines()]
    code = "\n".join(line for line in lines if line and not line.startswith("//"))
    return f'(function(says){{"use strict";\n{code}\n}})({written});\n'.encode()
