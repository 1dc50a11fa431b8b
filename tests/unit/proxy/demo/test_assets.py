"""What the sample course is made of is real, and the same each time."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from proxy.demo.course.assets import documents, drawing, photos


# Tropa's own limit of pixels holds in this whole process, and a phone's photograph has more: that is what it is for.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_photos_are_a_phones_with_position_and_orientation(course_dir: Path) -> None:
    turned = 0
    for photo in photos.PHOTOS:
        path = course_dir / "photos" / photo.name
        assert 1_500_000 <= path.stat().st_size <= 4_000_000, (photo.name, path.stat().st_size)
        with Image.open(path) as image:
            exif = image.getexif()
            assert sorted(image.size) == [3000, 4000]
            assert ExifTags.GPS.GPSLatitude in exif.get_ifd(ExifTags.IFD.GPSInfo)
            turned += exif[ExifTags.Base.Orientation] == photos.TURNED
            image.draft("RGB", (400, 400))
            image.load()
    assert turned == 5


def test_drawn_assets_come_out_the_same_each_time(course_dir: Path, tmp_path: Path) -> None:
    image, exif = photos.encode(photos.PHOTOS[1])
    again = io.BytesIO()
    image.save(again, "JPEG", quality=photos.PHOTOS[1].quality, exif=exif)
    assert again.getvalue() == (course_dir / "photos" / photos.PHOTOS[1].name).read_bytes()
    documents.build(course_dir / "slides", course_dir / "photos", tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (course_dir / "documents" / path.name).read_bytes(), path.name


def test_documents_are_whole(course_dir: Path) -> None:
    for name in ("plan-uroka.docx", "lekciya-6.pptx", "razdatochnye-materialy.zip"):
        with zipfile.ZipFile(course_dir / "documents" / name) as archive:
            assert archive.testzip() is None
    for name, signed in (("programma-kursa.pdf", False), ("pamyatka-podpisana.pdf", True)):
        data = (course_dir / "documents" / name).read_bytes()
        table = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
        assert data[table : table + 4] == b"xref"
        assert (b"/ByteRange" in data) is signed


def test_the_lecture_has_a_real_bit_rate_and_a_ladder(course_dir: Path) -> None:
    bits_a_second = (course_dir / "video" / "lekciya.mp4").stat().st_size * 8 / 60
    assert 1_000_000 <= bits_a_second <= 2_000_000
    master = (course_dir / "video" / "hls" / "master.m3u8").read_text()
    assert re.findall(r"RESOLUTION=\d+x(\d+)", master) == ["144", "240", "360"]
    assert "TYPE=AUDIO" in master and 'URI="audio.m3u8"' in master


def test_noise_depends_on_nothing_but_its_seed() -> None:
    first, second = (drawing.noise(drawing.seeded("a", 1), 40, 30).tobytes() for _ in range(2))
    assert first == second != drawing.noise(drawing.seeded("a", 2), 40, 30).tobytes()
