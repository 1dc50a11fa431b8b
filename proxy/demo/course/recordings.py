"""What BigBlueButton keeps of a recorded webinar beside pictures and sound: who spoke of what when, and the chat."""

from __future__ import annotations

import json
from html import escape

from proxy.demo.course.assets.slides import SECONDS_PER_SLIDE, SLIDES

_DURATION_S = SECONDS_PER_SLIDE * len(SLIDES)
_CHAT = (
    (6.0, "Анна Б.", "Слышно хорошо."),
    (24.0, "Пётр К.", "А если работу прислали фотографией?"),
    (31.0, "Методист", "Ответьте текстом в системе, фотографию не пересылайте."),
)


def recording_file(name: str, title: str) -> tuple[str, str] | None:
    """(text, content type) of one of a recording's small files; None for any other name."""
    match name:
        case "metadata.xml":
            meta = f"<meta><meetingName>{escape(title)}</meetingName></meta>"
            playback = (
                f"<playback><format>presentation</format><duration>{_DURATION_S * 1000:.0f}</duration></playback>"
            )
            return f'<?xml version="1.0"?><recording>{meta}{playback}</recording>', "application/xml"
        case "shapes.svg":
            return _shapes(), "image/svg+xml"
        case "slides_new.xml":
            rows = "".join(
                f'<chattimeline in="{at_s}" direction="down" name="{escape(who)}" message="{escape(said)}"/>'
                for at_s, who, said in _CHAT
            )
            return f'<?xml version="1.0"?><popcorn>{rows}</popcorn>', "application/xml"
        case "presentation_text.json":
            told = {f"slide-{n}": " ".join((slide.title, *slide.points)) for n, slide in enumerate(SLIDES, 1)}
            return json.dumps({"slides": told}, ensure_ascii=False), "application/json"
        case _:
            return None


def _shapes() -> str:
    """Each slide from its moment to the next one's."""
    images = "".join(
        f'<image id="image{n}" class="slide" in="{(n - 1) * SECONDS_PER_SLIDE}" out="{n * SECONDS_PER_SLIDE}" '
        f'xlink:href="slides/{n}" width="1280" height="720" x="0" y="0"/>'
        f'<g class="canvas" id="canvas{n}" image="image{n}"></g>'
        for n in range(1, len(SLIDES) + 1)
    )
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 1280 720"'
    return f'<?xml version="1.0"?><svg id="svgfile" {space}>{images}</svg>'
