"""Twelve photographs as a phone would store them: 12 megapixels, sensor noise, EXIF with a position, some turned.

Painted at half size, enlarged, then given the grain that makes a real photograph heavy.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import ExifTags, Image, ImageEnhance

from proxy.demo.course.assets.drawing import grain, seeded
from proxy.demo.course.assets.scenes import LAKE, SUMMER, TUNDRA, WINTER, Painter, classroom, notebook, schoolyard

UPRIGHT, TURNED = 1, 6  # EXIF orientation: as stored; to be turned clockwise by a quarter


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One photograph: its file name, what it shows, how it is stored."""

    name: str
    caption: str
    paint: Painter
    orientation: int = UPRIGHT
    wide: bool = False
    quality: int = 90
    grain: int = 9


PHOTOS: tuple[Photo, ...] = (
    Photo(
        name="IMG_20240903_101522.jpg",
        grain=7,
        quality=90,
        caption="Кабинет перед открытым уроком",
        orientation=TURNED,
        paint=classroom(
            (226, 218, 190), (28, 66, 52), ("Тема: площадь фигур", "S = a · b", "S = ½ · a · h", "задача № 412")
        ),
    ),
    Photo(name="IMG_20240903_112040.jpg", caption="Здание школы, вид с дороги", paint=schoolyard),
    Photo(
        name="IMG_20240910_090311.jpg", grain=9, quality=92, caption="Экскурсия: долина реки", paint=SUMMER, wide=True
    ),
    Photo(name="IMG_20240910_094757.jpg", caption="Экскурсия: озеро на рассвете", paint=LAKE, orientation=TURNED),
    Photo(
        name="IMG_20240917_121200.jpg",
        grain=5,
        quality=90,
        caption="Тетрадь с разбором задачи",
        orientation=TURNED,
        paint=notebook(
            "Классная работа",
            (
                "№ 412",
                "a = 12 см, b = 7 см",
                "S = a · b",
                "S = 12 · 7 = 84 (см²)",
                "Ответ: 84 см²",
                "",
                "№ 413",
                "P = 2 · (a + b)",
                "P = 2 · 19 = 38 (см)",
            ),
        ),
    ),
    Photo(
        name="IMG_20241001_083015.jpg",
        grain=6,
        quality=89,
        caption="Кабинет биологии",
        paint=classroom((206, 222, 214), (34, 60, 84), ("Строение листа", "1. Кожица", "2. Мякоть", "3. Жилки")),
    ),
    Photo(name="IMG_20241015_140522.jpg", caption="Тундра осенью, маршрут практики", paint=TUNDRA, wide=True),
    Photo(
        name="IMG_20241105_100108.jpg",
        grain=8,
        quality=90,
        caption="Лист наблюдений за погодой",
        orientation=TURNED,
        paint=notebook(
            "Дневник наблюдений",
            (
                "5 ноября, 9:00",
                "t = −11 °C",
                "ветер С-З, 6 м/с",
                "давление 748 мм",
                "облачность 70 %",
                "осадки: снег",
                "",
                "Вывод: похолодание",
                "на 4 °C за сутки",
            ),
        ),
    ),
    Photo(name="IMG_20241119_093344.jpg", grain=7, quality=88, caption="Первый снег за школой", paint=WINTER),
    Photo(
        name="IMG_20241203_113710.jpg",
        grain=5,
        quality=88,
        caption="Кабинет иностранного языка",
        orientation=TURNED,
        paint=classroom(
            (230, 210, 206), (36, 40, 44), ("Present Perfect", "I have done", "She has written", "Have you seen …?")
        ),
    ),
    Photo(
        name="IMG_20250114_120000.jpg",
        grain=6,
        quality=90,
        caption="Опорный конспект ученика",
        paint=notebook(
            "Опорный конспект",
            (
                "Сила тяжести",
                "F = m · g",
                "g ≈ 9,8 Н/кг",
                "Вес ≠ масса",
                "",
                "Задача: m = 3 кг",
                "F = 3 · 9,8 = 29,4 Н",
            ),
        ),
    ),
    Photo(
        name="IMG_20250521_174931.jpg", caption="Окрестности села в мае", paint=SUMMER, wide=True, orientation=UPRIGHT
    ),
)


def encode(photo: Photo) -> tuple[Image.Image, Image.Exif]:
    """The pixels as they are stored, and the metadata a phone adds (maker's note, position, orientation)."""
    rng = seeded("photo", photo.name)
    image = photo.paint(rng)
    if photo.wide:
        image = image.crop((0, 560, 1500, 1685))
    size = (4000, 3000) if photo.wide else (3000, 4000)
    image = ImageEnhance.Contrast(image.resize(size, Image.Resampling.BICUBIC)).enhance(1.12)
    image = grain(image, rng, photo.grain)
    if photo.orientation == TURNED:
        image = image.transpose(Image.Transpose.ROTATE_90)
    return image, _metadata(photo, rng)


def _metadata(photo: Photo, rng: random.Random) -> Image.Exif:
    exif = Image.Exif()
    stamp = datetime.strptime(photo.name, "IMG_%Y%m%d_%H%M%S.jpg").strftime("%Y:%m:%d %H:%M:%S")
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Sample", "Course Phone"
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.DateTime] = photo.orientation, stamp
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal], details[ExifTags.Base.ISOSpeedRatings] = stamp, 160
    details[ExifTags.Base.MakerNote] = rng.randbytes(28_000)
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    north, east = 57.76 + rng.uniform(-0.2, 0.2), 158.67 + rng.uniform(-0.2, 0.2)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", _degrees(north)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", _degrees(east)
    return exif


def _degrees(value: float) -> tuple[float, float, float]:
    minutes, degrees = math.modf(value)
    seconds, minutes = math.modf(minutes * 60)
    return degrees, minutes, round(seconds * 60, 2)


def build(folder: Path) -> None:
    """Write all photographs, and the 800-pixel copies that some pages name in `srcset`."""
    for photo in PHOTOS:
        image, exif = encode(photo)
        image.save(folder / photo.name, "JPEG", quality=photo.quality, exif=exif)
    for photo in [p for p in PHOTOS if p.wide]:
        with Image.open(folder / photo.name) as image:
            image.thumbnail((1600, 1600))
            image.save(folder / photo.name.replace(".jpg", "-1600.jpg"), "JPEG", quality=88)
