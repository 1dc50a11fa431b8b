"""One learner's lines of the access log: told, and taken out while the log is written."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from proxy.account.log import AccessLog
from proxy.account.log_of_one import lines_of, take_out
from tests.receipts import AT, a_receipt

ANNA, BORIS = "a" * 20, "b" * 20


def written(folder: Path) -> AccessLog:
    log = AccessLog(folder, max_days=7, max_bytes=1 << 20)
    log.start()
    for number, learner in enumerate((ANNA, BORIS, ANNA)):
        one = a_receipt()
        log.write(replace(one, learner=learner, at=one.at + timedelta(days=number // 2), url=f"https://lms/{number}"))
    assert log.drain()
    return log


def urls(folder: Path, learner: str) -> list[str]:
    return [line["url"] for line in lines_of(folder, learner)]


def test_a_learner_is_told_her_own_lines_alone_the_oldest_first(tmp_path: Path) -> None:
    written(tmp_path).close()
    assert urls(tmp_path, ANNA) == ["https://lms/0", "https://lms/2"]
    assert urls(tmp_path, BORIS) == ["https://lms/1"]
    assert lines_of(tmp_path, "") == []
    assert [line["url"] for line in lines_of(tmp_path, ANNA, most=1)] == ["https://lms/2"]


def test_a_running_log_forgets_one_learner_and_goes_on(tmp_path: Path) -> None:
    log = written(tmp_path)
    before = [line for line in _lines(tmp_path) if BORIS in line]
    assert log.forget(ANNA) == 2
    assert log.forget(ANNA) == 0
    assert _lines(tmp_path) == before
    log.write(a_receipt(learner=BORIS, at=AT + timedelta(days=1), url="https://lms/later"))
    log.close()
    assert urls(tmp_path, BORIS) == ["https://lms/1", "https://lms/later"]


def test_a_torn_line_is_left_out_of_what_is_told_and_goes_when_it_is_hers(tmp_path: Path) -> None:
    torn = f'{{"learner":"{ANNA}","url":"htt'
    whole = json.dumps({"learner": BORIS}, separators=(",", ":"))
    (tmp_path / "access-2026-11-23.jsonl").write_text(f"{whole}\n{torn}", encoding="utf-8")
    assert lines_of(tmp_path, ANNA) == []
    assert take_out(tmp_path, ANNA) == 1
    assert _lines(tmp_path) == [whole]


def _lines(folder: Path) -> list[str]:
    return [line for file in sorted(folder.iterdir()) for line in file.read_text(encoding="utf-8").splitlines()]
