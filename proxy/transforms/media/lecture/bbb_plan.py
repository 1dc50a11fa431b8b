"""What a BigBlueButton recording (its "presentation" format) says of itself, as values.

Laws of this file: pure: bytes in, values out; XML without entities, network or DTD; names of files are those within the
recording's own folder; a part that can't be read is missing, and only a recording without slides and sound is a fault.

The format, by BigBlueButton's record-and-playback scripts (publish/presentation) and bbb-playback:
- metadata.xml: <meta><meetingName>, else <meeting name>; <playback><duration> in milliseconds;
- shapes.svg: <image class="slide" id in out xlink:href text> (in and out may list several showings, in seconds), and
  for each a <g class="canvas" image="id"> of <g class="shape" shape timestamp undo style> (undo -1: it stays);
- deskshare.xml: <event start_timestamp stop_timestamp>; deskshare/deskshare.webm or .mp4 runs from the recording's
  start;
- slides_new.xml: <chattimeline in name message>; captions.json: [{"locale", "localeName"}] beside caption_LOCALE.vtt;
- tldraw.json: what was drawn on boards of BigBlueButton 2.6 and later (`bbb_board`); their slides are named as drawings
  (svgs/slideN.svg), and lie beside as pictures (slide-N.png, thumbnails/thumb-N.png);
- polls.json: what polls came to, drawn where shapes.svg has a picture of it;
- presentation_text.json: {presentation: {"slide-N": text}}; panzooms.xml and cursor.xml aren't needed: slides are
  shown whole.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lxml import etree

from policies.frozen import Frozen
from proxy.transforms.media.lecture.bbb_board import board_of
from proxy.transforms.media.lecture.bbb_poll import Poll, chart, polls_of

if TYPE_CHECKING:
    from lxml.etree import _Element

_HREF = "{http://www.w3.org/1999/xlink}href"
_PATH = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*){0,4}", re.ASCII)
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
MAX_SHOWINGS, MAX_SHAPES, MAX_CHAT = 2000, 20_000, 5000
_MAX_TEXT = 2000
_POLL_LATE_S = 2.0  # a result is drawn a moment before or after it is told
_DRAWING = re.compile(r"(.*/)svgs/slide(\d{1,4})\.svg", re.ASCII)


class Shape(Frozen, frozen=True, kw_only=True):
    """Something drawn on a slide. name: later shapes of one name replace earlier ones (a line as it grows)."""

    name: str
    at_s: float
    until_s: float  # infinite: it stays
    style: Mapping[str, str]
    element: _Element
    see_through: bool = False


class Page(Frozen, frozen=True, kw_only=True):
    """One slide of the deck. width, height: what shapes are measured in; files: the first that is there is it."""

    id: str
    files: tuple[str, ...]
    width: float
    height: float
    text: str
    shapes: tuple[Shape, ...]


class Showing(Frozen, frozen=True, kw_only=True):
    page: Page
    at_s: float
    until_s: float


class Said(Frozen, frozen=True, kw_only=True):
    at_s: float
    name: str
    text: str


class LecturePlan(Frozen, frozen=True, kw_only=True):
    """A recording. shares_s: periods of screen sharing; captions: locale and label, as caption_LOCALE.vtt."""

    title: str
    duration_s: float
    showings: tuple[Showing, ...]
    shares_s: tuple[tuple[float, float], ...]
    chat: tuple[Said, ...]
    captions: tuple[tuple[str, str], ...]


class NotARecording(Exception):
    """Neither shapes.svg nor metadata.xml can be read."""


def recording(files: Mapping[str, bytes]) -> LecturePlan:
    """The plan of a recording by its small files (name -> bytes). Raises NotARecording."""
    metadata, shapes = _xml(files.get("metadata.xml")), _xml(files.get("shapes.svg"))
    if metadata is None and shapes is None:
        raise NotARecording
    beside = _Beside(
        texts=_texts(files.get("presentation_text.json")),
        board=_json(files.get("tldraw.json")),
        polls=polls_of(_json(files.get("polls.json"))),
    )
    showings = _showings(shapes, beside) if shapes is not None else ()
    told_s = _number(_said(metadata, ".//playback/duration")) / 1000
    return LecturePlan(
        title=_title(metadata),
        duration_s=told_s or max((showing.until_s for showing in showings), default=0.0),
        showings=showings,
        shares_s=_shares(_xml(files.get("deskshare.xml"))),
        chat=_chat(_xml(files.get("slides_new.xml"))),
        captions=_captions(files.get("captions.json")),
    )


def safe_path(name: str) -> str | None:
    """A file's name within the recording; None for anything that could lead out of it."""
    name = name.partition("?")[0]
    return name if _PATH.fullmatch(name) and ".." not in name else None


