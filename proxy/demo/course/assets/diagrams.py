"""Line art: a PNG with text, a transparent one, one with a palette, an SVG, a moving GIF, a WebP; and small faces."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageDraw

from proxy.demo.course.assets.drawing import Colour, font, paragraph, seeded

_INK, _BLUE, _RED, _GREEN = (34, 40, 52), (15, 108, 191), (202, 49, 32), (53, 122, 50)
_STEPS = ("Цель урока", "Диагностика", "Новый материал", "Практика", "Обратная связь", "Оценивание")


def cycle() -> Image.Image:
    """How a lesson at a distance goes round: boxes, arrows, small text (1600 x 1000)."""
    image = Image.new("RGB", (1600, 1000), "white")
    draw = ImageDraw.Draw(image)
    draw.text((60, 36), "Цикл дистанционного занятия", font=font(44), fill=_INK)
    spots = [(800 + 560 * math.sin(i * math.pi / 3), 560 - 340 * math.cos(i * math.pi / 3)) for i in range(6)]
    for i, (x, y) in enumerate(spots):
        nx, ny = spots[(i + 1) % 6]
        draw.line((x, y, nx, ny), fill=(150, 160, 172), width=4)
        mx, my, turn = (x + nx) / 2, (y + ny) / 2, math.atan2(ny - y, nx - x)
        wings = [(mx + 22 * math.cos(turn + a), my + 22 * math.sin(turn + a)) for a in (0.0, 2.5, -2.5)]
        draw.polygon(wings, fill=(110, 120, 132))
    for i, (x, y) in enumerate(spots):
        draw.rounded_rectangle((x - 170, y - 62, x + 170, y + 62), 14, fill=(234, 242, 250), outline=_BLUE, width=4)
        draw.text((x, y - 16), f"{i + 1}. {_STEPS[i]}", font=font(30), fill=_INK, anchor="mm")
        draw.text((x, y + 26), f"{(10, 5, 20, 25, 10, 10)[i]} минут", font=font(22), fill=_BLUE, anchor="mm")
    draw.text((800, 560), "80 минут\nв неделю", font=font(34), fill=_RED, anchor="mm", align="center")
    return image


def shares() -> Image.Image:
    """A bar chart on a transparent ground (1200 x 800)."""
    image = Image.new("RGBA", (1200, 800), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.text((40, 24), "Куда уходит время учителя на курсе, часов из 72", font=font(32), fill=(*_INK, 255))
    rows = (
        ("Чтение лекций", 20),
        ("Практические задания", 24),
        ("Форум", 10),
        ("Консультации", 6),
        ("Вебинары", 6),
        ("Тесты", 6),
    )
    for i, (name, hours) in enumerate(rows):
        y = 110 + i * 108
        draw.text((40, y + 14), name, font=font(28), fill=(*_INK, 255))
        draw.rounded_rectangle((430, y, 430 + hours * 28, y + 64), 8, fill=(*(_BLUE, _GREEN)[i % 2], 210))
        draw.text((446 + hours * 28, y + 14), str(hours), font=font(28), fill=(*_INK, 255))
    draw.line((428, 96, 428, 760), fill=(*_INK, 255), width=3)
    return image


def zones() -> Image.Image:
    """A plan of hours by time zone in a 64-colour palette (1400 x 700)."""
    image = Image.new("RGB", (1400, 700), (252, 252, 248))
    draw = ImageDraw.Draw(image)
    draw.text((40, 22), "Когда кому удобна консультация (время московское)", font=font(34), fill=_INK)
    names = ("Калининград", "Москва", "Екатеринбург", "Новосибирск", "Якутск", "Камчатка")
    for row, (name, shift) in enumerate(zip(names, (-1, 0, 2, 4, 6, 9), strict=True)):
        y = 120 + row * 88
        draw.text((40, y + 18), name, font=font(26), fill=_INK)
        for hour in range(24):
            local = (hour + shift) % 24
            fill: Colour = (
                (196, 226, 190) if 14 <= local < 19 else (250, 226, 176) if 8 <= local < 22 else (206, 210, 220)
            )
            draw.rectangle((270 + hour * 45, y, 312 + hour * 45, y + 62), fill=fill)
            draw.text((291 + hour * 45, y + 31), str(local), font=font(18), fill=_INK, anchor="mm")
    draw.text((40, 652), "зелёный: после уроков · жёлтый: день · серый: ночь", font=font(24), fill=_INK)
    return image.quantize(64)


def pendulum() -> list[Image.Image]:
    """Frames of a swinging pendulum (480 x 360, one period in 30 frames)."""
    frames = []
    for step in range(30):
        frame = Image.new("RGB", (480, 360), "white")
        draw = ImageDraw.Draw(frame)
        angle = 0.6 * math.cos(step / 30 * 2 * math.pi)
        x, y = 240 + 250 * math.sin(angle), 30 + 250 * math.cos(angle)
        draw.arc((-10, -220, 490, 280), 90 - 36, 90 + 36, fill=(200, 204, 210), width=2)
        draw.line((160, 30, 320, 30), fill=_INK, width=6)
        draw.line((240, 30, x, y), fill=_INK, width=3)
        draw.ellipse((x - 24, y - 24, x + 24, y + 24), fill=_BLUE)
        draw.text((12, 326), f"t = {step / 15:.1f} с   α = {math.degrees(angle):+.0f}°", font=font(20), fill=_RED)
        frames.append(frame.quantize(32, dither=Image.Dither.NONE))
    return frames


def leaf() -> Image.Image:
    """A poster with much small text, kept as WebP (1280 x 960)."""
    image = Image.new("RGB", (1280, 960), (247, 250, 243))
    draw = ImageDraw.Draw(image)
    draw.text((50, 30), "Памятка: как записать понятный аудиокомментарий", font=font(36), fill=_GREEN)
    tips = (
        "Говорите в микрофон телефона с расстояния ладони; шум окна и коридора мешает сильнее, чем тихий голос.",
        "Один комментарий отвечает на один вопрос. Три минуты слушают до конца, десять минут откладывают на потом.",
        "Начните с того, что получилось, затем назовите одну ошибку и один шаг, который её исправит.",
        "Назовите страницу и номер задания: ученик слушает не там, где лежит тетрадь.",
        "Приложите две строки текста с главным: у кого нет связи, тот прочтёт их из уведомления.",
        "Сохраняйте в моно, 24 кбит/с: минута речи занимает меньше двухсот килобайт.",
    )
    y = 120
    for number, tip in enumerate(tips, 1):
        draw.ellipse((50, y, 106, y + 56), fill=_GREEN)
        draw.text((78, y + 28), str(number), font=font(30), fill="white", anchor="mm")
        y = paragraph(draw, (136, y + 4), tip, size_px=27, width_px=1080, fill=_INK) + 36
    return image


def map_svg() -> str:
    """A concept map as SVG with text inside."""
    nodes = (
        (400, 60, "Урок"),
        (140, 190, "Цель"),
        (400, 190, "Содержание"),
        (660, 190, "Оценка"),
        (140, 320, "Результат"),
        (400, 320, "Задание"),
        (660, 320, "Критерии"),
    )
    links = ((0, 1), (0, 2), (0, 3), (1, 4), (2, 5), (3, 6), (4, 5), (5, 6))
    lines = "".join(
        f'<line x1="{nodes[a][0]}" y1="{nodes[a][1]}" x2="{nodes[b][0]}" y2="{nodes[b][1]}"/>' for a, b in links
    )
    boxes = "".join(
        f'<g><rect x="{x - 95}" y="{y - 30}" width="190" height="60" rx="10"/>'
        f'<text x="{x}" y="{y + 7}" text-anchor="middle">{name}</text></g>'
        for x, y, name in nodes
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 380" width="800" height="380" role="img">'
        "<title>Карта понятий: из чего складывается урок</title>"
        "<style>line{stroke:#8894a4;stroke-width:2}rect{fill:#eaf2fa;stroke:#0f6cbf;stroke-width:2}"
        f"text{{font:20px sans-serif;fill:#222834}}</style>{lines}{boxes}</svg>\n"
    )


def face(seed: int, size_px: int = 100) -> Image.Image:
    """A user picture: a coloured disc with a plain silhouette."""
    rng = seeded("face", seed)
    ground = (rng.randint(90, 200), rng.randint(90, 200), rng.randint(110, 210))
    image = Image.new("RGB", (size_px * 4, size_px * 4), ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((130, 70, 270, 220), fill=(244, 232, 218))
    draw.pieslice(
        (60, 230, 340, 520), 180, 360, fill=(rng.randint(40, 220), rng.randint(40, 160), rng.randint(60, 200))
    )
    return image.resize((size_px, size_px), Image.Resampling.LANCZOS)


def build(folder: Path) -> None:
    """Write the pictures of the diagrams page, the faces and the small pictures of the quiz."""
    cycle().save(folder / "cikl-zanyatiya.png")
    shares().save(folder / "chasy-kursa.png")
    zones().save(folder / "chasovye-poyasa.png")
    leaf().save(folder / "pamyatka-audio.webp", quality=90)
    first, *rest = pendulum()
    first.save(folder / "mayatnik.gif", save_all=True, append_images=rest, duration=66, loop=0)
    (folder / "karta-ponyatij.svg").write_text(map_svg(), encoding="utf-8")
    for seed in range(1, 9):
        face(seed).save(folder / f"face{seed}.png")
    for number in range(1, 4):
        question_picture(number).save(folder / f"vopros{number}.png")


def question_picture(number: int) -> Image.Image:
    """A small drawing that a quiz question asks about (720 x 360)."""
    image = Image.new("RGB", (720, 360), "white")
    draw = ImageDraw.Draw(image)
    draw.text((20, 14), f"Рисунок к вопросу {number}", font=font(22), fill=_INK)
    if number == 1:
        draw.polygon([(120, 300), (600, 300), (420, 80)], outline=_BLUE, width=4)
        for text, place in (("a = 12 см", (320, 306)), ("h = 7 см", (290, 190))):
            draw.text(place, text, font=font(24), fill=_RED)
        draw.line((420, 80, 420, 300), fill=_RED, width=2)
    elif number == 2:
        marks = (4, 9, 8, 3)
        for i, count in enumerate(marks):
            draw.rectangle((130 + i * 130, 310 - count * 24, 210 + i * 130, 310), fill=(_RED, _BLUE, _GREEN, _INK)[i])
            draw.text((170 + i * 130, 322), f"«{i + 2}» — {count}", font=font(20), fill=_INK, anchor="ma")
    else:
        for i, name in enumerate(("Цель", "Задание", "Проверка", "?")):
            draw.rounded_rectangle((30 + i * 172, 140, 176 + i * 172, 240), 10, outline=_BLUE, width=4)
            draw.text((103 + i * 172, 190), name, font=font(24), fill=_INK, anchor="mm")
    return image
