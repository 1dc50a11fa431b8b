"""What becomes of a response, from its head and its first bytes.

Laws of this file:
- total; errors, redirects and answers to uploads are never withheld; observed and bypassed exchanges pass;
- assessment is never withheld: its pictures may be coded better, its films capped, all else passes;
- withholding is no transforming, so `no-transform` doesn't prevent it; what is too heavy to go as it is and may not be
  changed (`no-transform`, a download) stays on this side as a whole;
- downloads keep their bytes, or stay on this side as a whole; what isn't understood passes.
"""

from __future__ import annotations

import re
from dataclasses import replace

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
    Withhold,
)
from policies.facts import ResponseFacts
from policies.kinds import kind_of_type
from policies.rules.treatment_reasons import Body, withheld_code
from policies.streams import is_segment, manifest_of
from policies.treatments import Action, Form, PageTreatment, Treatments
from policies.values import Audience, Direction, MediaKind, Reason

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
SVG_TYPE = "image/svg+xml"
KNOWN_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "br", "zstd", "deflate"})
LONG_LIVED_S = 7 * 86400  # a shorter life isn't worth the best coding's work

_PLAYED = frozenset({MediaKind.VIDEO, MediaKind.AUDIO, MediaKind.STREAM})
_TEXTS = frozenset({MediaKind.SCRIPT, MediaKind.STYLE, MediaKind.DATA})
_PAGE_AUDIENCES = frozenset({Audience.PAGE, Audience.EMBED})
_FILMS = frozenset({MediaKind.VIDEO, MediaKind.AUDIO})
_MAX_SVG_BYTES = 1_000_000  # larger ones are maps and plots that take longer to read than they save
_STILLS = frozenset(
    {"image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/x-png", "image/apng", "image/gif", "image/webp"}
    | {"image/avif", "image/bmp", "image/x-ms-bmp", "image/tiff"}
)
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
_TOTAL_SIZE = re.compile(r"bytes\s+(?:\d+-\d+|\*)/(\d{1,18})", re.IGNORECASE)

Adapted = AdaptVideo | AdaptAudio | RewriteLadder

_AS_IT_IS = PassThrough(may_recompress=False)
_TEXT_AS_IT_IS = PassThrough()


def plan(decision: Decision, response: ResponseFacts) -> Plan:
    """The plan that is carried out: in observe mode always to pass."""
    if decision.observe:
        return PassThrough(why=Reason(rule="observe"), may_recompress=False)
    return plan_observed(decision, response)


def plan_observed(decision: Decision, response: ResponseFacts) -> Plan:
    """The plan as it would be without observe mode."""
    if decision.bypassed:
        return PassThrough(why=Reason(rule="bypassed"), may_recompress=False)
    if _has_no_content(response.status):
        return _AS_IT_IS
    kind = effective_kind(decision, response)
    withheld = None if _must_pass(decision, response) else _withheld(decision, response, kind)
    return withheld or _treated(decision, response, kind)


def effective_kind(decision: Decision, response: ResponseFacts) -> MediaKind:
    """What the response is: bytes that prove something heavier than declared, the declared type, the request's wish.

    The wish doesn't count for the answer to an upload, whose path may name what was sent.
    """
    declared, sniffed = kind_of_type(response.content_type), response.sniffed
    wished = response.request_kind if decision.direction is Direction.DOWN else None
    if sniffed is not None and _proves_more(sniffed, declared, response):
        return sniffed
    if declared in _PLAYED and sniffed is None and wished in (MediaKind.SCRIPT, MediaKind.STYLE, MediaKind.FONT):
        return wished  # ".ts" is declared as MPEG by servers that never heard of TypeScript
    return declared or wished or MediaKind.OTHER


def _proves_more(sniffed: MediaKind, declared: MediaKind | None, response: ResponseFacts) -> bool:
    if sniffed in _PLAYED:
        return declared not in _PLAYED
    if declared is None:
        # An image of no type is one where an image was asked for; elsewhere it is a download.
        return sniffed is not MediaKind.IMAGE or MediaKind.IMAGE is response.request_kind
    return declared is MediaKind.PAGE and sniffed in (MediaKind.IMAGE, MediaKind.DOCUMENT, MediaKind.ARCHIVE)


