"""The morning's page: of nothing no size is told, and where nothing is fetched nothing is missing."""

from __future__ import annotations

import re

import pytest

from policies.night import Idle
from policies.values import Text
from proxy.night.report import Line, PlaceReport
from proxy.pages.gallery import CLOSED, context_in
from proxy.pages.night import night_page

LECTURE = Line(title="Лекция 6", what="sections", state="ready", size_bytes=2_000_000)


def shown(language: str, *, idle: Idle | None = None, here: tuple[Line, ...] = ()) -> str:
    report = PlaceReport(
        place="koryak",
        title=Text(ru="Корякский округ", en="Koryak District"),
        idle=idle,
        open_until=None,
        opens_at=None,
        spent_bytes=0,
        here=here,
        missing=(),
        asked={},
    )
    page = night_page(report, context_in(language, CLOSED)).decode().replace("\xa0", " ")
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize(
    ("language", "nothing", "missing"),
    [("ru", "Здесь пока ничего нет", "Ещё нет: 0"), ("en", "Nothing is here yet", "Still missing: 0")],
)
def test_before_the_first_night_nothing_is_here_and_it_has_no_size(language: str, nothing: str, missing: str) -> None:
    page = shown(language)
    assert nothing in page and missing in page
    assert "(" not in page[page.index(nothing) : page.index(missing)]


def test_a_place_that_fetches_nothing_counts_nothing() -> None:
    page = shown("en", idle=Idle.NO_WINDOW)
    assert "Nothing is fetched" in page
    assert "Nothing is here yet" not in page and "missing" not in page


def test_what_came_before_a_place_became_idle_is_still_told() -> None:
    page = shown("ru", idle=Idle.NO_WINDOW, here=(LECTURE,))
    assert "Уже здесь: 1 (2 МБ)" in page and "Лекция 6" in page
