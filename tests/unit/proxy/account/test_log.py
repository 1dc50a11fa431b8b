"""The access log: its lines, its secrets, its files, and a disk that is full."""

from __future__ import annotations

import io
import json
import logging
import resource
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.values import Reason
from proxy.account.log import AccessLog, line_of
from proxy.account.operator_log import Repeats, set_up
from proxy.account.redact import redacted
from tests.receipts import AT, a_receipt


def a_log(folder: Path, *, max_days: int = 7, max_bytes: int = 10**6) -> AccessLog:
    log = AccessLog(folder, max_days=max_days, max_bytes=max_bytes)
    log.start()
    return log


def lines_in(folder: Path) -> list[dict[str, object]]:
    files = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


# -- lines -----------------------------------------------------------------------------------------------------


def test_a_line_says_what_the_receipt_says() -> None:
    line = json.loads(line_of(a_receipt(cost=Decimal("0.0000004"), metered_bytes=7, support_code="K7Q-4M2")))
    assert line["at"] == "2026-03-02T09:30:00.000+00:00"
    assert (line["region"], line["site"], line["class"], line["kind"]) == ("koryak", "tigil", "lesson", "page")
    assert (line["metered_bytes"], line["cost"], line["support_code"]) == (7, "0.0000004", "K7Q-4M2")
    assert line["reasons"] == [["video-withheld", "regions.yaml:14"]]
    assert (line["error"], line["original"], line["observe"]) == (None, False, False)


@given(st.text(), st.text(), st.text())
def test_any_text_makes_a_line_of_json_that_utf8_can_carry(url: str, host: str, rule: str) -> None:
    line = line_of(a_receipt(url=url, host=host, error=rule, reasons=(Reason(rule=rule),)))
    assert "\n" not in line
    parsed = json.loads(line.encode("utf-8", "replace"))
    assert parsed["status"] == 200


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        ("https://l.org/a?sesskey=S3CRET&id=7", "https://l.org/a?sesskey=***&id=7"),
        ("https://l.org/a?id=7&wstoken=S3CRET", "https://l.org/a?id=7&wstoken=***"),
        (
            "/login/token.php?username=S3CRET&password=S3CRET&service=m",
            "/login/token.php?username=***&password=***&service=m",
        ),
        ("/a?logintoken=S3CRET", "/a?logintoken=***"),
        ("/a?X-Amz-Signature=S3CRET&X-Amz-Credential=S3CRET", "/a?X-Amz-Signature=***&X-Amz-Credential=***"),
        ("/bbb/api/join?meetingID=1&checksum=S3CRET", "/bbb/api/join?meetingID=1&checksum=***"),
        ("/cb?code=S3CRET&state=S3CRET", "/cb?code=***&state=***"),
        ("/webservice/tokenpluginfile.php/S3CRET/5/a.jpg", "/webservice/tokenpluginfile.php/***/5/a.jpg"),
        ("/a;jsessionid=S3CRET?b=c", "/a;jsessionid=***?b=c"),
        ("https://olga:S3CRET@l.org/a", "https://***@l.org/a"),
        ("/a?TOKEN=S3CRET#x", "/a?TOKEN=***#x"),
        ("/a?privatetoken=S3CRET;b=1", "/a?privatetoken=***;b=1"),
        ("/a?%74oken=S3CRET&user%5Bpassword%5D=S3CRET", "/a?%74oken=***&user%5Bpassword%5D=***"),
        (f"/a?{'x' * 200}=S3CRET", f"/a?{'x' * 200}=***"),
    ],
)
def test_secrets_in_urls_are_hidden_and_their_names_stay(url: str, hidden: str) -> None:
    assert redacted(url) == hidden


@pytest.mark.parametrize(
    "url", ["https://l.org/a?id=7&page=2", "/mod/quiz/view.php?id=3", "/a?forumpost=7", "/monkey?monkeys=2", "/a@b/c"]
)
def test_what_is_no_secret_stays_as_it_is(url: str) -> None:
    assert redacted(url) == url


@pytest.mark.parametrize("unit", ["token", "pass", "sessid", "&pass", ";jsessionid="])
def test_a_url_that_only_an_attacker_writes_is_read_once(unit: str) -> None:
    url = f"/a?{unit * (400_000 // len(unit))}"  # in time by its square this would take an hour
    assert redacted(url) == url


# -- files -----------------------------------------------------------------------------------------------------


def test_lines_are_in_the_days_file_in_their_order(tmp_path: Path) -> None:
    log = a_log(tmp_path / "log", max_bytes=10**7)
    for number in range(700):
        log.write(a_receipt(status=number))
    log.close()
    assert [line["status"] for line in lines_in(tmp_path / "log")] == list(range(700))
    assert [path.name for path in (tmp_path / "log").iterdir()] == ["access-2026-03-02.jsonl"]