def _has_no_content(status: int) -> bool:
    return status < 200 or status in (204, 205)


def _must_pass(decision: Decision, response: ResponseFacts) -> bool:
    return response.status >= 300 or decision.exempt or decision.direction is Direction.UP


def unmade(decision: Decision, response: ResponseFacts, planned: MinifySvg | Adapted) -> Plan:
    """What becomes of a response that can't be made smaller: a card, or in an assessment and for a drawing itself."""
    if isinstance(planned, MinifySvg):
        return CompressText(kind=MediaKind.IMAGE) if planned.static else _TEXT_AS_IT_IS
    if decision.exempt:
        return PassThrough(why=Reason(rule="exempt-assessment"), may_recompress=False)
    kind = effective_kind(decision, response)
    reason = Reason(rule="unmade-withheld", params=(("kind", kind.value),))
    return Withhold(kind=kind, reason=reason, size_bytes=whole_size_bytes(response))


# -- withholding -----------------------------------------------------------------------------------------------


def _withheld(decision: Decision, response: ResponseFacts, kind: MediaKind) -> Withhold | None:
    treatments = decision.treatments
    match kind:
        case MediaKind.VIDEO | MediaKind.AUDIO:
            return _film(decision, response, kind)
        case MediaKind.STREAM:
            # A manifest's own size says nothing of the stream's.
            return _body(decision, response, kind, replace(treatments.stream, max_bytes=None))
        case MediaKind.DOCUMENT:
            return None if response.partial else _body(decision, response, kind, treatments.document)
        case MediaKind.ARCHIVE:
            return None if response.partial else _body(decision, response, kind, treatments.archive)
        case MediaKind.IMAGE:
            return None if _is_download(response) else _part(decision, response, kind, treatments.image.action)
        case MediaKind.FONT:
            return _part(decision, response, kind, treatments.font)
        case MediaKind.SCRIPT:
            return _part(decision, response, kind, treatments.script)
        case MediaKind.STYLE:
            return _part(decision, response, kind, treatments.style)
        case MediaKind.PAGE:
            return _part(decision, response, kind, treatments.page.action)
        case MediaKind.DATA | MediaKind.OTHER:
            return None


def _film(decision: Decision, response: ResponseFacts, kind: MediaKind) -> Withhold | None:
    """A film's or a recording's own treatment; a segment goes where its stream goes."""
    treatments = decision.treatments
    if _is_segment(decision, response):
        if treatments.stream.action not in (Action.CARD, Action.DROP):
            return None
        kind = MediaKind.STREAM
        return Withhold(kind=kind, reason=_reason(decision, withheld_code(kind)), size_bytes=whole_size_bytes(response))
    return _body(decision, response, kind, treatments.video if kind is MediaKind.VIDEO else treatments.audio)


def _is_segment(decision: Decision, response: ResponseFacts) -> bool:
    return is_segment(response, whole_size_bytes(response), decision.audience)


def _is_download(response: ResponseFacts) -> bool:
    return response.attachment or response.partial


def _body(decision: Decision, response: ResponseFacts, kind: MediaKind, treatment: Body) -> Withhold | None:
    """Cards and drops are withheld; above the limit, the rest. A kept video that won't tell its size is above it."""
    size_bytes = whole_size_bytes(response)
    if treatment.action in (Action.CARD, Action.DROP):
        return Withhold(kind=kind, reason=_reason(decision, withheld_code(kind)), size_bytes=size_bytes)
    if treatment.action is Action.ADAPT and (why := _unchangeable(decision, response, kind)) is not None:
        return Withhold(kind=kind, reason=why, size_bytes=size_bytes)
    limit = treatment.max_bytes
    unknown_is_above = kind is MediaKind.VIDEO and treatment.action is Action.KEEP
    if limit is None or (size_bytes is None and not unknown_is_above):
        return None
    if size_bytes is None or size_bytes > limit:
        return Withhold(kind=kind, reason=_size_reason(decision, kind, limit), size_bytes=size_bytes)
    return None


