"""What can be enforced in which mode, as data.

Laws of this file: one row a rule or treatment; a mode that isn't named in a row can't enforce it. `explain`
and the documentation read the same rows.
"""

from __future__ import annotations

from policies.frozen import Frozen
from policies.values import Mode, Text

_READABLE = frozenset({Mode.REVERSE, Mode.FORWARD})
_ALL = frozenset(Mode)


class Capability(Frozen, frozen=True, kw_only=True):
    """One thing that a policy can ask for, and the modes that can enforce it."""

    rule: str
    title: Text
    modes: frozenset[Mode]


def _row(rule: str, modes: frozenset[Mode], ru: str, en: str) -> Capability:
    return Capability(rule=rule, title=Text(ru=ru, en=en), modes=modes)


_ROWS = (
    _row("place", _ALL, "регион и площадка", "region and site"),
    _row("class-by-host", _ALL, "класс трафика по имени узла", "traffic class by host"),
    _row("class-by-path", _READABLE, "класс трафика по пути", "traffic class by path"),
    _row("assessment", _READABLE, "распознавание контрольных заданий", "recognising assessment"),
    _row("windows", _ALL, "окна по часам", "windows by the clock"),
    _row("allowance", _ALL, "лимит трафика", "allowance"),
    _row("metering", _ALL, "учёт байтов и денег", "metering of bytes and money"),
    _row("rate", _ALL, "ограничение скорости", "rate limit"),
    _row("exception-by-host", _ALL, "исключения по узлу", "exceptions by host"),
    _row("exception-by-path", _READABLE, "исключения по пути", "exceptions by path"),
    _row("refusal-page", _READABLE, "страница с объяснением отказа", "a page that explains the refusal"),
    _row("save-data", _READABLE, "режим экономии трафика в браузере", "Save-Data"),
    _row("hints", _READABLE, "подсказки браузера о связи", "the browser's network hints"),
    _row("measured-link", _READABLE, "измеренная скорость связи", "the measured link"),
    _row("original", _READABLE, "показ оригинала по просьбе", "the original on request"),
    _row("page", _READABLE, "изменение страниц", "rewriting of pages"),
    _row("embed", _READABLE, "карточки вместо встроенных плееров", "cards for embedded players"),
    _row("image", _READABLE, "уменьшение изображений", "smaller images"),
    _row("video", _READABLE, "видеофайлы", "video files"),
    _row("stream", _READABLE, "потоки HLS и DASH", "HLS and DASH streams"),
    _row("audio", _READABLE, "звуковые файлы", "sound files"),
    _row("document", _READABLE, "документы", "documents"),
    _row("archive", _READABLE, "архивы", "archives"),
    _row(
        "upload",
        frozenset({Mode.REVERSE}),
        "загрузка файлов частями; предложение уменьшить фотографии, видео и звук",
        "uploads in pieces; photographs, films and sound offered smaller",
    ),
    _row("font", _READABLE, "веб-шрифты", "web fonts"),
    _row("script", _READABLE, "скрипты", "scripts"),
    _row("style", _READABLE, "таблицы стилей", "style sheets"),
    _row("text-coding", _READABLE, "лучшее сжатие текста", "better coding of text"),
    _row(
        "socket",
        frozenset({Mode.REVERSE}),
        "путь и класс WebSocket: через явный прокси Chromium и для ws:// открывает туннель, виден только узел",
        "a WebSocket's path and class: through an explicit proxy Chromium opens a tunnel even for ws://, "
        "so only host, clock and budget hold",
    ),
    _row("renamed-host", frozenset({Mode.REVERSE}), "другое публичное имя сайта", "another public name of the site"),
)
_BY_RULE = {row.rule: row for row in _ROWS}


def enforceable(mode: Mode, rule: str) -> bool:
    """Whether the mode can enforce the rule or treatment. Raises KeyError for a rule that the matrix lacks."""
    return mode in _BY_RULE[rule].modes


def matrix() -> tuple[Capability, ...]:
    """Every row, in the documentation's order."""
    return _ROWS
