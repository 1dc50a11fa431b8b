"""Small films and sounds for tests, made with the system's ffmpeg from fixed sources, and files that lie.

Laws of this file: a sample is made once and kept under build/media-samples (delete the folder to make all anew);
each is short and small; whoever gets one never writes to it.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "build" / "media-samples"
VERSION = 1  # raise it when a builder changes what it makes
TEXT = (
    "Good morning, dear colleagues. Today we speak about lessons at a distance, about thin links, and about what a "
    "teacher in a village needs. First we look at the plan. Then we work in pairs. At the end there are questions. "
)

FFMPEG = shutil.which("ffmpeg") or "ffmpeg"


def run(args: Sequence[str]) -> None:
    """ffmpeg with these arguments; raises CalledProcessError."""
    subprocess.run([FFMPEG, "-v", "error", "-nostdin", "-y", *args], check=True, capture_output=True, timeout=120)


def kept(name: str, make: Callable[[Path], object]) -> Path:
    """The sample of this name; `make` writes it where it is told if it isn't there yet.

    Whoever else wants the same one meanwhile, in this run or another, waits for it.
    """
    path = FOLDER / f"v{VERSION}" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(path.with_name(f".{name}.lock")):
            if not path.exists():
                with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                    made = Path(folder) / path.name
                    make(made)
                    os.replace(made, path)
    return path


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Nobody else is in such a block with this file, in any process."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# -- sound -----------------------------------------------------------------------------------------------------


def speech(seconds: float = 20) -> Path:
    """A spoken text with its pauses as mono WAV, 22,050 Hz (tones with pauses where espeak-ng isn't installed)."""
    return kept(f"speech-{seconds:g}.wav", functools.partial(_speak, seconds))


def _speak(seconds: float, path: Path) -> None:
    told = path.with_name("told.wav")
    if shutil.which("espeak-ng"):
        subprocess.run(["espeak-ng", "-s", "150", "-w", str(told), TEXT * 2], check=True, timeout=60)
    else:
        tones = (
            "aevalsrc='0.3*sin(2*PI*(180+40*sin(2*PI*3*t))*t)*lt(mod(t,1.3),1)*(0.6+0.4*sin(2*PI*7*t))':s=22050:d=20"
        )
        run(["-f", "lavfi", "-i", tones, str(told)])
    run(["-stream_loop", "-1", "-i", str(told), "-t", f"{seconds:g}", "-ac", "1", "-ar", "22050", str(path)])


_SOUND_CODECS = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "128k"),
    "m4a": ("-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart"),
    "ogg": ("-c:a", "libvorbis", "-b:a", "96k"),
    "opus": ("-c:a", "libopus", "-b:a", "64k"),
    "flac": ("-c:a", "flac"),
    "wav": ("-c:a", "pcm_s16le"),
    "aac": ("-c:a", "aac", "-b:a", "128k"),
    "wma": ("-c:a", "wmav2", "-b:a", "128k"),
    "amr": ("-c:a", "libopencore_amrnb", "-ar", "8000", "-ac", "1", "-b:a", "12.2k"),
}


def sound(suffix: str = "mp3", seconds: float = 20, *, rate: int = 44_100, channels: int = 2) -> Path:
    """Speech in the container that `suffix` names: mp3, m4a, ogg, opus, flac, wav, aac, wma."""
    codec = _SOUND_CODECS[suffix]
    shape = () if suffix == "amr" else ("-ar", "48000" if suffix == "opus" else str(rate), "-ac", str(channels))

    def make(path: Path) -> None:
        run(["-i", str(speech(seconds)), *shape, *codec, str(path)])

    return kept(f"sound-{seconds:g}-{rate}-{channels}.{suffix}", make)


# -- films -----------------------------------------------------------------------------------------------------

_FILM_CODECS = {
    "webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libvorbis"),
    "avi": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "flv": ("-c:v", "flv", "-c:a", "libmp3lame", "-ar", "44100"),
    "mpg": ("-c:v", "mpeg1video", "-c:a", "mp2", "-f", "mpeg"),
    "wmv": ("-c:v", "wmv2", "-c:a", "wmav2", "-f", "asf"),
}
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "aac", "-b:a", "96k")


