"""Keys come from content and plan; provisional ones from an origin's strong validator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.cache.variant_keys import (
    Provisional,
    image_key,
    is_content_hash,
    provisional_key,
    source_digest,
    stable_url,
)
from tests.pictures import EVERY, spec

SOURCE = Provisional(origin="lms", url="https://lms.test/f/1.jpg?token=a", etag='"5d41402a"', length_bytes=10)


def test_equal_content_and_plan_give_one_key_and_anything_else_another() -> None:
    one, other = source_digest(b"one"), source_digest(b"other")
    keys = {
        image_key(one, spec()),
        image_key(other, spec()),
        image_key(one, spec(max_width_px=401)),
        image_key(one, spec(accepts=EVERY)),
        image_key(one, spec(max_pixels=1000)),
        image_key(one, spec(effort="background")),
    }
    assert len(keys) == 6
    assert image_key(one, spec()) == image_key(source_digest(b"one"), spec())


@pytest.mark.parametrize("etag", ["", 'W/"abc"', "abc", '""'])
def test_a_weak_or_missing_validator_gives_no_provisional_key(etag: str) -> None:
    assert provisional_key(replace(SOURCE, etag=etag)) is None


def test_a_session_key_in_the_url_does_not_hide_that_it_is_the_same_file() -> None:
    assert provisional_key(SOURCE) == provisional_key(replace(SOURCE, url="https://lms.test/f/1.jpg?token=b#x"))


@pytest.mark.parametrize(
    "other",
    [{"origin": "x"}, {"url": "https://lms.test/f/2.jpg"}, {"etag": '"5d"'}, {"length_bytes": 11}, {"learner": "l"}],
)
def test_anything_else_that_differs_gives_another_key(other: dict[str, object]) -> None:
    assert provisional_key(SOURCE) != provisional_key(replace(SOURCE, **other))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h/a?rev=3&token=x&preview=thumb", "http://h/a?rev=3&preview=thumb"),
        ("http://h/a?TOKEN=x", "http://h/a"),
        ("http://h/%7Ea/b%2fc?x=%20y", "http://h/%7Ea/b%2fc?x=%20y"),
        ("http://h/a?", "http://h/a"),
    ],
)
def test_only_volatile_parameters_leave_a_url(url: str, expected: str) -> None:
    assert stable_url(url) == expected


def test_a_content_hash_is_known_by_its_looks() -> None:
    assert is_content_hash('"2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"')
    assert not is_content_hash('"5f3-62a"') and not is_content_hash('W/"2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"')
