"""A decision's values as plain words, for `explain`, policy tests and the log."""

from __future__ import annotations

from collections.abc import Mapping

from policies.treatments import (
    LATE_STYLES,
    Action,
    AudioTreatment,
    Credit,
    DocumentTreatment,
    Form,
    ImageTreatment,
    LightCopy,
    NothingFits,
    PageTreatment,
    SizedTreatment,
    Treatments,
    UploadTreatment,
    VideoTreatment,
)

_FILMS = ("video", "stream", "embed")
_BODIES = (*_FILMS, "audio", "document", "archive")
_PARTS = ("font", "script", "style")


def actions(treatments: Treatments) -> Mapping[str, str]:
    """The action for each kind: {"page": "adapt", "image": "adapt", "video": "card" …}."""
    found = {"page": treatments.page.action.value, "image": treatments.image.action.value}
    found |= {name: getattr(treatments, name).action.value for name in _BODIES}
    return found | {name: getattr(treatments, name).value for name in _PARTS}


def forms(treatments: Treatments) -> Mapping[str, str]:
    """The version that is recommended of each film that is made smaller: {"video": "slidecast"}."""
    films = {name: getattr(treatments, name) for name in _FILMS}
    return {name: film.form.value for name, film in films.items() if film.action is Action.ADAPT}


def plain(treatments: Treatments) -> Mapping[str, str]:
    """The same with what belongs to it: "adapt, at most 640 px wide, quality 40 (text 60)"."""
    found = {"page": _page(treatments.page), "image": _image(treatments.image)}
    found |= {name: _film(getattr(treatments, name), ladder=name == "stream") for name in _FILMS}
    found |= {"audio": _audio(treatments.audio), "document": _document(treatments.document)}
    found["archive"] = _body(treatments.archive)
    found["upload"] = _upload(treatments.upload)
    return found | {name: getattr(treatments, name).value for name in _PARTS}


def _upload(upload: UploadTreatment) -> str:
    parts = []
    if upload.photo_width_px is not None:
        parts.append(f"photos offered at {upload.photo_width_px} px, quality {upload.photo_quality}")
    if upload.film_width_px is not None:
        parts.append(f"films offered at {upload.film_width_px} px, {rate(upload.film_bps)}")
    if upload.sound_bps is not None:
        parts.append(f"sound offered at {rate(upload.sound_bps)}")
    if upload.resumable_above_bytes is not None:
        most = "" if upload.max_bytes is None else f" up to {size(upload.max_bytes)}"
        parts.append(f"in pieces above {size(upload.resumable_above_bytes)}{most}")
    return "; ".join(parts) or "keep"


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


Body = VideoTreatment | AudioTreatment | DocumentTreatment | SizedTreatment


def _body(treatment: Body) -> str:
    if treatment.max_bytes is None or treatment.action in (Action.CARD, Action.DROP):
        return treatment.action.value
    return f"{treatment.action.value}, card above {size(treatment.max_bytes)}"


def _film(film: VideoTreatment, *, ladder: bool) -> str:
    """What it becomes, what else is offered, and the limits of what is made."""
    if film.action is not Action.ADAPT:
        return _body(film)
    parts = [f"adapt as {film.form.value}"]
    if film.also:
        parts.append("also " + " ".join(form.value for form in Form if form in film.also))
    parts += _film_limits(film)
    if ladder and film.nothing_fits is not NothingFits.LOWEST:
        parts.append(f"if nothing fits {film.nothing_fits.value}")
    if film.max_bytes is not None:
        parts.append(f"card above {size(film.max_bytes)}")
    if film.credit is not Credit.UNSAID:
        parts.append("the full one is needed for credit" if film.credit is Credit.FULL_NEEDED else "enough for credit")
    return ", ".join(parts)


def _film_limits(film: VideoTreatment) -> list[str]:
    parts = []
    if film.max_height_px is not None:
        parts.append(f"at most {film.max_height_px} px high")
    if film.max_fps is not None:
        parts.append(f"at most {film.max_fps} pictures a second")
    if film.max_bitrate_bps is not None:
        parts.append(f"at most {rate(film.max_bitrate_bps)}")
    return [*parts, f"sound {rate(film.sound_bitrate_bps)}"]


def _audio(audio: AudioTreatment) -> str:
    if audio.action is not Action.ADAPT:
        return _body(audio)
    limit = "" if audio.max_bytes is None else f", card above {size(audio.max_bytes)}"
    return f"adapt, {rate(audio.bitrate_bps)}{limit}"


def _document(document: DocumentTreatment) -> str:
    light = " ".join(copy.value for copy in LightCopy if copy in document.light)
    return f"{_body(document)}, light copies {light}" if light else _body(document)


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
    if items := page.diet - {LATE_STYLES}:
        parts.append("without " + " ".join(sorted(items)))
    if LATE_STYLES in page.diet:
        parts.append("styles after the text")
    return ", ".join(parts)


def _page_switches(page: PageTreatment) -> tuple[tuple[str, bool], ...]:
    return (
        ("text first", page.text_first),
        ("lazy images", page.lazy_images),
        ("sizes beside links", page.show_sizes),
    )
