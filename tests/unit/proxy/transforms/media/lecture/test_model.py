"""lecture.json in both directions."""

import json

import pytest

from proxy.transforms.media.lecture.model import (
    BadLecture,
    Captions,
    Chapter,
    ChatLine,
    Lecture,
    Slide,
    Sound,
    lecture_from,
    lecture_json,
)

SLIDE = Slide(n=1, at_s=0.0, until_s=9.5, file="slides/001.webp", width=960, height=540, bytes=1000, steps_s=(3.0,))
LECTURE = Lecture(
    duration_s=20.0,
    verdict="slides",
    title="Чтение",
    slides=(SLIDE,),
    sound=(Sound(file="sound.webm", type="audio/webm", bytes=5),),
    captions=(Captions(file="captions-1.vtt", lang="ru"),),
    chapters=(Chapter(at_s=1.0, title="One"),),
    chat=(ChatLine(at_s=2.0, name="Anna", text="hi"),),
)


def test_what_is_stored_reads_back_the_same():
    assert lecture_from(lecture_json(LECTURE)) == LECTURE


def test_a_picture_that_returns_is_counted_once():
    again = Slide(n=2, at_s=9.5, until_s=20.0, file=SLIDE.file, width=960, height=540, bytes=1000)
    assert Lecture(duration_s=20.0, verdict="slides", slides=(SLIDE, again)).slide_bytes == 1000


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "slides/../x.webp", "http://x/y.webp", "a b.webp", ""]
)
def test_a_file_outside_the_lecture_is_no_lecture(name):
    told = json.loads(lecture_json(LECTURE))
    told["slides"][0]["file"] = name
    with pytest.raises(BadLecture):
        lecture_from(json.dumps(told).encode())


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"slides": "x"}, {"duration_s": -1}, {"title": None}, {"sound": [1]}]
)
def test_a_strange_file_is_no_lecture(change):
    told = {**json.loads(lecture_json(LECTURE)), **change}
    with pytest.raises(BadLecture):
        lecture_from(json.dumps(told).encode())


def test_not_even_json_is_no_lecture():
    with pytest.raises(BadLecture):
        lecture_from(b"\xff{")
