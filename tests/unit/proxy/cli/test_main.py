"""What the operator sees of any command: help, language, exit codes, and no stack trace for a mistake."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.cli.command import Command
from proxy.cli.main import COMMANDS, version
from proxy.cli.parser import language_of
from tests.unit.proxy.cli.commands import REGIONS, regions_file, tropa

PROMISED = {
    "serve", "check", "explain", "why", "report", "publish", "rollback", "history", "override", "bypass", "schema",
    "pac", "doctor", "demo", "media", "allowance", "learner", "night", "cache",
}  # fmt: skip


def test_every_promised_command_is_there() -> None:
    assert {command.name for command in COMMANDS} == PROMISED


def test_the_version_is_the_package_s() -> None:
    ran = tropa("--version")
    assert ran.code == 0
    assert version() != "unknown"


def test_no_command_at_all_shows_what_there_is() -> None:
    ran = tropa()
    assert ran.code == 2
    assert "explain" in ran.out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_word_of_a_command_is_in_both_languages(command: Command) -> None:
    texts = [command.summary, *(argument.help for argument in command.arguments)]
    if command.details.ru or command.details.en:
        texts.append(command.details)
    for text in texts:
        assert text.ru and text.en, text
        assert not re.search("[а-яё]", text.en.lower()), text


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_speaks_the_reader_s_language(command: Command, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    ran = tropa("--lang", language, command.name, "--help")
    shown = capsys.readouterr().out
    assert ran.code == 0
    assert ("Вызов: " if language == "ru" else "Usage: ") in shown
    for argument in command.arguments:
        assert argument.names[-1] in shown


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_ALL": "ru_RU"}, "ru"),
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_locale_chooses_the_language(environment: dict[str, str], language: str) -> None:
    assert language_of(["check"], environment) == language


def test_an_option_chooses_it_over_the_locale() -> None:
    assert language_of(["check", "--lang=en"], {"LANG": "ru_RU"}) == "en"
    assert language_of(["--lang", "ru", "check"], {}) == "ru"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chek"], "did you mean check?"),
        (["check", "--no-test"], "unrecognized arguments: --no-test"),
        (["explain", "https://lms.example.org/"], "--region"),
        (["explain", "https://lms.example.org/", "--region", "koryak", "--mode", "sideways"], "sideways"),
        (["override", "--region", "koryak", "--policy", "open", "--for", "soon"], "expected a length of time like 48h"),
        (["report", "--by", "regoin"], "did you mean region?"),
        (["rollback", "last"], "expected a version's number"),
        (["bypass", "maybe"], "maybe"),
    ],
)
def test_a_slip_of_the_keyboard_is_answered_in_a_line(words: list[str], told: str) -> None:
    ran = tropa(*words)
    assert ran.code == 2
    assert told in ran.err
    assert "Traceback" not in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["publish", "override", "bypass"])
def test_a_state_folder_that_can_not_be_written_is_a_line_and_not_a_trace(command: str, tmp_path: Path) -> None:
    regions, state = regions_file(tmp_path), tmp_path / "state"
    state.write_text("a file stands where the folder should be")
    words = {
        "publish": ["publish", regions],
        "override": ["override", "--region", "koryak", "--policy", "open", "--for", "1h"],
        "bypass": ["bypass", "on", "lms"],
    }[command]
    ran = tropa(*words, "--state", state)
    assert ran.code == 1
    assert str(state) in ran.err
    assert "Traceback" not in ran.err


def test_a_reader_that_leaves_early_is_no_error() -> None:
    script = f"{sys.executable} -m proxy.cli.main schema | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def process(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """One run of the command as a process of its own."""
    spoken = [sys.executable, "-m", "proxy.cli.main", *(str(word) for word in words)]
    return subprocess.run(spoken, capture_output=True, text=True, timeout=60)


def test_serve_says_in_a_line_that_its_file_is_not_there(tmp_path: Path) -> None:
    done = process("serve", "--regions", tmp_path / "nowhere.yaml", "--state", tmp_path / "state")
    assert done.returncode == 2
    assert "can't be read: no such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_says_in_a_line_that_its_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        path = regions_file(tmp_path, REGIONS.replace(":8101", f":{port}"))
        done = process("serve", "--regions", path, "--state", tmp_path / "state")
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_the_table_of_commands_loads_nothing_heavy() -> None:
    heavy = ("pydantic", "yaml", "aiohttp", "PIL", "babel", "jinja2", "apscheduler", "sqlite3")
    script = f"import sys, proxy.cli.main; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
