"""Reports of a broken page: its rewriting is off for a day.

Laws of this file: a report never touches budgets or withheld video; whoever reports is helped at once, the others
when MANY different learners say the same; only digests of URLs are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import blake2b

from proxy.account.state import Change, Mark, MarkQuery, PutMark, State

LIFETIME = timedelta(hours=24)
MANY = 3  # one report may be a slip or a prank; three people see a broken page
_KIND = "report"
_MAX_PAGES = 10_000


class BrokenPages:
    """Pages reported as broken: in memory, kept by State."""

    def __init__(self) -> None:
        self._pages: OrderedDict[str, dict[str, datetime]] = OrderedDict()
        self._pending: list[Change] = []

    async def start(self, state: State, now: datetime) -> None:
        """Take over what State kept."""
        for mark in await state.list(MarkQuery(kind=_KIND, now=now)):
            self._pages.setdefault(mark.key, {})[mark.owner] = mark.until

    def report(self, learner: str, url: str, now: datetime) -> None:
        """This learner says that the page at this URL is broken."""
        page, until = _digest(url), now + LIFETIME
        self._pages.setdefault(page, {})[learner] = until
        self._pages.move_to_end(page)
        if len(self._pages) > _MAX_PAGES:
            self._pages.popitem(last=False)
        self._pending.append(PutMark(Mark(kind=_KIND, owner=learner, key=page, until=until)))

    def is_broken(self, learner: str, url: str, now: datetime) -> bool:
        """Whether this learner should get the page as the origin has it."""
        if not self._pages:
            return False
        reports = self._pages.get(_digest(url))
        if reports is None:
            return False
        until = reports.get(learner)
        return (until is not None and until > now) or sum(until > now for until in reports.values()) >= MANY

    def of(self, learner: str) -> dict[str, str]:
        """Digests of the pages that this learner reported, and until when each report holds."""
        return {page: reports[learner].isoformat() for page, reports in self._pages.items() if learner in reports}

    def forget(self, learner: str) -> int:
        """Her reports no longer hold. Returns how many there were; State forgets them by their owner."""
        hers = self.of(learner)
        for page in hers:
            del self._pages[page][learner]
            if not self._pages[page]:
                del self._pages[page]
        self._pending = [one for one in self._pending if not (isinstance(one, PutMark) and one.mark.owner == learner)]
        return len(hers)

    def changes(self) -> list[Change]:
        """What is to be committed since the last call."""
        pending, self._pending = self._pending, []
        return pending

    def sweep(self, now: datetime) -> None:
        """Forget reports that are over."""
        for page, reports in list(self._pages.items()):
            live = {learner: until for learner, until in reports.items() if until > now}
            if live:
                self._pages[page] = live
            else:
                del self._pages[page]


def _digest(url: str) -> str:
    # Another query is another state of the same page, broken in the same way.
    return blake2b(url.partition("?")[0].encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
