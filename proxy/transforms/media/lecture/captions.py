"""Captions in and beside a film as clean WebVTT.

Laws of this file: only times and plain text with the simplest marks come through: no styles, regions, notes, positions,
links or foreign markup; what can't be read is left out, never guessed. WebVTT: W3C, section 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.frozen import Frozen

MAX_BYTES = 2 << 20
_MAX_CUES = 20_000
_MAX_CUE_CHARS = 1000
_TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[.,](\d{3})"
_TIMING = re.compile(rf"{_TIME}[ \t]+-->[ \t]+{_TIME}")
_MARK = re.compile(r"<(/?[biu])>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
TEXT_CODECS = frozenset({"mov_text", "subrip", "srt", "webvtt", "ass", "ssa", "text"})

_LANGUAGES = {"rus": "ru", "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ukr": "uk",
              "bel": "be", "kaz": "kk", "tat": "tt", "zho": "zh", "chi": "zh", "und": ""}  # fmt: skip


class Cue(Frozen, frozen=True, kw_only=True):
    """A text and when it is shown."""

    start_s: float
    end_s: float
    text: str


def cues_in(told: bytes) -> list[Cue]:
    """The cues of WebVTT or SubRip text, in the order of time, at most 20,000; [] if there are none."""
    text = told[:MAX_BYTES].decode("utf-8", "replace").lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = []
    for cue in _cues(text):
        found.append(cue)
        if len(found) >= _MAX_CUES:
            break
    return sorted(found, key=lambda cue: (cue.start_s, cue.end_s))


def vtt(cues: list[Cue]) -> bytes:
    """WebVTT of these cues."""
    blocks = [f"{_clock(cue.start_s)} --> {_clock(cue.end_s)}\n{cue.text}" for cue in cues]
    return ("WEBVTT\n\n" + "\n\n".join(blocks) + "\n").encode()


def plain(cue: Cue) -> str:
    """The cue's text without marks, for a transcript."""
    text = _MARK.sub("", cue.text)
    for name, char in (("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&")):
        text = text.replace(name, char)
    return " ".join(text.split())


def language_tag(code: str) -> str:
    """An ISO 639-2 code as browsers know it; what is unknown stays if it looks like a tag, else ""."""
    code = code.strip().lower()
    if code in _LANGUAGES:
        return _LANGUAGES[code]
    return code if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", code) else ""


def _cues(text: str) -> Iterator[Cue]:
    for block in re.split(r"\n[ \t]*\n", text):
        lines = block.strip("\n").split("\n")
        for index, line in enumerate(lines[:2]):  # a cue may have a name above its times
            timing = _TIMING.search(line)
            if timing is None:
                continue
            numbers = timing.groups()
            start_s, end_s = _seconds(*numbers[:4]), _seconds(*numbers[4:])
            said = "\n".join(filter(None, (_clean(row) for row in lines[index + 1 :])))
            if said and end_s > start_s:
                yield Cue(start_s=start_s, end_s=end_s, text=said[:_MAX_CUE_CHARS])
            break


def _seconds(hours: str | None, minutes: str, seconds: str, thousandths: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(thousandths) / 1000


def _clean(line: str) -> str:
    """Plain text with <b>, <i>, <u>; whatever else looks like markup is taken out or escaped."""
    kept = _MARK.sub(lambda mark: f"\x01{mark[1].lower()}\x02", line)
    kept = _TAG.sub("", kept).replace("-->", "\u2192")
    kept = re.sub(r"&(?!(?:amp|lt|gt|nbsp|lrm|rlm);)", "&amp;", kept)
    kept = kept.replace("<", "&lt;").replace(">", "&gt;")
    kept = "".join(char for char in kept if char >= " " or char in "\x01\x02")
    return kept.replace("\x01", "<").replace("\x02", ">").strip()


def _clock(at_s: float) -> str:
    thousandths = round(at_s * 1000)
    hours, rest = divmod(thousandths, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
