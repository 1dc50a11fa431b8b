"""Quantities as people write them: "256 kbit/s", "0.40 RUB/MB", "300 MB/day", "10 min", "23:00", "mon-fri".

Laws of this file: text in, a plain value out, or Wrong with the cure; decimal prefixes are powers of ten (1 MB is
1,000,000 bytes, as operators count), KiB and MiB powers of two; a unit is never guessed where a guess could be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from ipaddress import ip_network

from policies.faults import Wrong, did_you_mean
from policies.model import IPNetwork, Period

_QUANTITY = re.compile(r"([0-9][0-9_ ]*(?:\.[0-9]+)?)\s*(\D.*)?")
_MOST_DIGITS = 15  # of a number: more is a slip of the hand, and no float holds it

_BYTES: Mapping[str, int | Decimal] = {
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "MiB": 2**20, "KB": 10**3, "TB": 10**12,
    "KiB": 2**10, "GiB": 2**30, "TiB": 2**40,
    "Б": 1, "КБ": 10**3, "кБ": 10**3, "МБ": 10**6, "ГБ": 10**9,
}  # fmt: skip
_BITS: Mapping[str, int | Decimal] = {
    "bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9, "bps": 1, "kbps": 10**3, "Mbps": 10**6,
    "Kbit/s": 10**3, "бит/с": 1, "кбит/с": 10**3, "Кбит/с": 10**3, "Мбит/с": 10**6, "Гбит/с": 10**9,
    "kB/s": 8 * 10**3, "MB/s": 8 * 10**6,
}  # fmt: skip
_SECONDS: Mapping[str, int | Decimal] = {
    "ms": Decimal("0.001"), "s": 1, "sec": 1, "min": 60, "h": 3600, "day": 86400, "days": 86400,
    "мс": Decimal("0.001"), "с": 1, "сек": 1, "мин": 60, "ч": 3600,
}  # fmt: skip
_PERIODS = {
    "day": Period.DAY, "week": Period.WEEK, "month": Period.MONTH,
    "день": Period.DAY, "сутки": Period.DAY, "неделя": Period.WEEK, "месяц": Period.MONTH,
}  # fmt: skip
_CURRENCIES = {"руб": "RUB", "руб.": "RUB", "₽": "RUB", "р.": "RUB", "€": "EUR", "$": "USD"}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_RU = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")
_DAY_GROUPS = {"daily": range(7), "weekdays": range(5), "weekends": range(5, 7)}
_SHARE_WORDS = {"all": 1.0, "half": 0.5, "a half": 0.5, "a third": 1 / 3, "a quarter": 0.25}
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _quantity(text: str, wish: str, units: Mapping[str, int | Decimal]) -> Decimal:
    if re.match(r"\d+,\d", text.strip()):
        raise Wrong(f"expected {wish}, got {text!r}", "write a point, not a comma")
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise Wrong(f"expected {wish}, got {text!r}", "write a number and a unit")
    number, unit = re.sub(r"[_ ]", "", match.group(1)), (match.group(2) or "").strip()
    if unit not in units:
        raise Wrong(f"expected {wish}, got {text!r}", _unit_cure(unit, units))
    if len(number) > _MOST_DIGITS:
        raise Wrong(f"expected {wish}, got a number of {len(number)} digits", "write a smaller one, with a larger unit")
    return Decimal(number) * units[unit]


def _unit_cure(unit: str, units: Mapping[str, int | Decimal]) -> str:
    folded = unit.casefold()
    if "kB/s" in units and re.fullmatch(r"[km]b(/?s)?", folded):
        small = folded[0].replace("m", "M")
        return f"write {small}bit/s for bits, {small}B/s for bytes"
    same = [known for known in units if known.casefold() in {folded, f"{folded}/s", f"{folded}/с"}]
    latin = [known for known in units if known.isascii()]
    if same:
        return f"write the unit as {same[0]}"
    return ("add a unit: " if not unit else "use one of the units ") + ", ".join(latin[:5])


def parse_rate_bps(text: str) -> int:
    """Bits a second, of "256 kbit/s"."""
    rate = int(_quantity(text, "a speed like 256 kbit/s", _BITS))
    if rate <= 0:
        raise Wrong(f"expected a speed above zero, got {text!r}", "leave the key out where the speed is unknown")
    return rate


def parse_bytes(text: str) -> int:
    """Bytes, of "300 MB" (decimal) or "16 MiB" (binary)."""
    return int(_quantity(text, "a size like 300 MB", _BYTES))


def parse_seconds(text: str) -> float:
    """Seconds, of "10 min", "700 ms", "2 h"."""
    return float(_quantity(text, "a duration like 10 min", _SECONDS))


def parse_milliseconds(text: str) -> int:
    """Milliseconds, of "700 ms" or "1 s"."""
    return round(_quantity(text, "a duration like 700 ms", _SECONDS) * 1000)


def parse_pixels(text: str) -> int:
    """Pixels, of "800 px" or "800"."""
    width = int(_quantity(text, "a width like 800 px", {"px": 1, "": 1}))
    if not 1 <= width <= 20000:
        raise Wrong(f"expected a width from 1 to 20000 px, got {text!r}", "write one like 800 px")
    return width


def parse_price(text: str) -> tuple[Decimal, str]:
    """(amount per 1,000,000 bytes, currency), of "0.40 RUB/MB", "250 RUB/GB" or "free"."""
    wish = "a price like 0.40 RUB/MB"
    if text.strip() in {"free", "0"}:
        return Decimal(0), ""
    money, slash, unit = text.strip().rpartition("/")
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(\S+)", money.strip())
    if re.match(r"\d+,\d", text.strip()):
        raise Wrong(f"expected {wish}, got {text!r}", "write a point, not a comma")
    if not slash or match is None:
        raise Wrong(f"expected {wish}, got {text!r}", "write the amount, the currency and the unit: 0.40 RUB/MB")
    if unit.strip() not in _BYTES or unit.strip() in {"B", "Б"}:
        raise Wrong(f"expected {wish}, got {text!r}", "write the unit as MB or GB")
    currency = _CURRENCIES.get(match.group(2).casefold(), match.group(2))
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise Wrong(f"unknown currency {currency!r}", "write its three letters: RUB")
    return Decimal(match.group(1)) * 10**6 / _BYTES[unit.strip()], currency


def parse_period(text: str) -> Period:
    found = _PERIODS.get(text.strip().casefold())
    if found is None:
        raise Wrong(f"expected day, week or month, got {text!r}", did_you_mean(text, ("day", "week", "month")))
    return found


def parse_bytes_per(text: str) -> tuple[str, str]:
    """("300 MB", "day"), of "300 MB/day"; both still as text."""
    amount, slash, period = text.partition("/")
    if not slash:
        raise Wrong(f"expected an allowance like 300 MB/day, got {text!r}", "say for which period: 300 MB/day")
    return amount.strip(), period.strip()


def parse_share(text: str) -> float:
    """A part of the whole, above 0 and up to 1, of "1/3", "33 %", "0.33" or "a third"."""
    words = text.strip()
    value = _SHARE_WORDS.get(words)
    if value is None:
        value = _fraction(words)
    if value is None or not 0 < value <= 1:
        raise Wrong(f"expected a share like 1/3 or 33 %, got {text!r}", "write a part of the whole, at most 100 %")
    return value


def parse_percent(text: str) -> int:
    """A whole number of hundredths from 1 to 99, of "80 %"."""
    match = re.fullmatch(r"(\d{1,2})\s*%", text.strip())
    if match is None or int(match[1]) == 0:
        raise Wrong(f"expected a part like 80 %, got {text!r}", "write a number from 1 to 99 and %")
    return int(match[1])


def _fraction(text: str) -> float | None:
    if match := re.fullmatch(r"(\d{1,9})\s*/\s*(\d{1,9})", text):
        return int(match[1]) / int(match[2]) if int(match[2]) else None
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text):
        return float(match[1]) / 100
    return float(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else None


def parse_overhead(text: str) -> float:
    """A factor from 1 to 2, of "1.06" or "6 %"."""
    wish = "an overhead like 6 % or 1.06"
    value = _fraction(text.strip())
    if value is None:
        raise Wrong(f"expected {wish}, got {text!r}", "write a percentage or a factor")
    factor = 1 + value if "%" in text else value
    if not 1 <= factor <= 2:
        raise Wrong(f"expected {wish}, got {text!r}", "write what the operator counts above the payload")
    return factor


def parse_clock(text: str) -> int:
    """Minutes after midnight, 0..1440, of "18:00" or "8:30"; "24:00" is the day's end."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    if match is None:
        raise Wrong(f"expected a time like 18:00, got {text}", "write hours and minutes")
    hours, minutes = int(match[1]), int(match[2])
    if hours > 24 or (hours == 24 and minutes):
        raise Wrong(f"expected a time like 18:00, got {text}", "write hours 00-24")
    if minutes > 59:
        raise Wrong(f"expected a time like 18:00, got {text}", "write minutes 00-59")
    return hours * 60 + minutes


