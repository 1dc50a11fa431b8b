"""What is left of the allowances: counted in memory, settled into State each second.

Laws of this file: the hot path never waits; what is set aside counts as used until it is settled or let go; each
tranche counts in the period in which it was set aside; a correction by the operator is kept like any other bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import field as struct_field

from policies.facts import NO_USAGE, AllowanceUse, Usage
from policies.frozen import Frozen
from policies.model import After, Allowance, Tariff, Territory
from policies.money import is_free, period_bounds
from policies.values import Scope
from proxy.account.state import AddUse, Change, Claim, DropClaim, UseKey

TRANCHE_BYTES = 262_144  # 8 s of a 256 kbit/s link: small beside an allowance, seldom beside a chunk
_MINUTE = timedelta(minutes=1)  # windows open and close on the minute: so long "free now" is remembered
_LONGEST_PERIOD = timedelta(days=32)
_CLOCKS_ERR = timedelta(days=2)


@dataclass(slots=True)
class _Balance:
    use: UseKey
    end: datetime
    settled_bytes: int = 0
    reserved_bytes: int = 0
    unsaved_bytes: int = 0

    @property
    def used_bytes(self) -> int:
        return max(0, self.settled_bytes) + self.reserved_bytes


@dataclass(frozen=True, slots=True)
class _Term:
    """One allowance of a territory in its present period. balances: by holder, as far as asked for."""

    allowance: Allowance
    start: datetime
    end: datetime
    balances: dict[str, _Balance] = field(default_factory=dict)


_Held = tuple[tuple[_Term, _Balance], ...]


class _Terms(Frozen, frozen=True):
    """What counts in a territory now. held: by learner, as far as asked for."""

    tariff: Tariff
    terms: tuple[_Term, ...]
    free: bool
    since: datetime
    until: datetime
    held: dict[str, _Held] = struct_field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Reservation:
    """Metered bytes set aside for one exchange.

    drawn_bytes  how many of them have moved, for the journal
    short        an allowance that stops at its end hasn't room for them; nothing is set aside in that case
    """

    id: str
    balances: tuple[_Balance, ...] = ()
    reserved_bytes: int = 0
    drawn_bytes: int = 0
    short: bool = False


class Allowances:
    """All balances of this process. run: tells its reservations from those of earlier runs in the journal."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._number = 0
        self._balances: dict[UseKey, _Balance] = {}
        self._unsaved: dict[UseKey, _Balance] = {}
        self._terms: dict[tuple[str, str | None], _Terms] = {}
        self._open: dict[str, Reservation] = {}
        self._journalled: dict[str, int] = {}
        self._ended: list[str] = []

    # -- hot path ---------------------------------------------------------------------------------------------

    def usage(self, territory: Territory, learner: str, now: datetime) -> Usage:
        """What `decide` is told: every allowance of this learner, her site and region."""
        if not territory.tariff.allowances:
            return NO_USAGE
        uses = [
            AllowanceUse(
                scope=term.allowance.scope,
                used_bytes=balance.used_bytes,
                amount_bytes=term.allowance.amount_bytes,
                renews_at=term.end,
            )
            for term, balance in self._held(self._in_force(territory, now), territory, learner)
        ]
        return Usage(allowances=tuple(uses))

    def room(self, territory: Territory, learner: str, now: datetime) -> int | None:
        """Metered bytes until an allowance that stops is spent; None: no such allowance counts now."""
        rooms = [
            term.allowance.amount_bytes - balance.used_bytes
            for term, balance in self._counting(territory, learner, now)
            if term.allowance.after is After.STOP
        ]
        return max(0, min(rooms)) if rooms else None

    def reserve(
        self, territory: Territory, learner: str, nbytes: int, now: datetime, *, forced: bool = False
    ) -> Reservation:
        """Set metered bytes aside. forced: even where there is no room (assessment is never cut)."""
        self._number += 1
        reservation = Reservation(f"{self._run}-{self._number}")
        held = self._counting(territory, learner, now)
        if not held:
            return reservation
        if not forced and any(_lacks(term.allowance, balance, nbytes) for term, balance in held):
            reservation.short = True
            return reservation
        reservation.balances = tuple(balance for _, balance in held)
        reservation.reserved_bytes = nbytes
        self._open[reservation.id] = reservation
        for balance in reservation.balances:
            balance.reserved_bytes += nbytes
        return reservation

    def settle(self, reservation: Reservation, used_bytes: int) -> None:
        """The exchange, or its tranche, is over: used_bytes count, the rest is free again. Counts only once."""
        if self._open.pop(reservation.id, None) is None:
            return
        for balance in reservation.balances:
            balance.reserved_bytes -= reservation.reserved_bytes
            self._add(balance, used_bytes)
        if reservation.id in self._journalled:
            self._ended.append(reservation.id)

    def count(self, territory: Territory, learner: str, used_bytes: int, now: datetime) -> None:
        """Count bytes for which nothing was set aside."""
        if used_bytes:
            for _, balance in self._counting(territory, learner, now):
                self._add(balance, used_bytes)

    # -- corrections and keeping ------------------------------------------------------------------------------

    def correct(self, territory: Territory, scope: Scope, holder: str, nbytes: int, now: datetime) -> bool:
        """Add bytes (negative: take away) to a holder's running periods. False: it has no such allowance.

        holder: a learner's id, "region/site" or "region", as the scope says.
        """
        terms = [term for term in self._in_force(territory, now).terms if term.allowance.scope is scope]
        for term in terms:
            balance = self._balance_of(term, holder)
            self._add(balance, max(nbytes, -balance.settled_bytes))
        return bool(terms)

    def load(self, uses: Iterable[AddUse], claims: Iterable[Claim]) -> None:
        """Take over what State kept; what a killed process had drawn by its journal is counted."""
        for kept in uses:
            self._kept(kept.use).settled_bytes += kept.nbytes
        for claim in claims:
            for use in claim.uses:
                self._add(self._kept(use), claim.drawn_bytes)
            self._ended.append(claim.id)

    def changes(self) -> list[Change]:
        """What has been used or has ended since the last call, to commit."""
        changes: list[Change] = []
        for use, balance in self._unsaved.items():
            changes.append(AddUse(use=use, nbytes=balance.unsaved_bytes))
            balance.unsaved_bytes = 0
        self._unsaved = {}
        changes += [DropClaim(claim_id) for claim_id in self._ended]
        for claim_id in self._ended:
            self._journalled.pop(claim_id, None)
        self._ended = []
        return changes

    def claims(self) -> list[Claim]:
        """Open reservations that have drawn since the last call, to journal."""
        claims = []
        for held in self._open.values():
            if held.drawn_bytes and self._journalled.get(held.id) != held.drawn_bytes:
                self._journalled[held.id] = held.drawn_bytes
                uses = tuple(balance.use for balance in held.balances)
                claims.append(
                    Claim(id=held.id, uses=uses, reserved_bytes=held.reserved_bytes, drawn_bytes=held.drawn_bytes)
                )
        return claims

    def running(self, learner: str, now: datetime) -> frozenset[UseKey]:
        """This learner's counters of periods that aren't over."""
        return frozenset(use for use, balance in self._of(learner) if balance.end > now)

    def forget(self, learner: str) -> int:
        """Her counters begin anew; what an open exchange has set aside stays set aside until it ends."""
        hers = self._of(learner)
        for use, balance in hers:
            self._unsaved.pop(use, None)
            balance.settled_bytes = balance.unsaved_bytes = 0
            if not balance.reserved_bytes:
                del self._balances[use]
        for terms in self._terms.values():
            terms.held.pop(learner, None)
            for term in terms.terms:
                kept = term.balances.get(learner)
                if kept is not None and not kept.reserved_bytes:
                    del term.balances[learner]
        return len(hers)

    def _of(self, learner: str) -> list[tuple[UseKey, _Balance]]:
        return [
            (use, balance)
            for use, balance in self._balances.items()
            if use.scope is Scope.LEARNER and use.holder == learner
        ]

    def sweep(self, now: datetime) -> None:
        """Forget periods that are long over and settled, and territories that may be gone.

        Not those of yesterday: a clock that was set ahead by mistake comes back, and they are running again.
        """
        self._terms.clear()
        for use, balance in list(self._balances.items()):
            if balance.end + _CLOCKS_ERR <= now and not balance.reserved_bytes and not balance.unsaved_bytes:
                del self._balances[use]

    # -- inside -----------------------------------------------------------------------------------------------

    def _in_force(self, territory: Territory, now: datetime) -> _Terms:
        tariff = territory.tariff
        known = self._terms.get((territory.region, territory.site))
        if known is not None and known.tariff is tariff and known.since <= now < known.until:
            return known
        terms = tuple(_Term(allowance, *period_bounds(allowance, now)) for allowance in tariff.allowances)
        minute = now.replace(second=0, microsecond=0)
        until = min([minute + _MINUTE, *(term.end for term in terms)])
        fresh = _Terms(tariff, terms, is_free(tariff, now), minute, until)
        self._terms[(territory.region, territory.site)] = fresh
        return fresh

    def _counting(self, territory: Territory, learner: str, now: datetime) -> _Held:
        """The allowances that bytes count in now."""
        if not territory.tariff.allowances:
            return ()
        terms = self._in_force(territory, now)
        held = self._held(terms, territory, learner)
        if not terms.free:
            return held
        return tuple([pair for pair in held if pair[0].allowance.counts_when_free])

    def _held(self, terms: _Terms, territory: Territory, learner: str) -> _Held:
        """Every allowance of this learner, her site and region, with its balance."""
        held = terms.held.get(learner)
        if held is None:
            held = terms.held[learner] = tuple(
                (term, self._balance_of(term, holder_of(term.allowance.scope, territory, learner)))
                for term in terms.terms
            )
        return held

    def _balance_of(self, term: _Term, holder: str) -> _Balance:
        known = term.balances.get(holder)
        if known is not None:
            return known
        allowance = term.allowance
        use = UseKey(scope=allowance.scope, holder=holder, period=allowance.period, start=term.start)
        balance = self._balances.get(use)
        if balance is None:
            balance = self._balances[use] = _Balance(use, term.end)
        balance.end = term.end
        term.balances[holder] = balance
        return balance

    def _kept(self, use: UseKey) -> _Balance:
        balance = self._balances.get(use)
        if balance is None:
            balance = self._balances[use] = _Balance(use, use.start + _LONGEST_PERIOD)
        return balance

    def _add(self, balance: _Balance, nbytes: int) -> None:
        if nbytes:
            balance.settled_bytes += nbytes
            balance.unsaved_bytes += nbytes
            self._unsaved[balance.use] = balance


def holder_of(scope: Scope, territory: Territory, learner: str) -> str:
    """Whose counter it is: the learner's id, "region/site" ("region/" outside any site), or "region"."""
    if scope is Scope.LEARNER:
        return learner
    return territory.region if scope is Scope.REGION else f"{territory.region}/{territory.site or ''}"


def _lacks(allowance: Allowance, balance: _Balance, nbytes: int) -> bool:
    return allowance.after is After.STOP and balance.used_bytes + nbytes > allowance.amount_bytes