def film(
    suffix: str = "mp4",
    *,
    seconds: float = 6,
    width: int = 640,
    height: int = 360,
    fps: int = 25,
    kbps: int = 1500,
    with_sound: bool = True,
    faststart: bool = True,
    rotate: int = 0,
    chapters: bool = False,
) -> Path:
    """Moving test pattern and speech. suffix: mp4, mov, mkv, ts (H.264, AAC), webm, avi, flv, mpg, wmv.

    faststart: an MP4's index stands before its frames. rotate: degrees that a player has to turn it (mp4, mov).
    chapters: two, "One" and "Two", of half the length each (mp4, mkv).
    """
    marks = "".join(
        mark for mark, on in (("-mute", not with_sound), ("-tail", not faststart), ("-chapters", chapters)) if on
    )
    name = f"film-{seconds:g}-{width}x{height}-{fps}-{kbps}-r{rotate}{marks}.{suffix}"

    def make(path: Path) -> None:
        heard = ["-i", str(speech(seconds))] if with_sound else []
        codec = list(_FILM_CODECS.get(suffix, _H264))
        pattern = f"testsrc2=size={width}x{height}:rate={fps}:duration={seconds:g},noise=alls=6:allf=t"
        told = ["-map_metadata", str(1 + with_sound), "-map_chapters", str(1 + with_sound)] if chapters else []
        about = _chapter_file(path, seconds) if chapters else []
        moov = ["-movflags", "+faststart"] if faststart and suffix in ("mp4", "mov") else []
        target = path.with_name("plain." + suffix) if rotate else path
        rate = ["-b:v", f"{kbps}k", "-maxrate", f"{kbps}k", "-bufsize", f"{kbps}k"]
        run(
            [
                "-f",
                "lavfi",
                "-i",
                pattern,
                *heard,
                *about,
                *told,
                *codec,
                *rate,
                "-t",
                f"{seconds:g}",
                *moov,
                str(target),
            ]
        )
        if rotate:
            run(["-i", str(target), "-c", "copy", "-metadata:s:v:0", f"rotate={rotate}", *moov, str(path)])

    return kept(name, make)


def half_a_day() -> Path:
    """Twelve hours of a picture every ten seconds, silent: long, and small."""

    def make(path: Path) -> None:
        pattern = "testsrc2=size=160x90:rate=1/10:duration=43200"
        codec = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "6", "-crf", "45"]
        run(["-f", "lavfi", "-i", pattern, *codec, "-movflags", "+faststart", str(path)])

    return kept("half-a-day.mp4", make)