def _unchangeable(decision: Decision, response: ResponseFacts, kind: MediaKind) -> Reason | None:
    """Why what would be made smaller can't be: a download keeps its bytes, and the site may forbid changes."""
    if kind not in _PLAYED:
        return None
    if response.attachment and kind in _FILMS:
        return Reason(rule="download-withheld", params=(("kind", kind.value),))
    if response.no_transform and decision.honour_no_transform:
        return Reason(rule="unchanged-withheld", params=(("kind", kind.value),))
    return None


def _part(decision: Decision, response: ResponseFacts, kind: MediaKind, action: Action) -> Withhold | None:
    if action in (Action.KEEP, Action.ADAPT):
        return None
    reason = _reason(decision, withheld_code(kind))
    return Withhold(kind=kind, reason=reason, size_bytes=whole_size_bytes(response))


def whole_size_bytes(response: ResponseFacts) -> int | None:
    """The size of the whole thing, or of the part where Content-Range isn't among the facts; None: unknown."""
    found = _TOTAL_SIZE.match(response.headers.get("content-range", "").strip()) if response.partial else None
    return int(found[1]) if found else response.length_bytes


def _reason(decision: Decision, code: str) -> Reason:
    """The decision's own reason with that code, which knows its YAML place."""
    return next((reason for reason in decision.reasons if reason.rule == code), Reason(rule=code))


def _size_reason(decision: Decision, kind: MediaKind, limit: int) -> Reason:
    params = (("kind", kind.value), ("max_bytes", limit))
    wanted = (reason for reason in decision.reasons if reason.rule == "size-limit" and reason.params == params)
    return next(wanted, Reason(rule="size-limit", params=params))


# -- treating --------------------------------------------------------------------------------------------------


def _treated(decision: Decision, response: ResponseFacts, kind: MediaKind) -> Plan:
    if kind in _PLAYED:
        return _played(decision, response, kind)
    if response.status >= 300 or response.partial or response.attachment:
        return _TEXT_AS_IT_IS if kind in _TEXTS or kind is MediaKind.PAGE else _AS_IT_IS
    if response.no_transform and decision.honour_no_transform:
        return PassThrough(why=Reason(rule="no-transform"), may_recompress=False)
    if response.content_coding not in KNOWN_CODINGS:
        return PassThrough(why=Reason(rule="unknown-coding"), may_recompress=False)
    if kind is MediaKind.IMAGE:
        return _image(decision, response)
    if decision.exempt:
        return PassThrough(why=Reason(rule="exempt-assessment"))
    if kind is MediaKind.PAGE:
        return _page(decision, response)
    if kind in _TEXTS:
        return CompressText(kind=kind) if _is_static(response) else _TEXT_AS_IT_IS
    return _AS_IT_IS


def _played(decision: Decision, response: ResponseFacts, kind: MediaKind) -> Plan:
    """Films, recordings and manifests that are made smaller; segments and whatever may not be changed pass."""
    treatments = decision.treatments
    if response.status not in (200, 206) or response.attachment or decision.direction is Direction.UP:
        return _AS_IT_IS
    if response.no_transform and decision.honour_no_transform:
        return PassThrough(why=Reason(rule="no-transform"), may_recompress=False)
    if response.content_coding not in KNOWN_CODINGS:
        return PassThrough(why=Reason(rule="unknown-coding"), may_recompress=False)
    if kind is not MediaKind.STREAM and _is_segment(decision, response):
        return _AS_IT_IS
    if decision.exempt:
        return _in_assessment(decision, kind)
    if kind is MediaKind.STREAM:
        return _manifest(decision, response)
    if kind is MediaKind.VIDEO and treatments.video.action is Action.ADAPT:
        return AdaptVideo(video=treatments.video, kind=kind)
    if kind is MediaKind.AUDIO and treatments.audio.action is Action.ADAPT:
        return AdaptAudio(audio=treatments.audio)
    return _AS_IT_IS


