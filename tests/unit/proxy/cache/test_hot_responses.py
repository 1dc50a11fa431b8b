"""What memory says of stored responses without asking a disk."""

from __future__ import annotations

from array import array

from proxy.cache.hot_responses import HotResponses

KEY = bytes(range(32))
OTHER = bytes(range(1, 33))


def number(key: bytes) -> int:
    return int.from_bytes(key[:8], "big")


def test_before_anything_is_known_the_disk_must_be_asked() -> None:
    hot = HotResponses()
    assert hot.find(KEY) is None and hot.may_have(KEY)


def test_what_is_not_among_all_keys_is_denied_at_once() -> None:
    hot = HotResponses()
    hot.learn(array("Q", [number(KEY)]))
    assert hot.find(KEY) is None and hot.may_have(KEY)
    assert hot.find(OTHER) == () and not hot.may_have(OTHER)
    hot.note(OTHER)
    assert hot.find(OTHER) is None


def test_what_the_disk_said_is_remembered_until_it_changes() -> None:
    hot = HotResponses()
    hot.remember(KEY, ())
    hot.remember(OTHER, ())
    assert hot.find(KEY) == ()
    hot.forget([KEY])
    assert hot.find(KEY) is None and hot.find(OTHER) == ()
    hot.forget_all()
    assert hot.find(OTHER) is None


def test_keys_that_nobody_asked_for_lately_are_forgotten_first() -> None:
    hot = HotResponses()
    keys = [one.to_bytes(32, "big") for one in range(5000)]
    for key in keys:
        hot.remember(key, ())
        hot.find(keys[0])
    assert hot.find(keys[0]) == () and hot.find(keys[1]) is None and hot.find(keys[-1]) == ()
