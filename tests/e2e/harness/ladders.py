"""An origin of ladders: one short lecture as HLS (fragmented MP4, MPEG-TS, byte ranges, growing) and as DASH (whole and
live), with a page for each player."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.e2e.harness.origins import Given, Origin, origin
from tests.players import DASH_JS, HLS_JS, VIDEO_JS, package_file

FFMPEG = shutil.which("ffmpeg")
SECONDS, SEGMENT_S = 36, 6
HEIGHTS = (144, 240, 360)
_WIDTHS = {144: 256, 240: 426, 360: 640}
_RATES = {144: "90k", 240: "200k", 360: "450k"}
_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".ts": "video/mp2t",
    ".js": "text/javascript",
}
_PLAYERS = {"hls.js": HLS_JS, "dash.js": DASH_JS, "video.js": VIDEO_JS}
_STARTS = {
    "hls.js": "const player = new Hls({maxBufferLength: 30}); player.loadSource(src); player.attachMedia(video);",
    "dash.js": "const player = dashjs.MediaPlayer().create(); player.updateSettings({streaming: {utcSynchronization: "
    "{enabled: false}}}); player.initialize(video, src, true);",
    "video.js": "const player = videojs(video, {html5: {vhs: {overrideNative: true}}}); player.src({src, type});",
    "native": "video.src = src;",
}


# -- media -------------------------------------------------------------------------------------------------------


def build(folder: Path) -> None:
    """Write every ladder; about six seconds of one core."""
    sources = {height: _encoded(folder, height) for height in HEIGHTS}
    sound = folder / "sound.mp4"
    tone = f"sine=frequency=330:sample_rate=44100:duration={SECONDS}"
    _ffmpeg("-f", "lavfi", "-i", tone, "-c:a", "aac", "-b:a", "48k", str(sound))
    _fragmented(folder / "fmp4", sources, sound)
    _dash(folder / "dash", sources, sound, "-use_template", "1", "-use_timeline", "0")
    _dash(folder / "parts", sources, sound, "-use_template", "0", "-use_timeline", "0", "-single_file", "1")
    names = ("-media_seg_name", "part-stream$RepresentationID$-$Time$.m4s")
    _dash(folder / "times", sources, sound, "-use_timeline", "1", *names)
    early = folder / "times" / f"part-stream{len(sources)}--1024.m4s"  # priming samples, which its list doesn't count
    early.rename(early.with_name(early.name.replace("--1024", "-0")))
    _on_demand(folder / "ondemand", sources, sound)
    for name, single in (("ts", False), ("ranges", True)):
        _muxed(folder / name, sources, sound, single=single)


def _encoded(folder: Path, height: int) -> Path:
    target = folder / f"{height}.mp4"
    picture = f"testsrc2=size={_WIDTHS[height]}x{height}:rate=15:duration={SECONDS},noise=alls=12:allf=t:all_seed=7"
    rate, frames = _RATES[height], str(15 * SEGMENT_S)
    _ffmpeg(
        *("-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "superfast"),
        *("-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-g", frames, "-keyint_min", frames, "-sc_threshold", "0"),
        *("-profile:v", "baseline", "-aspect", "16:9", str(target)),
    )
    return target


def _fragmented(folder: Path, sources: dict[int, Path], sound: Path) -> None:
    for name, source in [*((str(height), path) for height, path in sources.items()), ("sound", sound)]:
        _hls(folder / name, source, "-hls_segment_type", "fmp4")
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines.append('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="ru",LANGUAGE="ru",DEFAULT=YES,URI="sound/list.m3u8"')
    lines += _rungs('AUDIO="a"', HEIGHTS)
    (folder / "master.m3u8").write_text("\n".join(lines) + "\n", "utf-8")


def _muxed(folder: Path, sources: dict[int, Path], sound: Path, *, single: bool) -> None:
    for height, source in sources.items():
        flags = ("-hls_flags", "single_file") if single else ()
        _hls(folder / str(height), source, "-i", str(sound), "-map", "0:v", "-map", "1:a", "-shortest", *flags)
    (folder / "master.m3u8").write_text("\n".join(["#EXTM3U", *_rungs("", HEIGHTS)]) + "\n", "utf-8")


def _rungs(more: str, heights: tuple[int, ...]) -> list[str]:
    lines: list[str] = []
    for height in sorted(heights, reverse=True):  # the first one is what players begin with
        rate = (int(_RATES[height][:-1]) + 48) * 1100
        attributes = f'BANDWIDTH={rate},RESOLUTION={_WIDTHS[height]}x{height},CODECS="avc1.42c01e,mp4a.40.2"'
        lines += [f"#EXT-X-STREAM-INF:{attributes}{',' + more if more else ''}", f"{height}/list.m3u8"]
    return lines


def _hls(folder: Path, source: Path, *options: str) -> None:
    folder.mkdir(parents=True)
    name = "all.ts" if "single_file" in options else "%d.m4s" if "fmp4" in options else "%d.ts"
    _ffmpeg(
        *("-i", str(source), *options, "-c", "copy", "-f", "hls", "-hls_time", str(SEGMENT_S)),
        *(
            "-hls_playlist_type",
            "vod",
            "-hls_segment_filename",
            str(folder / name),
            str(folder / "list.m3u8"),
        ),
    )


def _dash(folder: Path, sources: dict[int, Path], sound: Path, *form: str) -> None:
    folder.mkdir()
    inputs = [word for path in (*sources.values(), sound) for word in ("-i", str(path))]
    maps = [word for number in range(len(sources) + 1) for word in ("-map", str(number))]
    _ffmpeg(
        *(*inputs, *maps, "-c", "copy", "-f", "dash", "-seg_duration", str(SEGMENT_S)),
        *("-adaptation_sets", "id=0,streams=v id=1,streams=a", *form, str(folder / "manifest.mpd")),
    )


def _on_demand(folder: Path, sources: dict[int, Path], sound: Path) -> None:
    """One file a representation, its index in front."""
    folder.mkdir()
    sets: list[str] = []
    for number, source in enumerate((*sources.values(), sound)):
        target = folder / f"all-stream{number}.mp4"
        cut = ("-frag_duration", str(SEGMENT_S * 1_000_000)) if source is sound else ()
        flags = "+dash+global_sidx" + ("" if cut else "+frag_keyframe")
        _ffmpeg("-i", str(source), "-c", "copy", "-movflags", flags, *cut, str(target))
        sets.append(_representation(target, number, None if cut else sorted(sources)[number]))
    pictures, sounds = "".join(sets[:-1]), sets[-1]
    (folder / "manifest.mpd").write_text(
        '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT6S" '
        f'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT{SECONDS}S"><Period>'
        f'<AdaptationSet mimeType="video/mp4" subsegmentAlignment="true">{pictures}</AdaptationSet>'
        f'<AdaptationSet mimeType="audio/mp4" lang="ru">{sounds}</AdaptationSet></Period></MPD>\n',
        "utf-8",
    )


def _representation(file: Path, number: int, height: int | None) -> str:
    body = file.read_bytes()
    at = body.index(b"sidx") - 4
    end = at + int.from_bytes(body[at : at + 4])
    rate = len(body) * 8 // SECONDS
    size = f'width="{_WIDTHS[height]}" height="{height}" codecs="avc1.42c01e"' if height else 'codecs="mp4a.40.2"'
    return (
        f'<Representation id="{number}" bandwidth="{rate}" {size}><BaseURL>{file.name}</BaseURL>'
        f'<SegmentBase indexRange="{at}-{end - 1}"><Initialization range="0-{at - 1}"/></SegmentBase></Representation>'
    )


def _ffmpeg(*words: str) -> None:
    assert FFMPEG is not None
    argv = [FFMPEG, "-nostdin", "-v", "error", "-y", *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-1000:]


# -- the origin --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Ladders:
    """A running origin. begun_s: when somebody first looked at what grows or is live; None: nobody did."""

    origin: Origin
    folder: Path
    begun_s: float | None = None

    @property
    def age_s(self) -> float:
        """Seconds since the growing lecture began, which it does when it is first asked for."""
        if self.begun_s is None:
            self.begun_s = time.monotonic()
        return time.monotonic() - self.begun_s

    def asked(self, part: str = "") -> list[str]:
        """Paths of all that was asked for with this in it, in order."""
        return [target for _, target in self.origin.journal if part in target]

    def rungs(self, part: str = "") -> set[str]:
        """The rungs whose segments were asked for: "144" …, "sound"; of DASH its representations' numbers."""
        found = (re.search(r"/(\d+|sound)/\w+\.(?:m4s|ts)|-stream(\d)[-.]", path) for path in self.asked(part))
        return {match[1] or match[2] for match in found if match is not None}

    def bytes_asked(self, part: str) -> int:
        """How many bytes of whole segments went out."""
        names = (path.partition("?")[0].lstrip("/").replace("alone", "fmp4") for path in self.asked(part))
        return sum((self.folder / name).stat().st_size for name in names if name.endswith((".m4s", ".ts")))


