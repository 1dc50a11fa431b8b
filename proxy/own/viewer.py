"""What a learner sees and takes of a version that is ready: its viewer page and its files.

Laws: only files that the version's own manifest names are ever opened; a lighter copy never bears the original's
name; nothing here begins work or asks the origin.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import unquote

from policies.model import Origin
from policies.treatments import Form, LightCopy
from policies.values import MediaKind
from proxy.deliver.answer import Answer
from proxy.media.growing import Growing
from proxy.media.store_values import StoredMedia
from proxy.media.views import Order
from proxy.own.lectures import OFFLINE_NAME, Lectures
from proxy.own.refusals import own_page
from proxy.own.segments import SEGMENTS
from proxy.pages import PageContext
from proxy.pages.media import File, Film, film_page
from proxy.stages.context import Exchange
from proxy.stages.media import growing_answer, stored_answer
from proxy.transforms.media.documents.naming import attachment, light_name
from proxy.transforms.media.segments import PLAYLIST, PLAYLIST_TYPE
from proxy.transforms.media.spec import Recipe
from proxy.transforms.spec import Heavy

LOOKS = ("tropa.css", "tropa.svg", "slidecast.css", "slidecast.js")  # what the viewers' pages look and act like
FILES = "files.json"  # what a browser has to take to keep a version
PLAY = "play"  # the whole film under one name, finished or growing
_LECTURES = frozenset({Form.SLIDECAST.value, Form.SLIDES.value})
_COPIES = frozenset(copy.value for copy in LightCopy)


class Viewer:
    """Pages and files of finished versions."""

    def __init__(self, lectures: Lectures, watched: Callable[[str, Origin | None, datetime], None]) -> None:
        """watched: told of each film, recording or document a version of which is shown, and whose it is."""
        self._lectures = lectures
        self._watched = watched

    async def bytes_of(self, version: str, stored: StoredMedia) -> int:
        """What a learner takes who takes this version: one sound, not both, and no sound with slides alone."""
        return await self._lectures.bytes_of(version, stored) if _is_lecture(version, stored) else stored.length_bytes

    async def has(self, version: str, stored: StoredMedia) -> bool:
        """Whether what was made is that version: there may be no slides to see alone."""
        return version != Form.SLIDES or (_is_lecture(version, stored) and await self._lectures.is_slides(stored))

    async def page(
        self, exchange: Exchange, heavy: Heavy, context: PageContext, version: str, stored: StoredMedia
    ) -> Answer | None:
        """The viewer; a copy of a document is the document itself. None: it was just evicted, or is damaged."""
        self._watched(heavy.url, exchange.inbound.origin, exchange.now)
        if version in _COPIES:
            return await self._copy(exchange, heavy, version, stored)
        if _is_lecture(version, stored):
            return await self._lectures.page(exchange, heavy, context, version, stored)
        main = stored.main_file
        file = File(f"{version}/{main.name}", stored.content_type, main.length_bytes)
        form = Form.SOUND.value if version in _LECTURES else version
        film = Film(form=form, title=heavy.title or _name(heavy), sources=(file,), download=file)
        exchange.tally.treatment = "own"
        return own_page(200, film_page(film, context, heavy))

    def growing_page(self, heavy: Heavy, context: PageContext, version: str, growing: Growing) -> Answer:
        """The viewer of a film or a sound whose rest is still being made."""
        file = File(f"{version}/{PLAY}", growing.content_type, 0)
        film = Film(form=version, title=heavy.title or _name(heavy), sources=(file,), growing=True)
        return own_page(200, film_page(film, context, heavy))

    def segments_page(self, exchange: Exchange, heavy: Heavy, context: PageContext) -> Answer:
        """The viewer of a long film: in segments where the browser plays them, else from its beginning on."""
        self._watched(heavy.url, exchange.inbound.origin, exchange.now)
        version = Form.CAPPED.value
        sources = (
            File(f"{version}/{SEGMENTS}/{PLAYLIST}", PLAYLIST_TYPE, 0),
            File(f"{version}/{PLAY}", "video/mp4", 0),
        )
        exchange.tally.treatment = "own"
        film = Film(form=version, title=heavy.title or _name(heavy), sources=sources)
        return own_page(200, film_page(film, context, heavy))

    async def source_page(self, exchange: Exchange, heavy: Heavy, context: PageContext) -> Answer:
        """The viewer of a film that is small enough as it is: the course's own file plays."""
        file = File(heavy.url, "video/mp4", heavy.size_bytes or 0)
        film = Film(form=Form.CAPPED.value, title=heavy.title or _name(heavy), sources=(file,))
        exchange.tally.treatment = "own"
        return own_page(200, film_page(film, context, heavy))

    async def file(
        self,
        exchange: Exchange,
        heavy: Heavy,
        context: PageContext,
        version: str,
        stored: StoredMedia,
        name: str,
    ) -> Answer | None:
        """One file of a version, None for a name that it doesn't have."""
        if _is_lecture(version, stored) and name == OFFLINE_NAME:
            return await self._lectures.offline(exchange, heavy, context, stored)
        file = stored.main_file if name == PLAY else stored.files.get(unquote(name))
        if file is None:
            return None
        exchange.tally.kind = _kind_of(version)
        return await stored_answer(exchange, stored, file, spliced=name == PLAY)

    async def names(self, version: str, stored: StoredMedia) -> tuple[str, ...]:
        """The files that whoever sees all of this version needs: one sound, each picture once, the words."""
        if version in _COPIES:
            return ()
        if _is_lecture(version, stored):
            return await self._lectures.names(version, stored)
        return (stored.main_file.name,)

    @staticmethod
    def growing(exchange: Exchange, version: str, order: Order, growing: Growing | None) -> Answer | None:
        """The film from its first byte, as it is made."""
        if growing is None:
            return None
        exchange.tally.kind = _kind_of(version)
        return growing_answer(exchange, order, growing)

    @staticmethod
    async def _copy(exchange: Exchange, heavy: Heavy, version: str, stored: StoredMedia) -> Answer | None:
        exchange.tally.kind = MediaKind.DOCUMENT
        mark = "light-print" if version == LightCopy.PRINT else "light"
        name = attachment(light_name(_name(heavy), exchange.who.language, mark=mark))
        return await stored_answer(exchange, stored, stored.main_file, download_as=name)


def _is_lecture(version: str, stored: StoredMedia) -> bool:
    """Where a lecture's making failed, its sound alone was made instead."""
    return version in _LECTURES and stored.recipe == Recipe.SLIDECAST


def _name(heavy: Heavy) -> str:
    return unquote(heavy.url.partition("?")[0].rpartition("/")[2])


def _kind_of(version: str) -> MediaKind:
    if version in _COPIES:
        return MediaKind.DOCUMENT
    return MediaKind.AUDIO if version == Form.SOUND else MediaKind.VIDEO
