"""One complete `Policy` from what is written, with everything it extends already laid under it.

Laws of this file: every traffic class gets a complete rule; assessment keeps everything but the size of images and is
open always; what can't be kept open is a fault, not a gate that never opens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from policies.compile.media import check_media
from policies.compile.merge import overlay
from policies.compile.spot import Spot
from policies.compile.steps import compile_steps
from policies.compile.time import Clockwork, compile_windows
from policies.compile.treatments import for_assessment, treatments_of
from policies.decision import Alternative
from policies.faults import FaultList, did_you_mean
from policies.frozen import Frozen
from policies.model import ClassRule, Policy, When, Windows
from policies.schema.check import check
from policies.schema.media import VideoSection
from policies.schema.policy import (
    KINDS,
    AlternativeSection,
    ClassSection,
    KindsSection,
    OriginalSection,
    PolicySection,
)
from policies.treatments import Form, Treatments
from policies.values import Text, TrafficClass
from policies.yaml_marks import MarkedList, MarkedMap


class Circumstances(Frozen, frozen=True, kw_only=True):
    """What a policy depends on beside itself. free None: no tariff is known (a policy by itself)."""

    clockwork: Clockwork
    free: Windows | None
    diets: Collection[str]
    faults: FaultList


def compile_policy(name: str, written: MarkedMap, circumstances: Circumstances) -> Policy | None:
    """None when nothing of it could be understood; the faults then say why."""
    checked = check(PolicySection, written, circumstances.faults)
    if checked is None:
        return None
    section, written = checked
    compiler = _Compiler(name, section, written, circumstances)
    return compiler.policy()


class _Compiler:
    def __init__(self, name: str, section: PolicySection, written: MarkedMap, around: Circumstances) -> None:
        self._name = name
        self._section = section
        self._written = written
        self._around = around
        self._spot = Spot(written, around.faults)
        self._kinds = written.without(*(key for key in written if key not in KINDS))
        self._base = self._treatments(self._kinds)

    def policy(self) -> Policy:
        section = self._section
        self._check_diets()
        self._check_media()
        slow = section.slow_link
        if slow is not None and slow.below is None:
            self._spot.at("slow_link").fault("below is missing", "add below: 128 kbit/s")
        return Policy(
            name=self._name,
            title=Text(ru=section.title.ru, en=section.title.en) if section.title else Text(ru=self._name),
            classes={name: self._rule(name) for name in TrafficClass},
            original_max_bytes=_original_max_bytes(section.original),
            save_data_treatments=self._narrower(section.save_data, "save_data"),
            narrow_below_bps=slow.below if slow else None,
            narrowed=self._narrower(slow, "slow_link"),
            steps=compile_steps(self._kinds, self._written.get("nearly_spent"), self._spot.at("nearly_spent")),
            observe=bool(section.observe),
            sources=dict(_sources(self._written)),
        )

    def _treatments(self, kinds: MarkedMap) -> Treatments:
        return treatments_of(kinds)

    def _narrower(self, section: KindsSection | None, key: str) -> Treatments | None:
        if section is None:
            return None
        written = self._written[key]
        return self._treatments(overlay(self._kinds, written.without(*(k for k in written if k not in KINDS))))

    def _rule(self, name: TrafficClass) -> ClassRule:
        section = self._section.classes.get(name, ClassSection())
        spot = self._spot.at("classes", name)
        if name is TrafficClass.ASSESSMENT:
            return self._assessment_rule(section, spot)
        when, windows = self._when(section, spot.at("when"))
        return ClassRule(
            when=when,
            windows=windows,
            treatments=self._class_treatments(name),
            alternatives=compile_alternatives(section.alternatives),
            close_grace_s=round(section.close_grace if section.close_grace is not None else 60),
            source=spot.at("when").source if section.when is not None else spot.source,
        )

    def _class_treatments(self, name: TrafficClass) -> Treatments:
        written = self._written.get("classes", {}).get(name)
        if written is None or not any(key in KINDS for key in written):
            return self._base
        return self._treatments(overlay(self._kinds, written.without(*(key for key in written if key not in KINDS))))

    def _assessment_rule(self, section: ClassSection, spot: Spot) -> ClassRule:
        if section.when not in (None, "always"):
            spot.at("when").fault("assessment is never shut: answers would be lost", "remove it")
        for key in KINDS:
            if key not in ("images", "video", "uploads") and getattr(section, key) is not None:
                spot.at(key).fault(
                    "assessment is never cut",
                    "remove it; only images and video may be adapted there, and uploads offered smaller",
                )
        if section.video is not None:
            self._check_assessment_video(section.video, spot.at("video"))
        if section.images is not None and section.images.treatment in ("card", "drop"):
            spot.at("images").fault("a question's images are never withheld", "write keep or adapt")
        treatments = for_assessment(self._class_treatments(TrafficClass.ASSESSMENT))
        return ClassRule(treatments=treatments, source=spot.source)

    @staticmethod
    def _check_assessment_video(video: VideoSection, spot: Spot) -> None:
        if video.treatment in ("card", "drop"):
            spot.fault("a question's film is never withheld", "write keep or adapt")
        if video.as_ not in (None, Form.CAPPED) or video.also:
            spot.fault("a question's film stays a player", "remove as and also: it is capped there")

    def _when(self, section: ClassSection, spot: Spot) -> tuple[When, Windows]:
        when = section.when
        if when is None or when == "always":
            return When.ALWAYS, Windows(always=True)
        if when == "never":
            return When.NEVER, Windows()
        if when == "free":
            return When.FREE, self._free(spot)
        return When.WINDOWS, Windows(windows=compile_windows(when, spot, self._around.clockwork))

    def _free(self, spot: Spot) -> Windows:
        free = self._around.free
        if free is None:
            return Windows()
        if not free.always and not free.windows:
            spot.fault("open only when free, but the tariff is never free", "add tariff.free, or write always")
        return free

    def _check_media(self) -> None:
        check_media(self._spot)
        for key in ("save_data", "slow_link"):
            check_media(self._spot.at(key), self._kinds)
        for percent in self._section.nearly_spent:
            check_media(self._spot.at("nearly_spent", percent), self._kinds)
        for name in self._section.classes:
            check_media(self._spot.at("classes", name), self._kinds)

    def _check_diets(self) -> None:
        parts = [("pages",), ("save_data", "pages"), ("slow_link", "pages")]
        parts += [("nearly_spent", name, "pages") for name in self._section.nearly_spent]
        parts += [("classes", name, "pages") for name in self._section.classes]
        for path in parts:
            here: object = self._written
            for step in path:
                here = here.get(step) if isinstance(here, MarkedMap) else None
            diet = here.get("diet") if isinstance(here, MarkedMap) else None
            for index, name in enumerate([diet] if isinstance(diet, str) else diet or ()):
                if name not in self._around.diets:
                    spot = self._spot.at(*path, "diet", index)
                    spot.fault(f"no preset knows a diet item {name}", did_you_mean(str(name), self._around.diets))


def _original_max_bytes(section: OriginalSection | None) -> int | None:
    if section is None or not section.allow:
        return 0
    return section.max


def compile_alternatives(sections: list[AlternativeSection] | None) -> tuple[Alternative, ...]:
    """href "" where the origin knows the address."""
    return tuple(Alternative(what=section.what, href=section.href or "") for section in sections or ())


def _sources(written: MarkedMap, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted key -> file:line; kinds are named as in `Treatments`: images.max_width is image.max_width."""
    for key, value in written.items():
        name = f"{prefix}.{KINDS.get(key, key)}" if prefix else KINDS.get(key, key)
        yield name, written.value_marks[key].source
        if isinstance(value, MarkedMap):
            yield from _sources(value, name)
        elif isinstance(value, MarkedList) and key == "diet":
            yield from ((f"{name}.{item}", mark.source) for item, mark in zip(value, value.marks, strict=True))
