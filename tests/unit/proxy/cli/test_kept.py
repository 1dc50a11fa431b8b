"""report and why, on a state that was really written."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proxy.account.codes import Codes
from proxy.account.sqlite import FILE_NAME, SqliteState
from proxy.account.state import NANO, AddSums, Change, LedgerKey, Sums
from tests.unit.proxy.cli.commands import NOON, tropa


def keep(folder: Path, changes: Sequence[Change]) -> None:
    async def keeping() -> None:
        state = SqliteState(folder / FILE_NAME)
        await state.start()
        await state.commit(changes)
        await state.close()

    asyncio.run(keeping())


def line(
    region: str,
    *,
    hours_ago: int = 2,
    direct: int = 10_000_000,
    delivered: int = 1_000_000,
    traffic_class: str = "lesson",
    currency: str = "RUB",
) -> AddSums:
    """Ten megabytes directly, one through Tropa, at 0.40 a megabyte."""
    key = LedgerKey(
        hour=NOON - timedelta(hours=hours_ago),
        region=region,
        site="",
        origin="lms",
        traffic_class=traffic_class,
        kind="image",
        currency=currency,
    )
    sums = Sums(
        exchanges=5,
        bytes_to_learner=delivered,
        bytes_direct=direct,
        cost_nano=delivered * 4 // 10 * NANO // 1_000_000,
        direct_cost_nano=direct * 4 // 10 * NANO // 1_000_000,
    )
    return AddSums(key=key, sums=sums)


# -- report ----------------------------------------------------------------------------------------------------


def test_a_report_tells_megabytes_and_money_with_a_total(tmp_path: Path) -> None:
    keep(tmp_path, [line("koryak"), line("taiga", direct=4_000_000, delivered=2_000_000)])
    ran = tropa("report", "--state", tmp_path)
    assert ran.code == 0
    rows = [" ".join(row.split()) for row in ran.out.splitlines()]
    assert rows[2:] == [
        "koryak 5 10.0 1.0 9.0 90 0.40 RUB 3.60 RUB",
        "taiga 5 4.0 2.0 2.0 50 0.80 RUB 0.80 RUB",
        "total 10 14.0 3.0 11.0 79 1.20 RUB 4.40 RUB",
    ]


def test_a_report_counts_only_its_time(tmp_path: Path) -> None:
    keep(tmp_path, [line("koryak", hours_ago=2), line("koryak", hours_ago=50)])
    told = json.loads(tropa("report", "--since", "24h", "--json", "--state", tmp_path).out)
    assert told["rows"][0]["exchanges"] == 5
    told = json.loads(tropa("report", "--since", "72h", "--until", "24h", "--json", "--state", tmp_path).out)
    assert told["totals"][0]["exchanges"] == 5
    assert "No exchanges" in tropa("report", "--since", "1h", "--state", tmp_path).out


def test_a_loss_too_small_to_show_is_shown_as_nothing(tmp_path: Path) -> None:
    keep(tmp_path, [line("koryak", direct=0, delivered=1000)])
    out = tropa("report", "--state", tmp_path).out
    assert "-0.00 RUB" not in out
    assert "-0.001" in out


def test_currencies_are_never_added_up(tmp_path: Path) -> None:
    keep(tmp_path, [line("koryak"), line("border", currency="EUR")])
    told = json.loads(tropa("report", "--json", "--state", tmp_path).out)
    assert [(total["currency"], total["saved_cost"]) for total in told["totals"]] == [("EUR", "3.6"), ("RUB", "3.6")]


def test_a_csv_has_a_column_a_grouping(tmp_path: Path) -> None:
    keep(tmp_path, [line("koryak"), line("koryak", traffic_class="forum")])
    ran = tropa("report", "--by", "region,class", "--csv", "--state", tmp_path)
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert sorted((row["region"], row["class"], row["saved_bytes"]) for row in rows) == [
        ("koryak", "forum", "9000000"),
        ("koryak", "lesson", "9000000"),
    ]


def test_a_report_of_money_only_shows_no_inner_names(tmp_path: Path) -> None:
    keep(tmp_path, [line("koryak")])
    assert "nano" not in tropa("report", "--json", "--state", tmp_path).out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--since", "sometime"], "expected yesterday, 7d or a date"),
        (["--since", "1h", "--until", "2h"], "must be later than --since"),
        (["--json", "--csv"], "exclude each other"),
    ],
)
def test_a_time_that_can_not_be_meant_is_a_line(words: list[str], told: str, tmp_path: Path) -> None:
    keep(tmp_path, [line("koryak")])
    ran = tropa("report", *words, "--state", tmp_path)
    assert ran.code == 2
    assert told in ran.err


@pytest.mark.parametrize("words", [["report"], ["why", "K7Q-4M2"]])
def test_a_folder_without_a_state_says_which_one_is_meant(words: list[str], tmp_path: Path) -> None:
    ran = tropa(*words, "--state", tmp_path)
    assert ran.code == 1
    assert "has tropa serve run" in ran.err
    assert not (tmp_path / FILE_NAME).exists()


def test_a_damaged_state_is_a_line_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1000)
    ran = tropa("report", "--state", tmp_path)
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert (tmp_path / FILE_NAME).read_bytes().startswith(b"no database")


# -- why -------------------------------------------------------------------------------------------------------

FACTS = {
    "at": "2026-11-23T11:59:00+00:00",
    "region": "koryak",
    "site": None,
    "origin": "lms",
    "url": "https://lms.example.org/mod/chat/view.php?id=1",
    "learner": "0f3a",
    "known_by": "session",
    "class": "consultation",
    "verdict": "defer",
    "opens_at": "2026-11-23T20:00:00+00:00",
    "detail": "",
    "reasons": [
        [
            "window-closed",
            "regions.yaml:18",
            {"class": "consultation", "when": "free", "opens_at": "2026-11-24T08:00:00+12:00"},
        ]
    ],
}


@pytest.fixture
def code(tmp_path: Path) -> str:
    codes = Codes(b"s" * 32)
    made = codes.issue("about", FACTS, datetime(2026, 11, 23, 11, 59, tzinfo=UTC))
    keep(tmp_path, codes.changes())
    return made


def test_a_code_tells_the_whole_decision_and_its_line(code: str, tmp_path: Path) -> None:
    ran = tropa("why", code.lower().replace("-", " "), "--state", tmp_path)
    assert ran.code == 0
    assert ran.out.startswith(code)
    assert "https://lms.example.org/mod/chat/view.php?id=1" in ran.out
    assert "The class consultation is closed now" in ran.out
    assert "regions.yaml:18" in ran.out
    assert "сейчас закрыт" in tropa("--lang", "ru", "why", code, "--state", tmp_path).out


def test_a_code_as_json_is_everything_that_is_kept(code: str, tmp_path: Path) -> None:
    assert json.loads(tropa("why", code, "--json", "--state", tmp_path).out) == {"code": code, **FACTS}


def test_the_log_s_own_line_is_shown_with_it(code: str, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    logged = f'{{"status":503,"support_code":"{code}"}}'
    (tmp_path / "log" / "2026-11-23.jsonl").write_text(f'{{"support_code":"XXX-XXX"}}\n{logged}\n')
    out = tropa("why", code, "--state", tmp_path).out
    assert logged in out
    assert "XXX-XXX" not in out


def test_a_code_ends_after_seven_days(code: str, tmp_path: Path) -> None:
    ran = tropa("why", code, "--state", tmp_path, at=NOON + timedelta(days=7))
    assert ran.code == 2
    assert "seven days" in ran.err


def test_what_is_no_code_says_what_one_looks_like(code: str, tmp_path: Path) -> None:
    ran = tropa("why", "hello", "--state", tmp_path)
    assert ran.code == 2
    assert "K7Q-4M2" in ran.err
