"""The entry point of `tropa`: which commands there are, and what an error looks like to the operator.

Law of this file: no stack trace for an operator's mistake, whatever the command.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from policies.faults import PolicyFaults, Wrong
from proxy.cli import (
    allowance,
    bypass,
    cache,
    check,
    demo,
    doctor,
    explain,
    learner,
    media,
    night,
    override,
    pac,
    publish,
    report,
    schema,
    serve,
    why,
)
from proxy.cli.command import BAD_INPUT, FAILED, OK, Call, Command, Failure, Mistake
from proxy.cli.parser import check_command_name, language_of, make_parser
from proxy.clock import Clock, SystemClock

COMMANDS: tuple[Command, ...] = (
    serve.COMMAND,
    check.COMMAND,
    explain.COMMAND,
    publish.PUBLISH,
    publish.ROLLBACK,
    publish.HISTORY,
    override.COMMAND,
    bypass.COMMAND,
    why.COMMAND,
    report.COMMAND,
    allowance.COMMAND,
    cache.COMMAND,
    learner.COMMAND,
    pac.COMMAND,
    media.COMMAND,
    night.COMMAND,
    schema.COMMAND,
    doctor.COMMAND,
    demo.COMMAND,
)

_INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main(
    argv: Sequence[str] | None = None,
    *,
    clock: Clock | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Run one command and return its exit code. argv None: this process's own."""
    words = sys.argv[1:] if argv is None else list(argv)
    out, err = out or sys.stdout, err or sys.stderr
    try:
        return _run(words, clock or SystemClock(), out, err)
    except BrokenPipeError:
        # The reader (head, less) has gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(words: Sequence[str], clock: Clock, out: TextIO, err: TextIO) -> int:
    language = language_of(words)
    logging.basicConfig(stream=err, level=logging.WARNING, format="%(message)s")
    try:
        check_command_name(words, COMMANDS)
        parser = make_parser(COMMANDS, version, language)
        args = parser.parse_args(words)
        command = next((known for known in COMMANDS if known.name == args.command), None)
        if command is None:
            print(parser.format_help(), file=out)
            return BAD_INPUT
        code = command.run(Call(args=args, language=language, clock=clock, out=out, err=err))
        out.flush()
        return code
    except SystemExit as leaving:  # argparse after --help and --version
        return leaving.code if isinstance(leaving.code, int) else OK
    except BrokenPipeError:
        raise
    except Exception as error:
        ended = _told(error, language)
        if ended is None:
            raise
        print(ended[1], file=err)
        return ended[0]


def _told(error: Exception, language: str) -> tuple[int, str] | None:
    """(exit code, text) of an error that the operator can do something about; None: a fault of Tropa's own."""
    from proxy.account.secret import SecretError
    from proxy.cli.mistakes_ru import told
    from proxy.operate.history import HistoryError

    match error:
        case PolicyFaults():
            return BAD_INPUT, "\n".join(fault.told(language) for fault in error.faults)
        case Mistake() | Wrong() | HistoryError():
            return BAD_INPUT, told(str(error), language)
        case Failure() | SecretError():
            return FAILED, told(str(error), language)
        case OSError():
            return FAILED, told(_of_the_system(error), language)
    return None


def _of_the_system(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{where}a file is where a folder should be; name another folder"
    return f"{where}{error.strerror}" if error.strerror else str(error)


def version() -> str:
    """The installed version; "unknown" where Tropa runs from a folder that was never installed."""
    from importlib import metadata  # a twentieth of a second, for those who ask

    try:
        return metadata.version("tropa")
    except metadata.PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
