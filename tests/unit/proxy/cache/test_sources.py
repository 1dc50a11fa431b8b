"""Which content an address had, and for whom that is known."""

from __future__ import annotations

import pytest

from proxy.cache.sources import Source, SourceBook

URL = "https://lms.example.org/pluginfile.php/1/a.jpg"
DIGEST = Source(etag=f'"{"ab" * 20}"', sha256="s", length_bytes=10)
COUNTER = Source(etag='"v1"', sha256="s", length_bytes=10)


def test_what_belongs_to_one_learner_is_found_by_her_alone() -> None:
    book = SourceBook()
    book.remember("lms", URL, "hers", COUNTER, private=True)
    assert book.find("lms", URL, "hers") == COUNTER
    assert book.find("lms", URL, "his") is None


def test_a_validator_that_is_the_contents_digest_serves_everybody() -> None:
    book = SourceBook()
    book.remember("lms", URL, "hers", DIGEST, private=True)
    assert book.find("lms", URL, "his") == DIGEST


def test_what_is_public_serves_everybody_on_that_origin_only() -> None:
    book = SourceBook()
    book.remember("lms", URL, "hers", COUNTER, private=False)
    assert book.find("lms", URL, "his") == COUNTER
    assert book.find("other", URL, "his") is None


@pytest.mark.parametrize("etag", ['W/"v1"', "v1", ""])
def test_a_validator_that_is_not_strong_proves_no_content(etag: str) -> None:
    book = SourceBook()
    book.remember("lms", URL, "hers", Source(etag=etag, sha256="s", length_bytes=1), private=False)
    assert book.find("lms", URL, "hers") is None


def test_a_newer_content_takes_the_olders_place() -> None:
    book = SourceBook()
    book.remember("lms", URL, "hers", COUNTER, private=True)
    newer = Source(etag='"v2"', sha256="t", length_bytes=11)
    book.remember("lms", URL, "hers", newer, private=True)
    assert book.find("lms", URL, "hers") == newer


def test_her_own_newer_knowledge_goes_before_what_everybody_knew() -> None:
    """An address that was public and has become personal must not go on asking for the public content."""
    book = SourceBook()
    book.remember("lms", URL, "", COUNTER, private=False)
    mine = Source(etag='"mine"', sha256="m", length_bytes=12)
    book.remember("lms", URL, "hers", mine, private=True)
    assert book.find("lms", URL, "hers") == mine
    assert book.find("lms", URL, "his") == COUNTER


def test_no_more_than_the_limit_is_kept() -> None:
    book = SourceBook(max_entries=2)
    for n in range(3):
        book.remember("lms", f"{URL}?n={n}", "hers", COUNTER, private=True)
    assert book.find("lms", f"{URL}?n=0", "hers") is None
    assert book.find("lms", f"{URL}?n=2", "hers") == COUNTER
