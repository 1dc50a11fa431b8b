"""RewritePage: a page streams through the HTML rewriter, decoded and coded again.

Laws: HTML is never held for an encoder or for a size (the look-ahead waits at most 0.2 s in all); a page that can't
be decoded or understood passes; what was rewritten is private and has no validator of the origin's.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from html import unescape
from types import MappingProxyType
from urllib.parse import urljoin

from policies.decision import RewritePage
from policies.frozen import Frozen
from policies.model import DietItem, EmbedHost
from policies.treatments import LATE_STYLES, PASS_ALL, Action, Form, PageTreatment, VideoTreatment
from policies.values import MediaKind
from proxy.deliver.answer import Answer
from proxy.deliver.codings import Coder, compress, live_encoder, patient_encoder
from proxy.deliver.heads import adapted
from proxy.late_sheets import LateSheets
from proxy.order import is_thin
from proxy.stages.context import Exchange, Fetched, declared_charset
from proxy.stages.decoding import OriginDecoder
from proxy.stages.places import saves_here
from proxy.transforms.html import PageRewriter, rewriter
from proxy.transforms.spec import Heavy, HtmlSpec, PictureFilm

logger = logging.getLogger("tropa.pages")

_NAMEABLE = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?")  # nothing that would end the policy or add to it
NOTHING_LATE: Mapping[str, str] = MappingProxyType({})
_PATIENT_UP_TO_BYTES = 262_144
_FLUSH_EVERY_BYTES = 16384  # flushing brotli every 16 kB costs 0.6 % of bytes; every 1 kB 15 %
_FRAME_SOURCE = re.compile(
    rb"<i?frame(?=[\s/])[^>]{0,2000}?[\s\"'/]src\s*=\s*(?:\"([^\">]*)|'([^'>]*)|([^\s\"'>]+))", re.IGNORECASE
)


class Dressing(Frozen, frozen=True, kw_only=True):
    """What a rewritten page wears: made by the pages side for one exchange."""

    head: bytes
    foot: Callable[[], bytes]
    render_card: Callable[[Heavy], bytes]
    size_label: Callable[[int], str]
    render_versions: Callable[[Heavy], bytes] | None = None
    render_light: Callable[[Heavy], bytes] | None = None
    film_of: Callable[[str], PictureFilm | None] | None = None


def html_spec(
    exchange: Exchange,
    plan: RewritePage,
    dressing: Dressing,
    size_of: Callable[[str], int | None],
    *,
    charset: str,
    late_styles: Mapping[str, str] = NOTHING_LATE,
) -> HtmlSpec:
    """The rewriter's spec for this exchange. late_styles: as `LateSheets.for_page` gives it."""
    page, treatments = plan.page, plan.treatments
    origin = exchange.inbound.origin
    preset = origin.preset if origin is not None else None
    video = _where_it_saves(exchange, treatments.video)
    return HtmlSpec(
        page_url=exchange.inbound.url,
        charset=charset,
        head=dressing.head,
        foot=dressing.foot(),
        render_card=dressing.render_card,
        size_of=size_of,
        size_label=dressing.size_label,
        granted=exchange.granted,
        video=video.action,
        video_max_bytes=video.max_bytes,
        video_stand_in=video.action is Action.ADAPT and video.form is not Form.CAPPED,
        render_versions=dressing.render_versions,
        render_light=dressing.render_light if treatments.document.light else None,
        stream=treatments.stream.action,
        embed=treatments.embed.action,
        audio=treatments.audio.action,
        audio_max_bytes=treatments.audio.max_bytes,
        image=treatments.image.action,
        embed_hosts=exchange.catalogue.embed_hosts,
        script_players=preset.script_players if preset else (),
        diet=_diet(preset.diet if preset else (), page.diet),
        keep_scripts=treatments.script is not Action.DROP and not page.text_first,
        keep_styles=treatments.style is not Action.DROP and not page.text_first,
        keep_fonts=treatments.font is not Action.DROP and not page.text_first,
        lazy_images=page.lazy_images,
        show_sizes=page.show_sizes,
        max_image_width_px=page.max_image_width_px or treatments.image.max_width_px,
        film_of=dressing.film_of,
        late_styles=late_styles,
        untouched=treatments == PASS_ALL and page == PageTreatment(),
    )


