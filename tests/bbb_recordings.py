"""Recordings in BigBlueButton's presentation format, written by hand after its public scripts, for tests.

Laws of this file: small; the sound is real (ffmpeg), the deck is drawn with Pillow, all else is text.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from PIL import Image, ImageDraw

from tests.media_samples import FFMPEG

DECK = "d2d9a672-1473220660040"
DURATION_S = 40.0
_HEAD = (
    '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" '
    '"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n'
    '<svg id="svgfile" style="position:absolute; height:600px; width:800px;" xmlns="http://www.w3.org/2000/svg" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1" viewBox="0 0 800 600">\n'
)
_STROKE = "stroke:#ff0000; stroke-linecap: round; stroke-width:8; visibility:hidden; fill:none"

SHAPES = f"""{_HEAD}
<image id="image0" class="slide" in="0" out="0.0" src="logo.png" width="800"/>
<g class="canvas" id="canvas0" image="image0" display="none"/>
<image id="image1" class="slide" in="0.0 20.0" out="10.0 24.0" xlink:href="presentation/{DECK}/slide-1.png" height="600"
 width="800" visibility="hidden" text="presentation/{DECK}/textfiles/slide-1.txt" x="0"/>
<g class="canvas" id="canvas1" image="image1" display="none">
 <g class="shape" id="draw0" timestamp="2.0" undo="-1" shape="line1" style="{_STROKE}">
  <line x1="100" y1="300" x2="200" y2="300"/></g>
 <g class="shape" id="draw1" timestamp="2.5" undo="-1" shape="line1" style="{_STROKE}">
  <line x1="100" y1="300" x2="700" y2="300"/></g>
 <g class="shape" id="draw2" timestamp="3.0" undo="5.0" shape="rect1" style="{_STROKE}">
  <polygon points="300,400 500,400 500,500 300,500"/></g>
</g>
<image id="image2" class="slide" in="10.0" out="20.0" xlink:href="presentation/{DECK}/slide-2.png" height="600"
 width="800" visibility="hidden" x="0"/>
<g class="canvas" id="canvas2" image="image2" display="none">
 <g class="shape" id="draw3" timestamp="11.0" undo="16.0" shape="line2" style="{_STROKE}">
  <path d="M 100 100 L 200 150 Q 300 300, 400 100 C 450 50, 500 50, 550 100"/></g>
 <g class="shape" id="draw4" timestamp="12.0" undo="16.0" shape="ellipse1" style="{_STROKE}">
  <path d="M100,400A100,50 0 0 1 200,350A100,50 0 0 1 300,400A100,50 0 0 1 200,450A100,50 0 0 1 100,400Z"/></g>
 <g class="shape" id="draw5" timestamp="13.0" undo="16.0" shape="text1"
  style="word-wrap: break-word; visibility:hidden; font-family: Arial; font-size: 40px;"><switch>
  <foreignObject color="#0000ff" width="300" height="100" x="400" y="400"><p xmlns="http://www.w3.org/1999/xhtml"
  style="margin-top: 0; margin-bottom: 0;">Итоги<br/>урока</p></foreignObject></switch></g>
 <g class="shape" id="draw6" timestamp="17.0" undo="-1" shape="line3"
  style="stroke:none;fill:#00aa00;visibility:hidden">
  <circle cx="600" cy="200" r="40"/></g>
</g>
<image id="image3" class="slide" in="24.0" out="36.0" xlink:href="presentation/deskshare/slide-1.png" height="720"
 width="1280" visibility="hidden" x="0"/>
<g class="canvas" id="canvas3" image="image3" display="none"/>
<image id="image4" class="slide" in="36.0" out="40.0" xlink:href="presentation/{DECK}/slide-3.png" height="600"
 width="800" visibility="hidden" x="0"/>
</svg>"""

FILES = {
    "metadata.xml": (
        "<recording><id>8b57edfe-1473220659918</id><state>published</state><start_time>1473220659918</start_time>"
        "<end_time>1473220699918</end_time><meta><meetingName>Методика, занятие 3</meetingName></meta><playback>"
        f"<format>presentation</format><duration>{DURATION_S * 1000:.0f}</duration></playback></recording>"
    ),
    "shapes.svg": SHAPES,
    "deskshare.xml": (
        '<recording id="deskshare_events"><event start_timestamp="24.0" stop_timestamp="36.0" video_width="640"'
        ' video_height="360"/></recording>'
    ),
    "slides_new.xml": (
        '<popcorn><chattimeline in="15" direction="down" name="Анна" message="Где &lt;a href=&quot;http://x&quot;&gt;'
        'файл&lt;/a&gt;?&lt;br/&gt;Не вижу" target="chat"/><chattimeline in="4" direction="down" name="Илья"'
        ' message="5 &amp;lt; 7" target="chat"/></popcorn>'
    ),
    "captions.json": json.dumps([{"localeName": "Русский", "locale": "ru"}, {"locale": "../x"}]),
    "caption_ru.vtt": "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nЗдравствуйте, коллеги\n",
    "presentation_text.json": json.dumps({DECK: {"slide-1": "Введение\nПлан  занятия"}}),
    "panzooms.xml": (
        '<recording id="panzoom_events"><event timestamp="0.0"><viewBox>0 0 800 600</viewBox></event></recording>'
    ),
}


def write_recording(folder: Path, *, share: bool = False) -> Path:
    """A recording of 40 seconds in the folder: three slides, drawings, a shared screen's period, chat, captions."""
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    deck = folder / "presentation" / DECK
    deck.mkdir(parents=True)
    for number, colour in enumerate(("#ffffff", "#f0f0d0", "#e0f0ff"), 1):
        image = Image.new("RGB", (1600, 1200), colour)
        ImageDraw.Draw(image).rectangle((100, 60, 200 + 300 * number, 160), fill="#222222")
        image.save(deck / f"slide-{number}.png")
    (folder / "video").mkdir()
    speech = ["-f", "lavfi", "-i", f"aevalsrc=0.3*sin(2*PI*(200+50*sin(3*t))*t):d={DURATION_S}"]
    camera = ["-f", "lavfi", "-i", f"testsrc2=s=160x120:r=2:d={DURATION_S}"]
    _ffmpeg([*camera, *speech, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "900k",
             "-c:a", "libvorbis", str(folder / "video" / "webcams.webm")])  # fmt: skip
    if share:
        (folder / "deskshare").mkdir()
        _share(folder / "deskshare" / "deskshare.webm")
    return folder


def _share(path: Path) -> None:
    """Blank, two screens of six seconds each from 24 s on, blank."""
    size = "s=320x180:r=2"
    parts = []
    blank, one, two = f"color=black:{size}", f"smptebars={size}", f"yuvtestsrc={size}"
    for source, seconds in ((blank, 24), (one, 6), (two, 6), (blank, 4)):
        parts += ["-f", "lavfi", "-t", str(seconds), "-i", source]
    joined = ";".join(f"[{n}:v]format=yuv420p[v{n}]" for n in range(4)) + ";[v0][v1][v2][v3]concat=n=4"
    _ffmpeg([*parts, "-filter_complex", joined, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", str(path)])


def _ffmpeg(args: list[str]) -> None:
    subprocess.run([FFMPEG, "-v", "error", "-nostdin", "-y", *args], check=True, timeout=60)
