"""What an origin allows one learner is nobody else's, and ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from proxy.media.authorised import IDLE, MOST, Authorised
from tests.media_desk import START

KEY = "5" * 64
SECOND = timedelta(seconds=1)


def test_two_learners_at_one_address_are_authorised_apart() -> None:
    memory = Authorised()
    memory.note("anna", KEY, 200, START)
    assert memory.allows("anna", KEY, START)
    assert not memory.allows("boris", KEY, START)
    memory.note("boris", KEY, 403, START)
    assert not memory.allows("boris", KEY, START)
    assert memory.allows("anna", KEY, START)


@pytest.mark.parametrize("status", [200, 206, 304])
def test_the_origins_own_yes_grants(status: int) -> None:
    memory = Authorised()
    memory.note("anna", KEY, status, START)
    assert memory.allows("anna", KEY, START)


@pytest.mark.parametrize("status", [301, 302, 303, 401, 403, 404, 410])
def test_a_refusal_ends_what_was_granted(status: int) -> None:
    memory = Authorised()
    memory.note("anna", KEY, 200, START)
    memory.note("anna", KEY, status, START)
    assert not memory.allows("anna", KEY, START)


@pytest.mark.parametrize("status", [408, 416, 429, 500, 503])
def test_an_origin_in_trouble_neither_grants_nor_ends(status: int) -> None:
    memory = Authorised()
    memory.note("anna", KEY, status, START)
    assert not memory.allows("anna", KEY, START)
    memory.note("anna", KEY, 200, START)
    memory.note("anna", KEY, status, START)
    assert memory.allows("anna", KEY, START)


def test_a_grant_ends_when_it_is_not_used() -> None:
    memory = Authorised()
    memory.note("anna", KEY, 200, START)
    assert memory.allows("anna", KEY, START + IDLE - SECOND)
    assert not memory.allows("anna", KEY, START + 2 * IDLE)
    assert len(memory) == 0


def test_a_grant_slides_with_use_and_still_ends() -> None:
    memory = Authorised()
    memory.note("anna", KEY, 200, START)
    at = START
    while at < START + MOST:
        assert memory.allows("anna", KEY, at)
        at += IDLE / 2
    assert not memory.allows("anna", KEY, at)


def test_nobody_is_no_learner() -> None:
    memory = Authorised()
    memory.note("", KEY, 200, START)
    assert not memory.allows("", KEY, START)


def test_the_least_recently_used_is_forgotten_first() -> None:
    memory = Authorised(max_entries=2)
    memory.note("anna", KEY, 200, START)
    memory.note("boris", KEY, 200, START)
    assert memory.allows("anna", KEY, START)
    memory.note("vera", KEY, 200, START)
    assert [who for who in ("anna", "boris", "vera") if memory.allows(who, KEY, START)] == ["anna", "vera"]


def test_a_logout_ends_all_of_one_learner() -> None:
    memory = Authorised()
    for key in ("a", "b"):
        memory.note("anna", key, 200, START)
        memory.note("boris", key, 200, START)
    memory.forget("anna")
    assert not memory.allows("anna", "a", START)
    assert memory.allows("boris", "b", START)