def _where_it_saves(exchange: Exchange, video: VideoTreatment) -> VideoTreatment:
    """Films become cards where this place can't make them smaller for those who pay."""
    saves = saves_here(exchange.catalogue.settings.place, exchange.decision)
    return video if saves or video.action is not Action.ADAPT else replace(video, action=Action.CARD)


def _diet(items: tuple[DietItem, ...], names: frozenset[str]) -> tuple[DietItem, ...]:
    return tuple(item for item in items if item.name in names and item.name != LATE_STYLES)


async def page_answer(
    exchange: Exchange,
    fetched: Fetched,
    plan: RewritePage,
    dressing_in: Callable[[str], Dressing],
    size_of: Callable[[str], int | None],
    *,
    late: LateSheets | None = None,
    asks_for: Callable[[list[str], frozenset[str]], None] = lambda urls, late: None,
) -> Answer:
    """The rewritten page as a stream.

    dressing_in  what the page wears, in its own charset
    late         knows which style sheets may come after the text; None: none may
    asks_for     told which scripts and style sheets the page still asks for, in the order of need, and which of them
                 may come after its text; once it is through
    """
    tally = exchange.tally
    tally.treatment, tally.kind = "page", MediaKind.PAGE
    coding = exchange.codings[0] if exchange.codings else ""
    headers = adapted(
        fetched.headers, content_type=None, etag=None, now=exchange.now, valid_until=exchange.decision.valid_until
    )
    if coding:
        headers["Content-Encoding"] = coding
    if not exchange.body_wanted:
        return Answer(status=fetched.facts.status, reason=fetched.upstream.reason, headers=headers)
    decoder = OriginDecoder(fetched.facts.content_coding, max_bytes=exchange.limits.max_html_rewrite_bytes)
    look_ahead = decoder.feed(fetched.prefix)
    charset = fetched.facts.charset or declared_charset(look_ahead)
    late_styles = NOTHING_LATE
    if late is not None:
        late_styles = await late.for_page(exchange, plan, fetched.headers, look_ahead, complete=fetched.complete)

    def made() -> PageRewriter:
        spec = html_spec(exchange, plan, dressing_in(charset), size_of, charset=charset, late_styles=late_styles)
        return rewriter(spec, prefix=look_ahead)

    page = _Guarded(made)
    # Frames that nobody has seen yet can't be allowed by name, and a page is worth more than a player kept out.
    cards_players = plan.treatments.embed.action is Action.CARD and fetched.complete
    if cards_players and names_players(look_ahead, exchange.catalogue.embed_hosts):
        policy = frame_policy(exchange, look_ahead)
        if policy is not None:
            headers.add("Content-Security-Policy", policy)
    if fetched.complete:
        body = await _coded(exchange, _whole(page, look_ahead, decoder), coding)
        asks_for(page.shell_urls, frozenset(late_styles))
        tally.withheld_bytes += page.withheld_bytes
        tally.direct_bytes = tally.from_origin_bytes
        headers["Content-Length"] = str(len(body))
        return Answer(status=fetched.facts.status, reason=fetched.upstream.reason, headers=headers, body=body)
    encoder = live_encoder(coding)
    stream = _streamed(
        exchange, fetched, page, look_ahead, decoder, encoder, lambda: asks_for(page.shell_urls, frozenset(late_styles))
    )
    return Answer(status=fetched.facts.status, reason=fetched.upstream.reason, headers=headers, body=stream)


class _Guarded:
    """A page's rewriting that may fail without costing the page: what isn't rewritten passes as it is."""

    def __init__(self, make: Callable[[], PageRewriter]) -> None:
        self._page: PageRewriter | None = None
        try:
            self._page = make()
        except Exception:
            logger.exception("a page passes without its cards")

    @property
    def withheld_bytes(self) -> int:
        return self._page.changes.withheld_bytes if self._page is not None else 0

    @property
    def shell_urls(self) -> list[str]:
        return self._page.changes.shell_urls if self._page is not None else []

    def write(self, text: bytes) -> bytes:
        return self._page.write(text) if self._page is not None else text

    def end(self) -> bytes:
        return self._page.end() if self._page is not None else b""


