"""Write docs/reference/ from the tables in the code: commands, keys of regions.yaml, reasons, capabilities.

.venv/bin/python tools/make_reference.py            writes the pages
.venv/bin/python tools/make_reference.py --check    exit code 1 where a page isn't what the code says
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policies.capability import matrix
from policies.explain import codes
from policies.schema.reference import KeyReference, SectionReference, sections
from policies.values import Mode
from proxy.cli.command import Argument, Command
from proxy.cli.main import COMMANDS
from proxy.cli.parser import EXIT_CODES, LANG_HELP, VERSION_HELP
from proxy.transforms.media.recipes import RECIPES

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
_MADE = "<!-- Made by tools/make_reference.py from the code's own tables: change those, not this page. -->"


def pages() -> Mapping[str, str]:
    """Every page by its file name."""
    return {
        "command-line.md": _page("Command line", _command_line()),
        "policy-language.md": _page("The policy language", _policy_language()),
        "reasons.md": _page("Reasons", _reasons()),
        "capabilities.md": _page("What can be enforced in which mode", _capabilities()),
        "media-recipes.md": _page("Media recipes", _media_recipes()),
    }


def _page(title: str, lines: Iterable[str]) -> str:
    text = "\n".join((f"# {title}", _MADE, "", *lines))
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield "|" + "---|" * len(headings)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
    yield ""


# -- commands --------------------------------------------------------------------------------------------------


def _command_line() -> Iterator[str]:
    yield "What a command prints is in English, or in Russian where `LC_ALL` or `LANG` begins with `ru`."
    yield "A running process logs in English."
    yield ""
    yield f"{EXIT_CODES.en} Results go to stdout, remarks and errors to stderr."
    yield ""
    yield from _table(
        ("option", "what it does"),
        (("`--lang ru|en`", f"{LANG_HELP.en}; before or after the command"), ("`--version`", VERSION_HELP.en)),
    )
    yield from _table(
        ("command", "what it does"),
        ((f"[`tropa {command.name}`](#tropa-{command.name})", command.summary.en) for command in COMMANDS),
    )
    for command in COMMANDS:
        yield from _command(command)


def _command(command: Command) -> Iterator[str]:
    yield f"## tropa {command.name}"
    yield f"{_capital(command.summary.en)}. {' '.join(command.details.en.split())}".strip()
    yield ""
    yield from ("```", f"tropa {command.name} {' '.join(_usage(argument) for argument in command.arguments)}".rstrip())
    yield from ("```", "")
    if command.arguments:
        rows = ((f"`{_shown(argument)}`", argument.help.en, _choices(argument)) for argument in command.arguments)
        yield from _table(("argument", "meaning", "one of"), rows)
    if command.examples:
        yield from ("```sh", *command.examples, "```", "")


def _shown(argument: Argument) -> str:
    return f"{', '.join(argument.names)} {argument.metavar or ''}".strip()


def _usage(argument: Argument) -> str:
    name = f"{argument.names[-1]} {argument.metavar or ''}".strip()
    optional = argument.many if not argument.is_option else not argument.required
    return f"[{name}]" if optional else name


def _choices(argument: Argument) -> str:
    return ", ".join(f"`{choice}`" for choice in argument.choices)


# -- the policy language ---------------------------------------------------------------------------------------


def _policy_language() -> Iterator[str]:
    yield "Every key of `regions.yaml`, of a policy and of a preset. `tropa schema` prints the same as a JSON Schema."
    yield ""
    yield "Times need no quotes. 1 kB is 1,000 bytes and 1 MB 1,000,000, as operators count; KiB and MiB are binary."
    yield "Top-level keys that begin with `x-` are free for anchors. A key that isn't here is a fault, with the nearest"
    yield "known one as the cure."
    yield ""
    known = sections()
    for section in known:
        yield from _section(section)


def _section(section: SectionReference) -> Iterator[str]:
    yield f"## {section.name}"
    yield section.description
    yield ""
    yield from _table(("key", "meaning", "value"), ((_key(key), key.description, _value(key)) for key in section.keys))


def _key(key: KeyReference) -> str:
    return f"`{key.key}`" + (" (required)" if key.required else "")


def _value(key: KeyReference) -> str:
    if key.section:
        link = f"[{key.section}](#{key.section.replace('.', '')})"
        return {"list": f"list of {link}", "names": f"name: {link}"}.get(key.many, link)
    if key.words:
        return ", ".join(f"`{word}`" for word in key.words)
    return f"as `{key.example}`" if key.example else ""


# -- reasons and capabilities ----------------------------------------------------------------------------------


def _reasons() -> Iterator[str]:
    yield "Why a decision is what it is. The code stands in `tropa explain`, the log and the header"
    yield "`Tropa-Decision`; the sentence is what IT staff read. A word in braces is a parameter of the reason."
    yield ""
    rows = ((f"`{code}`", text.en, text.ru) for code, text in codes().items())
    yield from _table(("code", "English", "Russian"), rows)


def _capabilities() -> Iterator[str]:
    yield "A tunnel is an undecrypted `CONNECT`: only its host, the clock, budgets and metering are left."
    yield "`tropa explain --mode tunnel` says what of a policy can't be enforced there."
    yield ""
    rows = (
        (f"`{row.rule}`", row.title.en, *("yes" if mode in row.modes else "—" for mode in Mode)) for row in matrix()
    )
    yield from _table(("rule", "what it is", *(mode.value for mode in Mode)), rows)


# -- media -----------------------------------------------------------------------------------------------------

_UNITS = {"px": "pixels", "bps": "bits a second", "fps": "frames a second", "s": "seconds", "dpi": "dots an inch"}


def _media_recipes() -> Iterator[str]:
    yield "What each recipe is told, and what it is told where a policy says nothing; `tropa media` runs the same."
    yield "A policy's keys and what they do: [Tune media](../how-to/tune-media.md). Where a recipe's version rises,"
    yield "what was made by the one before is made anew when it is asked for."
    yield ""
    for recipe, line in RECIPES.items():
        yield f"## {recipe.value}"
        yield " ".join((line.spec.__doc__ or "").split())
        yield ""
        second = "a simpler way is tried" if line.simpler is not None else "nothing simpler is tried"
        share = "never larger than its source" if line.smaller else "made piece by piece"
        yield f"Version {line.version}; {share}; where a tool fails {second}."
        yield ""
        yield from _table(("told", "in", "usually"), (_told(one) for one in fields(line.spec)))


def _told(one: Field[object]) -> tuple[str, str, str]:
    unit, usual = _UNITS.get(one.name.rpartition("_")[2], ""), one.default
    if is_dataclass(usual):
        parts = ((part.name, getattr(usual, part.name)) for part in fields(usual))
        return f"`{one.name}`", "", ", ".join(f"`{name}` {value}" for name, value in parts if not is_dataclass(value))
    return f"`{one.name}`", unit, "yes" if usual is True else "no" if usual is False else f"{usual}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# -- running it ------------------------------------------------------------------------------------------------


def stale(folder: Path = FOLDER) -> tuple[str, ...]:
    """Names of the pages that aren't what the code says."""
    return tuple(
        name
        for name, text in pages().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    )


def main(words: Sequence[str]) -> int:
    if "--check" in words:
        for name in stale():
            print(f"docs/reference/{name} isn't what the code says: run tools/make_reference.py", file=sys.stderr)
        return 1 if stale() else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
