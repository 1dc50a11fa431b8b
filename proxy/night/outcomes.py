"""What became of one fetch of a night, written down for its wish.

Laws: what is whole and kept is ready; what was cut goes on another time; what the origin gives to a learner alone waits
for her visit; anything else is tried again, ever more seldom.
"""

from __future__ import annotations

from proxy.cache.asked import Filled
from proxy.clock import Clock
from proxy.night.wishes import Wanted, Wishes
from scheduler.requests import RequestState

_CUT = frozenset(("", "stopped", "disk"))  # of what may be had whole another time
_LOGIN = frozenset((301, 302, 303, 307, 401, 403))
_GONE = frozenset((404, 410))


class Outcomes:
    """Moves wishes on."""

    def __init__(self, wishes: Wishes, clock: Clock) -> None:
        self._wishes = wishes
        self._clock = clock

    async def filled(self, wanted: Wanted, filled: Filled, *, by_account: bool, over: str) -> None:
        """What became of it. over: why nothing more may come now; "": it may."""
        now = self._clock.now()
        if filled.stored and filled.complete:
            size = filled.length_bytes if filled.length_bytes is not None else wanted.size_bytes
            await self._wishes.move(wanted.id, RequestState.READY, now, size_bytes=size, held_bytes=size or 0)
        elif filled.status not in (200, 206, 304):
            await self.not_given(wanted, filled.status, by_account=by_account, retry_s=filled.retry_s)
        elif not filled.complete and over:
            held = wanted.held_bytes + filled.fetched_bytes
            size = filled.length_bytes or wanted.size_bytes
            await self._wishes.move(wanted.id, RequestState.WAITING, now, reason=over, held_bytes=held, size_bytes=size)
        elif not filled.complete and filled.why in _CUT:
            held = wanted.held_bytes + filled.fetched_bytes
            failed = await self._wishes.failed(wanted.id, now, filled.why or "cut")
            if failed is not None and failed.is_open:
                await self._wishes.move(
                    wanted.id,
                    RequestState.WAITING,
                    now,
                    reason=failed.reason,
                    held_bytes=held,
                    size_bytes=filled.length_bytes or wanted.size_bytes,
                )
        elif by_account and filled.why == "no-store":
            # Moodle says no-store of no stored file: this is its error in JSON, with status 200.
            await self._wishes.move(wanted.id, RequestState.FAILED, now, reason="not-allowed")
        else:  # the origin lets nobody keep it but her own browser
            await self._wishes.move(
                wanted.id, RequestState.FAILED, now, reason="needs-visit" if wanted.owner else "private"
            )

    async def not_given(
        self, wanted: Wanted, status: int, *, by_account: bool = False, retry_s: float | None = None
    ) -> None:
        """The origin answered with another status than was hoped for."""
        now = self._clock.now()
        if status in _LOGIN:
            reason = "not-allowed" if by_account else "needs-visit"
            await self._wishes.move(wanted.id, RequestState.FAILED, now, reason=reason)
        elif status in _GONE:
            await self._wishes.move(wanted.id, RequestState.FAILED, now, reason=f"origin-{status}")
        else:
            await self._wishes.failed(wanted.id, now, f"origin-{status}", retry_s=retry_s)