def _whole(page: _Guarded, text: bytes, decoder: OriginDecoder) -> bytes:
    decoder.finish()
    return page.write(text) + page.end()


async def _coded(exchange: Exchange, text: bytes, coding: str) -> bytes:
    """The page for the way; where its bytes are paid for on a thin link, as small as a moment's work makes it."""
    decision = exchange.decision
    paid = decision.price.amount > 0 and not decision.free_now
    if coding and paid and is_thin(exchange) and len(text) <= _PATIENT_UP_TO_BYTES:
        return await asyncio.to_thread(lambda: compress(text, patient_encoder(coding)))
    return compress(text, live_encoder(coding))


async def _streamed(
    exchange: Exchange,
    fetched: Fetched,
    page: _Guarded,
    look_ahead: bytes,
    decoder: OriginDecoder,
    encoder: Coder,
    through: Callable[[], None],
) -> AsyncIterator[bytes]:
    tally = exchange.tally
    yield encoder.feed(page.write(look_ahead)) + encoder.flush()
    unflushed = 0
    async for chunk in fetched.rest(tally):
        text = page.write(decoder.feed(chunk))
        unflushed += len(text)
        coded = encoder.feed(text)
        if unflushed >= _FLUSH_EVERY_BYTES:
            coded += encoder.flush()
            unflushed = 0
        if coded:
            yield coded
    decoder.finish()
    tally.withheld_bytes += page.withheld_bytes
    tally.direct_bytes = tally.from_origin_bytes
    rest = page.end()
    through()
    yield encoder.feed(rest) + encoder.finish()


def names_players(html: bytes, hosts: tuple[EmbedHost, ...]) -> bool:
    """Whether anything in a page speaks of a withheld host, so that a script may make its player.

    A page that doesn't gets no policy of ours, and its maps and puzzles against robots stay whole.
    """
    lower = html.lower()
    return any(word in lower for word in _player_words(hosts))


@lru_cache(maxsize=8)
def _player_words(hosts: tuple[EmbedHost, ...]) -> tuple[bytes, ...]:
    domains = {".".join(name.removeprefix("*.").split(".")[-2:]) for host in hosts for name in host.csp_hosts}
    return tuple(
        sorted(word.encode() for word in domains | {host.name.lower() for host in hosts if host.name.isascii()})
    )


def frame_policy(exchange: Exchange, html: bytes) -> str | None:
    """A second Content-Security-Policy that keeps script-made players of withheld hosts out.

    A policy can only list what is allowed: the site itself, our origins, and hosts that the page's own frames name and
    that are no video hosts. Pages of assessment never get it, so SCORM frames are not touched.

    html  the whole page, decoded

    None: no policy, because a frame of the page's own site may lead on to any host (LTI tools are opened that way),
    and a policy holds for where a frame goes as well as for where it begins (CSP Level 3 section 6.1.7).
    """
    page_url = exchange.inbound.url
    home = _site(page_url)
    hosts = {"'self'", "data:", "blob:"}
    for origin in exchange.catalogue.origins.values():
        hosts.update(origin.hosts)
    for match in _FRAME_SOURCE.finditer(html):
        source = unescape((match[1] or match[2] or match[3] or b"").decode("latin-1")).strip()
        if not source or source.lower().startswith(("about:", "data:", "blob:", "javascript:")):
            continue
        url = _joined(page_url, source)
        site = _site(url)
        if site == home:
            return None
        if _NAMEABLE.fullmatch(site) and not any(host.pattern.search(url) for host in exchange.catalogue.embed_hosts):
            hosts.add(site)
    hosts.update(site for url in exchange.granted if _NAMEABLE.fullmatch(site := _site(url)))
    return "frame-src " + " ".join(sorted(hosts))


def _joined(page_url: str, source: str) -> str:
    try:
        return urljoin(page_url, source)
    except ValueError:
        return ""


def _site(url: str) -> str:
    """Scheme and authority, lower case."""
    return "/".join(url.split("/", 3)[:3]).partition("?")[0].lower()
