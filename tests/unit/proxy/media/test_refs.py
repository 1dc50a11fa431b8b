"""By what a source is known: its origin's validator, and as little of its address as that allows."""

from __future__ import annotations

from proxy.media.refs import SourceRef

FILM = "https://lms.example.org/pluginfile.php/7/mod_resource/content/{}/film.mp4"
HASH = '"' + "a1" * 20 + '"'


def key(revision: int = 1, *, etag: str = HASH, length: int = 9, url: str = FILM) -> str:
    return SourceRef(origin="lms", url=url.format(revision), etag=etag, length_bytes=length, learner="anna").key


def test_a_film_whose_activity_was_saved_again_is_the_same_film() -> None:
    assert key(1) == key(2)
    assert key(1) != key(1, length=10) and key(1) != key(1, etag='"' + "b2" * 20 + '"')


def test_only_a_validator_that_proves_the_content_makes_addresses_one() -> None:
    assert key(1, etag='"v1"') != key(2, etag='"v1"')
    chapter = "https://lms.example.org/pluginfile.php/7/mod_book/chapter/{}/film.mp4"
    assert key(1, url=chapter) != key(2, url=chapter)
