"""What becomes of content, in Russian: the glue between the policy's own words, which stay as one writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from policies.phrasebook import Phrasebook

_SAID: Mapping[str, str] = {
    "also {}": "ещё {}",
    "at most {} px high": "не выше {} px",
    "at most {} px wide": "не шире {} px",
    "at most {} pictures a second": "не больше {} кадров в секунду",
    "at most {}": "не больше {}",
    "if nothing fits {}": "если ничего не подходит, {}",
    "card above {}": "card, если больше {}",
    "the full one is needed for credit": "для зачёта нужно полное",
    "enough for credit": "для зачёта достаточно",
    "light copies {}": "лёгкие копии {}",
    "quality {} (text {})": "качество {} (текст {})",
    "quality {}": "качество {}",
    "animation {}": "анимация {}",
    "text first": "сначала текст",
    "lazy images": "картинки по мере чтения",
    "sizes beside links": "размеры у ссылок",
    "without {}": "без {}",
    "styles after the text": "оформление после текста",
    "photos offered at {} px": "фото предлагаются в {} px",
    "films offered at {} px": "видео предлагается в {} px",
    "sound offered at {}": "звук предлагается в {}",
    "sound {}": "звук {}",
    "in pieces above {} up to {}": "частями, если больше {}, до {}",
    "in pieces above {}": "частями, если больше {}",
}


def treatment_in_russian(words: str) -> str:
    """What `words.plain` tells of one kind; parts that have no Russian stay as they are."""
    return "".join(part if part in (", ", "; ") else _book().told(part) for part in re.split("(, |; )", words))


@cache
def _book() -> Phrasebook:
    return Phrasebook(_SAID, {})