@contextmanager
def ladders(folder: Path) -> Iterator[Ladders]:
    """An origin of what `build` wrote there, while the block runs."""
    held: list[Ladders] = []
    with origin(lambda asked, _body: _answer(held[0], asked)) as running:
        held.append(Ladders(running, folder))
        yield held[0]


def page(player: str, source: str) -> str:
    """The address of a page that plays this source by itself, muted."""
    return f"/page/{player}?{source}"


def _answer(here: Ladders, asked: BaseHTTPRequestHandler) -> Given:
    path = asked.path.partition("?")[0]
    if path.startswith("/page/"):
        return _page(path.removeprefix("/page/"), asked.path.partition("?")[2])
    if path.startswith("/js/"):
        return _given(package_file(*_PLAYERS[path.removeprefix("/js/")]).read_bytes(), ".js")
    live = re.fullmatch(r"/live(/\d+|/sound)?/(list\.m3u8|master\.m3u8)", path)
    if live is not None:
        return _given(_growing(here, path), ".m3u8")
    if path == "/livedash/manifest.mpd":
        return _given(_live_manifest(here), ".mpd")
    file = here.folder / re.sub(r"^/(live|alone)(dash)?/", lambda m: f"/{m[2] or 'fmp4'}/", path).lstrip("/")
    if not file.is_file():
        return Given(status=404, body=b"no such file")
    return _partial(file.read_bytes(), asked.headers.get("Range"), file.suffix)


