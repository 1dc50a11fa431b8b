"""The sentence of every reason's code, in Russian and English, for IT staff: precise, with parameters.

Laws of this file: data only; each code that a rule can give stands here, in both languages, and no other does.
A parameter in braces is a reason's own, made readable by `policies.explain`.
"""

from __future__ import annotations

from collections.abc import Mapping

from policies.values import Text


def _text(ru: str, en: str) -> Text:
    return Text(ru=ru, en=en)


SENTENCES: Mapping[str, Text] = {
    # -- when
    "window-open": _text(
        "Класс «{class}» сейчас открыт ({when}); закрывается: {closes_at}.",
        "The class {class} is open now ({when}); it closes: {closes_at}.",
    ),
    "window-closed": _text(
        "Класс «{class}» сейчас закрыт ({when}); открывается: {opens_at}.",
        "The class {class} is closed now ({when}); it opens: {opens_at}.",
    ),
    "class-never": _text(
        "Класс «{class}» здесь не открывается никогда (when: never).",
        "The class {class} is never open here (when: never).",
    ),
    # -- budget
    "allowance-spent": _text(
        "Лимит {amount_bytes} ({scope}) израсходован; обновляется {renews_at}; откроется: {opens_at}.",
        "The allowance of {amount_bytes} ({scope}) is spent; it renews {renews_at}; this opens: {opens_at}.",
    ),
    "allowance-nearly-spent": _text(
        "Израсходовано не меньше {percent} % лимита {amount_bytes} ({scope}); до обновления {renews_at} "
        "содержимое ужимается сильнее.",
        "At least {percent} % of the allowance of {amount_bytes} ({scope}) is used; until it renews {renews_at} "
        "content is narrowed.",
    ),
    "text-kept": _text(
        "Лимит {amount_bytes} ({scope}) израсходован до {renews_at}: остаются только текстовые страницы.",
        "The allowance of {amount_bytes} ({scope}) is spent until {renews_at}: only pages of text stay open.",
    ),
    "kept-open": _text(
        "Лимит {amount_bytes} ({scope}) израсходован до {renews_at}, но без этого не работают задания и выход.",
        "The allowance of {amount_bytes} ({scope}) is spent until {renews_at}, but assessment and logout need this.",
    ),
    "tunnel-kept": _text(
        "Лимит {amount_bytes} ({scope}) израсходован до {renews_at}; в туннеле может идти задание, "
        "поэтому он не закрыт, а замедлен до {rate_bps}.",
        "The allowance of {amount_bytes} ({scope}) is spent until {renews_at}; the tunnel may hold an assessment, "
        "so it is slowed to {rate_bps} and not closed.",
    ),
    "throttled": _text(
        "Лимит {amount_bytes} ({scope}) израсходован до {renews_at}: скорость {rate_bps}.",
        "The allowance of {amount_bytes} ({scope}) is spent until {renews_at}: the rate is {rate_bps}.",
    ),
    "pays-on": _text(
        "Лимит {amount_bytes} ({scope}) израсходован до {renews_at}: дальше трафик оплачивается.",
        "The allowance of {amount_bytes} ({scope}) is spent until {renews_at}: traffic is paid for from here on.",
    ),
    "rate-share": _text(
        "В этом окне можно занять {share} канала: скорость {rate_bps}.",
        "In this window {share} of the link may be filled: the rate is {rate_bps}.",
    ),
    # -- the browser and the link
    "save-data": _text("Браузер просит экономить трафик (Save-Data).", "The browser asks to save data (Save-Data)."),
    "slow-link": _text("Связь сейчас медленная (признак: {sign}).", "The link is slow now (by {sign})."),
    # -- treatments
    "video-withheld": _text("Видеофайлы заменяются карточкой.", "Video files are replaced by cards."),
    "stream-withheld": _text("Потоки HLS и DASH заменяются карточкой.", "HLS and DASH streams are replaced by cards."),
    "embed-withheld": _text(
        "Плееры видеохостингов заменяются карточкой.", "Players of video hosts are replaced by cards."
    ),
    "video-adapted": _text("Видеофайлы становятся меньше: {form}.", "Video files are made smaller: {form}."),
    "stream-adapted": _text(
        "Из потоков HLS и DASH остаётся то, что проходит по каналу: {form}.",
        "Of HLS and DASH streams what fits the link remains: {form}.",
    ),
    "audio-adapted": _text("Звуковые файлы становятся меньше: {bitrate_bps}.", "Sound is made smaller: {bitrate_bps}."),
    "download-withheld": _text(
        "Скачивание передало бы файл целиком ({kind}); карточка предлагает версии поменьше.",
        "A download would be the whole file ({kind}); its card offers the smaller versions.",
    ),
    "unchanged-withheld": _text(
        "Сайт запретил менять ответ (no-transform), а целиком он не передаётся ({kind}).",
        "The site forbids to change the answer (no-transform), and as a whole it doesn't go ({kind}).",
    ),
    "ladder-nothing-fits": _text(
        "Ни одна ступень потока не укладывается в ограничения.", "No rung of the stream is within the limits."
    ),
    "ladder-rung-removed": _text(
        "Эта ступень потока сверх ограничений; в списке потока её больше нет.",
        "This rung of the stream is above the limits; its manifest doesn't name it any more.",
    ),
    "ladder-rung-not-made": _text(
        "Ступень потока поменьше здесь не делается ({why}).", "A smaller rung of the stream isn't made here ({why})."
    ),
    "unmade-withheld": _text(
        "Версия поменьше не получилась ({kind}); целиком файл не передаётся.",
        "No smaller version could be made ({kind}); as a whole the file doesn't go.",
    ),
    "audio-withheld": _text("Звуковые файлы заменяются карточкой.", "Sound files are replaced by cards."),
    "document-withheld": _text("Документы заменяются карточкой.", "Documents are replaced by cards."),
    "archive-withheld": _text("Архивы заменяются карточкой.", "Archives are replaced by cards."),
    "image-withheld": _text("Изображения не передаются.", "Images are left out."),
    "image-adapted": _text("Изображения уменьшаются под связь.", "Images are made smaller for the link."),
    "font-withheld": _text("Веб-шрифты не передаются.", "Web fonts are left out."),
    "script-withheld": _text("Скрипты не передаются.", "Scripts are left out."),
    "style-withheld": _text("Таблицы стилей не передаются.", "Style sheets are left out."),
    "page-withheld": _text("Страницы не передаются.", "Pages are left out."),
    "size-limit": _text(
        "Всё крупнее {max_bytes} заменяется карточкой ({kind}).", "Anything above {max_bytes} becomes a card ({kind})."
    ),
    "text-first": _text(
        "Страницы передаются как текст: без скриптов, стилей и шрифтов сайта.",
        "Pages go as text: without the site's scripts, styles and fonts.",
    ),
    "page-diet": _text("Из страниц убирается лишнее: {items}.", "Pages go without: {items}."),
    # -- what protects, what widens
    "exempt-assessment": _text(
        "Контрольное задание: ничего не ограничивается, не откладывается и не обрезается.",
        "Assessment: nothing is limited, deferred or cut.",
    ),
    "edit-path": _text(
        "Путь редактора: изображения, документы и архивы передаются без изменений, видео и звук не уменьшаются.",
        "An editor's path: images, documents and archives keep their bytes; film and sound aren't made smaller.",
    ),
    "player-stays": _text(
        "Зачёт ставит сам плеер, поэтому видео остаётся в нём, только уменьшенным.",
        "Its own player counts the part as done, so the film stays in it, only smaller.",
    ),
    "player-needed": _text(
        "Зачёт ставит сам плеер: без полного видео этот раздел не будет засчитан, и карточка говорит об этом.",
        "Its own player counts the part as done: it needs the full film, and the card says so.",
    ),
    "original-taken": _text(
        "Оригинал взят по просьбе учащегося (не больше: {max_bytes}).",
        "The learner took the original (at most: {max_bytes}).",
    ),
    "original-not-offered": _text(
        "Учащийся просит оригинал, но политика его не предлагает.",
        "The learner asks for the original, but the policy doesn't offer it.",
    ),
    "original-unaffordable": _text(
        "Учащийся просит оригинал, но остатка лимита на него не хватает.",
        "The learner asks for the original, but what is left of the allowance doesn't bear it.",
    ),
    # -- what passes
    "observe": _text(
        "Режим наблюдения: решение посчитано, но ничего не меняется.",
        "Observe mode: decided and counted, but nothing is changed.",
    ),
    "bypassed": _text("Обход включён: всё передаётся как есть.", "Bypass is on: everything passes as it is."),
    "region-unknown": _text(
        "Место неизвестно (регион «{region}»): всё передаётся как есть.",
        "The place is unknown (region {region}): everything passes as it is.",
    ),
    "tunnel-opaque": _text(
        "Туннель не расшифровывается: действуют только узел, часы, лимит и учёт.",
        "The tunnel isn't decrypted: only host, clock, budget and metering hold.",
    ),
    "no-transform": _text(
        "Сайт запретил менять ответ (no-transform).", "The site forbids to change the answer (no-transform)."
    ),
    "unknown-coding": _text(
        "Кодирование ответа неизвестно, он передаётся как есть.",
        "The answer's content coding isn't known, so it passes as it is.",
    ),
}

