"""Running `tropa` inside the test: words in, exit code and text out, with a clock that stands still."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from proxy.cli.main import main
from tests.clocks import HandClock

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

REGIONS = """\
tropa:
  listeners:
    site: {mode: reverse, listen: 127.0.0.1:8101, origin: lms}
    proxy: {mode: forward, listen: 127.0.0.1:8110, clients: [127.0.0.0/8], region: koryak}
  trusted_proxies: [127.0.0.1]
origins:
  lms: {title: Portal, hosts: [lms.example.org], upstream: "https://lms.example.org", preset: moodle}
regions:
  koryak:
    title: {ru: Корякский округ, en: Koryak District}
    timezone: Asia/Kamchatka
    networks: [10.41.0.0/16]
    policy: satellite-metered
    tariff:
      timezone: Europe/Moscow
      price: 0.40 RUB/MB
      allowance: 300 MB/day
      free: [{days: daily, from: 23:00, to: 07:00}]
    consultations: {when: free}
    sites:
      tigil: {networks: [10.41.7.0/24]}
  town: {timezone: Europe/Moscow, networks: [10.1.0.0/16], policy: open, tariff: {price: free}}
tests:
  - {url: "https://lms.example.org/mod/chat/view.php?id=1", region: koryak, at: 2026-11-23T20:00,
     expect: {verdict: defer}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str


def tropa(*words: str | Path, at: datetime = NOON) -> Ran:
    """One run of the command, in English unless the words say otherwise."""
    out, err = io.StringIO(), io.StringIO()
    spoken = [str(word) for word in words]
    lang = [] if "--lang" in spoken else ["--lang", "en"]
    code = main([*lang, *spoken], clock=HandClock(at), out=out, err=err)
    return Ran(code=code, out=out.getvalue(), err=err.getvalue())


def regions_file(folder: Path, text: str = REGIONS) -> Path:
    path = folder / "regions.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def line_of(part: str, text: str = REGIONS) -> int:
    """The number of the first line that holds a part."""
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)
