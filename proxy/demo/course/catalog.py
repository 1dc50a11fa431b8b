"""What the course consists of: twelve sections and their activities, by the numbers their addresses carry."""

from __future__ import annotations

from dataclasses import dataclass

COURSE_ID = 2
COURSE_TITLE = "Дистанционные технологии в сельской школе"
SITE_TITLE = "Учебный портал повышения квалификации"
SITE_SHORT = "Учебный портал"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One thing on the course page. `kind` says what a learner meets there (`download`: a file)."""

    cmid: int
    module: str
    title: str
    kind: str
    template: str = ""
    file: str = ""
    note: str = ""
    needs_login: bool = False

    @property
    def path(self) -> str:
        """Where it opens, from the site's root."""
        return f"/mod/{self.module}/view.php?id={self.cmid}"

    @property
    def purpose(self) -> str:
        """The colour group of its icon."""
        groups = {
            "assessment": ("quiz", "assign"),
            "communication": ("chat", "bigbluebuttonbn"),
            "collaboration": ("forum", "glossary"),
        }
        return next((name for name, modules in groups.items() if self.module in modules), "content")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One topic of the course."""

    number: int
    title: str
    summary: str
    activities: tuple[Activity, ...]


def _page(cmid: int, title: str, kind: str, template: str, note: str = "") -> Activity:
    return Activity(cmid=cmid, module="page", title=title, kind=kind, template=f"pages/{template}.html", note=note)


def _file(cmid: int, title: str, file: str, note: str) -> Activity:
    kind = "document" if file.endswith(".pdf") else "download"
    return Activity(cmid=cmid, module="resource", title=title, kind=kind, file=file, note=note)


def _activity(cmid: int, module: str, title: str, kind: str, note: str = "", *, needs_login: bool = False) -> Activity:
    return Activity(cmid=cmid, module=module, title=title, kind=kind, note=note, needs_login=needs_login)


SECTIONS: tuple[Section, ...] = (
    Section(
        number=1,
        title="Введение",
        summary="Как устроен курс, что понадобится и куда обращаться, если страница не открывается.",
        activities=(
            _page(101, "О курсе и порядке работы", "text", "about"),
            _activity(102, "forum", "Новости и вопросы", "forum", "Спрашивайте здесь: ответ увидят все"),
            _file(104, "Программа курса", "programma-kursa.pdf", "PDF, 7 страниц"),
        ),
    ),
    Section(
        number=2,
        title="Школа, до которой далеко",
        summary="Что меняется в уроке, когда между учителем и учеником десятки километров.",
        activities=(
            _page(111, "Лекция. Урок на расстоянии: чтение", "text", "lesson", "40 минут чтения"),
            _page(112, "Смешанное обучение в малокомплектной школе", "text", "blended"),
        ),
    ),
    Section(
        number=3,
        title="Проектирование занятия",
        summary="От цели к заданию: схемы, расчёты, примеры планов.",
        activities=(
            _page(121, "Схемы занятия", "diagrams", "diagrams"),
            _page(122, "Надёжность теста: формулы и пример", "formulas", "formulas"),
        ),
    ),
    Section(
        number=4,
        title="Наглядность",
        summary="Фотографии уроков и экскурсий, присланные слушателями прошлых потоков.",
        activities=(_page(131, "Фотоотчёты школ", "photos", "photos", "12 фотографий"),),
    ),
    Section(
        number=5,
        title="Работа в системе",
        summary="Пошаговая инструкция со снимками экрана.",
        activities=(
            _page(141, "Инструкция: десять шагов в системе", "screens", "screens", "10 снимков экрана"),
            _activity(142, "glossary", "Словарь терминов", "glossary"),
        ),
    ),
    Section(
        number=6,
        title="Лекция: обратная связь",
        summary="Одна лекция в трёх видах: файл, поток и звук.",
        activities=(
            _page(151, "Видеолекция (файл)", "video", "video", "MP4, 1 минута"),
            _page(152, "Видеолекция (поток)", "hls", "hls", "HLS, три качества"),
            _page(153, "Аудиолекция", "audio", "audio", "MP3"),
            _activity(154, "book", "Книга: как отвечать ученику", "book", "3 главы"),
        ),
    ),
    Section(
        number=7,
        title="Открытые уроки на видеохостингах",
        summary="Записи уроков, размещённые на сторонних площадках.",
        activities=(
            _page(161, "Подборка открытых уроков", "players", "players"),
            _page(162, "Разбор урока с видео", "script-players", "scriptplayers"),
        ),
    ),
    Section(
        number=8,
        title="Документы",
        summary="Раздаточные материалы, шаблоны, памятки.",
        activities=(
            _page(171, "Раздаточные материалы", "documents", "documents"),
            _file(172, "Памятка слушателя (подписана)", "pamyatka-podpisana.pdf", "PDF с подписью"),
            _file(173, "Шаблон плана урока", "plan-uroka.docx", "DOCX"),
            _file(174, "Слайды лекции", "lekciya-6.pptx", "PPTX"),
            _file(175, "Все материалы одним файлом", "razdatochnye-materialy.zip", "ZIP"),
        ),
    ),
    Section(
        number=9,
        title="Практическая работа",
        summary="План темы для своего класса: сдаётся файлом или фотографией.",
        activities=(
            _activity(181, "assign", "План темы", "assignment", "Последний срок: пятница, 23:59", needs_login=True),
        ),
    ),
    Section(
        number=10,
        title="Проверьте себя",
        summary="Тест на 20 минут. Ответы сохраняются сами.",
        activities=(_activity(191, "quiz", "Тест по темам 2–6", "quiz", "20 минут, 3 попытки", needs_login=True),),
    ),
    Section(
        number=11,
        title="Консультации и вебинары",
        summary="Живые встречи с методистом и записи прошедших.",
        activities=(
            _activity(201, "chat", "Консультация методиста", "chat", "Чат, по четвергам", needs_login=True),
            _activity(202, "bigbluebuttonbn", "Вебинар: разбор работ", "webinar", needs_login=True),
            _page(203, "Записи вебинаров", "recordings", "recordings"),
        ),
    ),
    Section(
        number=12,
        title="Итоги",
        summary="Что сделать, чтобы получить удостоверение.",
        activities=(_page(211, "Итоговая аттестация", "text", "final"),),
    ),
)

ACTIVITIES: dict[int, Activity] = {a.cmid: a for section in SECTIONS for a in section.activities}


def section_of(activity: Activity) -> Section:
    """The section in which an activity stands."""
    return next(section for section in SECTIONS if activity in section.activities)
