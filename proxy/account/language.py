"""Which of Tropa's two languages a browser asks for (RFC 9110 section 12.5.4)."""

from __future__ import annotations

LANGUAGES = ("ru", "en")


def preferred_language(accept_language: str, otherwise: str) -> str:
    """ "ru" or "en": the one that the header ranks higher; `otherwise` where it names neither.

    Equal weights: the one named first. A weight that is no number counts as 0, as does `;q=0` itself.
    """
    best, best_weight = otherwise, 0.0
    for item in accept_language[:512].split(","):
        tag, _, parameters = item.partition(";")
        language = tag.strip()[:2].lower()
        if language not in LANGUAGES or tag.strip()[2:3] not in ("", "-"):
            continue
        weight = _weight(parameters)
        if weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