CLASSES: Mapping[str, Text] = {
    "consultation": _text("консультация", "consultation"),
    "webinar": _text("вебинар", "webinar"),
    "recording": _text("запись", "recording"),
    "forum": _text("форум", "forum"),
    "lesson": _text("занятие", "lesson"),
    "assessment": _text("контрольное задание", "assessment"),
    "general": _text("прочее", "general"),
}
KINDS: Mapping[str, Text] = {
    "video": _text("видео", "video"),
    "stream": _text("поток", "stream"),
    "embed": _text("плеер", "player"),
    "audio": _text("звук", "sound"),
    "document": _text("документ", "document"),
    "archive": _text("архив", "archive"),
}
FORMS: Mapping[str, Text] = {
    "capped": _text("уменьшенное видео", "the film, smaller"),
    "slidecast": _text("слайды со звуком", "slides with sound"),
    "sound": _text("только звук", "sound alone"),
    "slides": _text("только слайды", "slides alone"),
}
WHEN: Mapping[str, Text] = {
    "free": _text("по бесплатным окнам тарифа", "in the tariff's free windows"),
    "windows": _text("по своим окнам", "in windows of its own"),
    "never": _text("никогда", "never"),
}
SCOPES: Mapping[str, Text] = {
    "learner": _text("на учащегося", "per learner"),
    "site": _text("на площадку", "per site"),
    "region": _text("на регион", "per region"),
}
SIGNS: Mapping[str, Text] = {
    "measured": _text("измеренная скорость", "measured speed"),
    "downlink": _text("скорость по данным браузера", "the browser's downlink"),
    "ect": _text("тип сети по данным браузера", "the browser's network type"),
    "rtt": _text("время отклика по данным браузера", "the browser's round trip"),
}
VERDICTS: Mapping[str, Text] = {
    "allow": _text("разрешено", "allowed"),
    "defer": _text("откроется позже", "opens later"),
    "refuse": _text("отказано", "refused"),
}
NOT_IN_SIGHT = _text("в ближайшие 60 дней не видно", "not in sight within 60 days")
NO_LIMIT = _text("без ограничения", "no limit")