def _chapter_file(path: Path, seconds: float) -> list[str]:
    about = path.with_name("chapters.txt")
    half, end = int(seconds * 500), int(seconds * 1000)
    parts = [(0, half, "One"), (half, end, "Two")]
    text = "".join(f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={a}\nEND={b}\ntitle={title}\n" for a, b, title in parts)
    about.write_text(";FFMETADATA1\n" + text)
    return ["-f", "ffmetadata", "-i", str(about)]


SUBTITLES = "1\n00:00:00,500 --> 00:00:02,000\nGood morning\n\n2\n00:00:02,500 --> 00:00:04,000\nДоброе утро\n"


def film_with_subtitles(suffix: str = "mkv") -> Path:
    """A film with a Russian text track: "mkv" (SubRip) or "mp4" (mov_text)."""

    def make(path: Path) -> None:
        text = path.with_name("text.srt")
        text.write_text(SUBTITLES, encoding="utf-8")
        codec = "mov_text" if suffix == "mp4" else "srt"
        tags = ["-metadata:s:s:0", "language=rus", "-c", "copy", "-c:s", codec]
        run(["-i", str(film()), "-i", str(text), "-map", "0", "-map", "1", *tags, str(path)])

    return kept(f"subtitled.{suffix}", make)


def sound_with_cover(suffix: str = "mp3") -> Path:
    """A sound file with a picture of its cover: "mp3" or "m4a"."""

    def make(path: Path) -> None:
        cover = path.with_name("cover.png")
        run(["-f", "lavfi", "-i", "testsrc2=size=300x300:duration=1:rate=1", "-frames:v", "1", str(cover)])
        maps = ["-map", "0:a", "-map", "1:v", "-c:a", "copy", "-c:v", "mjpeg", "-disposition:v:0", "attached_pic"]
        run(["-i", str(sound(suffix)), "-i", str(cover), *maps, str(path)])

    return kept(f"covered.{suffix}", make)


# -- files that lie, or are broken -----------------------------------------------------------------------------


def hostile(folder: Path) -> dict[str, Path]:
    """Damaged, mislabelled and malicious files by what they are, written into `folder`.

    None of them may be read as a film, none may make a tool read another file or ask the network.
    """
    whole = film().read_bytes()
    bodies: dict[str, bytes] = {
        "empty.mp4": b"",
        "one-byte.mp4": b"\0",
        "text.mp4": b"This is not a film.\n" * 400,
        "page.mp4": b"<!DOCTYPE html><html><body>404</body></html>" * 50,
        "playlist.mp4": _playlist("file:///etc/passwd"),
        "playlist-http.mp4": _playlist("http://127.0.0.1:9/segment.ts"),
        "playlist.m3u8": _playlist("/etc/hostname"),
        "concat.mp4": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "concat-plain.mp4": b"file '/etc/passwd'\nfile 'http://127.0.0.1:9/x.mp4'\n",
        "session.mp4": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
        "manifest.mp4": b'<?xml version="1.0"?><MPD><Period><BaseURL>file:///etc/passwd</BaseURL></Period></MPD>',
        "picture.mp4": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "headless.mp4": whole[len(whole) // 2 :],
        "no-index.mp4": _without_box(whole, b"moov"),
        "truncated-index.mp4": whole[: whole.index(b"moov") + 200],
        "external.mp4": external_reference(),
        "huge.mp4": huge_picture(whole),
        "zeros.mp3": bytes(4000),
        "broken.mkv": b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 20,
        "broken.ogg": b"OggS" + b"\xff" * 3000,
        "broken.wav": b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + b"\xff" * 16 + b"data\xff\xff\xff\xff",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    return {name: folder / name for name in bodies}


def _playlist(target: str) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n".encode()


def truncated(source: Path, folder: Path, share: float = 0.5) -> Path:
    """The first part of a file, as a download that broke off leaves it."""
    body = source.read_bytes()
    path = folder / f"truncated-{source.name}"
    path.write_bytes(body[: int(len(body) * share)])
    return path


def claiming_hours(folder: Path, hours: float = 12) -> Path:
    """A film of seconds whose header says that it lasts for hours."""
    body = bytearray(film().read_bytes())
    for kind in (b"mvhd", b"mdhd"):
        start = -1
        while (start := body.find(kind, start + 1)) >= 0:
            scale = struct.unpack_from(">I", body, start + 16)[0]
            struct.pack_into(">I", body, start + 20, min(0xFFFFFFFF, int(hours * 3600 * scale)))
    start = -1
    while (start := body.find(b"tkhd", start + 1)) >= 0:
        struct.pack_into(">I", body, start + 24, int(hours * 3600 * 1000))
    path = folder / "hours.mp4"
    path.write_bytes(body)
    return path


def external_reference(path: bytes = b"/etc/passwd") -> bytes:
    """An MP4 whose tracks say that their frames lie in another file (QuickTime's alias in a data reference)."""
    name = path.rpartition(b"/")[2]
    alias = bytes(10) + b"\4disk".ljust(28, b"\0") + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    alias += struct.pack(">hh", 0, 1) + bytes(16)
    told = b"disk" + path
    alias += struct.pack(">hh", 2, len(told)) + told + bytes(len(told) % 2) + struct.pack(">hh", -1, 0)
    entry = struct.pack(">I", 12 + len(alias)) + b"alis" + bytes(4) + alias
    body = film(faststart=False).read_bytes()  # with its index behind its frames, which so keep their places
    return _with_references(body, struct.pack(">II", 0, 1) + entry)


_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"dinf")


def _with_references(boxes: bytes, references: bytes) -> bytes:
    """The boxes with every `dref` replaced, lengths of what holds them mended."""
    made, start = b"", 0
    while start + 8 <= len(boxes):
        length = struct.unpack_from(">I", boxes, start)[0] or len(boxes) - start
        kind, inside = boxes[start + 4 : start + 8], boxes[start + 8 : start + length]
        if kind in _PARENTS:
            inside = _with_references(inside, references)
        elif kind == b"dref":
            inside = references
        made += struct.pack(">I", 8 + len(inside)) + kind + inside
        start += length
    return made


def huge_picture(whole: bytes) -> bytes:
    """An MP4 that announces frames of 15,008 by 15,008 pixels, in its header and in its H.264 parameters."""
    body = bytearray(whole)
    struct.pack_into(">HH", body, body.find(b"avc1") + 4 + 24, 15_008, 15_008)
    at = body.find(b"avcC") + 4 + 6
    length = struct.unpack_from(">H", body, at)[0]
    # seq_parameter_set_id, log2_max_frame_num, pic_order_cnt_type, num_ref_frames, gaps, width, height, flags, stop
    bits = _golomb(0) + _golomb(0) + _golomb(2) + _golomb(1) + "0" + _golomb(937) + _golomb(937) + "1101" + "1"
    told = b"\x67\x42\xc0\x3e" + int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))
    body[at + 2 : at + 2 + length] = told.ljust(length, b"\0")
    return bytes(body)


def _golomb(value: int) -> str:
    """ue(v) of ITU-T H.264 section 9.1."""
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def _without_box(whole: bytes, kind: bytes) -> bytes:
    """The MP4 without one box of its uppermost level."""
    kept_boxes, start = b"", 0
    while start + 8 <= len(whole):
        length = struct.unpack_from(">I", whole, start)[0] or len(whole) - start
        if whole[start + 4 : start + 8] != kind:
            kept_boxes += whole[start : start + length]
        start += length
    return kept_boxes