# -- shapes.svg --------------------------------------------------------------------------------------------------------


class _Beside(Frozen, frozen=True, kw_only=True):
    """What other files say of slides."""

    texts: Mapping[str, str]
    board: object
    polls: tuple[Poll, ...]


def _showings(svg: _Element, beside: _Beside) -> tuple[Showing, ...]:
    canvases = {group.get("image"): group for group in _named(svg, "g") if "canvas" in (group.get("class") or "")}
    found: list[Showing] = []
    for image in _named(svg, "image"):
        page = _page(image, canvases.get(image.get("id")), beside) if image.get("class") == "slide" else None
        if page is None:
            continue
        begins, ends = _numbers(image.get("in")), _numbers(image.get("out"))
        found += [
            Showing(page=page, at_s=begin, until_s=end) for begin, end in zip(begins, ends, strict=False) if end > begin
        ]
    found.sort(key=lambda showing: showing.at_s)
    return tuple(found[:MAX_SHOWINGS])


def _page(image: _Element, canvas: _Element | None, beside: _Beside) -> Page | None:
    """None: a placeholder without a file ("logo.png", the screen share's transparent slide)."""
    file = safe_path(image.get(_HREF) or image.get("href") or "")
    if file is None or "/" not in file or "/deskshare/" in file:
        return None
    name, files = image.get("id") or "", _pictures(file)
    width, height = _number(image.get("width")) or 1600.0, _number(image.get("height")) or 1200.0
    drawn = _shapes(canvas, beside.polls) if canvas is not None else []
    return Page(
        id=name,
        files=files,
        width=width,
        height=height,
        text=beside.texts.get(_text_key(files[0]), ""),
        shapes=tuple(drawn) or _board(beside.board, name, width, height),
    )


def _pictures(file: str) -> tuple[str, ...]:
    """Pictures of a slide: of one that is named as a drawing, those that lie beside it."""
    found = _DRAWING.fullmatch(file)
    if found is None:
        return (file,)
    return f"{found[1]}slide-{found[2]}.png", f"{found[1]}thumbnails/thumb-{found[2]}.png"


def _board(told: object, name: str, width: float, height: float) -> tuple[Shape, ...]:
    return tuple(
        Shape(
            name=one.name,
            at_s=one.at_s,
            until_s=one.until_s,
            style={},
            element=one.element,
            see_through=one.see_through,
        )
        for one in board_of(told, name, width, height, most=MAX_SHAPES)
    )


def _shapes(canvas: _Element, polls: tuple[Poll, ...]) -> list[Shape]:
    found = []
    for group in canvas:
        if not isinstance(group.tag, str) or "shape" not in (group.get("class") or ""):
            continue
        undo = _number(group.get("undo"), -1.0)
        at_s, name = _number(group.get("timestamp")), group.get("shape") or group.get("id") or ""
        drawing = _poll_chart(group, at_s, polls)
        found.append(
            Shape(
                name=name,
                at_s=at_s,
                until_s=undo if undo >= 0 else math.inf,
                style={} if drawing is not None else style_of(group.get("style")),
                element=drawing if drawing is not None else group,
            )
        )
        if len(found) >= MAX_SHAPES:
            break
    return found


def _poll_chart(group: _Element, at_s: float, polls: tuple[Poll, ...]) -> _Element | None:
    """The chart for a poll's result, which shapes.svg has as a picture's name; None: this is no such shape."""
    picture = next(iter(_named(group, "image")), None)
    told = [poll for poll in polls if poll.at_s <= at_s + _POLL_LATE_S]
    if picture is None or not told:
        return None
    box = tuple(_number(picture.get(name)) for name in ("x", "y", "width", "height"))
    return chart(told[-1], (box[0], box[1], box[2], box[3]))


