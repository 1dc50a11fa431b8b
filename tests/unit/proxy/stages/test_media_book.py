"""What is known of films that pages name."""

from __future__ import annotations

from datetime import timedelta

from proxy.media.refs import SourceRef
from proxy.stages.media_book import MediaBook
from tests.exchanges import NOON

URL = "https://lms.example.org/film.mp4"
HERS = SourceRef(origin="lms", url=URL, etag='"a"', length_bytes=9, private=True, learner="hers")
PUBLIC = SourceRef(origin="lms", url=URL, etag='"a"', length_bytes=9, private=False, learner="hers")


def test_what_a_private_film_told_is_told_to_its_learner_alone() -> None:
    book = MediaBook()
    book.lasts(HERS, URL, 2700)
    book.became_ready(HERS, URL, "sound", 4_000_000)
    assert book.known("hers", URL).duration_s == 2700 and book.known("hers", URL).ready == {"sound": 4_000_000}
    assert book.known("his", URL).duration_s is None and not book.has("his", URL)


def test_what_a_public_film_told_is_told_to_everybody() -> None:
    book = MediaBook()
    book.lasts(PUBLIC, URL, 2700)
    assert book.known("his", URL).duration_s == 2700 and book.has("his", URL)


def test_a_version_is_under_way_until_it_is_ready_or_impossible() -> None:
    book = MediaBook()
    book.is_under_way(HERS, URL, "sound", 60)
    book.is_under_way(HERS, URL, "slidecast", 90)
    assert book.known("hers", URL).ready_in_s == {"sound": 60, "slidecast": 90}
    book.became_ready(HERS, URL, "sound", 5)
    book.cannot_be(HERS, URL, "slidecast")
    known = book.known("hers", URL)
    assert known.ready_in_s == {} and known.ready == {"sound": 5} and known.impossible == {"slidecast"}


def test_what_the_origin_showed_holds_for_some_minutes() -> None:
    book = MediaBook()
    book.saw("hers", URL, HERS, "video/mp4", NOON)
    seen = book.seen("hers", URL, NOON + timedelta(minutes=9))
    assert seen is not None and seen.ref is HERS and seen.content_type == "video/mp4"
    assert book.seen("hers", URL, NOON + timedelta(minutes=10)) is None
    assert book.seen("his", URL, NOON) is None


def test_a_logout_forgets_hers_and_nobody_elses() -> None:
    book = MediaBook()
    for learner in ("hers", "his"):
        ref = SourceRef(origin="lms", url=URL, private=True, learner=learner)
        book.saw(learner, URL, ref, "video/mp4", NOON)
        book.lasts(ref, URL, 60)
    book.forget("hers")
    assert book.seen("hers", URL, NOON) is None and not book.has("hers", URL)
    assert book.seen("his", URL, NOON) is not None and book.has("his", URL)


def test_many_films_do_not_fill_the_memory() -> None:
    book = MediaBook(max_entries=10)
    for number in range(30):
        url = f"{URL}?{number}"
        book.lasts(SourceRef(origin="lms", url=url, private=False), url, 60)
    assert [number for number in range(30) if book.has("x", f"{URL}?{number}")] == list(range(20, 30))
