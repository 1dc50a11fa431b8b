"""The scripts for files that a learner sends, each with the sentences that it says, in her language.

Laws of this file: the first of them notices what is sent and is all that most pages load; each other part is loaded
when something is to be done by it; browsers keep every one for a year.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from proxy.pages.phrases import phrases
from proxy.pages.squeeze import squeezed

PARTS = ("panel", "pieces", "smaller", "recordings")
"""What `uploads.js` loads by these names, as `uploads-NAME.LANGUAGE.js`."""
_FOLDER = Path(__file__).parent / "static"
_SAID = re.compile(r"\bsays\.(\w+)|\bsays\[\"(\w+)\" \+")


def script_name(part: str, language: str) -> str:
    """The served file's name. part: one of PARTS, or "" for the first script."""
    return f"uploads{'-' if part else ''}{part}.{language}.js"


def source(part: str) -> str:
    """The script as it is written."""
    return (_FOLDER / f"uploads{'_' if part else ''}{part}.js").read_text("utf-8")


def uploads_script(part: str, language: str, href: Callable[[str], str]) -> bytes:
    """One of the scripts. href: the address of a static file."""
    code = source(part)
    says: dict[str, object] = dict(_sentences(code, language))
    if part == "panel":
        says["css"] = href("uploads.css")
    if part:
        return f'(function(kit,says){{"use strict";\n{squeezed(code)}}})(tropaUploads,{_json(says)});\n'.encode()
    says["parts"] = {name: href(script_name(name, language)) for name in PARTS}
    return f'(function(says){{"use strict";\n{squeezed(code)}}})({_json(says)});\n'.encode()


def _sentences(code: str, language: str) -> dict[str, str]:
    """Those that this code says: by their names, or, where a name is put together, by its beginning."""
    say = phrases(language)
    own = {"lang": language, "mb": say("unit.mb"), "kb": say("unit.kb")}
    own |= {key.removeprefix("uploads."): text for key, text in say.texts.items() if key.startswith("uploads.")}
    names = {name for name, _ in _SAID.findall(code)}
    beginnings = tuple(begin for _, begin in _SAID.findall(code) if begin)
    return {name: text for name, text in own.items() if name in names or (beginnings and name.startswith(beginnings))}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
