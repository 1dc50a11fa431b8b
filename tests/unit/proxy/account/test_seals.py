"""What is sealed opens for what it was sealed for, and for nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from proxy.account.seals import Seals
from proxy.account.secret import Keyed

OURS, THEIRS = Seals(Keyed(b"one secret of 16+")), Seals(Keyed(b"another one of 16"))


@given(some.binary(max_size=300))
def test_what_was_sealed_opens_as_it_was(plain: bytes) -> None:
    sealed = OURS.seal("ladder", "anna", "1", plain)
    assert OURS.open("ladder", "anna", "1", sealed) == plain and len(sealed) == len(plain) + 28
    assert len(plain) < 4 or plain not in sealed


@given(some.binary(max_size=60), some.data())
def test_a_changed_bit_or_a_piece_of_it_opens_nothing(plain: bytes, data: some.DataObject) -> None:
    sealed = OURS.seal("ladder", "anna", "1", plain)
    at = data.draw(some.integers(0, len(sealed) * 8 - 1))
    changed = (int.from_bytes(sealed, "big") ^ (1 << at)).to_bytes(len(sealed), "big")
    assert OURS.open("ladder", "anna", "1", changed) is None
    assert OURS.open("ladder", "anna", "1", sealed[: at // 8]) is None


def test_it_opens_for_one_purpose_owner_matter_and_installation() -> None:
    sealed = OURS.seal("ladder", "anna", "1", b"what she watched")
    assert OURS.open("other", "anna", "1", sealed) is None
    assert OURS.open("ladder", "vera", "1", sealed) is None
    assert OURS.open("ladder", "anna", "2", sealed) is None
    assert THEIRS.open("ladder", "anna", "1", sealed) is None


@given(some.binary(max_size=100))
def test_opening_survives_whatever_lies_there(sealed: bytes) -> None:
    assert OURS.open("ladder", "anna", "1", sealed) is None


def test_equal_things_look_different_each_time() -> None:
    assert OURS.seal("ladder", "anna", "1", b"film") != OURS.seal("ladder", "anna", "1", b"film")
