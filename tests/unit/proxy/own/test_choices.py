"""Which version of a film a learner chose last."""

from __future__ import annotations

from datetime import timedelta

from proxy.account.sqlite import SqliteState
from proxy.own.choices import CHOICE_LIFETIME, Choices
from tests.exchanges import NOON

SECOND = timedelta(seconds=1)


async def test_a_choice_is_one_learners_and_holds_for_its_kind(state: SqliteState) -> None:
    choices = Choices(state)
    await choices.remember("hers", "video", "sound", NOON)
    assert choices.of("hers", "video", NOON) == "sound"
    assert choices.of("his", "video", NOON) is None
    assert choices.of("hers", "document", NOON) is None
    end = NOON + CHOICE_LIFETIME
    assert choices.of("hers", "video", end - SECOND) == "sound" and choices.of("hers", "video", end) is None


async def test_the_last_choice_counts_and_survives_a_restart(state: SqliteState) -> None:
    choices = Choices(state)
    await choices.remember("hers", "video", "sound", NOON)
    await choices.remember("hers", "video", "slidecast", NOON + SECOND)
    again = Choices(state)
    await again.start(NOON + SECOND)
    assert again.of("hers", "video", NOON + SECOND) == "slidecast"


async def test_a_choice_that_is_used_lives_on(state: SqliteState) -> None:
    choices = Choices(state)
    await choices.remember("hers", "video", "sound", NOON)
    later = NOON + CHOICE_LIFETIME * 0.9
    await choices.remember("hers", "video", "sound", later)
    assert choices.of("hers", "video", NOON + CHOICE_LIFETIME * 1.5) == "sound"


async def test_a_logout_ends_it_for_good(state: SqliteState) -> None:
    choices = Choices(state)
    await choices.remember("hers", "video", "sound", NOON)
    await choices.forget("hers")
    again = Choices(state)
    await again.start(NOON)
    assert choices.of("hers", "video", NOON) is None and again.of("hers", "video", NOON) is None


async def test_a_crowd_does_not_fill_the_memory(state: SqliteState) -> None:
    choices = Choices(state, max_learners=3)
    for number in range(5):
        await choices.remember(f"l{number}", "video", "sound", NOON)
    assert [choices.of(f"l{number}", "video", NOON) for number in range(5)] == [None, None, "sound", "sound", "sound"]
