"""Ten screenshots of an LMS-like screen with small text, as an instruction for newcomers is full of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from proxy.demo.course.assets.drawing import font, paragraph, seeded

_SIZE = (1366, 768)
_INK, _GREY, _LINE, _BLUE, _RED = (29, 33, 37), (106, 115, 123), (222, 226, 230), (15, 108, 191), (202, 49, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One step of the instruction: what is on the screen and which part is framed in red."""

    title: str
    rows: tuple[str, ...]
    buttons: tuple[str, ...] = ("Сохранить", "Отмена")
    marked_row: int | None = None
    form: bool = False


SCREENS: tuple[Screen, ...] = (
    Screen(title="Вход в систему", rows=("Логин", "Пароль"), buttons=("Вход", "Забыли пароль?"), form=True),
    Screen(
        title="Мои курсы",
        rows=(
            "Дистанционные технологии в сельской школе, 72 ч",
            "Оценивание без отметок, 36 ч",
            "Работа с родителями, 18 ч",
            "Архив: курсы прошлого года",
        ),
        buttons=("Все", "В процессе", "Предстоящие"),
        marked_row=0,
    ),
    Screen(
        title="Содержание курса",
        rows=(
            "1. Введение и порядок работы",
            "2. Сельская школа и расстояние",
            "3. Проектирование занятия",
            "4. Наглядность",
            "5. Работа в системе",
            "6. Видео и звук",
            "7. Документы",
        ),
        buttons=("Свернуть всё",),
        marked_row=2,
    ),
    Screen(
        title="Форум: новости и вопросы",
        rows=(
            "Как сдать практическую работу № 2?   ответов: 4",
            "Перенос консультации на четверг   ответов: 2",
            "Где взять шаблон плана урока?   ответов: 7",
            "Связь обрывается: что делать с тестом?   ответов: 11",
        ),
        buttons=("Добавить тему", "Подписаться"),
        marked_row=3,
    ),
    Screen(
        title="Ответ в обсуждении",
        rows=("Тема", "Сообщение", "Вложение: перетащите файл сюда, не более 20 МБ"),
        buttons=("Отправить в форум", "Отмена"),
        form=True,
        marked_row=2,
    ),
    Screen(
        title="Задание: план урока",
        rows=(
            "Состояние ответа: черновик",
            "Состояние оценивания: не оценено",
            "Последний срок: пятница, 23:59",
            "Файлы: plan-uroka.docx, 214 КБ",
        ),
        buttons=("Изменить ответ", "Отправить на проверку"),
        marked_row=3,
    ),
    Screen(
        title="Тест: проверьте себя",
        rows=(
            "Разрешённое время: 20 мин.",
            "Попыток: 3",
            "Метод оценивания: высшая оценка",
            "Ответы сохраняются каждые 10 секунд",
        ),
        buttons=("Начать попытку",),
        marked_row=3,
    ),
    Screen(
        title="Консультация в чате",
        rows=(
            "Методист: добрый день, слышно и видно всех?",
            "Учитель 1: да, связь медленная, но текст идёт",
            "Методист: начнём с вопросов по заданию № 2",
            "Учитель 2: можно ли сдать фотографию тетради?",
        ),
        buttons=("Отправить", "Выйти"),
        marked_row=2,
    ),
    Screen(
        title="Оценки участника",
        rows=(
            "Введение: зачтено",
            "Проектирование занятия: 8,5 из 10",
            "Практическая работа № 1: 9 из 10",
            "Практическая работа № 2: на проверке",
            "Итоговый тест: —",
            "Итого: 74 %",
        ),
        buttons=("Скачать отчёт",),
        marked_row=5,
    ),
    Screen(
        title="Настройки уведомлений",
        rows=(
            "Сообщения форума: дайджест раз в день",
            "Оценка выставлена: сразу",
            "Начало консультации: за 2 часа",
            "Мобильные уведомления: включены",
        ),
        buttons=("Сохранить изменения",),
        form=True,
        marked_row=0,
    ),
)


