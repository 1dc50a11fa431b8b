"""A small picture that stands for one which is still being made."""

from __future__ import annotations

from html import escape

from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer

_TEXTS = {
    "ru": ("Картинка готовится", "Обновите страницу через минуту"),
    "en": ("The picture is being prepared", "Reload the page in a minute"),
}


def waiting_picture(size: str, language: str) -> Answer:
    """An SVG of half a kilobyte, never kept; size is that of the original, as text."""
    title, advice = _TEXTS.get(language, _TEXTS["en"])
    line = f"{escape(title)} ({escape(size)})"
    body = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 120" role="img" font-family="sans-serif">'
        f"<title>{escape(title)}</title>"
        '<rect width="400" height="120" rx="8" fill="#eef1ee"/>'
        f'<text x="200" y="52" text-anchor="middle" font-size="19" fill="#26352b">{line}</text>'
        f'<text x="200" y="82" text-anchor="middle" font-size="15" fill="#4a5a50">{escape(advice)}</text></svg>'
    )
    return plain_answer(200, body.encode(), "image/svg+xml")
