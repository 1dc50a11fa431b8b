"""What is left of the allowances: counted in memory, settled into State each second.

Laws of this file: the hot path never waits; what is set aside counts as used until it is settled or let go; each
tranche counts in the period in which it was set aside; a correction by the operator is kept like any other bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.facts import NO_USAGE, AllowanceUse, Usage
from policies.model import After, Allowance, Territory
from policies.money import is_free, period_bounds
from policies.values import Scope
from proxy.account.state import AddUse, Change, Claim, UseKey

TRANCHE_BYTES = 262_144  # 8 s of a 256 kbit/s link: small beside an allowance, seldom beside a chunk
UNTIL_SAID_ONCE_MORE = timedelta(seconds=60)  # prices change on the minute: how long "free now" is remembered


@dataclass(slots=True)
class _Balance:
    settled_bytes: int = 0
    reserved_bytes: int = 0
    unsaved_bytes: int = 0

    @property
    def used_bytes(self) -> int:
        return max(0, self.settled_bytes) + self.reserved_bytes


@dataclass(frozen=True, slots=True)
class _Term:
    """One allowance of a territory in its present period."""

    allowance: Allowance
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class _Terms:
    tariff_source: object
    terms: tuple[_Term, ...]
    free: bool
    until: datetime


@dataclass(slots=True, eq=False)
class Reservation:
    """Metered bytes set aside for one exchange.

    short  an allowance that stops at its end hasn't room for them; nothing is set aside in that case
    """

    id: str
    uses: tuple[UseKey, ...]
    reserved_bytes: int
    drawn_bytes: int = 0
    short: bool = False


class Allowances:
    """All balances of this process."""

    def __init__(self) -> None:
        self._balances: dict[UseKey, _Balance] = {}
        self._ends: dict[UseKey, datetime] = {}
        self._terms: dict[tuple[str, str | None], _Terms] = {}
        self._open: dict[str, Reservation] = {}
        self._journalled: dict[str, int] = {}
        self._number = 0

    # -- hot path ---------------------------------------------------------------------------------------------

    def usage(self, territory: Territory, learner: str, now: datetime) -> Usage:
        """What `decide` is told: every allowance of this learner, her site and region."""
        if not territory.tariff.allowances:
            return NO_USAGE
        uses = []
        for term in self._in_force(territory, now).terms:
            balance = self._balances.get(_key(term, territory, learner))
            uses.append(
                AllowanceUse(
                    scope=term.allowance.scope,
                    used_bytes=balance.used_bytes if balance is not None else 0,
                    amount_bytes=term.allowance.amount_bytes,
                    renews_at=term.end,
                )
            )
        return Usage(allowances=tuple(uses))

    def reserve(
        self, territory: Territory, learner: str, nbytes: int, now: datetime, *, forced: bool = False
    ) -> Reservation:
        """Set metered bytes aside. forced: even where there is no room (assessment is never cut)."""
        self._number += 1
        terms = self._counting(territory, now)
        short = not forced and any(self._lacks(term, territory, learner, nbytes) for term in terms)
        reservation = Reservation(str(self._number), (), 0, short=short)
        if terms and not short:
            reservation.uses = tuple(self._held(term, territory, learner) for term in terms)
            reservation.reserved_bytes = nbytes
            self._open[reservation.id] = reservation
            for use in reservation.uses:
                self._balances[use].reserved_bytes += nbytes
        return reservation

    def settle(self, reservation: Reservation, used_bytes: int) -> None:
        """The exchange, or its tranche, is over: used_bytes count, the rest is free again. Only once."""
        if self._open.pop(reservation.id, None) is None:
            return
        for use in reservation.uses:
            self._balance(use).reserved_bytes -= reservation.reserved_bytes
            self._add(use, used_bytes)

    def count(self, territory: Territory, learner: str, used_bytes: int, now: datetime) -> None:
        """Count bytes for which nothing was set aside."""
        if used_bytes and territory.tariff.allowances:
            for term in self._counting(territory, now):
                self._add(self._held(term, territory, learner), used_bytes)

    # -- corrections and keeping ------------------------------------------------------------------------------

    def correct(self, territory: Territory, scope: Scope, holder: str, nbytes: int, now: datetime) -> bool:
        """Add bytes (negative: take away) to a holder's running periods. False: it has no such allowance.

        holder: a learner's id, "region/site" or "region", as the scope says.
        """
        terms = [term for term in self._in_force(territory, now).terms if term.allowance.scope is scope]
        for term in terms:
            use = UseKey(scope=scope, holder=holder, period=term.allowance.period, start=term.start)
            self._ends[use] = term.end
            balance = self._balance(use)
            self._add(use, max(nbytes, -balance.settled_bytes))
        return bool(terms)

    def load(self, uses: Iterable[AddUse], claims: Iterable[Claim]) -> list[Claim]:
        """Take over what State kept. What a killed process had drawn is counted.

        Returns the claims to journal as ended.
        """
        for kept in uses:
            self._balance(kept.use).settled_bytes += kept.nbytes
        ended = []
        for claim in claims:
            for use in claim.uses:
                self._add(use, claim.drawn_bytes)
            ended.append(Claim(id=claim.id, uses=(), reserved_bytes=0, drawn_bytes=0))
        return ended

    def changes(self) -> list[Change]:
        """What has been used since the last call, to commit."""
        changes: list[Change] = []
        for use, balance in self._balances.items():
            if balance.unsaved_bytes:
                changes.append(AddUse(use=use, nbytes=balance.unsaved_bytes))
                balance.unsaved_bytes = 0
        return changes

    def claims(self) -> list[Claim]:
        """What the journal lacks: open reservations that have drawn since the last call, and those that ended."""
        claims = [Claim(id=id_, uses=(), reserved_bytes=0, drawn_bytes=0) for id_ in self._journalled.keys() - self._open]
        drawn = {id_: held.drawn_bytes for id_, held in self._open.items() if held.drawn_bytes}
        for id_, nbytes in drawn.items():
            if self._journalled.get(id_) != nbytes:
                held = self._open[id_]
                claims.append(Claim(id=id_, uses=held.uses, reserved_bytes=held.reserved_bytes, drawn_bytes=nbytes))
        self._journalled = drawn
        return claims

    def sweep(self, now: datetime) -> None:
        """Forget periods that are over and settled; catalogues that are gone."""
        self._terms.clear()
        for use, balance in list(self._balances.items()):
            over = self._ends.get(use, use.start + timedelta(days=32)) <= now
            if over and not balance.reserved_bytes and not balance.unsaved_bytes:
                del self._balances[use]
                self._ends.pop(use, None)

    # -- inside -----------------------------------------------------------------------------------------------

    def _in_force(self, territory: Territory, now: datetime) -> _Terms:
        tariff = territory.tariff
        known = self._terms.get((territory.region, territory.site))
        if known is not None and known.tariff_source is tariff and now < known.until:
            return known
        terms = tuple(_Term(allowance, *period_bounds(allowance, now)) for allowance in tariff.allowances)
        minute = now.replace(second=0, microsecond=0) + UNTIL_SAID_ONCE_MORE
        fresh = _Terms(tariff, terms, is_free(tariff, now), min([minute, *(term.end for term in terms)]))
        self._terms[(territory.region, territory.site)] = fresh
        return fresh

    def _counting(self, territory: Territory, now: datetime) -> tuple[_Term, ...]:
        """The allowances that bytes count in now."""
        if not territory.tariff.allowances:
            return ()
        terms = self._in_force(territory, now)
        if not terms.free:
            return terms.terms
        return tuple(term for term in terms.terms if term.allowance.counts_when_free)

    def _lacks(self, term: _Term, territory: Territory, learner: str, nbytes: int) -> bool:
        if term.allowance.after is not After.STOP:
            return False
        balance = self._balances.get(_key(term, territory, learner))
        used = balance.used_bytes if balance is not None else 0
        return used + nbytes > term.allowance.amount_bytes

    def _held(self, term: _Term, territory: Territory, learner: str) -> UseKey:
        use = _key(term, territory, learner)
        self._ends[use] = term.end
        self._balance(use)
        return use

    def _balance(self, use: UseKey) -> _Balance:
        balance = self._balances.get(use)
        if balance is None:
            balance = self._balances[use] = _Balance()
        return balance

    def _add(self, use: UseKey, nbytes: int) -> None:
        balance = self._balance(use)
        balance.settled_bytes += nbytes
        balance.unsaved_bytes += nbytes


def _key(term: _Term, territory: Territory, learner: str) -> UseKey:
    scope = term.allowance.scope
    if scope is Scope.LEARNER:
        holder = learner
    else:
        holder = territory.region if scope is Scope.REGION else f"{territory.region}/{territory.site or ''}"
    return UseKey(scope=scope, holder=holder, period=term.allowance.period, start=term.start)
