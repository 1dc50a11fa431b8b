"""The gallery's other half: pages that are seldom seen while one works on them. A lecture as it is watched, what stands
for a page that isn't here without a link, messages that wait, what a device keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from proxy.pages.context import PageContext
from proxy.pages.outage import KeptPage, missing_page
from proxy.pages.outbox import Waiting, outbox_page, receipt_page
from proxy.pages.slidecast import ALL, SLIDES_ONLY, SOUND_ONLY, Said, SlidecastView, Transcript, slidecast_page
from proxy.pages.store import store_page
from proxy.transforms.media.lecture.model import Chapter, ChatLine, Lecture, Slide, Sound

_TITLE = "Лекция 3. Формирующее оценивание в малокомплектной школе"
_MINUTE_S = 60.0


def seldom_seen(language: str, context: PageContext) -> Iterator[tuple[str, bytes]]:
    """Names and pages, in one language."""
    for show in (ALL, SLIDES_ONLY, SOUND_ONLY):
        yield f"lecture-{show}", slidecast_page(_lecture(), _view(language, show))
    was = context.now - timedelta(days=2, hours=3)
    opened = (
        KeptPage(href="/mod/page/view.php?id=3", title="Тема 2. Словесная оценка", at=was),
        KeptPage(href="/mod/forum/view.php?id=7", title="Форум слушателей", at=context.now - timedelta(hours=5)),
    )
    down = context.now - timedelta(minutes=40)
    yield "missing", missing_page(context, opened, down_since=down, can_queue=True, texts=True)
    yield "missing-nothing", missing_page(context, ())
    messages = tuple(_messages(context.now))
    yield "outbox", outbox_page(messages, context, left=(replace(messages[0], state="left", acts=("mine", "cancel")),))
    yield "outbox-empty", outbox_page((), context)
    for message in messages:
        yield f"receipt-{message.state}", receipt_page(message, context, refresh_s=60)
    yield "store", store_page(context, offline=False)
    yield "store-offline", store_page(context, offline=True)


def _view(language: str, show: str) -> SlidecastView:
    said = (
        Said(at_s=0, text="Здравствуйте, коллеги."),
        Said(at_s=_MINUTE_S, text="Начнём с того, зачем оценка нужна."),
    )
    return SlidecastView(
        language=language,
        base="lecture/",
        show=show,
        back_url="/mod/page/view.php?id=3",
        all_href=None if show == ALL else "all",
        slides_href=None if show == SLIDES_ONLY else "slides",
        sound_href=None if show == SOUND_ONLY else "sound",
        offline_href="lecture.html",
        original_href="/lecture.mp4",
        original_bytes=420_000_000,
        transcripts=(Transcript(lang="ru", label="Русский", said=said),),
    )


def _lecture() -> Lecture:
    texts = ("Формирующее оценивание", "Зачем оценивать, если все друг друга знают", "Три вопроса ученику", "")
    slides = tuple(
        Slide(
            n=number,
            at_s=(number - 1) * 5 * _MINUTE_S,
            until_s=number * 5 * _MINUTE_S,
            file="slides/1.webp" if number == len(texts) else f"slides/{number}.webp",
            width=960,
            height=540,
            bytes=30_000,
            text=text,
        )
        for number, text in enumerate(texts, 1)
    )
    return Lecture(
        duration_s=20 * _MINUTE_S,
        verdict="slides",
        title=_TITLE,
        slides=slides,
        sound=(Sound(file="sound.webm", type="audio/webm", bytes=2_400_000),),
        chapters=(Chapter(at_s=0, title="Введение"), Chapter(at_s=10 * _MINUTE_S, title="Приёмы")),
        chat=(ChatLine(at_s=90, name="Слушатель", text="А если в классе один ученик?"),),
    )


def _messages(now: datetime) -> Iterator[Waiting]:
    """One of each kind of end: it waits, nobody knows, the site didn't take it."""
    for state, why, acts in (
        ("accepted", "", ("cancel",)),
        ("question", "maybe-there", ("look", "again", "arrived")),
        ("failed", "closed", ()),
    ):
        yield Waiting(
            state=state,
            why=why,
            subject="Re: Как оценивать в малой школе",
            text="У нас в классе шесть человек, и отметки знает вся деревня. Пробую словесную оценку.",
            since=now - timedelta(hours=3),
            changed=now - timedelta(minutes=20),
            href=f"/.tropa/outbox/{state}",
            page_url="/mod/forum/discuss.php?d=4",
            files=("plan-uroka.docx",),
            token="sealed",  # noqa: S106 - a picture of one
            acts=acts,
        )
