"""RewriteLadder: a manifest goes out with the rungs that its learner may have; segments come at the pace of watching.

Laws: lists of segments pass byte for byte, at most coded for the way; a manifest that isn't understood passes; a cap
stays for a sitting, live refreshes and all; what was taken out of a ladder is withheld when it is asked for by itself;
where price is nothing, nothing waits.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import replace

from policies.decision import PassThrough, Plan, RewriteLadder, Withhold
from policies.facts import ResponseFacts
from policies.streams import manifest_of
from policies.treatments import Action, Form, NothingFits, VideoTreatment
from policies.values import MediaKind, Reason
from proxy.clock import Clock
from proxy.deliver.answer import Answer
from proxy.deliver.codings import DECODABLE, compress, live_encoder
from proxy.deliver.heads import adapted, add_vary
from proxy.deliver.read_ahead import ReadAhead
from proxy.deliver.sticky import Sticky
from proxy.deliver.validators import adapted_etag, fingerprint, origin_validator
from proxy.exchange import Refused
from proxy.stages.context import Exchange, Fetched
from proxy.stages.decoding import OriginDecoder
from proxy.stages.known import Known
from proxy.stages.ladder_book import LadderBook
from proxy.stages.passing import passing_answer
from proxy.transforms import ladder
from proxy.transforms.ladder import Capped, LadderOutcome, LadderSpec, Rendition
from proxy.transforms.ladder.limits import MAX_MANIFEST_BYTES
from proxy.transforms.ladder.timeline import dash_timelines, hls_timeline

logger = logging.getLogger("tropa.ladders")

NOT_FOUND_TO_FIT = "ladder-nothing-fits"
REMOVED_RUNG = "ladder-rung-removed"
_WORTH_CODING_BYTES = 860
_IN_A_THREAD_BYTES = 65_536  # from here on parsing takes longer than the loop may stand still
_FIRST_BYTE = re.compile(r"bytes=(\d{1,18})-")
_SEGMENT_KINDS = frozenset({MediaKind.VIDEO, MediaKind.AUDIO, MediaKind.OTHER, None})


def ladder_spec(stream: VideoTreatment, language: str) -> LadderSpec:
    """What the treatment lets through."""
    return LadderSpec(
        max_height_px=stream.max_height_px,
        max_bitrate_bps=stream.max_bitrate_bps,
        max_fps=stream.max_fps,
        sound_only=stream.form is not Form.CAPPED,
        nothing_fits_lowest=stream.nothing_fits is NothingFits.LOWEST,
        language=language,
    )


class LadderStage:
    """Caps manifests, and keeps what hangs on them. withheld: makes the card or the status in a manifest's place."""

    def __init__(
        self,
        book: LadderBook,
        read_ahead: ReadAhead,
        sticky: Sticky,
        clock: Clock,
        withheld: Callable[[Exchange, Withhold], Answer],
    ) -> None:
        self._book = book
        self._read_ahead = read_ahead
        self._sticky = sticky
        self._clock = clock
        self._withheld = withheld

    def _now_s(self) -> float:
        return self._clock.steady_s()

    # -- before a byte is fetched --------------------------------------------------------------------------

    def withholds(self, exchange: Exchange) -> Withhold | None:
        """What to answer to a request for a rung that this learner's ladder lost; None: let it go on."""
        if not _adapts(exchange) or exchange.facts.method not in ("GET", "HEAD"):
            return None
        if not self._book.is_removed(exchange.who.learner, exchange.inbound.url, self._now_s()):
            return None
        return Withhold(kind=exchange.facts.kind or MediaKind.STREAM, reason=Reason(rule=REMOVED_RUNG))

    async def pace(self, exchange: Exchange) -> None:
        """Wait while this segment lies too far ahead of what can have been watched."""
        learner = exchange.who.learner
        if not self._read_ahead.knows(learner) or not _is_paced(exchange):
            return
        found = _FIRST_BYTE.match(exchange.inbound.request.headers.get("Range", ""))
        first_byte = int(found[1]) if found else 0
        hold_s = self._read_ahead.hold_s(learner, exchange.inbound.url, first_byte, self._now_s())
        if hold_s > 0:
            await asyncio.sleep(hold_s)

    def known(self, exchange: Exchange) -> Known | None:
        """The way in force for this manifest, so that the origin can say that it hasn't changed."""
        if exchange.facts.kind is not MediaKind.STREAM or exchange.facts.method != "GET" or not _adapts(exchange):
            return None
        learner, url = exchange.who.learner, exchange.inbound.url
        spec = self._book.sticky_spec(learner, url, self._now_s())
        return Known(way=_way(spec or ladder_spec(exchange.decision.treatments.stream, exchange.who.language)))

    # -- after it ------------------------------------------------------------------------------------------

    def continued(self, exchange: Exchange, facts: ResponseFacts, planned: Plan) -> Plan:
        """The plan, or, where a policy has meanwhile let everything through, the cap of the lecture that is watched: a
        live manifest that is asked for again must not change under its player."""
        whole = facts.status == 200 and not facts.attachment
        if not isinstance(planned, PassThrough) or not whole or _passes(exchange):
            return planned
        manifest = manifest_of(facts)
        if not manifest or not self._book.is_watched(exchange.who.learner, exchange.inbound.url, self._now_s()):
            return planned
        return RewriteLadder(
            stream=replace(exchange.decision.treatments.stream, action=Action.ADAPT), manifest=manifest
        )

    async def answer(self, exchange: Exchange, fetched: Fetched, plan: RewriteLadder) -> Answer:
        """The manifest with what may stay, or as it is."""
        facts = fetched.facts
        if facts.status != 200 or facts.content_coding not in DECODABLE:
            return passing_answer(exchange, fetched, may_recompress=False)
        exchange.tally.kind = MediaKind.STREAM
        if not exchange.body_wanted:
            return _head_alone(fetched)
        source = await fetched.whole_or_stream(exchange.tally, max_bytes=MAX_MANIFEST_BYTES)
        if not isinstance(source, bytes):
            return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=source)
        exchange.tally.direct_bytes = len(source)
        decoder = OriginDecoder(facts.content_coding, max_bytes=MAX_MANIFEST_BYTES)
        text = decoder.feed(source)
        decoder.finish()
        if len(text) < _IN_A_THREAD_BYTES:
            return self._capped(exchange, fetched, plan, source, text, self._outcome(exchange, plan, text))
        outcome = await asyncio.to_thread(self._outcome, exchange, plan, text)
        return self._capped(exchange, fetched, plan, source, text, outcome)

    def _outcome(self, exchange: Exchange, plan: RewriteLadder, text: bytes) -> LadderOutcome:
        learner, url = exchange.who.learner, exchange.inbound.url
        wanted = ladder_spec(plan.stream, exchange.who.language)
        spec = self._book.spec_for(learner, url, wanted, self._now_s())
        outcome = self._cut(exchange, plan, text, spec)
        if isinstance(outcome, ladder.NothingFits) and plan.stream.nothing_fits is not NothingFits.CARD:
            # Sound that is only inside the pictures: the least of them is what can be had.
            lowest = replace(spec, sound_only=False, nothing_fits_lowest=True, max_bitrate_bps=1, max_height_px=None)
            outcome = self._cut(exchange, plan, text, lowest)
        return outcome

    @staticmethod
    def _cut(exchange: Exchange, plan: RewriteLadder, text: bytes, spec: LadderSpec) -> LadderOutcome:
        if plan.manifest == "dash":
            return ladder.cap_dash(text, spec)
        return ladder.cap_hls(text, spec, query=exchange.inbound.query)

    def _capped(
        self,
        exchange: Exchange,
        fetched: Fetched,
        plan: RewriteLadder,
        source: bytes,
        text: bytes,
        outcome: LadderOutcome,
    ) -> Answer:
        match outcome:
            case Capped():
                self._note(exchange, outcome)
                self._learn(exchange, plan, outcome.body)
                return self._adapted(exchange, fetched, outcome.body)
            case ladder.NothingFits():
                return self._withheld(exchange, _nothing_fits(outcome.lowest))
            case Refused():
                logger.info("a manifest of %s passes: %s", exchange.inbound.host, outcome.why)
        self._learn(exchange, plan, text)
        return _whole(exchange, fetched, source)

    def _note(self, exchange: Exchange, outcome: Capped) -> None:
        self._book.note(
            exchange.who.learner,
            exchange.inbound.url,
            kept=outcome.kept,
            removed=outcome.removed,
            locations=outcome.locations,
        )

    def _learn(self, exchange: Exchange, plan: RewriteLadder, text: bytes) -> None:
        """Remember which segment is when."""
        learner, url = exchange.who.learner, exchange.inbound.url
        stream, part = self._book.stream_of(learner, url, self._now_s())
        if plan.manifest == "dash":
            timelines = dash_timelines(text, url)
        else:
            of_list = hls_timeline(text, url, part)
            timelines = (of_list,) if of_list is not None else ()
        if timelines:
            self._read_ahead.learn(learner, url, stream, timelines)

    def _adapted(self, exchange: Exchange, fetched: Fetched, body: bytes) -> Answer:
        learner, url = exchange.who.learner, exchange.inbound.url
        exchange.tally.treatment = "ladder"
        self._sticky.note(url, exchange.now)
        spec = self._book.sticky_spec(learner, url, self._now_s())
        validator = origin_validator(fetched.headers)
        headers = adapted(
            fetched.headers,
            content_type=None,
            etag=adapted_etag(validator, _way(spec)) if spec is not None else None,
            now=exchange.now,
            valid_until=exchange.decision.valid_until,
        )
        if exchange.codings and len(body) >= _WORTH_CODING_BYTES:
            headers["Content-Encoding"] = exchange.codings[0]
            body = compress(body, live_encoder(exchange.codings[0]))
        headers["Content-Length"] = str(len(body))
        return Answer(status=200, reason=fetched.upstream.reason, headers=headers, body=body)


