from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policies.narrow import narrower_action, narrowest, widened_for_original
from policies.treatments import Action, Treatments
from policies.values import MediaKind
from tests.property.strategies import actions, treatments


@given(treatments, treatments)
def test_narrowing_is_commutative(a: Treatments, b: Treatments) -> None:
    assert narrowest(a, b) == narrowest(b, a)


@given(treatments, treatments, treatments)
def test_narrowing_is_associative(a: Treatments, b: Treatments, c: Treatments) -> None:
    assert narrowest(narrowest(a, b), c) == narrowest(a, narrowest(b, c))


@given(treatments, treatments)
def test_narrowing_is_idempotent(a: Treatments, b: Treatments) -> None:
    assert narrowest(a, a) == a
    assert narrowest(narrowest(a, b), b) == narrowest(a, b)


@given(treatments, treatments)
def test_narrowing_lets_no_more_through_than_either(a: Treatments, b: Treatments) -> None:
    both = narrowest(a, b)
    order = list(Action)
    for name in ("video", "stream", "embed", "audio", "document", "archive", "image", "page"):
        for one in (a, b):
            narrow, wide = getattr(both, name), getattr(one, name)
            assert order.index(narrow.action) >= order.index(wide.action)
            limit = getattr(wide, "max_bytes", None)
            assert limit is None or (narrow.max_bytes is not None and narrow.max_bytes <= limit)
    assert both.page.diet >= a.page.diet | b.page.diet
    assert both.page.text_first is (a.page.text_first or b.page.text_first)


@given(actions, actions)
def test_the_narrower_action_is_one_of_the_two(a: Action, b: Action) -> None:
    assert narrower_action(a, b) in (a, b)


@given(treatments, st.sampled_from([MediaKind.SCRIPT, MediaKind.STYLE, MediaKind.FONT, MediaKind.DATA]))
def test_parts_of_pages_are_not_widened_by_themselves(a: Treatments, kind: MediaKind) -> None:
    assert widened_for_original(a, kind) == a


@given(treatments, st.one_of(st.none(), st.integers(0, 10**7)))
def test_taking_a_video_as_original_leaves_everything_else_as_it_was(a: Treatments, limit: int | None) -> None:
    wide = widened_for_original(a, MediaKind.VIDEO, limit)
    assert wide.video.action is Action.KEEP
    assert wide.video.max_bytes == limit
    for name in ("page", "image", "audio", "document", "archive", "font", "script", "style"):
        assert getattr(wide, name) == getattr(a, name)
