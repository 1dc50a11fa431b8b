"""A light copy's name: it says that it is one, and it arrives whole in every browser.

Laws of this file: pure and total; the name keeps its letters, Cyrillic too; nothing in it can end a header or leave
a folder.
"""

from __future__ import annotations

from urllib.parse import quote

MAX_NAME_CHARACTERS = 120
_FORBIDDEN = frozenset('/\\:*?"<>|')
_NAMELESS = {"ru": "документ"}
_LATIN = dict(zip("абвгдеёзийклмнопрстуфцыэ", "abvgdeeziyklmnoprstufcye", strict=True)) | {
    "ж": "zh",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ю": "yu",
    "я": "ya",
    "ъ": "",
    "ь": "",
    "№": "No",
    "—": "-",
    "–": "-",
    "«": "",
    "»": "",
}


def light_name(original_name: str, language: str, *, mark: str = "light") -> str:
    """`Лекция 3.pdf` as `Лекция 3-light.pdf`; a name already marked isn't marked twice.

    mark      "light", or "light-print" for the copy to be printed
    language  "ru" or "en": for the name of what has none
    """
    last = original_name.replace("\\", "/").rpartition("/")[2]
    clean = "".join(letter for letter in last if letter.isprintable() and letter not in _FORBIDDEN).strip()
    stem, dot, extension = clean.rpartition(".")
    if not dot or not extension.isalnum() or len(extension) > 8:
        stem, dot, extension = clean, "", ""
    stem = stem.strip(". ") or _NAMELESS.get(language, "document")
    if stem.endswith(f"-{mark}"):
        stem = stem.removesuffix(f"-{mark}")
    room = MAX_NAME_CHARACTERS - len(mark) - len(extension) - 2
    return f"{stem[:room].rstrip('. ')}-{mark}{dot}{extension}"


def attachment(name: str) -> str:
    """The value of Content-Disposition that saves a body under this name.

    RFC 6266 section 4.3 and appendix D: a plain `filename` for whoever knows no other, `filename*` (RFC 8187, UTF-8)
    for everybody else.
    """
    whole = "".join(letter for letter in name if letter.isprintable())
    return f"attachment; filename=\"{_plain(whole)}\"; filename*=UTF-8''{quote(whole, safe='')}"


def _plain(name: str) -> str:
    """The name in ASCII, Russian letters by their sound; no quote, backslash or per cent sign: browsers differ."""
    letters = []
    for letter in name:
        latin = _LATIN.get(letter.lower())
        if latin is not None:
            letters.append(latin.capitalize() if letter.isupper() else latin)
        else:
            letters.append(letter if letter.isascii() and letter not in '"\\%' else "_")
    return "".join(letters)
