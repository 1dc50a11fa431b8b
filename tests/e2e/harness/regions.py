"""A regions.yaml made for a test: listeners on free ports, one kind of region behind each."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.harness.waiting import free_port

INSTITUTE = {
    "name": {"ru": "Методический центр", "en": "Methodical centre"},
    "phone": "+7 000 000-00-00",
    "email": "help@metod.example",
}
ALTERNATIVES = {"consultation": {"forum": "/mod/forum/view.php?id=102", "recording": "/mod/page/view.php?id=203"}}

# By what a learner meets there, each behind a listener of the same name.
METERED: dict[str, Any] = {
    "title": {"ru": "Село на спутнике", "en": "Satellite village"},
    "timezone": "Asia/Kamchatka",
    "language": "ru",
    "policy": "satellite-metered",
    "link": {"down": "256 kbit/s", "up": "64 kbit/s", "rtt": "700 ms"},
    "tariff": {"price": "0.40 RUB/MB", "allowance": {"amount": "300 MB", "per": "day", "then": "stop"}},
    "institute": INSTITUTE,
}
TEXT: dict[str, Any] = {**METERED, "title": {"ru": "Прежде всего текст", "en": "Text"}, "policy": "text-first"}
OPEN: dict[str, Any] = {
    "title": {"ru": "Город", "en": "Town"},
    "timezone": "Europe/Moscow",
    "language": "ru",
    "policy": "open",
    "tariff": {"price": "free"},
    "costly_hop": "none",
}


@dataclass(slots=True, kw_only=True)
class Regions:
    """What will be written: `course_port` is the origin's, `places` are region -> its section."""

    course_port: int
    places: dict[str, dict[str, Any]]
    forward: str | None = None
    origins: dict[str, Any] = field(default_factory=dict)
    course: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    clients: tuple[str, ...] = ("127.0.0.0/8",)
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*self.places, *(["forward"] if self.forward else [])):
            self.ports.setdefault(name, free_port())

    def changed(self, place: str, **keys: Any) -> Regions:
        """The same ports, one place different."""
        places = {**self.places, place: {**self.places[place], **keys}}
        return Regions(**{**self._fields(), "places": places})

    def _fields(self) -> dict[str, Any]:
        names = ("course_port", "places", "forward", "origins", "course", "settings", "clients", "ports")
        return {name: copy.deepcopy(getattr(self, name)) for name in names}

    def text(self) -> str:
        return yaml.safe_dump(self._tree(), allow_unicode=True, sort_keys=False)

    def write(self, folder: Path) -> Path:
        path = folder / "regions.yaml"
        path.write_text(self.text(), encoding="utf-8")
        return path

    def _tree(self) -> Mapping[str, Any]:
        listeners: dict[str, Any] = {
            name: {"mode": "reverse", "listen": f"127.0.0.1:{self.ports[name]}", "origin": "course"}
            for name in self.places
        }
        if self.forward:
            listeners["forward"] = {
                "mode": "forward",
                "listen": f"127.0.0.1:{self.ports['forward']}",
                "clients": list(self.clients),
                "region": self.forward,
            }
        course = {
            "title": {"ru": "Учебный портал", "en": "Sample course"},
            "hosts": ["localhost"],
            "upstream": f"http://127.0.0.1:{self.course_port}",
            "preset": ["moodle", "bigbluebutton"],
            "no_transform": "ignore",  # Moodle says it on every page; a forward proxy wants the owner's own word
            "allow_private": True,
            "ports": [80, 443, self.course_port],
            "alternatives": ALTERNATIVES,
            **self.course,
        }
        regions = {name: {**place, "listeners": [name]} for name, place in self.places.items()}
        settings = {"place": "origin", "listeners": listeners, "default_region": next(iter(regions)), **self.settings}
        return {"tropa": settings, "origins": {"course": course, **self.origins}, "regions": regions}
