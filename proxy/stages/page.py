"""RewritePage: a page streams through the HTML rewriter, decoded and coded again.

Laws: HTML is never held for an encoder or for a size (the look-ahead waits at most 0.2 s in all); a page that can't
be decoded or understood passes; what was rewritten is private and has no validator of the origin's.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from policies.decision import RewritePage
from policies.model import DietItem
from policies.treatments import Action
from policies.values import MediaKind
from proxy.deliver.answer import Answer
from proxy.deliver.codings import Coder, CodingError, Decoder, live_encoder
from proxy.deliver.heads import adapted
from proxy.errors import upstream_malformed
from proxy.stages.context import Exchange, Fetched, declared_charset
from proxy.transforms.html import PageRewriter, rewriter
from proxy.transforms.spec import Heavy, HtmlSpec

_FLUSH_EVERY_BYTES = 16384  # flushing brotli every 16 kB costs 0.6 % of bytes; every 1 kB 15 %
_FRAME_SOURCE = re.compile(rb"<iframe[^>]{0,2000}?\ssrc\s*=\s*[\"'](https?://[^/\"'>\s]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dressing:
    """What a rewritten page wears: made by the pages side for one exchange."""

    head: bytes
    foot: Callable[[], bytes]
    render_card: Callable[[Heavy], bytes]
    size_label: Callable[[int], str]
    way: str  # a fingerprint of language, region and texts


def html_spec(
    exchange: Exchange,
    plan: RewritePage,
    dressing: Dressing,
    size_of: Callable[[str], int | None],
    *,
    charset: str,
) -> HtmlSpec:
    """The rewriter's spec for this exchange."""
    page, treatments = plan.page, plan.treatments
    origin = exchange.inbound.origin
    preset = origin.preset if origin is not None else None
    return HtmlSpec(
        page_url=exchange.inbound.url,
        charset=charset,
        head=dressing.head,
        foot=dressing.foot(),
        render_card=dressing.render_card,
        size_of=size_of,
        size_label=dressing.size_label,
        granted=exchange.granted,
        video=treatments.video.action,
        video_max_bytes=treatments.video.max_bytes,
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
    )


def _diet(items: tuple[DietItem, ...], names: frozenset[str]) -> tuple[DietItem, ...]:
    return tuple(item for item in items if item.name in names)


async def page_answer(
    exchange: Exchange,
    fetched: Fetched,
    plan: RewritePage,
    dressing_in: Callable[[str], Dressing],
    size_of: Callable[[str], int | None],
) -> Answer:
    """The rewritten page as a stream. dressing_in: what the page wears, in its own charset."""
    tally = exchange.tally
    tally.treatment, tally.kind = "page", MediaKind.PAGE
    coding = exchange.codings[0] if exchange.codings else ""
    headers = adapted(
        fetched.headers, content_type=None, etag=None, now=exchange.now, valid_until=exchange.decision.valid_until
    )
    if coding:
        headers["Content-Encoding"] = coding
    if plan.treatments.embed.action is Action.CARD:
        headers.add("Content-Security-Policy", frame_policy(exchange, fetched.prefix))
    if not exchange.body_wanted:
        return Answer(status=fetched.facts.status, reason=fetched.upstream.reason, headers=headers)
    decoder = Decoder(fetched.facts.content_coding, max_bytes=exchange.limits.max_html_rewrite_bytes)
    look_ahead = _decoded(decoder, fetched.prefix)
    charset = fetched.facts.charset or declared_charset(look_ahead)
    spec = html_spec(exchange, plan, dressing_in(charset), size_of, charset=charset)
    page = rewriter(spec, prefix=look_ahead)
    encoder = live_encoder(coding)
    if fetched.complete:
        body = _whole(page, look_ahead, decoder, encoder)
        tally.withheld_bytes += page.changes.withheld_bytes
        tally.direct_bytes = tally.from_origin_bytes
        headers["Content-Length"] = str(len(body))
        return Answer(status=fetched.facts.status, reason=fetched.upstream.reason, headers=headers, body=body)
    stream = _streamed(exchange, fetched, page, look_ahead, decoder, encoder)
    return Answer(status=fetched.facts.status, reason=fetched.upstream.reason, headers=headers, body=stream)


def _decoded(decoder: Decoder, data: bytes) -> bytes:
    try:
        return decoder.feed(data)
    except CodingError as error:
        raise upstream_malformed(str(error)) from error


def _whole(page: PageRewriter, text: bytes, decoder: Decoder, encoder: Coder) -> bytes:
    try:
        decoder.finish()
    except CodingError as error:
        raise upstream_malformed(str(error)) from error
    return encoder.feed(page.write(text) + page.end()) + encoder.finish()


async def _streamed(
    exchange: Exchange, fetched: Fetched, page: PageRewriter, look_ahead: bytes, decoder: Decoder, encoder: Coder
) -> AsyncIterator[bytes]:
    tally = exchange.tally
    yield encoder.feed(page.write(look_ahead)) + encoder.flush()
    unflushed = 0
    async for chunk in fetched.rest(tally):
        text = page.write(_decoded(decoder, chunk))
        unflushed += len(text)
        coded = encoder.feed(text)
        if unflushed >= _FLUSH_EVERY_BYTES:
            coded += encoder.flush()
            unflushed = 0
        if coded:
            yield coded
    try:
        decoder.finish()
    except CodingError as error:
        raise upstream_malformed(str(error)) from error
    tally.withheld_bytes += page.changes.withheld_bytes
    tally.direct_bytes = tally.from_origin_bytes
    yield encoder.feed(page.end()) + encoder.finish()


def frame_policy(exchange: Exchange, prefix: bytes) -> str:
    """A second Content-Security-Policy that keeps script-made players of withheld hosts out.

    A policy can only list what is allowed: the site itself, our origins, and hosts that the page's own frames name and
    that are no video hosts. Pages of assessment never get it, so LTI and SCORM frames are not touched.
    """
    hosts = {"'self'", "data:", "blob:"}
    for origin in exchange.catalogue.origins.values():
        hosts.update(origin.hosts)
    for match in _FRAME_SOURCE.finditer(prefix):
        base = match[1].decode("latin-1")
        if not any(host.pattern.search(base + "/") for host in exchange.catalogue.embed_hosts):
            hosts.add(base)
    for url in exchange.granted:
        hosts.add("/".join(url.split("/", 3)[:3]))
    return "frame-src " + " ".join(sorted(hosts))
