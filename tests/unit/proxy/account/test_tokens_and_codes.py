"""Secret, tokens and support codes."""

from __future__ import annotations

import random
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.account.codes import MAX_A_DAY, Codes, facts_of, normalise
from proxy.account.secret import Keyed, SecretError, installation_secret
from proxy.account.sqlite import SqliteState
from proxy.account.tokens import Tokens

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)
TOKENS = Tokens(b"k" * 32)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=5,
)


# -- secret ----------------------------------------------------------------------------------------------------


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = installation_secret(tmp_path / "state")
    assert installation_secret(tmp_path / "state") == first
    assert len(first) == 32
    assert stat.S_IMODE((tmp_path / "state" / "secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["secret"]


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(installation_secret, [tmp_path] * 64))) == 1


def test_a_secret_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    secret = installation_secret(tmp_path)
    (tmp_path / "secret").chmod(0o644)
    assert installation_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "zz", "ab" * 31])
def test_a_damaged_secret_is_never_replaced_silently(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_text(content)
    with pytest.raises(SecretError, match="secret"):
        installation_secret(tmp_path)
    assert (tmp_path / "secret").read_text() == content


def test_where_one_part_ends_and_the_next_begins_matters() -> None:
    keyed = Keyed(b"k" * 32)
    assert keyed.digest("p", "ab", "c") != keyed.digest("p", "a", "bc")
    assert keyed.digest("p", "ab") != keyed.digest("q", "ab")


# -- tokens ----------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON))
def test_what_was_sealed_is_what_is_opened(payload: dict[str, object]) -> None:
    token = TOKENS.seal("original", payload, learner="a", expires=SOON)
    assert TOKENS.open("original", token, learner="a", now=NOW) == payload


def test_a_token_opens_for_its_purpose_learner_and_time_alone() -> None:
    token = TOKENS.seal("original", {"u": "x"}, learner="a", expires=SOON)
    assert TOKENS.open("report", token, learner="a", now=NOW) is None
    assert TOKENS.open("original", token, learner="b", now=NOW) is None
    assert TOKENS.open("original", token, learner="a", now=SOON) is None
    assert Tokens(b"l" * 32).open("original", token, learner="a", now=NOW) is None
    assert TOKENS.open("original", token, learner="a", now=SOON - timedelta(seconds=1)) == {"u": "x"}


def test_a_token_changed_anywhere_is_worthless() -> None:
    token = TOKENS.seal("original", {"u": "https://lms.example.org/a"}, learner="a", expires=SOON)
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert TOKENS.open("original", changed, learner="a", now=NOW) is None, place


@given(st.text())
def test_a_strangers_text_never_opens_and_never_raises(text: str) -> None:
    assert TOKENS.open("original", text, learner="a", now=NOW) is None


def test_a_token_for_an_address_of_100_characters_stays_under_200() -> None:
    url = "https://lms.example.org/" + "a" * 76
    token = TOKENS.seal("original", {"u": url}, learner="a" * 20, expires=SOON)
    assert len(token) <= 200
    assert "a" * 20 not in token.rpartition(".")[0].partition(".")[0]


# -- codes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "code"),
    [
        ("K7Q-4M2", "K7Q-4M2"),
        (" k7q 4m2 ", "K7Q-4M2"),
        ("k7q4m2", "K7Q-4M2"),
        ("OIL-OIL", "011-011"),
        ("К7В–4М2", "K7B-4M2"),
        ("K7Q-4M", None),
        ("K7Q-4M2X", None),
        ("K7Q-4M!", None),
        ("", None),
    ],
)
def test_a_code_is_understood_however_it_was_heard(heard: str, code: str | None) -> None:
    assert normalise(heard) == code


def test_codes_are_in_the_alphabet_that_is_read_back() -> None:
    codes = Codes(b"k" * 32)
    for number in range(300):
        code = codes.issue(str(number), {}, NOW)
        assert normalise(code) == code


def test_the_same_refusal_has_one_code_a_day_and_is_kept_once() -> None:
    codes = Codes(b"k" * 32)
    first = codes.issue("a", {}, NOW)
    assert codes.issue("a", {}, NOW + timedelta(hours=2)) == first
    assert len(codes.changes()) == 1
    assert codes.issue("b", {}, NOW) != first
    assert codes.issue("a", {}, NOW + timedelta(days=1)) != first


def test_codes_of_many_refusals_stay_apart() -> None:
    codes = Codes(random.Random(1).randbytes(32))
    assert len({codes.issue(str(number), {}, NOW) for number in range(20_000)}) == 20_000


def test_a_stranger_fills_no_disk_with_codes() -> None:
    codes = Codes(b"k" * 32)
    known = codes.issue("a teacher's", {}, NOW)
    for number in range(MAX_A_DAY + 100):
        last = codes.issue(f"a stranger's {number}", {}, NOW)
    assert len(codes.changes()) == MAX_A_DAY
    assert codes.issue("another's", {}, NOW) == last, "all that came too late have one together"
    assert normalise(last) == last != known
    assert codes.issue("a teacher's", {}, NOW + timedelta(days=1)) and len(codes.changes()) == 1


async def test_a_code_tells_its_facts_for_seven_days(tmp_path: Path) -> None:
    state = SqliteState(tmp_path / "s.sqlite3")
    await state.start()
    codes = Codes(b"k" * 32)
    code = codes.issue("a", {"verdict": "defer"}, NOW)
    await state.commit(codes.changes())
    assert await facts_of(state, code.lower().replace("-", " "), NOW + timedelta(days=6)) == {"verdict": "defer"}
    assert await facts_of(state, code, NOW + timedelta(days=7)) is None
    assert await facts_of(state, "no code", NOW) is None
    await state.close()
