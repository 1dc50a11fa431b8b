"""The lecture's slides and the speaker's picture: eight slides of 1280 x 720 and a short loop of a talking figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from proxy.demo.course.assets.drawing import clouds, contrast, font, paragraph, seeded, tinted

SECONDS_PER_SLIDE = 7.5
SPEAKER_FRAMES = 20
_INK, _BLUE = (29, 33, 37), (15, 108, 191)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slide:
    """One slide: a heading and its points."""

    title: str
    points: tuple[str, ...]


SLIDES: tuple[Slide, ...] = (
    Slide(
        title="Обратная связь, которая учит",
        points=("Лекция для учителей сельских школ", "Курс «Дистанционные технологии», 72 часа", "Тема 6"),
    ),
    Slide(
        title="Зачем она нужна",
        points=(
            "Отметка говорит, сколько; отзыв говорит, что дальше",
            "Без ответа учителя задание остаётся упражнением",
            "На расстоянии молчание читается как безразличие",
        ),
    ),
    Slide(title="Три вопроса ученика", points=("Куда я иду?", "Где я сейчас?", "Что сделать следующим шагом?")),
    Slide(
        title="Как устроен хороший отзыв",
        points=(
            "Одно наблюдение из работы",
            "Одно объяснение, почему это важно",
            "Один шаг, который можно сделать за 10 минут",
        ),
    ),
    Slide(
        title="Что мешает при слабой связи",
        points=(
            "Файл с проверкой весит больше самой работы",
            "Видеозвонок обрывается на середине фразы",
            "Комментарий приходит, когда тема уже закрыта",
        ),
    ),
    Slide(
        title="Что помогает",
        points=(
            "Текст в системе вместо вложений",
            "Голосовое сообщение до двух минут",
            "Таблица критериев, известная заранее",
        ),
    ),
    Slide(
        title="Критерии на одном экране",
        points=(
            "3 — решение полное и объяснено",
            "2 — решение верное, объяснения нет",
            "1 — начат верный путь",
            "0 — нужна консультация",
        ),
    ),
    Slide(
        title="Задание к следующей неделе",
        points=(
            "Напишите отзыв на три работы по схеме",
            "Замерьте время: цель — 4 минуты на работу",
            "Приложите к форуму то, что получилось",
        ),
    ),
)


def slide(number: int) -> Image.Image:
    """Slide `number`, counted from 1."""
    page = SLIDES[number - 1]
    image = Image.new("RGB", (1280, 720), (250, 250, 247))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1280, 110), fill=_BLUE)
    draw.text((56, 32), page.title, font=font(42), fill="white")
    y = 160
    for point in page.points:
        draw.rectangle((60, y + 10, 76, y + 26), fill=(202, 49, 32))
        y = paragraph(draw, (100, y), point, size_px=32, width_px=820, fill=_INK) + 26
    if number % 2 == 0:
        _chart(draw, number)
    draw.text((56, 676), f"Учебный портал · слайд {number} из {len(SLIDES)}", font=font(18), fill=(106, 115, 123))
    return image


def _chart(draw: ImageDraw.ImageDraw, number: int) -> None:
    rng = seeded("chart", number)
    for index in range(6):
        tall = rng.randint(30, 130)
        x = 130 + index * 110
        draw.rectangle((x, 640 - tall, x + 70, 640), fill=(_BLUE, (53, 122, 50))[index % 2])
        draw.text((x + 35, 622 - tall), f"{tall // 2} %", font=font(16), fill=_INK, anchor="mm")
    draw.line((110, 640, 800, 640), fill=_INK, width=3)


def speaker(frame: int) -> Image.Image:
    """One frame (320 x 240) of a figure that sways and speaks before a bookcase."""
    rng, phase = seeded("bookcase"), frame / SPEAKER_FRAMES * 2 * math.pi
    image = tinted(contrast(clouds(rng, (320, 240), cell_px=80, octaves=5), 0.5), (120, 104, 86), (196, 182, 160))
    draw = ImageDraw.Draw(image)
    for shelf in range(3):
        x = 0
        while x < 320:
            wide = rng.randint(8, 20)
            tone = (rng.randint(60, 180), rng.randint(50, 130), rng.randint(50, 140))
            draw.rectangle((x, 8 + shelf * 80 + rng.randint(0, 16), x + wide, 74 + shelf * 80), fill=tone)
            x += wide + 1
    sway, nod, mouth = 6 * math.sin(phase), 3 * math.sin(2 * phase), 3 + 5 * abs(math.sin(5 * phase))
    draw.pieslice((60 + sway, 165, 260 + sway, 380), 180, 360, fill=(58, 74, 104))
    draw.rectangle((142 + sway, 138, 178 + sway, 180), fill=(214, 176, 148))
    draw.ellipse((112 + sway, 48 + nod, 208 + sway, 162 + nod), fill=(226, 190, 162))
    draw.pieslice((106 + sway, 36 + nod, 214 + sway, 140 + nod), 180, 360, fill=(92, 72, 60))
    for eye in (138, 174):
        draw.ellipse((eye + sway, 96 + nod, eye + 9 + sway, 104 + nod), fill=(50, 44, 44))
    draw.ellipse((146 + sway, 128 + nod, 176 + sway, 128 + nod + mouth), fill=(150, 72, 68))
    return image.filter(ImageFilter.GaussianBlur(0.8))


def build(folder: Path) -> None:
    """Write slides as PNG, frames of the speaker as PNG."""
    for number in range(1, len(SLIDES) + 1):
        slide(number).save(folder / f"slide{number:02d}.png")
    for frame in range(SPEAKER_FRAMES):
        speaker(frame).save(folder / f"speaker{frame:02d}.png")
