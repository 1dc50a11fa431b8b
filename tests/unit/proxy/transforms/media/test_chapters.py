"""Chapters as they are handed on."""

from __future__ import annotations

from proxy.transforms.media.chapters import chapter_text
from proxy.transforms.media.probe import Chapter, parse_chapters

CHAPTERS = (
    Chapter(start_s=0, end_s=60.5, title="Начало; a=b #1"),
    Chapter(start_s=60.5, end_s=120, title="two\nlines \\ and\rmore"),
)


def test_what_is_written_is_read_again() -> None:
    told = parse_chapters(chapter_text(CHAPTERS))
    assert [chapter["tags"]["title"] for chapter in told] == ["Начало; a=b #1", "two\nlines \\ and more"]
    assert told[1]["start_time"] == 60.5


def test_a_later_beginning_moves_them() -> None:
    told = parse_chapters(chapter_text(CHAPTERS, 100.0))
    assert [(chapter["start_time"], chapter["end_time"]) for chapter in told] == [(0, 20)]
    assert chapter_text(CHAPTERS, 200.0) == ""


def test_a_name_can_not_begin_a_section() -> None:
    told = chapter_text((Chapter(start_s=0, end_s=1, title="x\n[CHAPTER]\nSTART=9\n"),))
    assert len(parse_chapters(told)) == 1
