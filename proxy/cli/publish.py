"""`tropa publish`, `rollback` and `history`: which version of the configuration runs."""

from __future__ import annotations

from policies.values import Text
from proxy.cli.check import failed_tests
from proxy.cli.command import BAD_INPUT, OK, Argument, Call, Command, Failure, regions_file, state_option
from proxy.cli.table import table

_UNPUBLISHED = "nothing has been published here; run tropa publish, or name the folder by --state"


def _publish(call: Call) -> int:
    from policies.load import read_catalogue
    from proxy.catalogues import publish_file
    from proxy.operate.history import history

    path, state_dir = call.args.file, call.args.state
    catalogue = read_catalogue(path)
    failed = () if call.args.no_tests else failed_tests(catalogue, path)
    if failed:
        for fault in failed:
            call.say(fault.told(call.language))
        call.remark(
            call.words(
                "Ничего не опубликовано: проверки из файла не пройдены (--no-tests публикует и так).",
                "Nothing was published: the file's own tests fail (--no-tests publishes all the same).",
            )
        )
        return BAD_INPUT
    before = {version.number for version in history(state_dir)}
    number = publish_file(path, state_dir, now=call.clock.now(), note=call.args.note)
    if number in before:
        call.say(
            call.words(f"Версия {number} уже действует, файл тот же.", f"Version {number} runs already; same file.")
        )
    else:
        call.say(
            call.words(
                f"Опубликована версия {number}. Работающая Tropa перейдёт на неё за две секунды, никого не отключая.",
                f"Version {number} is published. A running Tropa takes it over within two seconds and drops nobody.",
            )
        )
    return OK


def _rollback(call: Call) -> int:
    from proxy.operate.history import history, rollback

    if not history(call.args.state):
        raise Failure(f"{call.args.state}: {_UNPUBLISHED}")
    number = rollback(call.args.state, call.args.version)
    call.say(call.words(f"Снова действует версия {number}.", f"Version {number} runs again."))
    return OK


def _history(call: Call) -> int:
    from proxy.operate.history import history

    versions = history(call.args.state)
    if not versions and not call.args.state.is_dir():
        raise Failure(f"{call.args.state}: {_UNPUBLISHED}")
    if not versions:
        call.say(call.words("Ничего ещё не опубликовано.", "Nothing has been published yet."))
        return OK
    rows = [
        (
            "*" if version.current else "",
            str(version.number),
            f"{version.at.astimezone():%Y-%m-%d %H:%M}",
            version.fingerprint[:12],
            version.note,
        )
        for version in versions
    ]
    for line in table(rows, right=frozenset({1})):
        call.say(line)
    return OK


def _version_number(text: str) -> int:
    from policies.faults import Wrong

    if not text.isdecimal():
        raise Wrong(f"expected a version's number, got {text!r}", "tropa history lists them")
    return int(text)


_NOTE = Argument(
    names=("--note",), metavar="TEXT", default="", help=Text(ru="пометка для истории", en="a note for the history")
)

PUBLISH = Command(
    name="publish",
    summary=Text(ru="проверить файл и ввести его в действие", en="check the configuration and put it live"),
    details=Text(
        ru="Никто не отключается; прежние версии хранятся, tropa rollback возвращает их.",
        en="Nobody is dropped; earlier versions are kept and tropa rollback takes them back.",
    ),
    arguments=(
        regions_file(),
        _NOTE,
        Argument(
            names=("--no-tests",),
            flag=True,
            help=Text(
                ru="опубликовать, даже если проверки из файла не пройдены",
                en="publish though the file's own tests fail",
            ),
        ),
        state_option(),
    ),
    examples=('tropa publish regions.yaml --note "video in the attestation week"',),
    run=_publish,
)
ROLLBACK = Command(
    name="rollback",
    summary=Text(ru="вернуть прежнюю версию", en="run an earlier version again"),
    arguments=(
        Argument(
            names=("VERSION",),
            parse=_version_number,
            many="?",
            help=Text(
                ru="номер версии (по умолчанию предыдущая)", en="its number (default: the one before the running one)"
            ),
        ),
        state_option(),
    ),
    examples=("tropa rollback", "tropa rollback 7"),
    run=_rollback,
)
HISTORY = Command(
    name="history",
    summary=Text(ru="опубликованные версии; * — действующая", en="the published versions; * is the running one"),
    arguments=(state_option(),),
    run=_history,
)
