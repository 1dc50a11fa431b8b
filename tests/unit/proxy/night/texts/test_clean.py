"""A course's own HTML before it stands in a page of ours: nothing runs, nothing loads from elsewhere, words stay."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.night.texts.clean import FILM_PLACE, clean

BASE = "https://lms.example.org/moodle/mod/page/view.php?id=7"
FILE = "https://lms.example.org/moodle/webservice/pluginfile.php/31/mod_page/content/2"
STORED = "/moodle/pluginfile.php/31/mod_page/content/2"


@pytest.mark.parametrize(
    ("markup", "left"),
    [
        ("<p onclick=x()>Слово</p>", "<p>Слово</p>"),
        ("<script>alert(1)</script>Слово", "Слово"),
        ("<style>p{color:red}</style><p style='position:fixed'>Слово</p>", "<p>Слово</p>"),
        ("<a href='javascript:alert(1)'>Слово</a>", '<a rel="noopener noreferrer">Слово</a>'),
        ("<form action=/x><input name=a><button>Слово</button></form>", "Слово"),
        ("<img src=x onerror=alert(1)>", "<img>"),
        ("<p>a &lt;b&gt; &amp;amp; &nbsp;c", "<p>a &lt;b&gt; &amp;amp; &nbsp;c</p>"),
    ],
)
def test_what_could_do_something_goes_and_the_words_stay(markup: str, left: str) -> None:
    assert clean(markup, BASE).html == left


def test_the_courses_own_pictures_stay_under_the_address_that_learners_use() -> None:
    made = clean(f'<img src="{FILE}/s%20x.png?token=0123456789abcdef" alt="Схема" width="640">', BASE)
    assert made.html == f'<img src="{STORED}/s%20x.png" alt="Схема" width="640">'
    assert made.pictures == (f"https://lms.example.org{STORED}/s%20x.png",)
    assert "0123" not in made.html


@pytest.mark.parametrize(
    "src", ["https://tracker.example/1.png", "//tracker.example/1.png", "data:image/png;base64,AA"]
)
def test_a_picture_from_elsewhere_is_not_loaded(src: str) -> None:
    made = clean(f'<img src="{src}" alt="x">', BASE)
    assert made.html == '<img alt="x">' and made.pictures == ()


def test_players_become_links_to_numbered_places() -> None:
    film, sound = f"{FILE}/lekciya.mp4", f"{FILE}/audio.mp3"
    markup = f'<video controls><source src="{film}"><a href="{film}">none</a></video><audio src="{sound}"></audio>'
    made = clean(markup, BASE)
    assert made.films == (f"https://lms.example.org{STORED}/lekciya.mp4", f"https://lms.example.org{STORED}/audio.mp3")
    assert re.findall(r'href="([^"]+)"', made.html) == [f"{FILM_PLACE}0", f"{FILM_PLACE}1"]
    assert ">lekciya.mp4</a>" in made.html and "none" not in made.html


def test_the_same_film_twice_is_one_place() -> None:
    film = f"{FILE}/a.mp4"
    assert len(clean(f'<a href="{film}">1</a><a href="{film}?forcedownload=1">2</a>', BASE).films) == 1


def test_a_frame_is_a_link_to_what_it_showed() -> None:
    made = clean('<iframe src="https://video.example/embed/1"></iframe>', BASE)
    assert made.html == '<a href="https://video.example/embed/1" rel="noopener noreferrer">1</a>'


def test_links_within_the_site_lead_where_they_led() -> None:
    made = clean('<a href="view.php?id=8">8</a><a href="/x">x</a><a href="#y">y</a>', BASE)
    assert re.findall(r'href="([^"]+)"', made.html) == ["/moodle/mod/page/view.php?id=8", "/x"]


_BAD = "script|style|svg|math|iframe|object|embed|template|form|input|video|audio|base|meta|link"
_WORDS = (
    "< > \" ' & <p> </p> <script> </script> <video </video> <svg> <math> <!-- --> <style> javascript: onerror= ы / x = "
    "<iframe srcdoc= <a href= <img src= <![CDATA[ <plaintext> <template> <noscript> &#x6a; \x00"
)
_PIECES = st.sampled_from((*_WORDS.split(" "), " "))


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_whatever_is_sent_nothing_of_it_runs_and_cleaning_again_changes_nothing(markup: str) -> None:
    made = clean(markup, BASE).html.lower()
    assert not re.search(
        r"<(script|style|svg|math|iframe|object|embed|template|form|input|video|audio|base|meta|link)", made
    )
    assert not re.search(r"<[^>]*\s(on\w+|style|srcdoc|id|class)\s*=", made)
    assert not re.search(r'<[^>]*(href|src)="\s*(javascript|data|vbscript):', made)
    assert clean(made, BASE).html == made
