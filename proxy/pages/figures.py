"""Sizes, money and durations as a teacher reads them: rounded to what matters, in her language.

Laws of this file: pure; a megabyte is 1,000,000 bytes, as in tariffs; what is estimated says so ("about").
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel.numbers import format_currency, format_decimal

from proxy.pages.phrases import phrases

_UNITS = ((1_000_000_000, "unit.gb"), (1_000_000, "unit.mb"), (1_000, "unit.kb"))
_CENT = Decimal("0.01")


@lru_cache(maxsize=4096)
def size_text(size_bytes: int, language: str) -> str:
    """ "18 МБ", "1,2 МБ", "870 КБ": two figures below ten, whole numbers above; under a kilobyte says so."""
    say = phrases(language)
    for unit, key in _UNITS:
        if size_bytes >= 0.9995 * unit:  # 999,500 bytes round to a megabyte, not to "1000 KB"
            number = size_bytes / unit
            shown = format_decimal(number, "#,##0.#" if number < 9.95 else "#,##0", locale=say.locale)
            return say(key, n=shown)
    return say("unit.less_than_kb")


def cost_of(size_bytes: int, price_per_mb: Decimal, overhead_factor: float) -> Decimal:
    """Money for these bytes as the operator counts them, rounded half up to a hundredth."""
    metered = Decimal(size_bytes) * Decimal(str(overhead_factor)) / 1_000_000
    return (metered * price_per_mb).quantize(_CENT, ROUND_HALF_UP)


@lru_cache(maxsize=4096)
def money_text(amount: Decimal, currency: str, language: str) -> str:
    """ "7,20 ₽", "7.20 RUB"; an amount below a hundredth is shown as a hundredth, never as nothing."""
    shown = max(amount, _CENT) if amount else amount
    pattern = "#,##0.00\u00a0¤"  # CLDR's English glues the code to the number: "RUB7.20"
    return format_currency(shown, currency, pattern, locale=phrases(language).locale)


@lru_cache(maxsize=4096)
def transfer_text(size_bytes: int, link_bps: int, language: str) -> str:
    """ "около 9 минут": how long these bytes take on a link of this many bits a second."""
    return duration_text(round(size_bytes * 8 / max(link_bps, 1)), language)


@lru_cache(maxsize=4096)
def duration_text(seconds: int, language: str) -> str:
    """ "меньше минуты", "около 9 минут", "около 1 часа 20 минут", "больше суток"."""
    say = phrases(language)
    if seconds < 60:
        return say("duration.under_minute")
    if seconds >= 86_400:
        return say("duration.over_day")
    minutes = (seconds + 30) // 60
    if minutes < 60:
        return say("duration.about", span=say.plural("duration.minutes", minutes))
    minutes = (minutes + 5) // 10 * 10 if minutes < 300 else (minutes + 30) // 60 * 60
    hours, rest = divmod(minutes, 60)
    span = say.plural("duration.hours", hours)
    return say("duration.about", span=f"{span} {say.plural('duration.minutes', rest)}" if rest else span)


@lru_cache(maxsize=1024)
def wait_text(seconds: int, language: str) -> str:
    """ "3 ч 20 мин": what is left until an opening, for a line that a script may go on counting."""
    say = phrases(language)
    minutes = max(1, (seconds + 59) // 60)
    days, minutes = divmod(minutes, 1440)
    hours, minutes = divmod(minutes, 60)
    counted = ((days, "wait.days"), (hours, "wait.hours"), (minutes, "wait.minutes"))
    parts = [say(key, n=number) for number, key in counted if number]
    return " ".join(parts[:2])
