"""English sentences of ours told in another language, by their patterns.

Laws of this file: pure; what has no translation stays as it is; a part that somebody wrote (`{}`) is carried over, and
only turned where it is one of the few words of ours; `{!}` stands for a whole sentence of ours within another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PART = re.compile(r"\{!?\}")


class Phrasebook:
    """sentences: English → the other language, the more particular first; parts keep their order.

    words: what may stand in a part and is ours, in the same form.
    """

    def __init__(self, sentences: Mapping[str, str], words: Mapping[str, str]) -> None:
        self._sentences = [_pattern(english, other) for english, other in sentences.items()]
        self._words = [_pattern(english, other) for english, other in words.items()]

    def told(self, sentence: str) -> str:
        return self._turned(sentence, self._sentences)

    def _turned(self, text: str, book: list[tuple[re.Pattern[str], str, tuple[bool, ...]]]) -> str:
        for pattern, other, whole in book:
            if match := pattern.fullmatch(text):
                parts = [
                    self.told(part) if is_sentence else self._turned(part, self._words)
                    for part, is_sentence in zip(match.groups(), whole, strict=True)
                ]
                pieces = _PART.split(other)
                said = parts[: len(pieces) - 1]  # a translation may leave out what comes last
                return "".join(piece + part for piece, part in zip(pieces, [*said, ""], strict=True))
        return text


def _pattern(english: str, other: str) -> tuple[re.Pattern[str], str, tuple[bool, ...]]:
    whole = tuple(part == "{!}" for part in _PART.findall(english))
    return re.compile("(.*?)".join(map(re.escape, _PART.split(english))), re.DOTALL), other, whole