def _adapts(exchange: Exchange) -> bool:
    return exchange.decision.treatments.stream.action is Action.ADAPT and not _passes(exchange)


def _passes(exchange: Exchange) -> bool:
    decision = exchange.decision
    return decision.bypassed or decision.observe or decision.exempt or exchange.facts.wants_original


def _is_paced(exchange: Exchange) -> bool:
    decision, facts = exchange.decision, exchange.facts
    if decision.bypassed or decision.observe or decision.exempt or facts.method != "GET":
        return False
    return facts.kind in _SEGMENT_KINDS and decision.price.amount > 0 and not decision.free_now


def _way(spec: LadderSpec) -> str:
    return fingerprint("ladder", spec.fingerprint())


def _nothing_fits(lowest: Rendition) -> Withhold:
    told = (("height_px", lowest.height_px), ("bitrate_bps", lowest.bitrate_bps))
    params = tuple((name, value) for name, value in told if value is not None)
    return Withhold(kind=MediaKind.STREAM, reason=Reason(rule=NOT_FOUND_TO_FIT, params=params))


def _head_alone(fetched: Fetched) -> Answer:
    """HEAD: what the body would be isn't known without it."""
    for name in ("Content-Length", "ETag", "Accept-Ranges", "Last-Modified"):
        fetched.headers.popall(name, None)
    return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers)


def _whole(exchange: Exchange, fetched: Fetched, source: bytes) -> Answer:
    """A list as it is; coded for the way where the origin sends it plain, since live ones come every few seconds."""
    headers = fetched.headers
    if not fetched.facts.content_coding and exchange.codings and len(source) >= _WORTH_CODING_BYTES:
        source = compress(source, live_encoder(exchange.codings[0]))
        headers["Content-Encoding"] = exchange.codings[0]
        add_vary(headers, ("Accept-Encoding",))
        for name in ("Accept-Ranges", "Content-MD5", "Digest", "Content-Digest"):
            headers.popall(name, None)
        etag = headers.get("ETag", "")
        if etag and not etag.startswith("W/"):
            headers["ETag"] = "W/" + etag
    headers["Content-Length"] = str(len(source))
    return Answer(status=200, reason=fetched.upstream.reason, headers=headers, body=source)
