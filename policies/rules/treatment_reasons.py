"""Why each kind of media is treated as it is: one reason for each treatment that leaves something out."""

from __future__ import annotations

from collections.abc import Iterator

from policies.rules.situation import Situation, source_of
from policies.treatments import (
    LATE_STYLES,
    Action,
    AudioTreatment,
    DocumentTreatment,
    SizedTreatment,
    Treatments,
    VideoTreatment,
)
from policies.values import MediaKind, Reason

_BODIES = ("video", "stream", "embed", "audio", "document", "archive")
_ADAPTED = frozenset({"video", "stream", "audio"})  # a video host's player has no file to make smaller
_PARTS = ("font", "script", "style")

Body = VideoTreatment | AudioTreatment | DocumentTreatment | SizedTreatment


def treatment_reasons(at: Situation, treatments: Treatments) -> tuple[Reason, ...]:
    """In a fixed order: bodies, images, parts of pages, pages."""
    found = [reason for name in _BODIES for reason in _of_body(at, name, getattr(treatments, name))]
    others = [_of_image(at, treatments)]
    others += [_of_part(at, name, getattr(treatments, name)) for name in _PARTS]
    others.append(_of_page(at, treatments))
    return (*found, *(reason for reason in others if reason is not None))


def withheld_code(kind: MediaKind) -> str:
    """The code of the reason for which a kind is withheld."""
    return f"{kind.value}-withheld"


def _of_body(at: Situation, name: str, treatment: Body) -> Iterator[Reason]:
    if treatment.action in (Action.CARD, Action.DROP):
        yield Reason(rule=f"{name}-withheld", source=_source(at, name))
        return
    if treatment.action is Action.ADAPT and name in _ADAPTED:
        yield _adapted(at, name, treatment)
    if treatment.max_bytes is not None:
        params = (("kind", name), ("max_bytes", treatment.max_bytes))
        yield Reason(rule="size-limit", source=_source(at, name, "max"), params=params)


def _adapted(at: Situation, name: str, treatment: Body) -> Reason:
    params: tuple[tuple[str, str | int], ...] = ()
    if isinstance(treatment, VideoTreatment):
        params = (("form", treatment.form.value),)
    elif isinstance(treatment, AudioTreatment):
        params = (("bitrate_bps", treatment.bitrate_bps),)
    return Reason(rule=f"{name}-adapted", source=_source(at, name, "as"), params=params)


def _of_image(at: Situation, treatments: Treatments) -> Reason | None:
    match treatments.image.action:
        case Action.ADAPT:
            return Reason(rule="image-adapted", source=_source(at, "image"))
        case Action.CARD | Action.DROP:
            return Reason(rule="image-withheld", source=_source(at, "image"))
        case Action.KEEP:
            return None


def _of_part(at: Situation, name: str, action: Action) -> Reason | None:
    return Reason(rule=f"{name}-withheld", source=_source(at, name)) if action is not Action.KEEP else None


def _of_page(at: Situation, treatments: Treatments) -> Reason | None:
    page = treatments.page
    if page.action in (Action.CARD, Action.DROP):
        return Reason(rule="page-withheld", source=_source(at, "page"))
    if page.text_first:
        return Reason(rule="text-first", source=_source(at, "page", "text_first"))
    if items := page.diet - {LATE_STYLES}:
        params = (("items", ", ".join(sorted(items))),)
        return Reason(rule="page-diet", source=_source(at, "page", "diet"), params=params)
    return None


def _source(at: Situation, name: str, part: str = "") -> str:
    """The YAML place of a treatment: its part, the kind; the class's own before the policy's."""
    kinds = [f"{name}.{part}", name] if part else [name]
    prefix = f"classes.{at.classification.traffic_class.value}."
    keys = [prefix + kind for kind in kinds] + kinds
    return source_of(at.policy, *keys, default=at.policy_source)
