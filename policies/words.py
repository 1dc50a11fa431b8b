"""A decision's values as plain words, for `explain`, policy tests and the log."""

from __future__ import annotations

from collections.abc import Mapping

from policies.treatments import Action, ImageTreatment, PageTreatment, SizedTreatment, Treatments, VideoTreatment

_BODIES = ("video", "stream", "embed", "audio", "document", "archive")
_PARTS = ("font", "script", "style")


def actions(treatments: Treatments) -> Mapping[str, str]:
    """The action for each kind: {"page": "adapt", "image": "adapt", "video": "card" …}."""
    found = {"page": treatments.page.action.value, "image": treatments.image.action.value}
    found |= {name: getattr(treatments, name).action.value for name in _BODIES}
    return found | {name: getattr(treatments, name).value for name in _PARTS}


def plain(treatments: Treatments) -> Mapping[str, str]:
    """The same with what belongs to it: "adapt, at most 640 px wide, quality 40 (text 60)"."""
    found = {"page": _page(treatments.page), "image": _image(treatments.image)}
    found |= {name: _body(getattr(treatments, name)) for name in _BODIES}
    return found | {name: getattr(treatments, name).value for name in _PARTS}


def size(count: int) -> str:
    """A number of bytes as operators write it: 20 MB, 500 kB, 12 B."""
    for unit, factor in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if count >= factor:
            return f"{count / factor:.4g} {unit}"
    return f"{count} B"


def rate(bps: int) -> str:
    """A rate as operators write it: 64 kbit/s."""
    for unit, factor in (("Mbit/s", 1_000_000), ("kbit/s", 1_000)):
        if bps >= factor:
            return f"{bps / factor:.4g} {unit}"
    return f"{bps} bit/s"


def _body(treatment: VideoTreatment | SizedTreatment) -> str:
    if treatment.max_bytes is None or treatment.action in (Action.CARD, Action.DROP):
        return treatment.action.value
    return f"{treatment.action.value}, card above {size(treatment.max_bytes)}"


def _image(image: ImageTreatment) -> str:
    if image.action is not Action.ADAPT:
        return image.action.value
    parts = [image.action.value]
    if image.max_width_px is not None:
        parts.append(f"at most {image.max_width_px} px wide")
    if image.max_bytes is not None:
        parts.append(f"at most {size(image.max_bytes)}")
    parts.append(f"quality {image.photo_quality} (text {image.text_quality})")
    parts.append(f"animation {image.animation.value}")
    return ", ".join(parts)


def _page(page: PageTreatment) -> str:
    parts = [page.action.value]
    parts += [word for word, on in _page_switches(page) if on]
    if page.diet:
        parts.append("without " + " ".join(sorted(page.diet)))
    return ", ".join(parts)


def _page_switches(page: PageTreatment) -> tuple[tuple[str, bool], ...]:
    return (
        ("text first", page.text_first),
        ("lazy images", page.lazy_images),
        ("sizes beside links", page.show_sizes),
    )
