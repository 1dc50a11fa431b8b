from decimal import Decimal

import pytest

from proxy.pages.figures import cost_of, duration_text, money_text, size_text, transfer_text, wait_text


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("size", "ru", "en"),
    [
        (0, "меньше 1 КБ", "less than 1 KB"),
        (999, "меньше 1 КБ", "less than 1 KB"),
        (1_000, "1 КБ", "1 KB"),
        (870_000, "870 КБ", "870 KB"),
        (999_499, "999 КБ", "999 KB"),
        (999_600, "1 МБ", "1 MB"),
        (1_234_000, "1,2 МБ", "1.2 MB"),
        (9_960_000, "10 МБ", "10 MB"),
        (18_000_000, "18 МБ", "18 MB"),
        (1_430_000_000, "1,4 ГБ", "1.4 GB"),
        (12_600_000_000, "13 ГБ", "13 GB"),
    ],
)
def test_a_size_is_rounded_to_what_matters(size, ru, en):
    assert plain(size_text(size, "ru")) == ru
    assert plain(size_text(size, "en")) == en


@pytest.mark.parametrize(
    ("seconds", "ru", "en"),
    [
        (0, "меньше минуты", "less than a minute"),
        (59, "меньше минуты", "less than a minute"),
        (60, "около 1 минуты", "about 1 minute"),
        (562, "около 9 минут", "about 9 minutes"),
        (3599, "около 1 часа", "about 1 hour"),
        (4800, "около 1 часа 20 минут", "about 1 hour 20 minutes"),
        (13_125, "около 3 часов 40 минут", "about 3 hours 40 minutes"),
        (23 * 3600, "около 23 часов", "about 23 hours"),
        (86_399, "около 24 часов", "about 24 hours"),
        (86_400, "больше суток", "more than a day"),
    ],
)
def test_a_duration_says_about_and_agrees_in_number(seconds, ru, en):
    assert plain(duration_text(seconds, "ru")) == ru
    assert plain(duration_text(seconds, "en")) == en


def test_eighteen_megabytes_take_nine_minutes_on_a_satellite_link():
    assert plain(transfer_text(18_000_000, 256_000, "ru")) == "около 9 минут"


def test_an_unusable_link_speed_does_not_divide_by_zero():
    assert transfer_text(18_000_000, 0, "en") == "more than a day"


def test_a_cost_is_what_the_operator_counts():
    assert cost_of(18_000_000, Decimal("0.40"), 1.0) == Decimal("7.20")
    assert cost_of(18_000_000, Decimal("0.40"), 1.06) == Decimal("7.63")


def test_money_reads_in_the_readers_way():
    assert plain(money_text(Decimal("7.20"), "RUB", "ru")) == "7,20 ₽"
    assert plain(money_text(Decimal("7.20"), "RUB", "en")) == "7.20 RUB"


def test_a_fraction_of_a_kopeck_is_not_shown_as_nothing():
    assert plain(money_text(Decimal("0.001"), "RUB", "ru")) == "0,01 ₽"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 мин"), (61, "2 мин"), (3600, "1 ч"), (12_000, "3 ч 20 мин"), (90_060, "1 дн 1 ч"), (86_460, "1 дн 1 мин")],
)
def test_a_wait_is_told_in_two_units_at_most(seconds, text):
    assert plain(wait_text(seconds, "ru")) == text
