"""An origin of films, sounds and lectures, with a page for each kind of player that courses use."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.documents import big_photo, pptx
from tests.e2e.harness.origins import Asked, Given, Origin, origin
from tests.media_course import lecture
from tests.media_samples import film, kept, run, sound
from tests.pictures import saved
from tests.players import VIDEO_JS, package_file

LECTURE, FILM, SOUND, LONG = "/lessons/lecture.mp4", "/lessons/film.mp4", "/lessons/sound.mp3", "/lessons/long.mp4"
MOVING = "/lessons/moving.gif"
TALK, TALK_NAME = "/lessons/" + quote("Занятие 3.pptx"), "Занятие 3.pptx"
LONG_S = 930
_TYPES = {
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
    "gif": "image/gif",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "js": "text/javascript",
    "html": "text/html; charset=utf-8",
}
_LINES = (
    (0.5, 12, "Добрый день, коллеги"),
    (13, 23, "Второй слайд: план"),
    (24, 36, "Третий слайд"),
    (37, 49, "Вопросы"),
)
_VIDEO_JS = '<script src="/lessons/video.js"></script>'
_BODIES = {
    "lecture": f'<video controls src="{LECTURE}" title="Лекция 1. Тонкие каналы связи"></video>',
    "film": f'<video id="film" controls width="320" src="{FILM}"></video>',
    "long": f'<video controls src="{LONG}" title="Длинная лекция"></video>',
    "talk": f'<p><a href="{TALK}">Презентация занятия</a></p>',
    "moving": f'<p><img src="{MOVING}" alt="Сборка узла" class="img-fluid"></p>',
    "sound": f'<audio id="film" controls src="{SOUND}"></audio>',
    "video.js": f'{_VIDEO_JS}<video id="film" class="video-js" controls width="320"><source src="{FILM}" '
    'type="video/mp4"></video><script>window.player = videojs("film");</script>',
    # As Moodle's media filter writes it and its loader starts it.
    "moodle": f"{_VIDEO_JS}<div class='mediaplugin mediaplugin_videojs d-block'><video id='film' class='video-js' "
    f"data-setup-lazy='{{\"language\": \"ru\", \"fluid\": true}}' controls><source src='{FILM}' type='video/mp4'>"
    f"<a href='{FILM}'>film.mp4</a></video></div><script>document.addEventListener('DOMContentLoaded', () => "
    "document.querySelectorAll('[data-setup-lazy]').forEach(e => {"
    "window.player = videojs(e, JSON.parse(e.dataset.setupLazy)); }));</script>",
}


def page(name: str) -> str:
    """The address of a page; its name is a player's or what it shows."""
    return f"/page/{name}"


def _captioned(path: Path) -> None:
    text = path.with_name("text.srt")
    lines = (f"{n}\n{_stamp(a)} --> {_stamp(b)}\n{said}\n" for n, (a, b, said) in enumerate(_LINES, 1))
    text.write_text("\n".join(lines), encoding="utf-8")
    tags = ["-metadata:s:s:0", "language=rus", "-c", "copy", "-c:s", "mov_text", "-movflags", "+faststart"]
    run(["-i", str(lecture()), "-i", str(text), "-map", "0", "-map", "1", *tags, str(path)])


def _stamp(at_s: float) -> str:
    return f"00:00:{int(at_s):02},{round(at_s % 1 * 1000):03}"


def _moving(path: Path) -> None:
    pattern = "testsrc2=size=640x361:rate=10:duration=3"  # an odd height, as pictures may have
    run(["-f", "lavfi", "-i", pattern, str(path)])


def _file(name: str) -> bytes:
    made = {
        LECTURE: lambda: kept("lecture-captions.mp4", _captioned),
        FILM: lambda: film(seconds=30),
        SOUND: lambda: sound("mp3", 60),
        LONG: lambda: film(seconds=LONG_S, width=320, height=240, fps=2, kbps=150),
        MOVING: lambda: kept("moving.gif", _moving),
        TALK: lambda: kept("talk.pptx", lambda path: pptx(path, {"image2.jpeg": saved(big_photo(seed=2), "JPEG")})),
        "/lessons/video.js": lambda: package_file(*VIDEO_JS),
    }
    return made[name]().read_bytes()


@contextmanager
def films() -> Iterator[Origin]:
    """The origin while the block runs. Its files are made before: a course doesn't encode while it is asked."""
    bodies = {path: _file(path) for path in (LECTURE, FILM, SOUND, LONG, MOVING, TALK, "/lessons/video.js")}

    def answer(asked: Asked, _body: bytes) -> Given:
        path, headers = asked.path.partition("?")[0], asked.headers
        if path.startswith("/page/"):
            html = (
                f"<!doctype html><html lang=ru><meta charset=utf-8><title>Урок</title><main>{_BODIES[path[6:]]}</main>"
            )
            return Given(headers=[("Content-Type", _TYPES["html"])], body=html.encode())
        if path not in bodies:
            return Given(status=404)
        body = bodies[path]
        return _given(body, _TYPES[path.rpartition(".")[2]], headers.get("Range"), headers.get("If-None-Match"))

    with origin(answer) as running:
        yield running


def _given(body: bytes, content_type: str, wanted: str | None, known: str | None) -> Given:
    etag = f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'
    headers = [("Content-Type", content_type), ("ETag", etag), ("Accept-Ranges", "bytes"), ("Cache-Control", "private")]
    if known == etag:
        return Given(status=304, headers=headers)
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
    if found is None:
        return Given(headers=headers, body=body)
    first, last = int(found[1]), min(int(found[2] or len(body) - 1), len(body) - 1)
    headers.append(("Content-Range", f"bytes {first}-{last}/{len(body)}"))
    return Given(status=206, headers=headers, body=body[first : last + 1])