def as_time(minutes: int) -> time:
    """The local time of minutes after midnight; a day's end (1440) is midnight."""
    return time(minutes // 60 % 24, minutes % 60)


def parse_days(text: str) -> frozenset[int]:
    """Weekdays, 0=Monday, of "daily", "weekdays", "mon-fri", "fri-mon" or "mon, wed, sat"."""
    found: set[int] = set()
    for part in text.replace("–", "-").split(","):
        word = part.strip().casefold()
        if word in _DAY_GROUPS:
            found.update(_DAY_GROUPS[word])
            continue
        first, dash, last = word.partition("-")
        start, end = _weekday(first.strip(), text), _weekday(last.strip() if dash else first.strip(), text)
        found.update((start + offset) % 7 for offset in range((end - start) % 7 + 1))
    return frozenset(found)


def _weekday(word: str, text: str) -> int:
    for names in (_DAYS, _DAYS_RU):
        if word[:3] in names:
            return names.index(word[:3])
    cure = did_you_mean(word, (*_DAYS, *_DAY_GROUPS))
    raise Wrong(f"expected days like daily, mon-fri or [sat, sun], got {text!r}", cure)


def parse_date(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Wrong(f"expected a date like 2026-09-01, got {text!r}", "write year-month-day") from None


def parse_dates(text: str) -> tuple[date, date]:
    """First and last day, both included, of "2026-09-01..2026-09-30" or of one day."""
    first, dots, last = text.partition("..")
    start = parse_date(first)
    end = parse_date(last) if dots else start
    if end < start:
        raise Wrong(f"the last day {end} is before the first {start}", "exchange them")
    return start, end


def parse_truth(text: str) -> bool:
    value = _TRUTH.get(text.strip().casefold())
    if value is None:
        raise Wrong(f"expected true or false, got {text!r}", "write true or false")
    return value


def parse_count(text: str) -> int:
    """A whole number, decimal: "010" is ten."""
    if not re.fullmatch(r"\d{1,12}", text.strip().replace("_", "")):
        raise Wrong(f"expected a whole number, got {text!r}", "write digits only")
    return int(text.strip().replace("_", ""))


def parse_network(text: str) -> IPNetwork:
    """A network in CIDR form; a bare address is a network of one."""
    try:
        return ip_network(text.strip())
    except ValueError:
        pass
    try:
        whole = ip_network(text.strip(), strict=False)
    except ValueError:
        cure = "write an address, / and the length of the prefix"
        raise Wrong(f"expected a network like 10.41.0.0/16, got {text!r}", cure) from None
    raise Wrong(f"{text} is an address inside a network", f"write {whole}")


def parse_address(text: str) -> tuple[str, int]:
    """(host, port) to listen on, of "127.0.0.1:8101", "[::1]:8101" or "0.0.0.0:80"."""
    host, colon, port = text.strip().rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not bare or not port.isdecimal() or not 0 <= int(port) <= 65535:
        cure = "write the address, a colon and a port from 1 to 65535"
        raise Wrong(f"expected an address and port like 127.0.0.1:8101, got {text!r}", cure)
    if ":" in bare and not host.startswith("["):
        raise Wrong(f"expected an address and port, got {text!r}", f"put an IPv6 address in brackets: [{bare}]:{port}")
    return bare, int(port)
