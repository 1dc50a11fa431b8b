"""What programs get: problem details, the app's errors, close reasons, calendars, static files."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from icalendar import Calendar

from policies.decision import Verdict
from policies.values import Reason
from proxy.pages import close_reason, head_link, moodle_error_json, problem_json, static_file, static_href
from proxy.pages.calendar_entry import ics
from proxy.pages.gallery import CLOSED, DECISION, NOW, context_in

GATE = context_in("ru", CLOSED)
NEVER = context_in("en", replace(DECISION, verdict=Verdict.REFUSE, reasons=(Reason(rule="class-never"),)))
STARTS = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


def test_a_deferred_request_is_told_to_a_script_with_its_opening():
    problem = json.loads(problem_json(GATE, retry_after_s=43_217))
    assert problem["status"] == 503 and problem["title"] == "Service Unavailable" and problem["type"] == "about:blank"
    assert problem["opens_at"] == "2026-11-23T20:00:00+00:00" and problem["retry_after"] == 43_217
    assert problem["reasons"] == ["window-closed"] and problem["support_code"] == "K7-4F2"
    assert "завтра в 08:00" in problem["detail"]


def test_a_refused_request_has_no_opening_to_wait_for():
    problem = json.loads(problem_json(NEVER))
    assert problem["status"] == 403 and not {"opens_at", "retry_after"} & problem.keys()


def test_the_moodle_app_gets_its_own_kind_of_error():
    error = json.loads(moodle_error_json(GATE))
    assert error["exception"] == "moodle_exception" and error["errorcode"] == "tropa_deferred"
    assert "K7-4F2" in error["message"]


def test_a_close_reason_fits_a_control_frame_and_stays_readable():
    for language in ("ru", "en"):
        for decision in (CLOSED, replace(CLOSED, opens_at=None), NEVER.decision):
            reason = close_reason(context_in(language, decision))
            assert 0 < len(reason.encode("utf-8")) <= 123 and "\ufffd" not in reason


def test_a_calendar_entry_holds_the_opening_in_utc_with_a_reminder():
    calendar = Calendar.from_ical(ics(GATE, starts_at=STARTS, ends_at=STARTS + timedelta(minutes=30)))
    event = calendar.walk("VEVENT")[0]
    assert str(event["summary"]) == "Консультация: Курсы повышения квалификации"
    assert event.decoded("dtstart") == STARTS and event.decoded("dtend") == STARTS + timedelta(minutes=30)
    assert event.decoded("dtstamp") == NOW and "+7 000" in str(event["description"])
    assert calendar.walk("VALARM")[0].decoded("trigger") == timedelta(minutes=-10)


def test_a_calendar_entry_is_the_same_entry_when_it_is_taken_again():
    def uid(context, starts_at=STARTS):
        return Calendar.from_ical(ics(context, starts_at=starts_at)).walk("VEVENT")[0]["uid"]

    later = replace(GATE, now=NOW + timedelta(hours=1))
    assert uid(GATE) == uid(later)
    assert uid(GATE) != uid(GATE, STARTS + timedelta(days=1))
    assert uid(GATE) != uid(replace(GATE, page_url="https://lms.example/mod/page/view.php?id=8"))


def test_calendar_lines_are_folded_at_75_bytes():
    body = ics(GATE, starts_at=STARTS)
    assert all(len(line) <= 75 for line in body.split(b"\r\n")) and body.endswith(b"END:VCALENDAR\r\n")


def test_only_listed_static_files_are_served():
    for name in ("../phrases.py", "tropa.html", "", "/etc/passwd"):
        assert static_file(name) is None


def test_static_files_have_a_type_and_an_etag_that_their_address_carries():
    found = static_file("tropa.css")
    assert found is not None
    body, content_type, etag = found
    assert content_type == "text/css; charset=utf-8" and etag[1:9] in static_href("tropa.css")
    assert len(gzip.compress(body)) <= 6 * 1024
    assert static_href("tropa.css").encode() in head_link() and head_link().isascii()


def test_every_selector_of_the_sheet_stays_on_its_own_ground():
    import re

    sheet = re.sub(r"/\*.*?\*/", "", static_file("tropa.css")[0].decode(), flags=re.DOTALL)
    selectors = re.findall(r"(?:^|[{}])\s*([^{}@;]+)\{", sheet)
    assert len(selectors) > 40
    foreign = [one for group in selectors for one in group.split(",") if not one.strip().startswith(".tropa-")]
    assert foreign == []
