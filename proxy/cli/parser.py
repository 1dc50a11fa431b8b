"""From the commands' tables to an argparse parser, in the reader's language."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from policies.faults import Wrong, did_you_mean
from policies.values import Text
from proxy.cli.command import Argument, Command, Mistake

LANGUAGES = ("ru", "en")

DESCRIPTION = Text(
    ru="Tropa: содержание курсов по политике региона.", en="Tropa: course content through a policy per region."
)
EXIT_CODES = Text(
    ru="Коды выхода: 0 — сделано; 1 — не получилось; 2 — ошибка в том, что написано.",
    en="Exit codes: 0 done; 1 it couldn't be done; 2 what was written or typed is wrong.",
)
LANG_HELP = Text(ru="язык вывода (иначе по LANG)", en="language of what is printed (else by LANG)")
VERSION_HELP = Text(ru="показать версию", en="show the version")
_HELP = Text(ru="показать эту справку", en="show this help")
_USAGE = Text(ru="Вызов: ", en="Usage: ")
_COMMANDS = Text(ru="Команды", en="Commands")
_POSITIONALS = Text(ru="Аргументы", en="Arguments")
_OPTIONS = Text(ru="Параметры", en="Options")
_EXAMPLES = Text(ru="Примеры:", en="Examples:")


def language_of(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> str:
    """--lang, else what LC_ALL, LC_MESSAGES or LANG (the first that is set) begins with; "en" for any other."""
    for index, word in enumerate(argv):
        told = word.partition("=")[2] if word.startswith("--lang=") else ""
        if word == "--lang" and index + 1 < len(argv):
            told = argv[index + 1]
        if told in LANGUAGES:
            return told
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "ru" if locale.lower().startswith("ru") else "en"


def make_parser(commands: Sequence[Command], version: Callable[[], str], language: str) -> argparse.ArgumentParser:
    """The whole parser; `version` is asked where somebody wants to know. What it can't understand raises Mistake."""
    parser = _Parser(
        prog="tropa", description=_in(DESCRIPTION, language), epilog=_in(EXIT_CODES, language), language=language
    )
    parser.add_argument("--version", action=_Version, told=version, help=_in(VERSION_HELP, language))
    _add_language(parser, language, default=language)
    table = parser.add_subparsers(title=_in(_COMMANDS, language), metavar="COMMAND", dest="command")
    for command in commands:
        _add_command(table, command, language)
    return parser


def check_command_name(argv: Sequence[str], commands: Sequence[Command]) -> None:
    """A misspelt command gets the nearest one. Raises Mistake."""
    names = [command.name for command in commands]
    skip = False
    for word in argv:
        if skip or word.startswith("-"):
            skip = word == "--lang"
            continue
        if word not in names:
            raise Mistake(f"tropa has no command {word!r}; {did_you_mean(word, names)}")
        return


class _Version(argparse.Action):
    """Prints the version and ends, as argparse's own action does with a version that is known beforehand."""

    def __init__(self, *, told: Callable[[], str], dest: str, **options: Any) -> None:
        super().__init__(dest=argparse.SUPPRESS, default=argparse.SUPPRESS, nargs=0, **options)
        self._told = told

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        print(f"tropa {self._told()}")
        parser.exit()


def _add_command(table: Any, command: Command, language: str) -> None:
    summary, details = _in(command.summary, language), _in(command.details, language)
    examples = "\n  ".join((_in(_EXAMPLES, language), *command.examples)) if command.examples else None
    parser = table.add_parser(
        command.name, help=summary, description=f"{summary}\n{details}".strip(), epilog=examples, language=language
    )
    for argument in command.arguments:
        _add_argument(parser, argument, language)
    # A default here would hide what was said before the command.
    _add_language(parser, language, default=argparse.SUPPRESS)


def _add_argument(parser: argparse.ArgumentParser, argument: Argument, language: str) -> None:
    options: dict[str, Any] = {"help": _in(argument.help, language).replace("%", "%%")}
    if argument.is_option:
        options["dest"] = argument.key
    else:
        options["metavar"] = argument.names[0]
    if argument.flag:
        parser.add_argument(*argument.names, action="store_true", **options)
        return
    options |= {"type": _reader(argument), "default": argument.default}
    if argument.choices:
        options["choices"] = argument.choices
    if argument.is_option:
        options |= {"metavar": argument.metavar, "required": argument.required}
    elif argument.many:
        options["nargs"] = argument.many
    names = argument.names if argument.is_option else (argument.key,)
    parser.add_argument(*names, **options)


def _reader(argument: Argument) -> Any:
    def read(text: str) -> Any:
        try:
            return argument.parse(text)
        except Wrong as wrong:
            raise argparse.ArgumentTypeError(str(wrong)) from None

    return read


def _add_language(parser: argparse.ArgumentParser, language: str, *, default: Any) -> None:
    parser.add_argument("--lang", choices=LANGUAGES, default=default, help=_in(LANG_HELP, language))


def _in(text: Text, language: str) -> str:
    return text.in_language(language)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Headings in the reader's language, room for option names."""

    def __init__(self, prog: str, usage: str) -> None:
        super().__init__(prog, max_help_position=32, width=110)
        self._usage_word = usage

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, self._usage_word if prefix is None else prefix)


class _Parser(argparse.ArgumentParser):
    """Raises Mistake where argparse would write and leave."""

    def __init__(self, *, language: str = "en", **options: Any) -> None:
        usage = _in(_USAGE, language)
        options["formatter_class"] = lambda prog: _Help(prog, usage)
        super().__init__(add_help=False, allow_abbrev=False, **options)
        self._positionals.title = _in(_POSITIONALS, language)
        self._optionals.title = _in(_OPTIONS, language)
        self.add_argument("-h", "--help", action="help", help=_in(_HELP, language))

    def error(self, message: str) -> NoReturn:
        raise Mistake(f"{self.prog}: {message}; {self.prog} --help shows what there is")
