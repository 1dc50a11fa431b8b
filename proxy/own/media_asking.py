"""What a learner's token for a film, a recording or a document stands for, as policy has it for her now.

Laws: an address is one of the course's own site; what policy refuses her now is refused, whatever the token once
allowed; what is told of a source is told to whom the origin let have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from policies.decision import Decision, Verdict
from policies.kinds import kind_of_path
from policies.values import MediaKind
from proxy.cache.sizes import SizeBook
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer
from proxy.media.views import JobView, Watcher
from proxy.own.choices import Choices
from proxy.own.dressing import Dresser
from proxy.own.job_states import OF_ANY_COPY, copies_like, is_in_vain
from proxy.own.page_scripts import NO_POLICY, PageScripts
from proxy.own.refusals import Refusals
from proxy.own.shown_sources import Asked, ShownSources
from proxy.pages.versions import PLAYBACK_PATH, allowed_forms
from proxy.stages.context import Exchange
from proxy.stages.media_book import MediaBook, Seen
from proxy.stages.media_origin import is_same_site
from proxy.transforms.spec import Heavy

_STAYS = timedelta(seconds=90)  # a waiting page comes again at least every minute
# (exchange, address, kind) -> what policy says of that address for this learner now.
DecideFor = Callable[[Exchange, str, MediaKind], Decision]


class MediaAsking:
    """One per process."""

    def __init__(
        self,
        *,
        sources: ShownSources,
        book: MediaBook,
        choices: Choices,
        dresser: Dresser,
        refusals: Refusals,
        sizes: SizeBook,
        decide_for: DecideFor,
        scripts: PageScripts,
    ) -> None:
        self._sources = sources
        self._book = book
        self._choices = choices
        self._dresser = dresser
        self._refusals = refusals
        self._sizes = sizes
        self._decide_for = decide_for
        self._scripts = scripts

    def asked(self, exchange: Exchange, token: str, payload: Mapping[str, str]) -> Asked | Answer:
        """What the token stands for, or the answer to whoever may not have it."""
        url, page_url = payload["u"], payload.get("p", "")
        if not is_same_site(exchange, url):
            return plain_answer(404, b"", "text/plain")
        kind = MediaKind(payload["k"]) if payload.get("k") else kind_of_path(url.partition("?")[0]) or MediaKind.VIDEO
        decision = self._decide_for(exchange, url, kind)
        exchange = replace(exchange, decision=decision)
        if decision.verdict is not Verdict.ALLOW and not decision.observe:
            return self._refusals.closed(exchange)
        title = payload.get("t") or self._book.title_of(exchange.who.learner, url)
        heavy = Heavy(url=url, kind=kind, title=title, size_bytes=self._sizes.size_of(url))
        context = self._dresser.context(exchange, page_url=page_url or url)
        context = replace(context, script=self._scripts.element(exchange, NO_POLICY).decode("ascii"))
        return Asked(exchange=exchange, token=token, heavy=heavy, context=context)

    async def titled(self, asked: Asked) -> Asked:
        """A recording by its own name, which only it tells."""
        learner = asked.exchange.who.learner
        if asked.heavy.title or PLAYBACK_PATH not in asked.url or await self._sources.seen(asked) is None:
            return asked
        return replace(asked, heavy=replace(asked.heavy, title=self._book.title_of(learner, asked.url)))

    def later_version(self, asked: Asked) -> str:
        """What is made for the free hours: her last choice, else what policy recommends; "" for nothing."""
        forms, learner = allowed_forms(asked.heavy, asked.context), asked.exchange.who.learner
        possible = asked.context.by_night
        forms = tuple(form for form in forms if possible is None or possible(asked.heavy, (form,)))
        chosen = self._choices.of(learner, asked.heavy.kind.value, asked.exchange.now)
        return chosen if chosen in forms else next(iter(forms), "")

    def note(self, asked: Asked, seen: Seen, version: str, view: JobView | None) -> None:
        """Remember what pages may be told of it: under way, or in vain."""
        if view is None:
            return
        if view.is_open and view.ready_in_s is not None:
            self._book.is_under_way(seen.ref, asked.url, version, view.ready_in_s)
        elif is_in_vain(view):
            for form in copies_like(version) if view.why in OF_ANY_COPY else (version,):
                self._book.cannot_be(seen.ref, asked.url, form)


def watcher_of(asked: Asked, version: str) -> Watcher:
    """Who waits for it, for as long as her page comes again."""
    return Watcher(learner=asked.exchange.who.learner, id=f"{version} {asked.url}", stays=_STAYS)