def _given(body: bytes, suffix: str) -> Given:
    headers = [("Content-Type", _TYPES[suffix]), ("Cache-Control", "no-cache")]
    return Given(headers=headers, body=body)


def _partial(body: bytes, wanted: str | None, suffix: str) -> Given:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
    headers = [("Content-Type", _TYPES[suffix]), ("Accept-Ranges", "bytes"), ("Cache-Control", "no-store")]
    if found is None:
        return Given(headers=headers, body=body)
    first, last = int(found[1]), min(int(found[2] or len(body) - 1), len(body) - 1)
    headers.append(("Content-Range", f"bytes {first}-{last}/{len(body)}"))
    return Given(status=206, headers=headers, body=body[first : last + 1])


def _growing(here: Ladders, path: str) -> bytes:
    """An event: three segments at the beginning, another every five seconds."""
    text = (here.folder / path.lstrip("/").replace("live", "fmp4", 1)).read_text("utf-8")
    if "#EXTINF" not in text:
        return text.encode()
    head, *segments = text.replace("#EXT-X-ENDLIST\n", "").replace("VOD", "EVENT").split("#EXTINF")
    count = 3 + int(here.age_s / 5)
    end = "#EXT-X-ENDLIST\n" if count >= len(segments) else ""
    return "#EXTINF".join([head, *segments[:count]]).encode() + end.encode()


def _live_manifest(here: Ladders) -> bytes:
    """The DASH ladder as if it were sent now, and went on for ever."""
    text = (here.folder / "dash" / "manifest.mpd").read_text("utf-8")
    ago = timedelta(seconds=18 + here.age_s)
    began = (datetime.now(UTC) - ago).isoformat(timespec="seconds").replace("+00:00", "Z")
    live = f'type="dynamic" minimumUpdatePeriod="PT2S" availabilityStartTime="{began}" timeShiftBufferDepth="PT60S"'
    text = re.sub(r'\s*mediaPresentationDuration="[^"]*"', "", text)
    return text.replace('type="static"', live).encode()


def _page(player: str, source: str) -> Given:
    script = f'<script src="/js/{player}"></script>' if player in _PLAYERS else ""
    kind = json.dumps(_TYPES[Path(source).suffix])
    html = f"""<!doctype html><meta charset="utf-8"><title>{player}</title>{script}
<video id="video" muted autoplay controls width="320"></video>
<script>const src = {json.dumps(source)}, type = {kind}, video = document.getElementById("video");
{_STARTS[player]}
video.play().catch(() => {{}});</script>"""
    return Given(headers=[("Content-Type", "text/html; charset=utf-8")], body=html.encode())
