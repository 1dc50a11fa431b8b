"""A lecture's viewer: its page, its slides or sound alone, its offline file.

Laws: lecture.json is read from the store and believed only as far as `lecture_from` does; what can't be read is no
page; files are read off the event loop.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from urllib.parse import unquote

from multidict import CIMultiDict

from policies.treatments import Form
from policies.values import MediaKind
from proxy.deliver.answer import Answer
from proxy.media.store_values import StoredMedia
from proxy.own.refusals import own_page
from proxy.pages import PageContext
from proxy.pages.slidecast import (
    ALL,
    SLIDES_ONLY,
    SOUND_ONLY,
    SlidecastView,
    Transcript,
    seen_bytes,
    seen_files,
    slidecast_file,
    slidecast_page,
    transcripts_of,
)
from proxy.pages.versions import allowed_forms
from proxy.stages.context import Exchange
from proxy.transforms.media.documents.naming import attachment, light_name
from proxy.transforms.media.lecture.model import SLIDES, BadLecture, Lecture, lecture_from
from proxy.transforms.spec import Heavy

OFFLINE_NAME = "lecture.html"
_SHOW = {Form.SLIDECAST.value: ALL, Form.SLIDES.value: SLIDES_ONLY}
_MOST_HELD = 64


class Lectures:
    """Pages of finished slidecasts; the last used are held in memory, since every page of one needs its contents."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[Lecture, tuple[Transcript, ...]]] = OrderedDict()

    async def opened(self, stored: StoredMedia) -> tuple[Lecture, tuple[Transcript, ...]] | None:
        """The lecture and what is said in it, None where the stored one can't be read."""
        held = self._held.get(stored.key)
        if held is None:
            try:
                held = await asyncio.to_thread(_read, stored)
            except (OSError, BadLecture):
                return None
            self._held[stored.key] = held
            if len(self._held) > _MOST_HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(stored.key)
        return held

    async def bytes_of(self, version: str, stored: StoredMedia) -> int:
        """What a learner takes who sees all of this version: one sound, each slide once."""
        opened = await self.opened(stored)
        return stored.length_bytes if opened is None else seen_bytes(opened[0], _SHOW[version])

    async def names(self, version: str, stored: StoredMedia) -> tuple[str, ...]:
        """The files that this version's page shows and plays; of several sounds the first."""
        opened = await self.opened(stored)
        return () if opened is None else seen_files(opened[0], _SHOW[version])

    async def is_slides(self, stored: StoredMedia) -> bool:
        """Whether slides were found; else there is only sound and a picture."""
        opened = await self.opened(stored)
        return opened is not None and opened[0].form == SLIDES

    async def page(
        self, exchange: Exchange, heavy: Heavy, context: PageContext, version: str, stored: StoredMedia
    ) -> Answer | None:
        """The viewer, with everything that policy allows beside it."""
        opened = await self.opened(stored)
        if opened is None:
            return None
        lecture, transcripts = opened
        forms = allowed_forms(heavy, context)
        sound_only = "sound=only" in exchange.inbound.query and version == Form.SLIDECAST
        view = SlidecastView(
            language=context.language,
            base=f"{version}/",
            title=heavy.title or lecture.title or _name(heavy),
            show=SOUND_ONLY if sound_only else _SHOW[version],
            back_url=context.page_url,
            page_script=context.script,
            all_href=Form.SLIDECAST.value if Form.SLIDECAST in forms else None,
            slides_href=Form.SLIDES.value if Form.SLIDES in forms else None,
            sound_href=f"{Form.SLIDECAST.value}?sound=only" if Form.SLIDECAST in forms else None,
            offline_href=f"{version}/{OFFLINE_NAME}",
            transcripts=transcripts,
        )
        exchange.tally.treatment = "own"
        return own_page(200, slidecast_page(lecture, view))

    async def offline(
        self, exchange: Exchange, heavy: Heavy, context: PageContext, stored: StoredMedia
    ) -> Answer | None:
        """The whole lecture as one file to keep."""
        opened = await self.opened(stored)
        if opened is None:
            return None
        lecture, transcripts = opened
        title = heavy.title or lecture.title or _name(heavy)
        view = SlidecastView(language=context.language, base="", title=title, transcripts=transcripts)
        name = attachment(light_name(f"{title.partition('.mp4')[0]}.html", context.language))
        headers = CIMultiDict({"Content-Type": "text/html; charset=utf-8", "Content-Disposition": name})
        headers["Cache-Control"] = "private, max-age=3600"
        exchange.tally.treatment, exchange.tally.kind = "media", MediaKind.VIDEO
        exchange.tally.direct_bytes = stored.source_bytes
        if not exchange.body_wanted:
            return Answer(status=200, headers=headers)
        folder = stored.main_file.path.parent
        return Answer(status=200, headers=headers, body=slidecast_file(folder, lecture, view))


def _read(stored: StoredMedia) -> tuple[Lecture, tuple[Transcript, ...]]:
    path = stored.main_file.path
    lecture = lecture_from(path.read_bytes())
    return lecture, transcripts_of(path.parent, lecture)


def _name(heavy: Heavy) -> str:
    return unquote(heavy.url.partition("?")[0].rpartition("/")[2])
