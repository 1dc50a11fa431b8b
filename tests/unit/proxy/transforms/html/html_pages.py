# ruff: noqa: E501  # Moodle's lines are long
"""Specs and Moodle-like pages for the tests of the HTML transform."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from policies.model import DietItem, EmbedHost
from policies.treatments import Action
from proxy.transforms.html import rewriter
from proxy.transforms.spec import Heavy, HtmlSpec, PageChanges, PictureFilm

PAGE_URL = "https://lms.test/course/view.php?id=3"
HEAD = b'<link rel="stylesheet" href="/.tropa/cards.css">'
FOOT = "<div class=tropa-bar>Тропа</div>".encode()

YOUTUBE = EmbedHost(
    name="youtube",
    pattern=re.compile(r"https?://(www\.)?(youtube(-nocookie)?\.com/(embed/|watch)|youtu\.be/)"),
    csp_hosts=("www.youtube.com",),
)
DIET = (
    DietItem(name="formulas", pattern=re.compile("(?i)mathjax"), unless=("\\(", "<math")),
    DietItem(name="trackers", pattern=re.compile(r"mc\.yandex\.ru|google-analytics\.com|googletagmanager\.com")),
    DietItem(name="polyfills", pattern=re.compile("polyfill")),
)


def card(heavy: Heavy) -> bytes:
    """A card that shows all that it was told."""
    fields = [heavy.kind.value, heavy.host_name, heavy.title, heavy.url, heavy.poster, str(heavy.size_bytes)]
    element = "div" if heavy.block else "span"
    return f"<{element} class=card>[{'|'.join(fields)}]</{element}>".encode()


def spec(**changes: Any) -> HtmlSpec:
    """A spec that does nothing, but for the changes."""
    given: dict[str, Any] = {
        "page_url": PAGE_URL,
        "render_card": card,
        "size_of": lambda url: 18_000_000 if "big" in url else None,
        "size_label": lambda size_bytes: f"{size_bytes // 1_000_000} МБ",
    }
    return HtmlSpec(**(given | changes))


def metered(**changes: Any) -> HtmlSpec:
    """As through a metered satellite link."""
    given: dict[str, Any] = {
        "head": HEAD,
        "foot": FOOT,
        "video": Action.CARD,
        "stream": Action.CARD,
        "embed": Action.CARD,
        "embed_hosts": (YOUTUBE,),
        "script_players": (".mediaplugin", "lite-youtube", "[data-video-id]"),
        "diet": DIET,
        "keep_fonts": False,
        "lazy_images": True,
        "show_sizes": True,
        "max_image_width_px": 800,
    }
    return spec(**(given | changes))


def text_first(**changes: Any) -> HtmlSpec:
    return metered(**({"keep_scripts": False, "keep_styles": False} | changes))


LATE = {
    "https://lms.test/course/x": "/.tropa/styles/0123.css",
    "https://lms.test/theme/styles.php/boost/17/all": "/.tropa/styles/4567.css",
}


def late(**changes: Any) -> HtmlSpec:
    """As through a thin link on a first visit."""
    return metered(**({"late_styles": LATE} | changes))


FILMS = {
    "https://lms.test/a.gif": PictureFilm(src="/.tropa/media/a/moving", width_px=640, loops=True),
    "https://lms.test/once.gif": PictureFilm(src="/.tropa/media/once/moving", width_px=320, loops=False),
}


def films(**changes: Any) -> HtmlSpec:
    """A page whose moving pictures were made films."""
    return spec(**({"film_of": FILMS.get, "image": Action.ADAPT} | changes))


SPECS: dict[str, Callable[..., HtmlSpec]] = {
    "spec": spec,
    "metered": metered,
    "text_first": text_first,
    "late": late,
    "films": films,
}


def rewrite(page: bytes | str, html_spec: HtmlSpec, *, prefix: bytes | None = None) -> tuple[bytes, PageChanges]:
    """The page in one piece; looking ahead as far as a pipeline would unless a prefix is given."""
    data = page.encode() if isinstance(page, str) else page
    return in_pieces([data], html_spec, prefix=data[:65536] if prefix is None else prefix)


def in_pieces(pieces: list[bytes], html_spec: HtmlSpec, *, prefix: bytes = b"") -> tuple[bytes, PageChanges]:
    page = rewriter(html_spec, prefix=prefix)
    out = b"".join([page.write(piece) for piece in pieces])
    return out + page.end(), page.changes


def cut_everywhere(data: bytes) -> Iterator[list[bytes]]:
    for at in range(len(data) + 1):
        yield [data[:at], data[at:]]


_MENU = (
    '<li class="list-group-item list-group-item-action " data-key="{n}"><a class="list-group-item-action" '
    'href="https://lms.test/mod/page/view.php?id={n}" data-node-id="{n}" tabindex="0">\n'
    '  <span class="media-body ">Занятие {n}. Методика</span></a></li>\n'
)
_SECTION = """<li class="activity resource modtype_resource " id="module-{n}" data-for="cmitem" data-id="{n}">
<div class="activity-item focus-control " data-activityname="План {n}" data-region="activity-card">
<div class="activity-icon activityiconcontainer smaller content courseicon align-self-start mr-2">
<img src="https://lms.test/theme/image.php/boost/core/1700000000/f/pdf" class="activityicon " alt=""></div>
<a href="https://lms.test/mod/resource/view.php?id={n}" class=" aalink stretched-link" onclick="">
<span class="instancename">План урока {n} <span class="accesshide "> Файл</span></span></a>
<p dir="ltr" style="text-align: left;">{text}</p>
<p><a href="https://lms.test/pluginfile.php/{n}/mod_resource/content/1/big-plan.pdf?forcedownload=1">План</a>
<img src="https://lms.test/pluginfile.php/{n}/photo.jpg" srcset="p-480.jpg 480w, p-960.jpg 960w, p-1920.jpg 1920w"
 sizes="(max-width: 600px) 100vw, 50vw" alt="Фото {n}" width="640" height="480" class="img-fluid"></p></div></li>
