"""The order of the stages: one exchange from the wire and back, read like a table of contents.

Laws: every exchange ends in exactly one receipt; an error of ours or of the origin's becomes an answer in the
reader's own form; what is already on the wire is never followed by something else.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from aiohttp import web

from policies.decide import enforced_verdict
from policies.decision import (
    AdaptAudio,
    AdaptVideo,
    CompressText,
    Decision,
    DownsampleImage,
    MinifySvg,
    PassThrough,
    Plan,
    RewriteLadder,
    RewritePage,
    Verdict,
    Withhold,
)
from policies.facts import RequestFacts, Usage
from policies.observed import spared_bytes
from policies.plan import plan, unmade
from policies.treatments import Action, PageTreatment
from policies.values import Audience, MediaKind, Reason
from proxy.account.account import Accountant
from proxy.account.meter import Meter
from proxy.cache.asked import NOT_STORED
from proxy.cache.sizes import SizeBook
from proxy.clock import Clock
from proxy.deliver.answer import Answer, Tally
from proxy.deliver.heads import adapted
from proxy.deliver.pace import Pacer
from proxy.deliver.send import Sent, send
from proxy.deliver.turns import Turns
from proxy.deliver.validators import Conditions
from proxy.errors import ExchangeError, Fault, bad_request
from proxy.exchange import Inbound
from proxy.facts import as_part_of_its_page, request_facts
from proxy.heads import dress_head
from proxy.late_sheets import LateSheets
from proxy.live.relay import is_socket
from proxy.obtain import NO_WISH, Obtainer, Wish
from proxy.order import browser_of, is_thin, stands_in_line, waits
from proxy.overseer import Overseer
from proxy.own.coded import coded
from proxy.own.device import OwnStores
from proxy.own.dressing import Dresser
from proxy.own.films import PageFilms
from proxy.own.originals import Originals
from proxy.own.page_scripts import AS_IT_IS, PageScripts
from proxy.own.refusals import Refusals
from proxy.own.routes import OwnRoutes, is_own
from proxy.own.savings import LearnerSavings
from proxy.receipts import receipt_of
from proxy.repeats import Repeats, stored_in
from proxy.runtime import Runtime
from proxy.shell import Shell
from proxy.sizes import SizeAsker
from proxy.sockets import Sockets
from proxy.stages.context import Exchange, Fetched
from proxy.stages.image import ImageStage
from proxy.stages.kept import KeptStage
from proxy.stages.known import Known
from proxy.stages.ladder import LadderStage
from proxy.stages.media import MediaStage
from proxy.stages.outbox import OutboxStage
from proxy.stages.page import Dressing, page_answer
from proxy.stages.passing import passing_answer
from proxy.stages.text import TextStage
from proxy.uploads.word import Claim, Nonsense, Send, Word, without_word, word_of
from proxy.upstream.reply import OriginReply

logger = logging.getLogger("tropa.pipeline")

_PAGE_WITH_PARTS_BYTES = 8_000_000  # an LMS's whole shell is 1.3 MB packed, and several uncoded
Maker = Callable[[Exchange], Awaitable[Answer]]
Close = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything the pipeline stands on, built by `proxy.app_parts` alone. `runtime` gives the catalogue in force."""

    clock: Clock
    runtime: Callable[[], Runtime]
    accountant: Accountant
    originals: Originals
    obtainer: Obtainer
    dresser: Dresser
    refusals: Refusals
    own: OwnRoutes
    images: ImageStage
    texts: TextStage
    media: MediaStage
    ladders: LadderStage
    sizes: SizeBook
    size_asker: SizeAsker
    sockets: Sockets
    pacer: Pacer
    savings: LearnerSavings
    turns: Turns
    late: LateSheets
    shell: Shell
    outbox: OutboxStage
    kept: KeptStage
    repeats: Repeats
    scripts: PageScripts
    films: PageFilms
    stores: OwnStores


def _nearly_spent(usage: Usage) -> bool:
    """Whether an allowance may end within what one page brings along."""
    for use in usage.allowances:  # noqa: SIM110 - every exchange asks, and a generator costs more
        if use.amount_bytes - use.used_bytes < _PAGE_WITH_PARTS_BYTES:
            return True
    return False


