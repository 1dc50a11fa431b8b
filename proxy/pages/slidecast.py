"""A lecture as slides and sound: its page, the same with slides or sound alone, and as one file for offline use.

Laws of this file: readable without scripts and without styles; a slide is named by number and time, never by picture
alone; the page on the network has no inline style or script; the offline file asks the network for nothing, is made
piece by piece and never stands in memory as a whole.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from babel import Locale, UnknownLocaleError

from policies.frozen import Frozen
from proxy.pages.figures import size_text
from proxy.pages.phrases import Phrases, phrases
from proxy.pages.render import render
from proxy.pages.static import static_file
from proxy.transforms.media.lecture.captions import MAX_BYTES, cues_in, plain
from proxy.transforms.media.lecture.model import SLIDES, Lecture, Slide

ALL, SLIDES_ONLY, SOUND_ONLY = "all", "slides", "sound"
_SPEEDS = ("0.75", "1", "1.25", "1.5", "2")
_MARK = "tropa-file:"
_FILE = re.compile(rf"{_MARK}([a-z0-9/.-]+)")
_PIECE_BYTES = 48 * 1024  # a multiple of three: base64 of the pieces joins without padding
_PARAGRAPH_S = 30.0


class Said(Frozen, frozen=True, kw_only=True):
    """A stretch of the transcript."""

    at_s: float
    text: str


class Transcript(Frozen, frozen=True, kw_only=True):
    """What captions say, for reading. lang "" if unknown."""

    lang: str
    label: str
    said: tuple[Said, ...]


class SlidecastView(Frozen, frozen=True, kw_only=True):
    """For whom and where a lecture's page is rendered; None and "" mean: not offered.

    base            what stands before the lecture's own file names, "" or ending in "/"
    title           of the page; "" takes the lecture's own
    show            ALL, SLIDES_ONLY or SOUND_ONLY
    all_href, slides_href, sound_href   pages of the same lecture
    offline_href    the file that `slidecast_file` makes
    original_href, original_bytes       the full video, where policy allows it
    transcripts     `transcripts_of` the folder
    """

    language: str
    base: str
    title: str = ""
    show: str = ALL
    back_url: str = ""
    all_href: str | None = None
    slides_href: str | None = None
    sound_href: str | None = None
    offline_href: str | None = None
    original_href: str | None = None
    original_bytes: int | None = None
    page_script: str = ""
    transcripts: tuple[Transcript, ...] = ()


class _Link(Frozen, frozen=True):
    href: str
    text: str
    size: str = ""
    download: bool = False


class _Moment(Frozen, frozen=True):
    at: str
    clock: str
    href: str
    text: str = ""
    title: str = ""
    name: str = ""


def slidecast_page(lecture: Lecture, view: SlidecastView) -> bytes:
    """The page, within PAGE_CSP."""
    return _markup(lecture, view).encode("utf-8")


async def slidecast_file(folder: Path, lecture: Lecture, view: SlidecastView) -> AsyncIterator[bytes]:
    """One self-contained HTML file, in pieces: pictures and the first sound within, no address of the network.

    folder holds the lecture's files. Raises OSError if one has gone.
    """
    alone = replace(
        view, base=_MARK, show=ALL, all_href=None, slides_href=None, sound_href=None, offline_href=None,
        original_href=None, back_url="", page_script="",
    )  # fmt: skip
    single = replace(lecture, sound=lecture.sound[:1], captions=())
    markup, types = _markup(single, alone, offline=True), _types(single)
    done = 0
    for mark in _FILE.finditer(markup):
        yield markup[done : mark.start()].encode()
        done = mark.end()
        yield f"data:{types[mark[1]]};base64,".encode()
        pieces = _pieces(folder / mark[1])
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield base64.b64encode(piece)
    yield markup[done:].encode()


def offline_bytes(lecture: Lecture) -> int:
    """About how large the offline file is."""
    inside = lecture.slide_bytes + (lecture.sound[0].bytes if lecture.sound else 0)
    return inside * 4 // 3 + 40_000


def seen_bytes(lecture: Lecture, show: str = ALL) -> int:
    """What a learner takes who sees or hears all of a view: one sound, each picture once."""
    sound = lecture.sound[0].bytes if lecture.sound and show != SLIDES_ONLY else 0
    return sound + (lecture.slide_bytes if show != SOUND_ONLY else 0)


def seen_files(lecture: Lecture, show: str = ALL) -> tuple[str, ...]:
    """The files behind `seen_bytes`, and the captions."""
    sound = [one.file for one in lecture.sound[:1]] if show != SLIDES_ONLY else []
    pictures = [slide.file for slide in lecture.slides] if show != SOUND_ONLY else []
    return tuple(dict.fromkeys((*sound, *pictures, *(one.file for one in lecture.captions))))


def transcripts_of(folder: Path, lecture: Lecture) -> tuple[Transcript, ...]:
    """The captions in the folder as texts to read. Reads files: not for the event loop."""
    found = []
    for text in lecture.captions:
        with (folder / text.file).open("rb") as file:
            said = tuple(_paragraphs([(cue.start_s, plain(cue)) for cue in cues_in(file.read(MAX_BYTES))]))
        found.append(Transcript(lang=text.lang, label=text.label, said=said))
    return tuple(found)


def clock_of(at_s: float) -> str:
    """ "2:59", "1:02:03"."""
    minutes, seconds = divmod(int(at_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


# -- the page ------------------------------------------------------------------------------------------------------


def _markup(lecture: Lecture, view: SlidecastView, *, offline: bool = False) -> str:
    say = phrases(view.language)
    heard = lecture.sound if view.show != SLIDES_ONLY else ()
    return render(
        "slidecast.html",
        view.language,
        title=view.title or lecture.title or say("slidecast.all"),
        show=view.show,
        facts=_facts(lecture, view, say),
        why="" if lecture.form == SLIDES else say("slidecast.no_slides"),
        style=_inline("tropa.css") + _inline("slidecast.css") if offline else "",
        script=_inline("slidecast.js") if offline else "",
        sound=[{"href": view.base + one.file, "type": one.type} for one in heard],
        tracks=[] if offline else _tracks(lecture, view, say),
        says=say("slidecast.says"),
        speeds=[(float(speed), f"{speed.replace('.', ',') if say.language == 'ru' else speed}×") for speed in _SPEEDS],
        slides=_slides(lecture, view, say, offline=offline),
        chapters=[_moment(one.at_s, lecture, view, title=one.title) for one in lecture.chapters],
        transcripts=[_transcript(one, lecture, view, say) for one in view.transcripts],
        chat=[_moment(one.at_s, lecture, view, name=one.name, text=one.text) for one in lecture.chat],
        links=_links(lecture, view, say),
        back_url=view.back_url,
        page_script=view.page_script,
    )


def _facts(lecture: Lecture, view: SlidecastView, say: Phrases) -> list[str]:
    name = {ALL: "slidecast.all", SLIDES_ONLY: "slidecast.slides_only", SOUND_ONLY: "slidecast.sound_only"}[view.show]
    facts = [say(name)]
    if lecture.form == SLIDES and view.show != SOUND_ONLY:
        facts.append(say.plural("slidecast.slides", len(lecture.slides)))
    return [*facts, clock_of(lecture.duration_s), size_text(seen_bytes(lecture, view.show), view.language)]


def _slides(lecture: Lecture, view: SlidecastView, say: Phrases, *, offline: bool) -> list[dict[str, object]]:
    first: dict[str, int] = {}
    rows = []
    for slide in lecture.slides:
        known = first.setdefault(slide.file, slide.n)
        rows.append(_slide_row(slide, lecture, view, say, same=known if offline and known != slide.n else 0))
    return rows


def _slide_row(slide: Slide, lecture: Lecture, view: SlidecastView, say: Phrases, *, same: int) -> dict[str, object]:
    name = say("slidecast.name", n=slide.n, time=clock_of(slide.at_s))
    return {
        "n": slide.n,
        "at": f"{slide.at_s:g}",
        "name": name,
        "alt": f"{name}. {slide.text}" if slide.text else name,
        "words": slide.text,
        "same": same,
        "same_name": say("slidecast.same", n=same) if same else "",
        "src": view.base + slide.file if view.show != SOUND_ONLY else "",
        "listen": "" if view.base == _MARK or view.show == SLIDES_ONLY else _listen(slide.at_s, lecture, view),
        "width": slide.width,
        "height": slide.height,
    }


def _listen(at_s: float, lecture: Lecture, view: SlidecastView) -> str:
    """Where a browser without scripts begins to play: a media fragment (W3C, temporal dimension)."""
    return f"{view.base}{lecture.sound[0].file}#t={at_s:g}" if lecture.sound else ""


def _moment(
    at_s: float, lecture: Lecture, view: SlidecastView, *, text: str = "", title: str = "", name: str = ""
) -> _Moment:
    shown = max((slide.n for slide in lecture.slides if slide.at_s <= at_s + 0.5), default=1)
    silent = view.base == _MARK or view.show == SLIDES_ONLY or not lecture.sound
    href = f"#slide-{shown}" if silent else _listen(at_s, lecture, view)
    return _Moment(at=f"{at_s:g}", clock=clock_of(at_s), href=href, text=text, title=title, name=name)


def _tracks(lecture: Lecture, view: SlidecastView, say: Phrases) -> list[dict[str, str]]:
    return [
        {"href": view.base + one.file, "lang": one.lang, "label": one.label or _language(one.lang, say) or str(number)}
        for number, one in enumerate(lecture.captions, 1)
    ]


def _transcript(one: Transcript, lecture: Lecture, view: SlidecastView, say: Phrases) -> dict[str, object]:
    named = one.label or _language(one.lang, say)
    label = say("slidecast.transcript_in", language=named) if named else say("slidecast.transcript")
    return {"label": label, "lines": [_moment(said.at_s, lecture, view, text=said.text) for said in one.said]}


def _language(tag: str, say: Phrases) -> str:
    """A language's name in the reader's own; "" if it is unknown."""
    if not tag:
        return ""
    try:
        return Locale.parse(tag, sep="-").get_language_name(say.language) or tag
    except (UnknownLocaleError, ValueError):
        return tag


def _links(lecture: Lecture, view: SlidecastView, say: Phrases) -> list[_Link]:
    language = view.language
    links = []
    if view.all_href and view.show != ALL:
        links.append(_Link(view.all_href, say("slidecast.all"), size_text(seen_bytes(lecture), language)))
    if view.slides_href and view.show != SLIDES_ONLY and lecture.form == SLIDES:
        size = size_text(seen_bytes(lecture, SLIDES_ONLY), language)
        links.append(_Link(view.slides_href, say("slidecast.slides_only"), size))
    if view.sound_href and view.show != SOUND_ONLY and lecture.sound:
        links.append(_Link(view.sound_href, say("slidecast.sound_only"), size_text(lecture.sound[0].bytes, language)))
    if view.offline_href:
        size = size_text(offline_bytes(lecture), language)
        links.append(_Link(view.offline_href, say("slidecast.offline"), size, download=True))
    if view.original_href:
        size = size_text(view.original_bytes, language) if view.original_bytes else ""
        links.append(_Link(view.original_href, say("slidecast.original"), size))
    return links


def _paragraphs(cues: Sequence[tuple[float, str]]) -> Iterator[Said]:
    """Cues joined to stretches of half a minute: a text is read, not a list of fragments."""
    held: list[str] = []
    since = 0.0
    for at_s, text in cues:
        if held and at_s - since >= _PARAGRAPH_S:
            yield Said(at_s=since, text=" ".join(held))
            held = []
        if not held:
            since = at_s
        if not held or held[-1] != text:
            held.append(text)
    if held:
        yield Said(at_s=since, text=" ".join(held))


# -- the offline file ----------------------------------------------------------------------------------------------


def _inline(name: str) -> str:
    found = static_file(name)
    assert found is not None, name
    text = found[0].decode("utf-8")
    assert "</" not in text, name  # it would end the element that it stands in
    return text


def _types(lecture: Lecture) -> dict[str, str]:
    types = {slide.file: "image/webp" for slide in lecture.slides}
    return types | {one.file: one.type.partition(";")[0] for one in lecture.sound}


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