"""
_PLAYER = """<div class="mediaplugin mediaplugin_videojs d-block"><div style="max-width: 640px;">
<video data-setup-lazy="{{&quot;language&quot;: &quot;ru&quot;, &quot;fluid&quot;: true}}" class="video-js" preload="auto">
<source src="https://lms.test/pluginfile.php/{n}/lecture.mp4" type="video/mp4" />
<a class="mediafallbacklink" href="https://lms.test/pluginfile.php/{n}/lecture.mp4">Лекция {n}</a></video></div></div>
<iframe width="560" height="315" src="https://www.youtube.com/embed/x{n}" title="Опыт {n}" allowfullscreen></iframe>
"""


def moodle_page(sections: int = 40, seed: int = 1, player_at: int = 5) -> bytes:
    """A course page as Moodle 4 writes it: a head full of shell, menus, sections, an inline script at the end.

    player_at: of each dozen sections, the one with a player behind it.
    """
    rng = random.Random(seed)
    words = [
        "ученик",
        "урок",
        "задача",
        "метод",
        "проект",
        "школа",
        "учитель",
        "класс",
        "опыт",
        "группа",
        "беседа",
        "тема",
    ]
    head = """<!DOCTYPE html>

<html  dir="ltr" lang="ru" xml:lang="ru">
<head>
    <title>Курс: Методика</title>
    <link rel="shortcut icon" href="https://lms.test/theme/image.php/boost/theme/17/favicon" />
    <meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<meta name="keywords" content="moodle, Курс: Методика" />
<link rel="stylesheet" type="text/css" href="https://lms.test/theme/yui_combo.php?rollup/3.18.1/yui-moodlesimple.css" />
<script id="firstthemesheet" type="text/css">/** Required in order to fix style inclusion problems in IE **/</script>
<link rel="stylesheet" type="text/css" href="https://lms.test/theme/styles.php/boost/17/all" />
<script src="https://cdn.jsdelivr.net/npm/mathjax@2.7.9/MathJax.js?delayStartupUntil=configured"></script>
<script src="https://lms.test/lib/javascript.php/17/lib/polyfills/polyfill.js"></script>
<script>
//<![CDATA[
var M = {}; M.yui = {}; M.cfg = {"wwwroot":"https:\\/\\/lms.test","sesskey":"abc","themerev":"17"};
//]]>
</script>
<meta name="viewport" content="width=device-width, initial-scale=1.0">
</head>
<body  id="page-course-view-topics" class="format-topics path-course chrome dir-ltr lang-ru pagelayout-course">
<div class="toast-wrapper mx-auto py-0 fixed-top" role="status" aria-live="polite"></div>
<form action="https://lms.test/login/index.php" method="post" class="mform" data-random-ids="1">
<input type="hidden" name="sesskey" value="abc"><input type="submit" class="btn btn-primary" value="Войти"></form>
"""
    body = [head, "<ul>", *(_MENU.format(n=n) for n in range(sections)), "</ul><ul>"]
    for n in range(sections):
        text = " ".join(rng.choices(words, k=rng.randint(20, 60)))
        body.append(_SECTION.format(n=n, text=text))
        if n % 12 == player_at:
            body.append(_PLAYER.format(n=n))
    config = ", ".join(f'"string{n}": "Значение <b>{n}</b>"' for n in range(sections * 3))
    body.append(f"</ul>\n<script>\n//<![CDATA[\nM.str = {{{config}}};\n//]]>\n</script>\n</body>\n</html>\n")
    return "".join(body).encode()