class Pipeline:
    """Handles every readable exchange; lives as long as the process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def handle(self, inbound: Inbound) -> web.StreamResponse:
        """One exchange. Raises only CancelledError."""
        clock = self._parts.clock
        started_s = clock.steady_s()
        if inbound.request.method == "POST":
            inbound = without_word(inbound)
        exchange = self._decided(inbound, clock.now())
        make: Maker = self._answer
        if exchange.facts.audience is Audience.SOCKET and not is_own(exchange.inbound):
            opened = await self._socket(exchange)
            if isinstance(opened, web.StreamResponse):
                return opened
            make = opened or make
        meter = self._parts.accountant.begin(exchange.decision, exchange.who)
        sent = self._parts.repeats.send(exchange)
        if sent is None:
            in_line = stands_in_line(exchange) and is_thin(exchange)
            sent = await (self._in_turn if in_line else self._answered)(exchange, meter, make)
        self._accounted(exchange, sent, started_s, meter)
        return sent.response

    def may_answer(self, target: str) -> bool:
        """Whether something like it has gone out before."""
        return self._parts.repeats.may_have(target)

    def at_once(self, inbound: Inbound) -> bool:
        """Whether this was answered without waiting for anything: the same had been made of what is stored before."""
        parts, clock = self._parts, self._parts.clock
        started_s = clock.steady_s()
        try:
            exchange = self._decided(inbound, clock.now())
            sent = parts.repeats.send(exchange)
        except Exception:
            return False  # the ordinary way meets it too, and has an answer for it
        if sent is None:
            return False
        self._accounted(exchange, sent, started_s, parts.accountant.begin(exchange.decision, exchange.who))
        return True

    def _accounted(self, exchange: Exchange, sent: Sent, started_s: float, meter: Meter) -> None:
        receipt = receipt_of(exchange, sent, self._parts.clock.steady_s() - started_s, meter)
        meter.record(receipt)
        self._parts.savings.record(receipt, exchange.who.territory)
        if sent.body_s > 0 and sent.complete:
            self._measure(exchange, sent)

    # -- decide --------------------------------------------------------------------------------------------

    def _decided(self, inbound: Inbound, now: datetime) -> Exchange:
        """Everything that is known and decided before a byte is fetched."""
        parts, runtime = self._parts, self._parts.runtime()
        who = runtime.identifier.identify(inbound, now)
        facts = request_facts(
            inbound,
            who,
            measured_bps=parts.accountant.link_bps(who.learner),
            wants_original=parts.originals.covers(who.learner, inbound, now),
        )
        usage = parts.accountant.usage(who.territory, who.learner, now)
        return Exchange(
            inbound=inbound,
            who=who,
            facts=facts,
            decision=self._decision(inbound, facts, usage, now),
            now=now,
            catalogue=runtime.catalogue,
            tally=Tally(),
            granted=parts.originals.urls(who.learner, now),
        )

    def _decision(self, inbound: Inbound, facts: RequestFacts, usage: Usage, now: datetime) -> Decision:
        """Parts of a page where answers count are never closed or cut: a quiz needs its scripts and styles."""
        decider = self._parts.runtime().decider
        decision = decider.decide(facts, usage, now)
        if decision.exempt or (enforced_verdict(decision) is Verdict.ALLOW and not _nearly_spent(usage)):
            return decision
        part = as_part_of_its_page(inbound, facts)
        of_page = decision if part is None else decider.decide(part, usage, now)
        return of_page if of_page.exempt else decision

    def _again(self, exchange: Exchange) -> Callable[[datetime], Decision]:
        """Decides the same exchange later, by the catalogue that is in force then."""
        return lambda now: self._decided(exchange.inbound, now).decision

    # -- answer --------------------------------------------------------------------------------------------

    async def _answered(self, exchange: Exchange, meter: Meter, make: Maker) -> Sent:
        refusals = self._parts.refusals
        try:
            return await self._sent(exchange, await make(exchange), meter)
        except ExchangeError as error:
            failed = refusals.failed(exchange, error)
            return await self._sent(exchange, await self._parts.kept.missing(exchange, error) or failed, meter)
        except Exception as error:  # whatever it is, the learner gets an answer and the log its traceback
            logger.exception("exchange with %s failed", exchange.inbound.host)
            fault = ExchangeError("internal", 500, Fault.TROPA, repr(error))
            return await self._sent(exchange, refusals.failed(exchange, fault), meter)

    async def _answer(self, exchange: Exchange) -> Answer:
        parts = self._parts
        if parts.outbox.concerns(exchange):
            parts.outbox.noticed(exchange)
        if is_own(exchange.inbound):
            return coded(await parts.own.answer(exchange), exchange.codings)
        if enforced_verdict(exchange.decision) is not Verdict.ALLOW:
            stored = await self._stored_answer(exchange) if exchange.decision.stored_only else None
            return stored or coded(parts.refusals.closed(exchange), exchange.codings)
        taken = None
        match exchange.inbound.request.method:
            case "GET":
                taken = parts.own.instead_of_playback(exchange)
            case "POST":
                taken = await self._posted(exchange)
        if taken is not None:
            return taken
        ends_identity = await parts.own.note_logout(exchange)
        answer = await self._fetched_answer(exchange)
        if ends_identity is not None:
            answer.headers.add("Set-Cookie", ends_identity)
        if exchange.inbound.origin is not None and exchange.inbound.origin.own_store.enabled:
            await parts.stores.passed(exchange, answer)
        return answer

    async def _posted(self, exchange: Exchange) -> Answer | None:
        """What becomes of a form that isn't simply handed on: its files came in pieces, or the outbox takes it."""
        word = word_of(exchange.inbound)
        if word is not None:
            return await self._upload(exchange, word)
        form = self._parts.outbox.takes(exchange)
        return None if form is None else await self._parts.outbox.answer(exchange, form, self._fetched_answer)

    async def _upload(self, exchange: Exchange, word: Word) -> Answer:
        """A form with files that came in pieces: handed to the origin, or what the origin said to it."""
        uploads = self._parts.own.uploads
        match word:
            case Send():
                return await uploads.send(exchange, word)
            case Claim():
                return await self._said(await uploads.claim(exchange, word), exchange)
            case Nonsense():
                raise bad_request("upload-malformed")

    async def _stored_answer(self, exchange: Exchange) -> Answer | None:
        """What a spent allowance spares: an answer that is stored here and needs no word of the origin's."""
        if exchange.inbound.request.method not in ("GET", "HEAD"):
            return None
        try:
            return await self._fetched_answer(exchange)
        except ExchangeError as error:
            if error.code != NOT_STORED:
                raise
            return None

    async def _fetched_answer(self, exchange: Exchange) -> Answer:
        """What the origin says, treated; a stored variant where the origin confirms its source."""
        parts = self._parts
        if parts.ladders.follows(exchange):
            await parts.ladders.take_up(exchange)
            removed = parts.ladders.withholds(exchange)
            if removed is not None:
                return coded(parts.refusals.withheld(exchange, removed), exchange.codings)
            await parts.ladders.pace(exchange)
        stage: ImageStage | TextStage = parts.images
        known: Known | None = None
        match exchange.facts.kind:
            case MediaKind.IMAGE:
                known = await parts.images.known(exchange)
            case MediaKind.SCRIPT | MediaKind.STYLE:
                stage, known = parts.texts, await parts.texts.known(exchange)
            case MediaKind.STREAM:
                known = parts.ladders.known(exchange)
        fetched, client = await self._obtained(exchange, known.wish if known is not None else NO_WISH)
        try:
            if fetched.facts.status == 304 and known is not None and known.variant is not None and not client.any:
                answer = await stage.confirmed(exchange, fetched, known, client)
                if answer is not None:
                    exchange.tally.made_of = stored_in(fetched)
                else:  # the stored bytes are gone: ask once more, for the whole
                    await fetched.close()
                    fetched, client = await self._obtained(exchange, NO_WISH)
                    answer = await self._treated(exchange, fetched)
            else:
                answer = await self._treated(exchange, fetched)
            if fetched.facts.status == 304 and answer.status == 304 and client.ours is not None:
                # A 304 renews the head that the client keeps (RFC 9111 section 4.3.4): it must be the adapted one's.
                valid_until = exchange.decision.valid_until
                adapted(answer.headers, content_type=None, etag=client.ours, now=exchange.now, valid_until=valid_until)
        except BaseException:
            fetched.upstream.abort()
            raise
        if fetched.age_s is not None:
            parts.kept.mark(answer, fetched)
        answer.close = _both(answer.close, fetched.close)
        return answer

    def _obtained(self, exchange: Exchange, wish: Wish) -> Awaitable[tuple[Fetched, Conditions]]:
        """The origin's response; at a school's box, what is kept where the link to it is down."""
        parts = self._parts
        return (parts.kept if parts.kept.serves(exchange) else parts.obtainer).obtain(exchange, wish)

    async def _treated(self, exchange: Exchange, fetched: Fetched) -> Answer:
        """The plan for this response, carried out."""
        planned = self._parts.ladders.continued(exchange, fetched.facts, plan(exchange.decision, fetched.facts))
        if exchange.decision.observe:
            exchange.tally.withheld_bytes += spared_bytes(exchange.decision, fetched.facts)
        if fetched.facts.status == 200 and fetched.facts.length_bytes:
            self._parts.sizes.learn(exchange.inbound.url, fetched.facts.length_bytes)
        return await self._carried_out(exchange, fetched, planned)

    async def _carried_out(self, exchange: Exchange, fetched: Fetched, planned: Plan) -> Answer:
        parts = self._parts
        match planned:
            case PassThrough():
                script = parts.scripts.for_passing(exchange, fetched, planned)
                if script:
                    worn = parts.dresser.script_alone(script)
                    return await page_answer(exchange, fetched, AS_IT_IS, lambda charset: worn, parts.sizes.size_of)
                made = await parts.ladders.passed(exchange, fetched)
                if made is not None:
                    return made
                exchange.tally.made_of = stored_in(fetched)
                return passing_answer(exchange, fetched, may_recompress=planned.may_recompress)
            case RewritePage():
                await parts.size_asker.ask(exchange, fetched)
                return await page_answer(
                    exchange,
                    fetched,
                    self._spared(exchange, planned),
                    lambda charset: self._worn(exchange, fetched, charset),
                    parts.sizes.size_of,
                    late=parts.late,
                    asks_for=partial(self._asked_for, exchange),
                )
            case DownsampleImage():
                return await parts.images.answer(exchange, fetched, planned)
            case CompressText():
                answer = await parts.texts.answer(exchange, fetched, planned)
                if exchange.tally.treatment == "pass":  # else a better coding may be on its way
                    exchange.tally.made_of = stored_in(fetched)
                return answer
            case AdaptVideo() | AdaptAudio():
                film = await parts.media.answer(exchange, fetched, planned)
                return film if film is not None else await self._instead(exchange, fetched, planned)
            case RewriteLadder():
                return await parts.ladders.answer(exchange, fetched, planned)
            case MinifySvg():
                return await parts.images.drawing(exchange, fetched, planned)
            case Withhold():
                return coded(parts.refusals.withheld(exchange, planned), exchange.codings)

    def _worn(self, exchange: Exchange, fetched: Fetched, charset: str) -> Dressing:
        parts = self._parts
        script = parts.scripts.element(exchange, fetched.headers)
        film_of = parts.films.of_page(exchange, fetched.headers) if script else None
        code = parts.refusals.page_code
        return parts.dresser.dressing(exchange, code, charset=charset, script=script, film_of=film_of)

    async def _instead(self, exchange: Exchange, fetched: Fetched, planned: AdaptVideo | AdaptAudio) -> Answer:
        """What goes where no smaller film does: who opens its address herself is shown its versions."""
        instead = unmade(exchange.decision, fetched.facts, planned)
        if isinstance(instead, Withhold) and exchange.facts.audience in (Audience.PAGE, Audience.EMBED):
            instead = replace(instead, reason=Reason(rule=f"{instead.kind}-withheld"))
        return await self._carried_out(exchange, fetched, instead)

    def _asked_for(self, exchange: Exchange, urls: list[str], late: frozenset[str]) -> None:
        """What a page that goes out will bring: had ahead for the next learner, and in its order on a thin link."""
        self._parts.shell.seen(exchange, urls)
        if is_thin(exchange):
            self._parts.turns.expect(browser_of(exchange), urls, late)

    def _spared(self, exchange: Exchange, planned: RewritePage) -> RewritePage:
        """A page reported as broken keeps its scripts and styles for a day; what is withheld stays withheld."""
        broken = self._parts.accountant.broken_pages
        if not broken.is_broken(exchange.who.learner, exchange.inbound.url, exchange.now):
            return planned
        page = PageTreatment(action=planned.page.action, show_sizes=planned.page.show_sizes)
        kept = replace(planned.treatments, page=page, script=Action.KEEP, style=Action.KEEP, font=Action.KEEP)
        return RewritePage(page=page, treatments=kept)

    # -- send ----------------------------------------------------------------------------------------------

    async def _in_turn(self, exchange: Exchange, meter: Meter, make: Maker) -> Sent:
        """On a thin link styles and scripts go one after the other; their bytes may still be queued when written."""
        turns, transport = self._parts.turns, exchange.inbound.request.transport
        turn = exchange.tally.turn = turns.take(exchange.who.learner, browser_of(exchange), exchange.inbound.url)
        try:
            return await self._answered(exchange, meter, make)
        finally:
            turns.end(turn, transport)

    async def _sent(self, exchange: Exchange, answer: Answer, meter: Meter) -> Sent:
        if waits(exchange) and is_thin(exchange):
            await self._parts.turns.wait(exchange.who.learner, exchange.tally.turn)
        dress_head(exchange, answer)
        watch = None
        if answer.body is not None and not isinstance(answer.body, bytes):  # a whole body goes out at once
            watch = self._overseer(exchange, meter).watch
        patience_s = exchange.catalogue.settings.timeouts.client_idle_s
        sent = await send(exchange.inbound.request, answer, watch=watch, write_timeout_s=patience_s)
        if exchange.tally.made_of is not None and sent.complete:
            self._keep(exchange, answer)
        return sent

    def _keep(self, exchange: Exchange, answer: Answer) -> None:
        """For the next like request; but whoever logs out is always heard."""
        if not self._parts.runtime().identifier.is_logout(exchange.inbound):
            self._parts.repeats.keep(exchange, answer)

    def _overseer(self, exchange: Exchange, meter: Meter) -> Overseer:
        return Overseer(
            clock=self._parts.clock,
            pacer=self._parts.pacer,
            meter=meter,
            learner=exchange.who.learner,
            decision=exchange.decision,
            again=self._again(exchange),
            tally=exchange.tally,
        )

    def _measure(self, exchange: Exchange, sent: Sent) -> None:
        links, steady_s = self._parts.accountant.links, self._parts.clock.steady_s()
        links.delivered(exchange.who.learner, sent.to_learner_bytes, sent.body_s, steady_s, held_up=sent.held_up)

    # -- sockets -------------------------------------------------------------------------------------------

    async def _socket(self, exchange: Exchange) -> web.StreamResponse | Maker | None:
        """A WebSocket, carried or refused in its own form.

        Otherwise what makes the answer: the origin is asked once, and whatever else it says to the handshake is
        delivered. None: it is answered like any request.
        """
        sockets = self._parts.sockets
        if not is_socket(exchange.inbound):
            return None  # an Upgrade that is no handshake may be ignored (RFC 9110 section 7.8)
        if enforced_verdict(exchange.decision) is not Verdict.ALLOW:
            return await sockets.refuse(exchange)
        try:
            response = await sockets.opened(exchange)
        except ExchangeError as error:
            return partial(self._failed, error)
        if response.status != 101:
            return partial(self._said, response)
        return await sockets.carry(exchange, response, self._again)

    @staticmethod
    async def _failed(error: ExchangeError, exchange: Exchange) -> Answer:
        raise error

    async def _said(self, response: OriginReply, exchange: Exchange) -> Answer:
        """The origin's answer to what was asked apart: a handshake that it didn't accept, a form sent in pieces."""
        try:
            fetched = await self._parts.obtainer.received(exchange, response)
            answer = await self._treated(exchange, fetched)
        except BaseException:
            response.abort()
            raise
        answer.close = _both(answer.close, fetched.close)
        return answer


def _both(first: Close | None, then: Close) -> Close:
    if first is None:
        return then

    async def close() -> None:
        await first()
        await then()

    return close