def test_a_day_has_its_own_file_and_an_exchange_that_outlasts_midnight_stays_with_the_new_one(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    for days in (0, 1, 0):
        log.write(a_receipt(at=AT + timedelta(days=days)))
        log.drain()
    log.close()
    assert [len(path.read_text().splitlines()) for path in sorted(tmp_path.iterdir())] == [1, 2]


def test_days_beyond_the_limit_are_deleted(tmp_path: Path) -> None:
    log = a_log(tmp_path, max_days=3)
    for days in range(10):
        log.write(a_receipt(at=AT + timedelta(days=days)))
        log.drain()
    log.close()
    assert [path.name[7:17] for path in sorted(tmp_path.iterdir())] == ["2026-03-09", "2026-03-10", "2026-03-11"]


def test_the_folder_never_outgrows_its_limit_and_the_newest_lines_are_kept(tmp_path: Path) -> None:
    log = a_log(tmp_path, max_bytes=80_000)
    for number in range(1200):
        log.write(a_receipt(status=number))
        if number % 10 == 0:
            log.drain()
    log.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 80_000
    statuses = sorted(int(str(line["status"])) for line in lines_in(tmp_path))
    assert statuses == list(range(statuses[0], 1200))
    assert len(statuses) > 60


def test_half_a_line_left_by_a_killed_process_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "access-2026-03-02.jsonl").write_text('{"status":1}\n{"stat')
    log = a_log(tmp_path)
    log.write(a_receipt(status=2))
    log.close()
    lines = (tmp_path / "access-2026-03-02.jsonl").read_text().splitlines()
    assert [line for line in lines if line.startswith('{"status')] == ['{"status":1}']
    assert json.loads(lines[-1])["status"] == 2


def test_whoever_listens_is_told_of_every_exchange_also_where_the_folder_cant_be_written(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where the folder should be")
    heard: list[str] = []
    log = a_log(tmp_path / "log")
    log.tell(lambda receipts: heard.extend(receipt.url for receipt in receipts))
    for number in range(3):
        log.write(a_receipt(url=f"https://l.org/{number}"))
    assert log.drain()
    log.close()
    assert heard == [f"https://l.org/{number}" for number in range(3)] and log.lost == 3


def test_a_full_disk_loses_lines_says_so_once_and_goes_on_when_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = a_log(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        for _ in range(3):
            for number in range(20):
                log.write(a_receipt(status=number))
            log.drain()
        assert log.trouble is not None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.write(a_receipt(status=999))
    log.close()
    assert log.trouble is None
    assert log.lost > 0
    assert sum("their log lines are lost" in line for line in caplog.messages) == 1
    whole = [line for line in (tmp_path / "access-2026-03-02.jsonl").read_text().splitlines() if line.endswith("}")]
    assert json.loads(whole[-1])["status"] == 999


def test_a_folder_that_can_not_be_made_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    log = a_log(tmp_path / "log")
    log.write(a_receipt())
    log.close()
    assert log.lost == 1


# -- the operator's log ----------------------------------------------------------------------------------------


@pytest.fixture
def root_logger() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level


def test_a_flaky_link_says_its_line_ten_times_a_minute_and_then_how_often(root_logger: object) -> None:
    out = io.StringIO()
    set_up(stream=out)
    for number in range(500):
        logging.getLogger("tropa.test").warning("client %d left", number)
    logging.getLogger("tropa.test").warning("something else")
    lines = out.getvalue().splitlines()
    assert len(lines) == 11
    assert "client 0 left" in lines[0]


def test_what_was_held_back_is_said_in_the_next_minute() -> None:
    repeats = Repeats(per_minute=2)

    def a_record(at_s: float) -> logging.LogRecord:
        record = logging.LogRecord("tropa", logging.WARNING, "f", 1, "client %d left", (1,), None)
        record.created = at_s
        return record

    passed = [repeats.filter(a_record(at_s)) for at_s in (0, 1, 2, 3, 59)]
    assert passed == [True, True, False, False, False]
    later = a_record(61)
    assert repeats.filter(later)
    assert later.getMessage() == "client 1 left (and 3 more like it before)"


def test_a_json_line_carries_its_traceback(root_logger: object) -> None:
    out = io.StringIO()
    set_up(stream=out, as_json=True)
    try:
        raise ValueError("oops")
    except ValueError:
        logging.getLogger("tropa.test").exception("it %s", "failed")
    line = json.loads(out.getvalue())
    assert (line["level"], line["part"], line["text"]) == ("error", "tropa.test", "it failed")
    assert "ValueError: oops" in line["traceback"]


def test_a_day_that_is_over_its_time_goes_also_where_nobody_comes_by(tmp_path: Path) -> None:
    log = AccessLog(tmp_path, max_days=7, max_bytes=1 << 20)
    log.start()
    log.write(a_receipt())
    assert log.drain()
    for days, left in ((6, 1), (7, 0)):
        log.sweep((AT + timedelta(days=days)).date())
        assert log.drain()
        assert len(list(tmp_path.iterdir())) == left
    log.write(a_receipt(at=AT + timedelta(days=7)))
    log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["access-2026-03-09.jsonl"]
