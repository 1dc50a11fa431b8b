# ruff: noqa: E501 - a sentence a line
"""What is said of a mistyped command, in Russian; the faults of files are `policies/faults_ru.py`'s.

Laws of this file: as there, a sentence that isn't here stays as it is; names, values and options are carried over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from policies.faults_ru import in_russian
from policies.phrasebook import Phrasebook

_OF_AN_OPTION = re.compile(r"(.*?): argument (.*?): (.*)")
_SAID: Mapping[str, str] = {
    "{}: the following arguments are required: {}": "{}: не хватает: {}",
    "{}: unrecognized arguments: {}": "{}: непонятно, что это: {}",
    "{}: ambiguous option: {} could match {}": "{}: неясно, какой ключ {}: {}",
    "invalid choice: {} (choose from {})": "нет такого: {} (есть {})",
    "expected one argument": "после него нужно одно значение",
    "{} --help shows what there is": "что есть, покажет {} --help",
    "tropa has no command {}": "у tropa нет команды {}",
    "there is no region {}": "нет региона {}",
    "the file has none": "в файле нет ни одного",
    "region {} has no site {}": "в регионе {} нет площадки {}",
    "it has none": "там нет ни одной",
    "there is no policy {}": "нет политики {}",
    "there is no origin {}": "нет источника {}",
    "there is no version {}": "нет версии {}",
    "known: {}": "есть: {}",
    "there is no earlier version to go back to": "более ранней версии нет",
    "there is nothing to publish": "публиковать нечего",
    "{}: nothing has been published here": "{}: здесь ещё ничего не опубликовано",
    "run tropa publish, or name the folder by --state": "выполните tropa publish или укажите папку ключом --state",
    "{}: no such file": "{}: такого файла нет",
    "{}: no such folder": "{}: такой папки нет",
    "has tropa serve run with --state {}?": "запускалась ли tropa serve с --state {}?",
    "{}: there is no such file": "{}: такого файла нет",
    "{}: there is no such folder": "{}: такой папки нет",
    "{}: there is no folder {}": "{}: нет папки {}",
    "{}: a file is where a folder should be": "{}: здесь должна быть папка, а лежит файл",
    "name another folder": "назовите другую папку",
    "{}: No such file or directory": "{}: такого файла или папки нет",
    "{}: Permission denied": "{}: нет прав",
    "{}: No space left on device": "{}: на диске нет места",
    "make it, or name another": "создайте её или назовите другую",
    "{}: its index can't be opened": "{}: не открыть указатель",
    "is the disk full, or the folder another user's?": "диск полон, или папка чужая?",
    "not an address: {}": "не адрес: {}",
    "write it like {}": "пишите так: {}",
    "--regions and --state say two things": "--regions и --state говорят о разном",
    "--json and --csv exclude each other": "--json и --csv вместе не бывают",
    "--login, --learner and --code each name a learner": "--login, --learner и --code называют слушателя каждый по-своему",
    "give one of them": "оставьте один",
    "--until ({}) must be later than --since ({})": "--until ({}) должно быть позже --since ({})",
    "expected a length of time up to ten years, got {}": "ожидается: срок до десяти лет, а написано: {}",
    "expected a length of time like {}, got {}": "ожидается: срок вида {}, а написано: {}",
    "write a number and d, h or m: {}": "напишите число и d, h или m: {}",
    "expected yesterday, 7d or a date like {}, got {}": "ожидается: yesterday, 7d или дата вида {}, а написано: {}",
    "write today, yesterday, 48h, 7d or year-month-day": "напишите today, yesterday, 48h, 7d или год-месяц-день",
    "an offset such as +12:00 may follow": "за ним может стоять смещение, например +12:00",
    "write a number from 0 to 100 and %": "напишите число от 0 до 100 и %",
    "expected a version's number, got {}": "ожидается: номер версии, а написано: {}",
    "tropa history lists them": "их показывает tropa history",
    "can't group by {}": "по {} не сгруппировать",
    "{} is no support code": "{} — не код для справки",
    "one looks like K7Q-4M2": "он выглядит так: K7Q-4M2",
    "{} is not known here": "{} здесь неизвестен",
    "codes are kept for seven days": "коды хранятся семь дней",
    "say which region: tropa override --region ID …, or --list to see what is in force": "назовите регион: tropa override --region ID … или --list, чтобы увидеть, что действует",
    "say which policy: --policy NAME, or --clear to end an override": "назовите политику: --policy NAME или --clear, чтобы закончить",
    "say for how long: --for 48h": "укажите срок: --for 48h",
    "an override ends by itself": "замена политики кончается сама",
    "no override is in force for {}": "для {} политика сейчас не заменена",
    "tropa override --list shows them": "что заменено, покажет tropa override --list",
    'say which origin: tropa bypass {} ORIGIN, or "*" for all': 'назовите источник: tropa bypass {} ORIGIN или "*" для всех',
    "{} is not bypassed": "обход для {} не включён",
    "tropa bypass list shows what is": "что включено, покажет tropa bypass list",
    "the proxy's address isn't known": "адрес прокси неизвестен",
    "give --proxy HOST:PORT, or set tropa.pac.proxy_address": "укажите --proxy HOST:PORT или задайте tropa.pac.proxy_address",
    "write the host, a colon and the port": "напишите узел, двоеточие и порт",
    "say who: --login NAME, --learner ID, or --code K7Q-4M2": "скажите, о ком: --login NAME, --learner ID или --code K7Q-4M2",
    "say which learner: --login NAME, --learner ID, or --code K7Q-4M2": "скажите, какой слушатель: --login NAME, --learner ID или --code K7Q-4M2",
    "{} is no learner's id": "{} — не номер слушателя",
    "one is 20 signs 0-9 and a-f, as in the log": "он состоит из 20 знаков 0-9 и a-f, как в журнале",
    "{} has no allowance": "у {} нет запаса",
    "tariff.allowance in regions.yaml gives it one": "его задаёт tariff.allowance в regions.yaml",
    "{} has no allowance of scope {}": "у {} нет запаса вида {}",
    "it has {}": "есть {}",
    "say by how much: --add 120MB counts more as used, --subtract 50MB less": "укажите сколько: --add 120MB прибавит к потраченному, --subtract 50MB убавит",
    "say whose: --scope site, --scope region, or a learner by --login, --learner or --code": "скажите чей: --scope site, --scope region или слушатель по --login, --learner, --code",
    "say which site: {}": "назовите площадку: {}",
    "say where: {}": "скажите где: {}",
    "this fetches outside the free hours, and costs what the tariff says": "это загрузка вне бесплатных часов, по цене тарифа",
    "add --now if you mean it": "если так и надо, добавьте --now",
    "a test lasts two hours at most": "проба длится не больше двух часов",
    "say what: an address or a pattern, --origin ORIGIN, or --everything": "скажите что: адрес или образец, --origin ORIGIN или --everything",
    "say what: an address, or a file with one address a line": "скажите что: адрес или файл, где адрес на строке",
    "say which folder: {}": "назовите папку: {}",
    "{}: that is the input itself": "{}: это сам исходный файл",
    "{}: {} makes a folder": "{}: {} делает папку",
    "give a new or an empty one": "назовите новую или пустую",
    "{}: {} makes one file": "{}: {} делает один файл",
    "name the file, not a folder": "назовите файл, а не папку",
    "there is no ffmpeg that can do this": "нет ffmpeg, который это умеет",
    "tropa doctor says what is missing": "чего не хватает, скажет tropa doctor",
    "can't listen on {}: {}": "не удаётся слушать {}: {}",
    "tropa doctor tells why": "причину скажет tropa doctor",
}


def told(text: str, language: str) -> str:
    """What is wrong and the cures behind it, each by itself."""
    return text if language != "ru" else "; ".join(_turned(part) for part in text.split("; "))


def _turned(part: str) -> str:
    if found := _OF_AN_OPTION.fullmatch(part):
        return f"{found[1]}: ключ {found[2]}: {_turned(found[3])}"
    turned = _book().told(part)
    return turned if turned != part else in_russian(part)


@cache
def _book() -> Phrasebook:
    return Phrasebook(_SAID, {})
