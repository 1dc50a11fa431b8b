"""Sentences of every page, from one catalogue file per language.

Laws of this file: the catalogues are read once per process, at first use; a phrase is looked up, filled and
returned as plain text, never as markup (templates escape it); an absent phrase is a programmer's mistake and raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from babel import Locale

from policies.frozen import Frozen

LANGUAGES = ("ru", "en")
_FOLDER = Path(__file__).parent / "locales"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's reads a catalogue in a tenth of the time

_PLURAL_FORMS = frozenset({"zero", "one", "two", "few", "many", "other"})  # CLDR's names

Forms = Mapping[str, str]


class Phrases(Frozen, frozen=True, kw_only=True):
    """One language's sentences, by dotted key."""

    language: str
    locale: Locale
    texts: Mapping[str, str]
    plurals: Mapping[str, Forms]

    def __call__(self, key: str, **values: object) -> str:
        """The sentence with its {names} filled in. Raises KeyError for an unknown key or a missing value."""
        return self.texts[key].format_map(values) if values else self.texts[key]

    def plural(self, key: str, n: int, **values: object) -> str:
        """The form that the language's own rule picks for n (CLDR), "{n}" filled in."""
        forms = self.plurals[key]
        return (forms.get(self.locale.plural_form(n)) or forms["other"]).format(n=n, **values)

    def has(self, key: str) -> bool:
        return key in self.texts

    def keys_below(self, prefix: str) -> tuple[str, ...]:
        """Every phrase whose key begins so, in the catalogue's order."""
        return tuple(key for key in self.texts if key.startswith(prefix))

    def first(self, *keys: str) -> str:
        """The first of these phrases that exists. Raises KeyError if none does."""
        for key in keys:
            if key in self.texts:
                return self.texts[key]
        raise KeyError(keys)


@lru_cache(maxsize=len(LANGUAGES))
def _phrases_of(language: str) -> Phrases:
    document = yaml.load((_FOLDER / f"{language}.yaml").read_text("utf-8"), Loader=_LOADER)  # noqa: S506
    texts: dict[str, str] = {}
    plurals: dict[str, Forms] = {}
    _flatten(document, "", texts, plurals)
    return Phrases(language=language, locale=Locale.parse(language), texts=texts, plurals=plurals)


def phrases(language: str) -> Phrases:
    """The catalogue of "ru" or "en"; any other language reads English."""
    return _phrases_of(language if language in LANGUAGES else "en")


def _flatten(node: Mapping[str, object], path: str, texts: dict[str, str], plurals: dict[str, Forms]) -> None:
    for name, value in node.items():
        key = f"{path}{name}"
        if isinstance(value, dict):
            if value.keys() <= _PLURAL_FORMS:
                plurals[key] = value
            else:
                _flatten(value, f"{key}.", texts, plurals)
        else:
            texts[key] = str(value)
