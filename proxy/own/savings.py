"""What each learner was spared today and this month, for the line at a page's end and her own page.

Laws: in memory only, by keyed hash, bounded; a restart begins anew, and then less is shown than was saved, never more.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from policies.model import Territory
from proxy.exchange import Receipt
from proxy.pages import Savings


@dataclass(slots=True)
class _Sum:
    day: date
    today_bytes: int = 0
    month_bytes: int = 0
    today_money: Decimal = Decimal(0)
    month_money: Decimal = Decimal(0)
    currency: str = "RUB"


class LearnerSavings:
    """Counts by learner; days are the learner's own."""

    def __init__(self, *, max_learners: int = 20_000) -> None:
        self._sums: OrderedDict[str, _Sum] = OrderedDict()
        self._max_learners = max_learners

    def record(self, receipt: Receipt, territory: Territory) -> None:
        saved_bytes = receipt.bytes_direct - receipt.bytes_to_learner
        if saved_bytes <= 0:
            return
        saved_money = max(Decimal(0), receipt.direct_cost - receipt.cost)
        total = self._of(receipt.learner, receipt.at.astimezone(territory.zone).date())
        total.today_bytes += saved_bytes
        total.month_bytes += saved_bytes
        total.today_money += saved_money
        total.month_money += saved_money
        total.currency = receipt.currency

    def savings(self, learner: str, territory: Territory, now: datetime) -> Savings:
        known = self._sums.get(learner)
        if known is None:
            return Savings()
        today = now.astimezone(territory.zone).date()
        same_day, same_month = known.day == today, (known.day.year, known.day.month) == (today.year, today.month)
        return Savings(
            today_bytes=known.today_bytes if same_day else None,
            month_bytes=known.month_bytes if same_month else None,
            today_money=known.today_money if same_day else Decimal(0),
            month_money=known.month_money if same_month else Decimal(0),
            currency=known.currency,
        )

    def told(self, learner: str) -> dict[str, str | int]:
        """What is counted of her, in plain words."""
        known = self._sums.get(learner)
        if known is None:
            return {}
        return {
            "day": known.day.isoformat(),
            "saved_that_day_bytes": known.today_bytes,
            "saved_that_month_bytes": known.month_bytes,
            "saved_that_day_money": f"{known.today_money:.2f} {known.currency}",
            "saved_that_month_money": f"{known.month_money:.2f} {known.currency}",
        }

    def forget(self, learner: str) -> int:
        """1: something was counted of her."""
        return int(self._sums.pop(learner, None) is not None)

    def _of(self, learner: str, day: date) -> _Sum:
        total = self._sums.get(learner)
        if total is None:
            total = self._sums[learner] = _Sum(day)
            if len(self._sums) > self._max_learners:
                self._sums.popitem(last=False)
        elif total.day != day:
            if (total.day.year, total.day.month) != (day.year, day.month):
                total.month_bytes, total.month_money = 0, Decimal(0)
            total.day, total.today_bytes, total.today_money = day, 0, Decimal(0)
        self._sums.move_to_end(learner)
        return total
