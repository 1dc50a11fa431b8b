"""The sample course in a real browser over a thin, far link: bytes, first paint, readable text, load; per policy."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.figures import ratio
from bench.link import ADSL, DEVICE, SERVER_ADDRESS, THIN, UNSHAPED, Link, Shape, in_namespace, link
from bench.page_visit import Seen, Visit
from bench.processes import ROOT, Process, python, tool
from bench.regions import regions
from bench.suite import Report, Table, Target

METHOD = (
    "method: headless Chromium, empty store, in a network namespace behind a {kind} of 256 kbit/s and 600 ms "
    "round trip (sessions: 2 Mbit/s, 60 ms; heavy direct pages unshaped, bytes only); bytes both ways\n"
    "by the interface's counters, video and audio subtracted; direct is the origin with gzip; Tropa cold: "
    "empty state, warm: after an earlier visit by another browser and idle again; http under a .localhost "
    "name, which offers br."
)
POLICIES = ("satellite-metered", "text-first", "school-adsl", "mobile-2g", "open")
TEXT, LONG, PHOTOS = "/mod/page/view.php?id=101", "/mod/page/view.php?id=111", "/mod/page/view.php?id=131"
READING = (TEXT, TEXT, LONG, "/mod/page/view.php?id=112", "/mod/page/view.php?id=211")
_STEPS = ("cold", "again", "long lesson", "next lesson", "last lesson")
_COURSE_PORT, _TROPA_PORT = 8100, 8101
_Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """How the course is reached. policy None: directly. state says what Tropa had before: cold or warm."""

    policy: str | None
    state: str = ""

    @property
    def title(self) -> str:
        return "direct" if self.policy is None else f"{self.policy}, Tropa {self.state}"


DIRECT = Way(None)


class Bench:
    """The link, the course behind it, and one Tropa at a time."""

    def __init__(self, between: Link, folder: Path, chromium: str) -> None:
        self._between, self._folder, self._chromium = between, folder, chromium
        self._count = 0

    @contextlib.contextmanager
    def course(self) -> Iterator[None]:
        """The sample course in the server's namespace; its files are made at first use."""
        data = Path(os.environ.get("TROPA_COURSE_DIR", ROOT / "build" / "course"))
        argv = python("-m", "proxy.demo.course", "--host", "0.0.0.0", "--port", str(_COURSE_PORT), "--data", str(data))
        with self._inside(argv, _COURSE_PORT, "course", within_s=300):
            yield

    @contextlib.contextmanager
    def tropa(self, policy: str) -> Iterator[Process]:
        """A Tropa with an empty state before the course."""
        self._count += 1
        home = self._folder / f"tropa-{self._count}"
        home.mkdir()
        file = home / "regions.yaml"
        text = regions(
            f"http://127.0.0.1:{_COURSE_PORT}",
            {"bench": (f"{SERVER_ADDRESS}:{_TROPA_PORT}", policy)},
            hosts=f"course.localhost, {SERVER_ADDRESS}",
        )
        file.write_text(text)
        argv = python("-m", "proxy.cli.main", "serve", "--regions", str(file), "--state", str(home / "state"))
        with self._inside(argv, _TROPA_PORT, f"tropa-{self._count}") as process:
            yield process

    @contextlib.contextmanager
    def _inside(self, argv: Sequence[str], port: int, name: str, within_s: float = 30) -> Iterator[Process]:
        process = Process(
            ["ip", "netns", "exec", self._between.server, *argv], self._folder / f"{name}.log"
        )  # exec: this very process becomes the program
        try:
            in_namespace(self._between.server, lambda: process.await_port(port, host=SERVER_ADDRESS, within_s=within_s))
            yield process
        finally:
            process.stop()

    def visit(self, way: Way, shape: Shape, paths: Sequence[str], *, login: bool = False) -> list[Seen]:
        """What one fresh browser saw."""
        self._between.shape(shape)
        port = _COURSE_PORT if way.policy is None else _TROPA_PORT
        thin = shape is not UNSHAPED
        visit = Visit(
            base_url=f"http://course.localhost:{port}",
            paths=tuple(paths),
            address=SERVER_ADDRESS,
            device=DEVICE,
            executable=self._chromium,
            login=login,
            scroll=PHOTOS in paths,
            quiet_s=2.5 if shape is THIN else 1.0 if thin else 0.6,
        )
        argv = ["ip", "netns", "exec", self._between.client, *python("-m", "bench.page_visit")]
        asked = json.dumps(asdict(visit))
        done = subprocess.run(argv, input=asked, capture_output=True, text=True, cwd=ROOT, timeout=1800, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{way.title}: {done.stderr[-800:]}")
        return [Seen(**json.loads(line)) for line in done.stdout.splitlines()]


def run(*, quick: bool) -> Report:
    """Reading, photographs, a session."""
    chromium = tool("chromium")
    if chromium is None:
        return Report(suite="pages", method="", left_out=("chromium is not installed",))
    try:
        with link() as between, tempfile.TemporaryDirectory(prefix="tropa-bench-") as name:
            bench = Bench(between, Path(name), chromium)
            with bench.course():
                return _measured(bench, quick=quick, kind=between.kind)
    except RuntimeError as error:
        return Report(suite="pages", method="", left_out=(f"pages: {error}",))


def _measured(bench: Bench, *, quick: bool, kind: str) -> Report:
    policies = POLICIES[:2] if quick else POLICIES
    reading = _by_way(bench, policies, THIN, THIN, READING)
    photos = _by_way(bench, policies[:1], UNSHAPED, THIN, (TEXT, PHOTOS))
    alone = _by_way(bench, policies[:1], UNSHAPED, THIN, (PHOTOS,))
    sessions: dict[Way, list[Seen]] = {}
    if not quick:
        sessions = _by_way(bench, ("satellite-metered", "school-adsl"), UNSHAPED, ADSL, _session(), login=True)
    tables = (_reading_table(reading), _photos_table(photos, alone), *([_session_table(sessions)] if sessions else []))
    everything = {"reading": reading, "photos_in_session": photos, "photos": alone, "session": sessions}
    return Report(
        suite="pages",
        method=METHOD.format(kind=kind),
        tables=tables,
        targets=_targets(reading, alone, photos, sessions),
        left_out=tuple(_broken(everything)),
        raw={
            name: {w.title: [asdict(s) for s in seen] for w, seen in ways.items()} for name, ways in everything.items()
        },
    )


def _by_way(
    bench: Bench, policies: Sequence[str], direct: Shape, through: Shape, paths: Sequence[str], *, login: bool = False
) -> dict[Way, list[Seen]]:
    found = {DIRECT: bench.visit(DIRECT, direct, paths, login=login)}
    for policy in policies:
        with bench.tropa(policy) as process:
            for state in ("cold", "warm"):
                way = Way(policy, state)
                found[way] = bench.visit(way, through, paths, login=login)
                _await_idle(process)
    return found


def _await_idle(process: Process, *, within_s: float = 120) -> None:
    """Until what is made behind the answers (variants, best codings) is made."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        before = process.cpu_s()
        time.sleep(1.5)
        if process.cpu_s() - before < 0.1:
            return


def _session() -> tuple[str, ...]:
    from proxy.demo.course import PAGES

    return tuple(page.path for page in PAGES if page.kind not in ("download", "login"))


def without_media(seen: Sequence[Seen]) -> int:
    """Bytes on the wire less the bodies of video and audio."""
    return sum(page.wire_bytes - page.media_bytes for page in seen)


def _reading_table(reading: dict[Way, list[Seen]]) -> Table:
    rows: list[_Row] = []
    straight = reading[DIRECT]
    for way, seen in reading.items():
        for step, name in enumerate(_STEPS):
            page, direct = seen[step], straight[step]
            nbytes, before = without_media([page]), without_media([direct])
            rows.append(
                (
                    f"{way.title}: {name}",
                    nbytes / 1e3,
                    _percent(nbytes, before),
                    *(_seconds(ms) for ms in (page.paint_ms, page.readable_ms, page.load_ms)),
                    _share(page.readable_ms, direct.readable_ms),
                    _share(page.load_ms, direct.load_ms),
                )
            )
    head = (
        "text pages, one browser",
        "kB",
        "% of direct",
        "paint s",
        "readable s",
        "load s",
        "readable/direct",
        "load/direct",
    )
    return Table(title="Reading over 256 kbit/s, 600 ms", head=head, rows=tuple(rows))


def _photos_table(photos: dict[Way, list[Seen]], alone: dict[Way, list[Seen]]) -> Table:
    rows: list[_Row] = []
    for title, ways, step in (("with the shell", alone, 0), ("within a session", photos, 1)):
        before = without_media([ways[DIRECT][step]])
        for way, seen in ways.items():
            nbytes, load_ms = without_media([seen[step]]), seen[step].load_ms
            rows.append((f"{way.title}: {title}", nbytes / 1e3, _percent(nbytes, before), _seconds(load_ms)))
    return Table(
        title="Photographs (direct: unshaped)", head=("12 photos", "kB", "% of direct", "load s"), rows=tuple(rows)
    )


def _session_table(sessions: dict[Way, list[Seen]]) -> Table:
    before = without_media(sessions[DIRECT])
    rows = tuple(
        (way.title, len(seen), without_media(seen) / 1e6, _percent(without_media(seen), before), _media(seen) / 1e6)
        for way, seen in sessions.items()
    )
    head = ("one session, logged in", "pages", "MB", "% of direct", "video and audio MB, apart")
    return Table(title="A session over all pages", head=head, rows=rows)


def _targets(
    reading: dict[Way, list[Seen]],
    photos: dict[Way, list[Seen]],
    photos_later: dict[Way, list[Seen]],
    sessions: dict[Way, list[Seen]],
) -> tuple[Target, ...]:
    found: list[Target] = []
    direct = reading[DIRECT][0]
    for state in ("cold", "warm"):
        metered, text = (reading[Way(policy, state)][0] for policy in POLICIES[:2])
        way = Way(POLICIES[0], state)
        found += [
            Target(f"text page by satellite, Tropa {state}, bytes/direct", _bytes(metered, direct), 0.6),
            Target(
                f"its text readable, Tropa {state}, time/direct", _share(metered.readable_ms, direct.readable_ms), 1 / 3
            ),
            Target(f"text page, text-first, Tropa {state}, bytes/direct", _bytes(text, direct), 0.12),
            Target(f"its load, Tropa {state}, time/direct", _share(text.load_ms, direct.load_ms), 0.2),
            Target(f"photos page, Tropa {state}, bytes/direct", _bytes(photos[way][0], photos[DIRECT][0]), 0.03),
            Target(
                f"photos page within a session, Tropa {state}, bytes/direct",
                _bytes(photos_later[way][1], photos_later[DIRECT][1]),
                0.03,
            ),
        ]
        for policy, limit in (("satellite-metered", 0.15), ("school-adsl", 0.3)):
            value = None
            if sessions:
                value = ratio(without_media(sessions[Way(policy, state)]), without_media(sessions[DIRECT]))
            found.append(Target(f"session, {policy}, Tropa {state}, bytes/direct", value, limit))
    return tuple(found)


def _bytes(ours: Seen, theirs: Seen) -> float | None:
    return ratio(without_media([ours]), without_media([theirs]))


def _share(ours: float | None, theirs: float | None) -> float | None:
    return ratio(ours, theirs) if ours is not None and theirs is not None else None


def _percent(ours: int, theirs: int) -> float | None:
    return 100 * ours / theirs if theirs else None


def _seconds(ms: float | None) -> float | None:
    return ms / 1000 if ms is not None else None


def _media(seen: Sequence[Seen]) -> int:
    return sum(page.media_bytes for page in seen)


def _broken(everything: dict[str, dict[Way, list[Seen]]]) -> Iterator[str]:
    for name, ways in everything.items():
        for way, seen in ways.items():
            for page in seen:
                if page.broken:
                    yield f"{name}, {way.title}, {page.path}: {page.broken}"
