from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from proxy.pages.moments import full_moment_text, moment_text, past_text, span_text, zone_text

KAMCHATKA = ZoneInfo("Asia/Kamchatka")
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # Monday 20:00 in Kamchatka


def at(day: int, hour: int, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=KAMCHATKA)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("instant", "ru", "en"),
    [
        (at(23, 21), "сегодня в 21:00", "today at 21:00"),
        (at(24, 0), "завтра в 00:00", "tomorrow at 00:00"),
        (at(24, 1), "завтра в 01:00", "tomorrow at 01:00"),
        (at(25, 1), "в среду, 25 ноября, в 01:00", "on Wednesday, 25 November, at 01:00"),
        (at(1, 9, 12), "во вторник, 1 декабря, в 09:00", "on Tuesday, 1 December, at 09:00"),
        (at(11, 9, 1, 2027), "в понедельник, 11 января 2027, в 09:00", "on Monday, 11 January 2027, at 09:00"),
    ],
)
def test_a_moment_is_told_in_the_readers_own_day(instant, ru, en):
    assert plain(moment_text(instant, NOW, KAMCHATKA, "ru")) == ru
    assert plain(moment_text(instant, NOW, KAMCHATKA, "en")) == en


def test_the_same_instant_is_today_in_moscow_and_tomorrow_in_kamchatka():
    instant = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    assert moment_text(instant, NOW, ZoneInfo("Europe/Moscow"), "ru") == "сегодня в 16:00"
    assert moment_text(instant, NOW, KAMCHATKA, "ru") == "завтра в 01:00"


def test_a_full_moment_leaves_no_doubt_at_midnight():
    assert plain(full_moment_text(at(24, 0), NOW, KAMCHATKA, "ru")) == "завтра, во вторник, 24 ноября, в 00:00"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (at(24, 8), at(24, 16), "завтра с 08:00 до 16:00"),
        (at(23, 22), at(24, 6), "сегодня с 22:00 до 06:00"),
        (at(23, 22), at(24, 0), "сегодня с 22:00 до 24:00"),
        (at(24, 8), None, "завтра в 08:00"),
        (at(28, 0), at(30, 0), "в субботу, 28 ноября, с 00:00 (закончится в понедельник, 30 ноября, в 00:00)"),
    ],
)
def test_a_span_names_its_end_by_day_only_when_it_is_long(start, end, text):
    assert plain(span_text(start, end, NOW, KAMCHATKA, "ru")) == text


def test_zones_have_names_that_people_use():
    assert zone_text(KAMCHATKA, NOW, "ru") == "по камчатскому времени (МСК+9)"
    assert zone_text(KAMCHATKA, NOW, "en") == "Kamchatka time (Moscow+9)"
    assert zone_text(ZoneInfo("Europe/Moscow"), NOW, "ru") == "по московскому времени"
    assert zone_text(ZoneInfo("Europe/Kaliningrad"), NOW, "ru") == "по калининградскому времени (МСК−1)"


def test_a_zone_without_a_name_is_told_by_its_offset_then():
    berlin = ZoneInfo("Europe/Berlin")
    assert zone_text(berlin, NOW, "en") == "your local time (UTC+1)"
    assert zone_text(berlin, datetime(2026, 7, 1, tzinfo=UTC), "en") == "your local time (UTC+2)"
    assert zone_text(ZoneInfo("Asia/Kolkata"), NOW, "en") == "your local time (UTC+5:30)"


@pytest.mark.parametrize(
    ("instant", "ru"),
    [(at(23, 9), "сегодня в 09:00"), (at(18, 21), "в среду, 18 ноября, в 21:00"), (at(2, 9), "2 ноября"),
     (at(1, 20, 9, 2024), "1 сентября 2024")],
)  # fmt: skip
def test_what_was_long_ago_is_told_by_its_day(instant: datetime, ru: str) -> None:
    assert plain(past_text(instant, NOW, KAMCHATKA, "ru")) == ru
