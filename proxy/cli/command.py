"""What a command of `tropa` is: a table of arguments and a function.

Laws of this file: a command's words stand in its table, in both languages, and the parser, `--help` and the reference
page are all made of it; a command returns an exit code or raises `Mistake` or `Failure`, whose text is for the
operator; a module that holds a command imports nothing heavy before the command runs.

A command is a module in `proxy/cli/` with

    COMMAND = Command(name="…", summary=Text(ru="…", en="…"), arguments=(Argument(…), …), run=function)

and its line in `proxy.cli.main.COMMANDS`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from policies.frozen import Frozen
from policies.values import Text
from proxy.clock import Clock

OK = 0
FAILED = 1  # it couldn't be done: a disk, a port, a check that failed
BAD_INPUT = 2  # what was written or typed is wrong; argparse uses the same number


class Mistake(Exception):
    """What was typed can't be meant; exit code 2. The text says what is wrong and the cure."""


class Failure(Exception):
    """It was meant but couldn't be done; exit code 1. The text says why and what to do."""


class Argument(Frozen, frozen=True, kw_only=True):
    """One argument: what `argparse.add_argument` is told, with words in both languages.

    names    ("FILE",) for a positional one, else its options, the long one last
    dest     its name in `Call.args`; "" makes it of the last of names: "--no-tests" is no_tests
    metavar  the stand-in for a value of an option
    parse    text -> value; raises ValueError or policies.faults.Wrong with a text for the operator
    many     a positional may be left out ("?"), or come several times ("*")
    """

    names: tuple[str, ...]
    help: Text
    metavar: str | None = None
    default: Any = None
    parse: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    flag: bool = False
    required: bool = False
    many: str = ""
    dest: str = ""

    @property
    def is_option(self) -> bool:
        return self.names[0].startswith("-")

    @property
    def key(self) -> str:
        """The name in `Call.args`."""
        return self.dest or self.names[-1].lstrip("-").replace("-", "_").lower()


class Call(Frozen, frozen=True, kw_only=True):
    """One run of a command.

    args      the arguments by `Argument.key`
    language  "ru" or "en": of whatever people read
    out, err  where results and remarks go
    """

    args: argparse.Namespace
    language: str
    clock: Clock
    out: TextIO
    err: TextIO

    def say(self, text: str = "") -> None:
        """A line of the result."""
        print(text, file=self.out)

    def remark(self, text: str) -> None:
        """A line beside the result, on stderr."""
        print(text, file=self.err)

    def words(self, ru: str, en: str) -> str:
        """Whichever the reader reads."""
        return ru if self.language == "ru" else en


class Command(Frozen, frozen=True, kw_only=True):
    """One command. examples: command lines for `--help` and the reference page."""

    name: str
    summary: Text
    run: Callable[[Call], int]
    details: Text = Text()
    arguments: tuple[Argument, ...] = ()
    examples: tuple[str, ...] = ()


# -- arguments that several commands share ---------------------------------------------------------------------

REGIONS_FILE = Path("regions.yaml")
STATE_DIR = Path("state")


def regions_option() -> Argument:
    return Argument(
        names=("--regions",),
        metavar="FILE",
        parse=Path,
        default=REGIONS_FILE,
        help=Text(ru="файл настроек (по умолчанию regions.yaml)", en="the configuration (default: regions.yaml)"),
    )


def regions_file() -> Argument:
    return Argument(
        names=("FILE",),
        parse=Path,
        default=REGIONS_FILE,
        many="?",
        help=Text(ru="файл настроек (по умолчанию regions.yaml)", en="the configuration (default: regions.yaml)"),
    )


def patience_option(patience_s: float) -> Argument:
    """How long a command waits for what a running process must do; patience_s: unless said otherwise."""
    return Argument(
        names=("--patience",),
        metavar="SECONDS",
        parse=float,
        default=patience_s,
        help=Text(
            ru=f"сколько ждать ответа работающей Tropa (по умолчанию {patience_s:g})",
            en=f"how long to wait for a running Tropa (default: {patience_s:g})",
        ),
    )


def place_options() -> tuple[Argument, ...]:
    """A region, or a site within one."""
    return (
        Argument(
            names=("--region",),
            metavar="ID",
            required=True,
            help=Text(ru="регион (или регион/площадка)", en="the region (or region/site)"),
        ),
        Argument(names=("--site",), metavar="ID", help=Text(ru="площадка в нём", en="a site within it")),
    )


def state_option() -> Argument:
    return Argument(
        names=("--state",),
        metavar="DIR",
        parse=Path,
        default=STATE_DIR,
        help=Text(ru="папка состояния (по умолчанию state)", en="the state folder (default: state)"),
    )
