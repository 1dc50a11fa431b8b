"""Tariffs and allowances as written, with everything filled in that goes without saying.

Law: what is wrong leaves a fault at its place and something to go on with, so that all faults are told at once.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from zoneinfo import ZoneInfo

from policies import units
from policies.compile.spot import Spot
from policies.compile.time import Clockwork, compile_windows
from policies.faults import Wrong, did_you_mean
from policies.model import After, Allowance, Period, Tariff, Windows
from policies.schema.place import AllowanceSection, TariffSection


def compile_tariff(section: TariffSection, spot: Spot, clockwork: Clockwork, origins: Collection[str]) -> Tariff:
    clockwork = clockwork.in_zone(section.timezone)
    price_windows = compile_windows(section.price_windows, spot.at("price_windows"), clockwork)
    for index, written in enumerate(section.price_windows):
        if written.price is None:
            spot.at("price_windows", index).fault("has no price", "add price: 0.10 RUB/MB")
    _known_origins(section, spot.at("free_origins"), origins)
    amount, _ = section.price or (Decimal(0), "")
    tariff = Tariff(
        zone=clockwork.zone,
        currency=_currency(section, spot),
        price_per_mb=amount,
        price_windows=price_windows,
        free=_free(section, spot.at("free"), clockwork),
        allowances=_allowances(section, spot.at("allowance"), clockwork.zone),
        overhead_factor=section.overhead,
        free_origins=frozenset(section.free_origins),
        source=spot.source,
    )
    _warn_of_nothing_metered(tariff, section, spot)
    return tariff


def _free(section: TariffSection, spot: Spot, clockwork: Clockwork) -> Windows:
    if section.free == "always":
        return Windows(always=True)
    if section.free is None or section.free == "never":
        return Windows()
    return Windows(windows=compile_windows(section.free, spot, clockwork))


def _currency(section: TariffSection, spot: Spot) -> str:
    named = [(price[1], spot.at("price")) for price in (section.price,) if price and price[1]]
    for index, window in enumerate(section.price_windows):
        if window.price and window.price[1]:
            named.append((window.price[1], spot.at("price_windows", index, "price")))
    for currency, place in named[1:]:
        if currency != named[0][0]:
            place.fault(f"the tariff has two currencies, {named[0][0]} and {currency}", f"write {named[0][0]}")
    return named[0][0] if named else "RUB"


def _known_origins(section: TariffSection, spot: Spot, origins: Collection[str]) -> None:
    for index, name in enumerate(section.free_origins):
        if name not in origins:
            spot.at(index).fault(f"unknown origin {name}", did_you_mean(name, origins) or "add it under origins:")


def _warn_of_nothing_metered(tariff: Tariff, section: TariffSection, spot: Spot) -> None:
    has_price = tariff.price_per_mb or any(window.price_per_mb for window in tariff.price_windows)
    if isinstance(section.free, list) and not has_price and not tariff.allowances:
        spot.at("free").warn("has free windows, but nothing costs outside them", "add price: or allowance:")


def _allowances(section: TariffSection, spot: Spot, zone: ZoneInfo) -> tuple[Allowance, ...]:
    written = section.allowance or []
    return tuple(_allowance(item, spot.at(index), zone) for index, item in enumerate(written))


def _allowance(section: AllowanceSection, spot: Spot, zone: ZoneInfo) -> Allowance:
    if section.amount <= 0:
        spot.at("amount").fault("an allowance must be above zero", "leave the allowance out where there is none")
    throttle_bps = section.then if isinstance(section.then, int) else None
    return Allowance(
        scope=section.scope,
        amount_bytes=int(section.amount * section.share),
        period=section.per,
        zone=section.timezone or zone,
        renew_day=_renew_day(section, spot.at("renews_on")),
        renew_time=units.as_time(section.renews_at),
        after=After.THROTTLE if throttle_bps is not None else After(str(section.then)),
        throttle_bps=throttle_bps,
        counts_when_free=section.counts_when_free,
        source=spot.source,
    )


def _renew_day(section: AllowanceSection, spot: Spot) -> int:
    """1 or Monday where nothing is written."""
    default = 1 if section.per is Period.MONTH else 0
    if section.renews_on is None:
        return default
    try:
        return _parse_renew_day(section.renews_on, section.per)
    except Wrong as wrong:
        spot.fault(wrong.problem, wrong.cure)
        return default


def _parse_renew_day(text: str, period: Period) -> int:
    if period is Period.DAY:
        raise Wrong("a daily allowance renews every day", "remove renews_on, or write per: month")
    if period is Period.WEEK:
        days = units.parse_days(text)
        if len(days) != 1:
            raise Wrong(f"expected one weekday, got {text!r}", "write mon")
        return min(days)
    if not text.isdecimal() or not 1 <= int(text) <= 31:
        raise Wrong(f"expected a day of the month from 1 to 31, got {text!r}", "write a number such as 14")
    return int(text)
