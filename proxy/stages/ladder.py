"""RewriteLadder: a manifest goes out with the rungs that its learner may have; segments come at the pace of watching.

Laws: lists of segments pass byte for byte, at most coded for the way; a manifest that isn't understood passes; a cap
stays for a sitting, live refreshes, a restart and all; what was taken out of a ladder is withheld when it is asked for
by itself; where price is nothing, nothing waits.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from policies.decision import PassThrough, Plan, RewriteLadder, Withhold
from policies.facts import ResponseFacts
from policies.streams import manifest_of
from policies.treatments import Action, NothingFits
from policies.values import MediaKind, Reason
from proxy.account.seals import Seals
from proxy.account.state import Mark
from proxy.clock import Clock
from proxy.deliver.answer import Answer
from proxy.deliver.codings import DECODABLE
from proxy.deliver.read_ahead import ReadAhead
from proxy.deliver.sticky import Sticky
from proxy.exchange import Refused
from proxy.stages.context import Exchange, Fetched
from proxy.stages.decoding import OriginDecoder
from proxy.stages.known import Known
from proxy.stages.ladder_answers import adapted_manifest, as_it_is, head_alone
from proxy.stages.ladder_book import LadderBook
from proxy.stages.ladder_notes import LIFE, LadderNotes
from proxy.stages.ladder_sent import Again, cut_ladder, note_sent, read_again, take_up
from proxy.stages.ladder_terms import (
    REMOVED_RUNG,
    adapts,
    is_paced,
    is_whole,
    ladder_spec,
    nothing_fits,
    passes,
    way_of,
)
from proxy.stages.noted import Sent, opened
from proxy.stages.passing import passing_answer
from proxy.stages.rung import RungMaker, tell_not_made
from proxy.transforms import ladder
from proxy.transforms.ladder import Capped, LadderSpec, Rendition
from proxy.transforms.ladder.limits import MAX_MANIFEST_BYTES
from proxy.transforms.ladder.made import NotMade
from proxy.transforms.ladder.timeline import Timeline, dash_timelines, hls_timeline
from proxy.transforms.media.specs import capped_spec

logger = logging.getLogger("tropa.ladders")

_IN_A_THREAD_BYTES = 65_536  # from here on parsing takes longer than the loop may stand still
_FIRST_BYTE = re.compile(r"bytes=(\d{1,18})-")


class LadderStage:
    """Caps manifests, and keeps what hangs on them.

    withheld  makes the card or the status in a manifest's place
    rungs     None: where nothing fits and policy wants it made smaller, the lowest rung goes as it is
    notes     what outlives the process; None: nothing does
    """

    def __init__(
        self,
        book: LadderBook,
        read_ahead: ReadAhead,
        sticky: Sticky,
        clock: Clock,
        withheld: Callable[[Exchange, Withhold], Answer],
        rungs: RungMaker | None = None,
        notes: LadderNotes | None = None,
    ) -> None:
        self._book = book
        self._read_ahead = read_ahead
        self._sticky = sticky
        self._clock = clock
        self._withheld = withheld
        self._rungs = rungs
        self._notes = notes

    async def start(self, now: datetime) -> None:
        """Learn what the last process was watched for, and throw away what it had half made."""
        if self._rungs is not None:
            await self._rungs.start()
        if self._notes is not None:
            await self._notes.start(now)

    async def forget(self, learner: str) -> int:
        """A learner's ladders are forgotten. Returns how many there were."""
        if self._rungs is not None:
            self._rungs.forget(learner)
        kept = await self._notes.forget(learner) if self._notes is not None else 0
        return max(kept, self._book.forget(learner))

    def _now_s(self) -> float:
        return self._clock.steady_s()

    # -- after a restart -----------------------------------------------------------------------------------

    def is_left_off(self, exchange: Exchange) -> bool:
        """Whether this learner watched something when the last process ended, and is back for the first time."""
        return self._notes is not None and self._notes.has_left(exchange.who.learner)

    async def take_up(self, exchange: Exchange) -> None:
        """Go on with it as if nothing had been between. Read-ahead is paced anew when it is loaded anew.

        What is kept is opened and read in a thread; requests that come meanwhile do the same and wait for it, too.
        """
        learner, notes = exchange.who.learner, self._notes
        left = notes.left_of(learner) if notes is not None else ()
        if notes is None or not left:
            return
        found = await asyncio.to_thread(_read_again, notes.seals, left)
        if notes.left_of(learner) is not left:  # taken up or forgotten meanwhile
            return
        notes.taken(learner)
        for mark, again in found:
            ago = LIFE - (mark.until - exchange.now)
            take_up(self._book, self._rungs, learner, again, self._now_s() - ago.total_seconds())

    async def close(self) -> None:
        """What was noted is on its way to State."""
        if self._notes is not None:
            await self._notes.flush()

    # -- before a byte is fetched --------------------------------------------------------------------------

    def withholds(self, exchange: Exchange) -> Withhold | None:
        """What to answer to a request for a rung that this learner's ladder lost; None: let it go on."""
        learner = exchange.who.learner
        if not self._book.is_of(learner) or not adapts(exchange) or exchange.facts.method not in ("GET", "HEAD"):
            return None
        if not self._book.is_removed(learner, exchange.inbound.url, self._now_s()):
            return None
        return Withhold(kind=exchange.facts.kind or MediaKind.STREAM, reason=Reason(rule=REMOVED_RUNG))

    def follows(self, exchange: Exchange) -> bool:
        """Whether this learner watches something that a request of hers may be a part of."""
        learner = exchange.who.learner
        return self._book.is_of(learner) or self._read_ahead.knows(learner) or self.is_left_off(exchange)

    async def pace(self, exchange: Exchange) -> None:
        """Wait while this segment lies too far ahead of what can have been watched."""
        learner = exchange.who.learner
        if not self._read_ahead.knows(learner) or not is_paced(exchange):
            return
        found = _FIRST_BYTE.match(exchange.inbound.request.headers.get("Range", ""))
        first_byte = int(found[1]) if found else 0
        hold_s = self._read_ahead.hold_s(learner, exchange.inbound.url, first_byte, self._now_s())
        if hold_s > 0:
            await asyncio.sleep(hold_s)

    def known(self, exchange: Exchange) -> Known | None:
        """The way in force for this manifest, so that the origin can say that it hasn't changed."""
        if exchange.facts.kind is not MediaKind.STREAM or exchange.facts.method != "GET" or not adapts(exchange):
            return None
        learner, url = exchange.who.learner, exchange.inbound.url
        spec = self._book.sticky_spec(learner, url, self._now_s())
        return Known(way=way_of(spec or ladder_spec(exchange.decision.treatments.stream, exchange.who.language)))

    # -- after it ------------------------------------------------------------------------------------------

    def continued(self, exchange: Exchange, facts: ResponseFacts, planned: Plan) -> Plan:
        """The plan, or a cap where it knows of none: the one of the lecture that is watched, since a live manifest that
        is asked for again must not change under its player; or for a range that is the whole manifest."""
        learner = exchange.who.learner
        if not isinstance(planned, PassThrough) or not (facts.partial or self._book.is_of(learner)):
            return planned
        if facts.attachment or passes(exchange):
            return planned
        manifest, stream = manifest_of(facts), exchange.decision.treatments.stream
        if not manifest or not (facts.status == 200 or is_whole(facts)):
            return planned
        cuts_a_range = stream.action is Action.ADAPT and facts.partial
        if cuts_a_range or self._book.is_watched(learner, exchange.inbound.url, self._now_s()):
            return RewriteLadder(stream=replace(stream, action=Action.ADAPT), manifest=manifest)
        return planned

    async def answer(self, exchange: Exchange, fetched: Fetched, plan: RewriteLadder) -> Answer:
        """The manifest with what may stay, or as it is."""
        facts = fetched.facts
        if not (facts.status == 200 or is_whole(facts)) or facts.content_coding not in DECODABLE:
            return passing_answer(exchange, fetched, may_recompress=False)
        exchange.tally.kind = MediaKind.STREAM
        if not exchange.body_wanted:
            return head_alone(fetched)
        source = await fetched.whole_or_stream(exchange.tally, max_bytes=MAX_MANIFEST_BYTES)
        if not isinstance(source, bytes):
            status, reason = facts.status, fetched.upstream.reason
            return Answer(status=status, reason=reason, headers=fetched.headers, body=source)
        exchange.tally.direct_bytes = len(source)
        return await self._rewritten(exchange, fetched, plan, source)

    async def _rewritten(self, exchange: Exchange, fetched: Fetched, plan: RewriteLadder, source: bytes) -> Answer:
        learner, url = exchange.who.learner, exchange.inbound.url
        text = _decoded(source, fetched.facts.content_coding)
        wanted = ladder_spec(plan.stream, exchange.who.language)
        spec = self._book.spec_for(learner, url, wanted, self._now_s())
        cut = partial(cut_ladder, plan.manifest, plan.stream.nothing_fits, text, spec, exchange.inbound.query)
        outcome, beyond = cut() if len(text) < _IN_A_THREAD_BYTES else await asyncio.to_thread(cut)
        if isinstance(outcome, ladder.NothingFits):
            return self._withheld(exchange, nothing_fits(outcome.lowest))
        if isinstance(outcome, Refused):
            logger.info("a manifest of %s passes: %s", exchange.inbound.host, outcome.why)
        body = outcome.body if isinstance(outcome, Capped) else text
        told = await self._told(exchange, plan, body, beyond)
        if isinstance(told, NotMade):
            tell_not_made(exchange, told)
            if plan.stream.nothing_fits is NothingFits.MAKE_OR_CARD:
                return self._withheld(exchange, nothing_fits(beyond or Rendition(addresses=())))
        made = told if isinstance(told, bytes) else None
        note_sent(self._book, learner, url, outcome, beyond if made is not None else None)
        is_list = told is None and beyond is None and self._is_made_list(exchange)
        if isinstance(outcome, Capped) or made is not None or is_list:
            self._keep(exchange, plan, text, spec, is_list=is_list, made=made is not None)
        self._learn(exchange, plan, body)
        if made is None and not isinstance(outcome, Capped):
            return as_it_is(exchange, fetched, source)
        exchange.tally.treatment = "ladder"
        self._sticky.note(url, exchange.now)
        return adapted_manifest(exchange, fetched, made or body, way_of(spec))

    async def _told(
        self, exchange: Exchange, plan: RewriteLadder, body: bytes, beyond: Rendition | None
    ) -> bytes | NotMade | None:
        """What goes out with its rung as it will be made; None: as it is, and nothing was to be made."""
        rungs = self._rungs
        if rungs is None:
            return None
        capped = capped_spec(plan.stream)
        if beyond is not None:
            is_dash = plan.manifest == "dash"
            told = rungs.told_manifest if is_dash else rungs.told_master
            return await told(exchange, body, capped)
        if self._is_made_list(exchange):
            return rungs.told_list(exchange, body)
        rungs.end(exchange)
        return None

    def _is_made_list(self, exchange: Exchange) -> bool:
        """Whether this is the list of a rung whose segments are made here."""
        return self._rungs is not None and self._book.is_beyond(exchange.who.learner, exchange.inbound.url)

    def _keep(
        self, exchange: Exchange, plan: RewriteLadder, text: bytes, spec: LadderSpec, *, is_list: bool, made: bool
    ) -> None:
        """What goes out is noted for the next process."""
        if self._notes is None:
            return
        sent = Sent(
            url=exchange.inbound.url,
            query=exchange.inbound.query,
            manifest="list" if is_list else plan.manifest,
            text=text,
            spec=spec,
            nothing_fits=plan.stream.nothing_fits,
            capped=capped_spec(plan.stream) if made or is_list else None,
        )
        self._notes.note(exchange.who.learner, sent, exchange.now)

    async def passed(self, exchange: Exchange, fetched: Fetched) -> Answer | None:
        """A response that passes may be a segment of a rung that is made smaller here. None: it isn't."""
        if self._rungs is None or not self._book.is_of(exchange.who.learner) or passes(exchange):
            return None
        return await self._rungs.answer(exchange, fetched)

    def _learn(self, exchange: Exchange, plan: RewriteLadder, text: bytes) -> None:
        """Remember which segment is when."""
        learner, url = exchange.who.learner, exchange.inbound.url
        stream, part = self._book.stream_of(learner, url, self._now_s())
        timelines: tuple[Timeline, ...]
        if plan.manifest == "dash":
            timelines = dash_timelines(text, url)
        else:
            of_list = hls_timeline(text, url, part)
            timelines = (of_list,) if of_list is not None else ()
        if timelines:
            self._read_ahead.learn(learner, url, stream, timelines)


def _read_again(seals: Seals, marks: Sequence[Mark]) -> list[tuple[Mark, Again]]:
    """What the last process left, lists last, else the earliest first."""
    found = [(mark, read_again(sent)) for mark in marks if (sent := opened(seals, mark)) is not None]
    return sorted(found, key=lambda one: one[1].sent.manifest == "list")


def _decoded(source: bytes, coding: str) -> bytes:
    decoder = OriginDecoder(coding, max_bytes=MAX_MANIFEST_BYTES)
    text = decoder.feed(source)
    decoder.finish()
    return text