def _in_assessment(decision: Decision, kind: MediaKind) -> Plan:
    """A film stays a film there: smaller where the policy makes films smaller, never a stand-in."""
    video = decision.treatments.video
    if kind is MediaKind.VIDEO and video.action is Action.ADAPT and video.form is Form.CAPPED:
        return AdaptVideo(video=video, kind=kind)
    return PassThrough(why=Reason(rule="exempt-assessment"), may_recompress=False)


def _manifest(decision: Decision, response: ResponseFacts) -> Plan:
    stream, manifest = decision.treatments.stream, manifest_of(response)
    if stream.action is Action.ADAPT and manifest and not response.partial:
        return RewriteLadder(stream=stream, manifest=manifest)
    return _AS_IT_IS


def _image(decision: Decision, response: ResponseFacts) -> Plan:
    if response.content_type == SVG_TYPE:
        return _svg(decision, response)
    image = decision.treatments.image
    if image.action is Action.KEEP and not _exceeds(response, image.max_bytes):
        return _AS_IT_IS
    if response.content_type not in _STILLS and response.sniffed is not MediaKind.IMAGE:
        return _AS_IT_IS
    return DownsampleImage(image=replace(image, action=Action.ADAPT))


def _svg(decision: Decision, response: ResponseFacts) -> Plan:
    """A drawing is text: minified where pictures are made smaller, in its best coding where it is static."""
    if decision.exempt:
        return _TEXT_AS_IT_IS
    static = _is_static(response)
    known_small = response.length_bytes is not None and response.length_bytes <= _MAX_SVG_BYTES
    if decision.treatments.image.action is Action.ADAPT and (static or known_small) and not _may_be_scripted(decision):
        return MinifySvg(static=static)
    return CompressText(kind=MediaKind.IMAGE) if static else _TEXT_AS_IT_IS


def _may_be_scripted(decision: Decision) -> bool:
    """Outside an image element a drawing is a document: its names and its spaces may matter to a script."""
    return decision.audience is not Audience.SUBRESOURCE


def _exceeds(response: ResponseFacts, max_bytes: int | None) -> bool:
    return max_bytes is not None and response.length_bytes is not None and response.length_bytes > max_bytes


def _page(decision: Decision, response: ResponseFacts) -> Plan:
    """Only documents that a person sees as such: fragments fetched by scripts and mislabelled data pass."""
    shown = decision.audience in _PAGE_AUDIENCES and response.request_kind not in _TEXTS
    if response.content_type not in HTML_TYPES or not shown or not rewrites_pages(decision.treatments):
        return _TEXT_AS_IT_IS
    return RewritePage(page=decision.treatments.page, treatments=decision.treatments)


def rewrites_pages(treatments: Treatments) -> bool:
    """Whether anything in a page could change under these treatments."""
    bodies = (treatments.video, treatments.stream, treatments.embed, treatments.audio)
    downloads = (treatments.document, treatments.archive)
    return (
        replace(treatments.page, action=Action.KEEP) != PageTreatment()
        or any(body.action is not Action.KEEP or body.max_bytes is not None for body in bodies)
        or any(body.action is not Action.KEEP for body in downloads)
        or bool(treatments.document.light)
        or treatments.image.action in (Action.CARD, Action.DROP)
        or (treatments.image.action is Action.ADAPT and treatments.image.max_width_px is not None)
        or any(part is not Action.KEEP for part in (treatments.font, treatments.script, treatments.style))
    )


def _is_static(response: ResponseFacts) -> bool:
    """Whether a text is worth its best coding, kept for everybody."""
    if response.private or response.status != 200:
        return False
    if response.immutable:
        return True
    found = _MAX_AGE.search(response.headers.get("cache-control", ""))
    return found is not None and int(found[1]) >= LONG_LIVED_S