def draw_screen(number: int) -> Image.Image:
    """Screenshot `number`, counted from 1."""
    screen, rng = SCREENS[number - 1], seeded("screen", number)
    image = Image.new("RGB", _SIZE, "white")
    draw = ImageDraw.Draw(image)
    _chrome(draw, screen.title)
    draw.text((320, 128), screen.title, font=font(26), fill=_INK)
    for index, row in enumerate(screen.rows):
        _row(draw, screen, index, row)
    x, y = 340, 190 + len(screen.rows) * 58 + 20
    for index, label in enumerate(screen.buttons):
        wide = int(font(14).getlength(label)) + 36
        draw.rounded_rectangle((x, y, x + wide, y + 36), 5, fill=_BLUE if index == 0 else (206, 212, 218))
        draw.text((x + 18, y + 9), label, font=font(14), fill="white" if index == 0 else _INK)
        x += wide + 12
    hint = (
        "Если страница не открывается, не нажимайте кнопку второй раз: система получила запрос и "
        "отвечает, как только позволит связь."
    )
    paragraph(draw, (340, y + 60), hint, size_px=13, width_px=560, fill=_GREY)
    _block(draw, rng.randint(1, 28))
    _status(draw, number)
    return image


def _chrome(draw: ImageDraw.ImageDraw, title: str) -> None:
    draw.rectangle((0, 0, 1366, 34), fill=(222, 225, 230))
    draw.rounded_rectangle((10, 5, 300, 34), 7, fill="white")
    draw.text((24, 11), f"{title} — учебный портал"[:34], font=font(13), fill=_INK)
    draw.rectangle((0, 34, 1366, 68), fill="white")
    draw.rounded_rectangle((110, 39, 1240, 63), 12, fill=(241, 243, 246))
    draw.text((128, 43), "lms.example/course/view.php?id=2", font=font(13), fill=_GREY)
    draw.text((20, 40), "← → ↻", font=font(17), fill=_GREY)
    draw.line((0, 110, 1366, 110), fill=_LINE)
    draw.text((24, 80), "☰   Учебный портал    В начало    Личный кабинет    Мои курсы", font=font(14), fill=_INK)
    draw.text((1130, 80), "✉  Учитель математики ▾", font=font(14), fill=_INK)
    draw.rectangle((0, 111, 290, 768), fill=(248, 249, 250))
    for index in range(12):
        draw.text((26, 130 + index * 34), f"▸ Тема {index + 1}. Материалы и задания", font=font(13), fill=_BLUE)


def _row(draw: ImageDraw.ImageDraw, screen: Screen, index: int, row: str) -> None:
    y = 186 + index * 58
    if screen.form:
        draw.text((340, y + 4), row[:44], font=font(13), fill=_INK)
        draw.rounded_rectangle((660, y - 4, 1010, y + 30), 4, outline=(143, 149, 158))
    else:
        draw.rounded_rectangle((330, y - 8, 1020, y + 40), 6, outline=_LINE)
        draw.rectangle((342, y, 372, y + 30), fill=(166, 92, 122) if index % 2 else (92, 128, 166))
        draw.text((388, y + 7), row, font=font(14), fill=_BLUE if index % 2 == 0 else _INK)
    if screen.marked_row == index:
        draw.rounded_rectangle((322, y - 14, 1028, y + 46), 8, outline=_RED, width=4)


def _block(draw: ImageDraw.ImageDraw, today: int) -> None:
    draw.rounded_rectangle((1060, 128, 1346, 400), 6, outline=_LINE)
    draw.text((1076, 140), "Календарь", font=font(15), fill=_INK)
    for index, name in enumerate(("Пн", "Вт", "Ср", "Чт", "Пт", "Сб", "Вс")):
        draw.text((1078 + index * 38, 172), name, font=font(12), fill=_GREY)
    for day in range(1, 31):
        x, y = 1078 + (day % 7) * 38, 200 + (day // 7) * 34
        if day == today:
            draw.ellipse((x - 6, y - 5, x + 22, y + 23), fill=_BLUE)
        draw.text((x, y), str(day), font=font(12), fill="white" if day == today else _INK)


def _status(draw: ImageDraw.ImageDraw, number: int) -> None:
    draw.rectangle((0, 742, 1366, 768), fill=(54, 60, 68))
    draw.text((20, 747), f"Шаг {number} из {len(SCREENS)}", font=font(12), fill="white")
    draw.text((1260, 747), f"{9 + number}:0{number % 6}", font=font(12), fill="white")


def build(folder: Path) -> None:
    """Write all screenshots as PNG."""
    for number in range(1, len(SCREENS) + 1):
        draw_screen(number).save(folder / f"shag{number:02d}.png")