def visible(page: Page, at_s: float) -> list[Shape]:
    """The shapes that stand on the page at this time, in the order of drawing; of one name the latest."""
    standing = [shape for shape in page.shapes if shape.at_s <= at_s < shape.until_s]
    last = {shape.name: shape for shape in standing}
    return [shape for shape in standing if last[shape.name] is shape]


def style_of(style: str | None) -> dict[str, str]:
    """A style attribute's declarations."""
    pairs = (part.partition(":") for part in (style or "")[:_MAX_TEXT].split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


# -- the other files ---------------------------------------------------------------------------------------------------


def _texts(stored: bytes | None) -> dict[str, str]:
    told = _json(stored)
    found: dict[str, str] = {}
    if isinstance(told, dict):
        for deck, slides in told.items():
            for slide, text in slides.items() if isinstance(slides, dict) else ():
                found[f"{deck}/{slide}"] = " ".join(str(text).split())[:_MAX_TEXT]
    return found


def _text_key(file: str) -> str:
    parts = file.split("/")
    return f"{parts[-2]}/{parts[-1].rpartition('.')[0]}" if len(parts) > 1 else file


def _shares(deskshare: _Element | None) -> tuple[tuple[float, float], ...]:
    if deskshare is None:
        return ()
    spans = [
        (_number(event.get("start_timestamp")), _number(event.get("stop_timestamp")))
        for event in _named(deskshare, "event")
    ]
    return tuple(sorted((begin, end) for begin, end in spans if end > begin))[:MAX_SHOWINGS]


def _chat(popcorn: _Element | None) -> tuple[Said, ...]:
    if popcorn is None:
        return ()
    lines = []
    for line in _named(popcorn, "chattimeline"):
        text = _plain(line.get("message") or "")
        if text:
            lines.append(Said(at_s=_number(line.get("in")), name=_plain(line.get("name") or ""), text=text))
    return tuple(sorted(lines, key=lambda said: said.at_s))[:MAX_CHAT]


def _plain(markup: str) -> str:
    """Chat messages are HTML of links and line breaks: their text alone."""
    text = re.sub(r"<br\s*/?>", " ", markup[: 4 * _MAX_TEXT], flags=re.IGNORECASE)
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", "", text)).split())[:_MAX_TEXT]


def _captions(stored: bytes | None) -> tuple[tuple[str, str], ...]:
    told = _json(stored)
    rows = told if isinstance(told, list) else []
    found = [
        (str(row["locale"]), str(row.get("localeName", ""))[:100])
        for row in rows
        if isinstance(row, dict) and _LOCALE.fullmatch(str(row.get("locale", "")))
    ]
    return tuple(found[:8])


def _json(stored: bytes | None) -> object:
    try:
        return json.loads(stored) if stored else None
    except ValueError:
        return None


def _xml(stored: bytes | None) -> _Element | None:
    if not stored:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        return etree.fromstring(stored, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _named(tree: _Element, name: str) -> list[_Element]:
    return [one for one in tree.iter() if isinstance(one.tag, str) and one.tag.rpartition("}")[2] == name]


def _said(tree: _Element | None, path: str) -> str:
    found = tree.findtext(path) if tree is not None else None
    return " ".join((found or "").split())[:300]


def _title(metadata: _Element | None) -> str:
    """As the recording's own player finds it: what was told of it, else the meeting's name."""
    told = _said(metadata, ".//meta/meetingName") or _said(metadata, ".//meta/name")
    meeting = metadata.find(".//meeting") if metadata is not None and not told else None
    return " ".join(meeting.get("name", "").split())[:300] if meeting is not None else told


def _numbers(text: str | None) -> list[float]:
    return [float(number) for number in _NUMBER.findall((text or "")[:20_000])]


def _number(text: str | None, default: float = 0.0) -> float:
    found = _numbers(text)
    return found[0] if found and math.isfinite(found[0]) else default
