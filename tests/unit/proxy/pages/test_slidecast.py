"""The page of a lecture as slides and sound, read as HTML; and the file for offline use."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from proxy.pages import static_file
from proxy.pages.slidecast import (
    SLIDES_ONLY,
    SOUND_ONLY,
    SlidecastView,
    clock_of,
    offline_bytes,
    seen_bytes,
    slidecast_file,
    slidecast_page,
    transcripts_of,
)
from proxy.transforms.media.lecture.model import SOUND_POSTER, Captions, Chapter, ChatLine, Lecture, Slide, Sound


def slide(n, at_s, until_s, picture, text=""):
    name = f"slides/{picture:03}.webp"
    return Slide(n=n, at_s=at_s, until_s=until_s, file=name, width=960, height=540, bytes=15_000, text=text)


LECTURE = Lecture(
    duration_s=3725.0,
    verdict="slides",
    slides=(slide(1, 0, 60, 1), slide(2, 60, 179, 2, "План <урока>"), slide(3, 179, 3725, 1)),
    sound=(
        Sound(file="sound.webm", type='audio/webm; codecs="opus"', bytes=5_600_000),
        Sound(file="sound.m4a", type="audio/mp4", bytes=11_000_000),
    ),
    captions=(Captions(file="captions-1.vtt", lang="ru"),),
    chapters=(Chapter(at_s=61.0, title="Часть & целое"),),
    chat=(ChatLine(at_s=180.0, name="<Анна>", text="<script>alert(1)</script>"),),
)
VIEW = SlidecastView(
    language="ru",
    base="slidecast/",
    title="Чтение",
    back_url="https://lms.example/course",
    all_href="slidecast",
    slides_href="slides",
    sound_href="sound",
    offline_href="slidecast/offline.html",
    original_href="/x",
    original_bytes=240_000_000,
)


class Seen(HTMLParser):
    """Every element with its attributes, and the text."""

    def __init__(self, markup):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.found if name == tag]


def seen(lecture=LECTURE, view=VIEW):
    return Seen(slidecast_page(lecture, view).decode())


def test_every_slide_is_there_with_number_time_and_alternative_text():
    page = seen()
    assert [one["id"] for one in page.all("li") if "id" in one] == ["slide-1", "slide-2", "slide-3"]
    pictures = [one for one in page.all("img") if "src" in one]
    assert [one["alt"] for one in pictures] == ["Слайд 1, 0:00", "Слайд 2, 1:00. План <урока>", "Слайд 3, 2:59"]
    assert [one["src"] for one in pictures][::2] == ["slidecast/slides/001.webp"] * 2
    assert all(one["loading"] == "lazy" and one["width"] == "960" for one in pictures)


def test_sound_is_offered_in_both_formats_and_not_loaded_before_it_is_wanted():
    page = seen()
    assert page.all("audio")[0]["preload"] == "none"
    assert "controls" in page.all("audio")[0]
    assert [one["src"] for one in page.all("source")] == ["slidecast/sound.webm", "slidecast/sound.m4a"]
    assert page.all("track")[0]["src"] == "slidecast/captions-1.vtt"


def test_without_scripts_a_slide_can_be_listened_to_from_its_time():
    assert "slidecast/sound.webm#t=179" in [one.get("href") for one in seen().all("a")]


def test_what_people_wrote_is_text():
    page = seen()
    assert "<script>alert(1)</script>" in page.text
    assert len(page.all("script")) == 1


def test_there_is_no_inline_style_or_script():
    page = seen()
    assert page.all("style") == []
    assert all(one.get("src") for one in page.all("script"))
    assert not any(name == "style" or name.startswith("on") for _, attrs in page.found for name in attrs)


def test_sizes_are_those_of_what_is_taken():
    assert seen_bytes(LECTURE) == 5_600_000 + 30_000
    assert seen_bytes(LECTURE, SLIDES_ONLY) == 30_000
    assert seen_bytes(LECTURE, SOUND_ONLY) == 5_600_000
    text = seen().text.replace("\u00a0", " ")
    assert "5,6 МБ" in text and "240 МБ" in text and "1:02:05" in text


def test_slides_alone_bring_no_sound_and_no_script():
    page = seen(view=replace(VIEW, show=SLIDES_ONLY))
    assert page.all("audio") == [] and page.all("script") == []
    assert len([one for one in page.all("img") if "src" in one]) == 3
    assert "slidecast" in [one.get("href") for one in page.all("a")]


def test_sound_alone_brings_no_pictures():
    page = seen(view=replace(VIEW, show=SOUND_ONLY))
    assert [one for one in page.all("img") if "src" in one] == []
    assert len(page.all("audio")) == 1


def test_a_film_without_slides_says_so():
    told = replace(LECTURE, form=SOUND_POSTER, verdict="talking-head", slides=LECTURE.slides[:1])
    assert "нет слайдов" in seen(told).text


@pytest.mark.parametrize("language", ["ru", "en"])
def test_what_is_not_offered_is_not_mentioned(language):
    bare = SlidecastView(language=language, base="")
    page = seen(replace(LECTURE, captions=(), chapters=(), chat=()), bare)
    assert not any("download" in one for one in page.all("a"))
    assert len(page.all("details")) == 1  # the keys


def test_clocks_read_like_a_players():
    assert [clock_of(at_s) for at_s in (0, 179.9, 3723)] == ["0:00", "2:59", "1:02:03"]


def test_captions_become_a_text_of_half_minutes(tmp_path):
    cues = "\n\n".join(f"00:00:{at:02}.000 --> 00:00:{at + 1:02}.000\n<b>слово</b> {at}" for at in range(0, 50, 10))
    (tmp_path / "captions-1.vtt").write_text("WEBVTT\n\n" + cues)
    (only,) = transcripts_of(tmp_path, LECTURE)
    assert [(said.at_s, said.text) for said in only.said] == [
        (0, "слово 0 слово 10 слово 20"),
        (30, "слово 30 слово 40"),
    ]
    page = seen(view=replace(VIEW, transcripts=(only,)))
    assert "Текст лекции (русский)" in page.text and "слово 30 слово 40" in page.text


def test_script_and_styles_stay_small():
    assert len(static_file("slidecast.js")[0]) <= 5250
    assert len(static_file("slidecast.css")[0]) <= 4000


async def test_the_offline_file_holds_everything_once_and_asks_nobody(tmp_path):
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides" / "001.webp").write_bytes(b"one" * 30_000)
    (tmp_path / "slides" / "002.webp").write_bytes(b"two")
    (tmp_path / "sound.webm").write_bytes(bytes(range(256)) * 400)
    pieces = [piece async for piece in slidecast_file(tmp_path, LECTURE, VIEW)]
    assert max(map(len, pieces)) < 70_000
    markup = b"".join(pieces).decode()
    page = Seen(markup)
    links = [one.get(name) for _, one in page.found for name in ("src", "href") if one.get(name)]
    assert all(link.startswith(("data:", "#")) for link in links)
    (sound,) = page.all("source")
    assert base64.b64decode(sound["src"].partition(",")[2]) == (tmp_path / "sound.webm").read_bytes()
    assert sound["src"].startswith("data:audio/webm;base64,")
    pictures = [one["src"] for one in page.all("img") if "src" in one]
    assert len(pictures) == 2  # the third slide is the first one again
    assert base64.b64decode(pictures[0].partition(",")[2]) == b"one" * 30_000
    assert [one.get("data-same") for one in page.all("li") if "id" in one] == [None, None, "1"]
    assert re.search(r"url\(|@import|https?://(?!www\.w3\.org)", markup) is None
    inside = 90_000 + 3 + 256 * 400
    assert len(markup) <= inside * 4 // 3 + 40_000
    assert offline_bytes(LECTURE) > 5_600_000 * 4 // 3


async def test_an_offline_file_whose_lecture_has_gone_breaks_off(tmp_path):
    with pytest.raises(OSError):
        [piece async for piece in slidecast_file(tmp_path, LECTURE, VIEW)]
