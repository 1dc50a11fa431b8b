"""A recording of many files as one source."""

from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from proxy.exchange import Refused
from proxy.transforms.media.lecture.bundle import END, BadBundle, entry, is_bundle, padding, unbundle
from proxy.transforms.media.lecture.compose import make_slidecast
from proxy.transforms.media.spec import MediaMade, SlidecastSpec
from tests.bbb_recordings import write_recording
from tests.unit.proxy.transforms.media.benches import bench, needs_ffmpeg


def bundled(files: dict[str, bytes]) -> bytes:
    return b"".join(entry(name, len(body)) + body + padding(len(body)) for name, body in files.items()) + END


def written(folder: Path, body: bytes) -> Path:
    path = folder / "source"
    path.write_bytes(body)
    return path


def test_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    files = {"metadata.xml": b"<a/>", "slides/1": bytes(513), "video/webcams.webm": bytes(1024), "empty.xml": b""}
    source = written(tmp_path, bundled(files))
    assert is_bundle(source.read_bytes()[:512])
    folder = unbundle(source, tmp_path, max_bytes=10_000)
    assert {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files


def test_the_same_files_make_the_same_bundle() -> None:
    assert bundled({"a.xml": b"x"}) == bundled({"a.xml": b"x"})


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/../../b", "a b", "-x"])
def test_no_name_leads_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadBundle):
        unbundle(written(tmp_path, bundled({name: b"x"})), tmp_path, max_bytes=1000)
    assert not (tmp_path.parent / "a").exists()


def test_links_are_no_files_of_a_recording(tmp_path: Path) -> None:
    held = BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        link = tarfile.TarInfo("a.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(BadBundle):
        unbundle(written(tmp_path, held.getvalue()), tmp_path, max_bytes=1000)


def test_what_is_too_large_together_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path, bundled({"a.xml": bytes(600), "b.xml": bytes(600)}))
    with pytest.raises(BadBundle):
        unbundle(source, tmp_path, max_bytes=1000)


async def test_a_damaged_bundle_is_refused(tmp_path: Path) -> None:
    at = bench(tmp_path)
    source = written(tmp_path, bundled({"metadata.xml": b"<a/>"})[:700])
    assert isinstance(await make_slidecast(source, SlidecastSpec(), at), Refused)
    assert list(at.folder.iterdir()) == []


@needs_ffmpeg
async def test_a_bundle_becomes_a_slidecast_by_its_own_deck(tmp_path: Path) -> None:
    recording = tmp_path / "r"
    recording.mkdir()
    write_recording(recording)
    files = {
        str(path.relative_to(recording)): path.read_bytes() for path in sorted(recording.rglob("*")) if path.is_file()
    }
    at = bench(tmp_path)
    made = await make_slidecast(written(tmp_path, bundled(files)), SlidecastSpec(), at)
    assert isinstance(made, MediaMade) and made.main == "lecture.json" and made.facts["form"] == "slides"
    assert not (at.folder / "recording").exists()
