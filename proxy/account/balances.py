"""What is used and left of a place's allowances, read from State: for IT staff, beside the running process."""

from __future__ import annotations

from datetime import datetime

from policies.frozen import Frozen
from policies.model import Allowance, Period, Territory
from policies.money import period_bounds
from policies.values import Scope
from proxy.account.allowances import holder_of
from proxy.account.state import State, UseKey, UseQuery


class Balance(Frozen, frozen=True, kw_only=True):
    """One holder's allowance in its running period. holder: a learner's id, "region/site" or "region"."""

    scope: Scope
    holder: str
    period: Period
    used_bytes: int
    amount_bytes: int
    renews_at: datetime

    @property
    def left_bytes(self) -> int:
        return max(0, self.amount_bytes - self.used_bytes)


async def balances(
    state: State, territory: Territory, learner: str | None, now: datetime, *, most: int
) -> tuple[Balance, ...]:
    """Of each allowance of the place; of learners' the one named, else at most `most` that used most.

    A learner's counter doesn't know her place, so learners of other places with alike periods may be among them.
    """
    used = {line.use: line.nbytes for line in await state.list(UseQuery())}
    found: list[Balance] = []
    for allowance in territory.tariff.allowances:
        if allowance.scope is Scope.LEARNER and learner is None:
            found += _of_learners(allowance, used, now)[:most]
        else:
            holder = holder_of(allowance.scope, territory, learner or "")
            found.append(_balance(allowance, holder, used, now))
    return tuple(found)


def _balance(allowance: Allowance, holder: str, used: dict[UseKey, int], now: datetime) -> Balance:
    start, end = period_bounds(allowance, now)
    key = UseKey(scope=allowance.scope, holder=holder, period=allowance.period, start=start)
    return Balance(
        scope=allowance.scope,
        holder=holder,
        period=allowance.period,
        used_bytes=used.get(key, 0),
        amount_bytes=allowance.amount_bytes,
        renews_at=end.astimezone(allowance.zone),
    )


def _of_learners(allowance: Allowance, used: dict[UseKey, int], now: datetime) -> list[Balance]:
    start, _ = period_bounds(allowance, now)
    holders = [
        use.holder for use in used if (use.scope, use.period, use.start) == (Scope.LEARNER, allowance.period, start)
    ]
    found = [_balance(allowance, holder, used, now) for holder in holders]
    return sorted(found, key=lambda balance: (-balance.used_bytes, balance.holder))
