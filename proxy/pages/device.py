"""What a learner's own device is given: the worker that keeps pages, the script that talks with it, and its undoing.

Laws of this file: pure, made once for each origin and language; at most MAX_WORKER_BYTES and MAX_PAGE_BYTES as they are
served; comments and spaces stay here, no statement is changed; a path that a browser's regular expressions don't
know makes the whole worker keep out, never keep too much.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from policies.frozen import Frozen
from policies.model import Origin, OwnStore, PathRule
from policies.values import TrafficClass
from proxy.pages.phrases import phrases
from proxy.pages.squeeze import squeezed
from proxy.pages.static import RESERVED, static_href

MAX_WORKER_BYTES = 10_000
MAX_PAGE_BYTES = 6_000
STORE = f"{RESERVED}/store/"
WORKER = f"{STORE}worker.js"
OFFLINE = f"{STORE}offline"
SCRIPTS = ("keep", "shelf", "drafts", "store")
"""Scripts that are served with their sentences, as `/.tropa/store/NAME-LANGUAGE.js`."""

_FOLDER = Path(__file__).parent / "static"
_HEAD = re.compile(r"\^/[a-z.\\]+/(?:\[\^/\]\*/)*")
_NOWHERE, _EVERYWHERE = "(?!)", "^"
# What Python's regular expressions have and browsers' don't, or differently.
_PYTHON_ONLY = re.compile(r"\(\?(?![:=!])|(?<!\\)(?:\\\\)*\\[AGz]")


class Script(Frozen, frozen=True, kw_only=True):
    """A script as it is served."""

    body: bytes
    etag: str


def worker_href(language: str) -> str:
    """The worker's address: the language is in it, since a worker asks for its own script without a page's words."""
    return f"{WORKER}?l={language}"


def offline_href(language: str) -> str:
    """The page that stands for one that isn't on the device."""
    return f"{OFFLINE}?l={language}"


def script_href(name: str, language: str) -> str:
    """The address of one of SCRIPTS with its digest: it may be answered as immutable."""
    return f"{STORE}{name}-{language}.js?v={device_script(name, language).etag[1:9]}"


@lru_cache(maxsize=16)
def device_script(name: str, language: str) -> Script:
    """One of SCRIPTS, its sentences first. Raises KeyError for another name."""
    if name not in SCRIPTS:
        raise KeyError(name)
    say = phrases(language)
    words = {key.rpartition(".")[2]: say(key) for key in say.keys_below(f"device.{name}.")}
    words["lang"] = say.language
    return _script(f"var tropaSays=Object.assign(window.tropaSays||{{}},{_json(words)});\n" + _source(f"{name}.js"))


def worker_script(origin: Origin, language: str) -> Script:
    """The worker of this origin; what it needs to be of use without a link is named in it, in this language."""
    rules, logout = (*origin.rules, *origin.preset.rules), origin.preset.logout
    return _worker(origin.own_store, rules, logout, language)


@lru_cache(maxsize=64)
def _worker(store: OwnStore, rules: tuple[PathRule, ...], logout: tuple[re.Pattern[str], ...], language: str) -> Script:
    told = {
        "max": store.max_bytes,
        "keep_s": round(store.keep_s),
        "patience_s": store.patience_s,
        "sacred": browser_paths(
            rule.pattern for rule in rules if rule.traffic_class is TrafficClass.ASSESSMENT and not rule.query
        ),
        "logout": browser_paths(logout),
        "shell": [
            offline_href(language),
            static_href("tropa.css"),
            static_href("tropa.svg"),
            static_href("page.js"),
            *(script_href(name, language) for name in SCRIPTS),
        ],
    }
    return _script(f"const TROPA={_json(told)};\n" + _source("worker.js"))


@lru_cache(maxsize=1)
def undoing_script() -> Script:
    """What a worker that is out there becomes once the store is switched off: it takes everything away with it."""
    return _script(_source("worker_gone.js"))


def browser_paths(patterns: Iterable[re.Pattern[str]]) -> str:
    """One regular expression for browsers (ECMA-262) that these paths match; everything where one can't be said."""
    written = []
    for pattern in patterns:
        text = pattern.pattern.replace(r"\Z", "$")
        if _PYTHON_ONLY.search(text):
            return _EVERYWHERE
        written.append(text.removesuffix(".*$") if text.endswith(".*$") else text)
    return _shortest(written) if written else _NOWHERE


def _shortest(written: list[str]) -> str:
    """The alternatives, with what most of them begin with said once."""
    whole = [one for one in dict.fromkeys(written) if not _has_shorter(one, written)]
    groups: dict[str, list[str]] = {}
    for one in whole:
        found = _HEAD.match(one)
        head = found[0] if found else ""
        groups.setdefault(head, []).append(one[len(head) :])
    return "|".join(_with_head(head, tails) for head, tails in groups.items())


def _with_head(head: str, tails: list[str]) -> str:
    if not head or len(tails) == 1:
        return "|".join(head + tail for tail in tails)
    return f"{head}(?:{'|'.join(tails)})"


def _has_shorter(one: str, written: list[str]) -> bool:
    return any(one != other and not other.endswith("$") and one.startswith(other) for other in written)


@lru_cache(maxsize=8)
def _source(name: str) -> str:
    return squeezed((_FOLDER / name).read_text("utf-8"))


def _script(text: str) -> Script:
    body = text.encode("utf-8")
    return Script(body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:16]}"')


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
